/* SPDX-License-Identifier: MIT */
/* The entries of tc_api that give a handler what it shares with itself in other
 * processes: memory, and figures. */
#ifndef TINCAN_PLUGIN_STATE_H
#define TINCAN_PLUGIN_STATE_H

#include <stddef.h>

#include "tincan/handler.h"

void *state_shared(tc_conf *cf, const char *name, size_t size);
tc_metric *state_metric(tc_conf *cf, int kind, const char *name, const char *help);
void state_add(tc_metric *m, double value);
void state_set(tc_metric *m, double value);

#endif

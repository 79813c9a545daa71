/* SPDX-License-Identifier: MIT */
/* The table behind tc.ext("tincan.metrics/1"): the scoreboard as named figures. */
#ifndef TINCAN_IPC_METRICS_H
#define TINCAN_IPC_METRICS_H

#include "ipc/scoreboard.h"
#include "tincan/metrics.h"

/* The board that the table shows, from now on; borrowed. */
void metrics_show(const struct scoreboard *board);

/* The table of that id, or NULL: the ext of struct plugin_services. */
const void *metrics_ext(const char *id);

#endif

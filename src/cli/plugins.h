/* SPDX-License-Identifier: MIT */
/* The table of plugins, for the commands that print it. */
#ifndef TINCAN_CLI_PLUGINS_H
#define TINCAN_CLI_PLUGINS_H

#include "control/call.h"

/* Prints the member "plugins" of a reply on stdout. */
void plugins_print(const json_t *reply);

#endif

/* SPDX-License-Identifier: MIT */
/* What the master does at the word of the control socket. */
#ifndef TINCAN_MASTER_COMMANDS_H
#define TINCAN_MASTER_COMMANDS_H

#include "control/control.h"

/* A control_fn; arg is the struct master. */
void command_run(void *arg, struct control_client *client, const char *command,
    const char *name);

#endif

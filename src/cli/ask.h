/* SPDX-License-Identifier: MIT */
/* What the commands that talk to the running server share. Boot only. */
#ifndef TINCAN_CLI_ASK_H
#define TINCAN_CLI_ASK_H

#include <stdbool.h>

#include "cli/cli.h"
#include "control/call.h"

#define ASK_GO_ON (-1)

/*
 * Sends the command to the server that runs with that configuration.
 *
 * @param must_run	that no server runs is a failure; else *reply is NULL then
 * @return ASK_GO_ON with *reply, owned by the caller; or the exit status, all being said
 */
int ask_server(const struct cli *cli, bool must_run, json_t **reply);

/*
 * Shows a reply (taken): by print if it is "ok", its problems on stderr if not, or all of
 * it as it is if the command line says so. Returns the exit status.
 */
int ask_show(const struct cli *cli, json_t *reply, void (*print)(const json_t *reply));

/* The two together. */
int ask_and_show(const struct cli *cli, void (*print)(const json_t *reply));

/* Of a member: its text, or "" if there is none; its number, or 0. */
const char *ask_text(const json_t *object, const char *key);
long long ask_number(const json_t *object, const char *key);

#endif

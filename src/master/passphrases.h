/* SPDX-License-Identifier: MIT */
/*
 * The passphrases of encrypted keys: what the commands print that the configuration names
 * for that. Each writes into a memory of its own that preflight and keeper read; the
 * master has but the descriptor. Lifetime: until the keeper has the keys.
 */
#ifndef TINCAN_MASTER_PASSPHRASES_H
#define TINCAN_MASTER_PASSPHRASES_H

#include <stddef.h>

#include "config/config.h"
#include "os/loop.h"

#define PASSPHRASES_WAIT_MS 10000	/* for a command */

struct passphrases;

/* Runs the commands, once for certificates that have key and command in common. done(arg)
 * comes in a later round of the loop, when all have ended. The config is borrowed. */
struct passphrases *passphrases_start(struct loop *loop, const struct config *config,
    void (*done)(void *arg), void *arg);

/* Ends what still runs, and wipes what there is. NULL is accepted. */
void passphrases_free(struct passphrases *passphrases);

/* For that certificate of the config: its passphrase, to be read by tls/passphrase.h; -1:
 * there is none. With passphrases of NULL there are none. */
int passphrases_fd(const struct passphrases *passphrases, size_t certificate);

/* Why its command was of no use; NULL: it was, or there is none. */
const char *passphrases_failure(const struct passphrases *passphrases,
    size_t certificate);

#endif

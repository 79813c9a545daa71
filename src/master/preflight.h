/* SPDX-License-Identifier: MIT */
/*
 * The preflight: a throw-away process that reads certificates and private keys as a
 * worker will, makes the development certificate if need be, reports what is wrong, and
 * ends. So no key is ever in the master's memory.
 */
#ifndef TINCAN_MASTER_PREFLIGHT_H
#define TINCAN_MASTER_PREFLIGHT_H

#include "base/error.h"
#include "config/config.h"
#include "master/passphrases.h"

/*
 * Adds what is wrong to problems; says which certificates are broken, and what the others
 * show. Waits for the process: some milliseconds, half of one per key.
 *
 * @param passphrases	of the encrypted keys
 */
void preflight_run(struct config *config, const struct passphrases *passphrases,
    struct problems *problems);

#endif

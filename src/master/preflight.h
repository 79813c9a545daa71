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
#include "os/loop.h"

struct preflight;

/*
 * Starts the process. Before done(arg), which comes in a later round of the loop, what is
 * wrong is added to problems, and config says which certificates are broken and what the
 * others show. All is borrowed until then; passphrases, those of the encrypted keys, for
 * the call.
 */
struct preflight *preflight_start(struct loop *loop, struct config *config,
    const struct passphrases *passphrases, struct problems *problems,
    void (*done)(void *arg), void *arg);

/* In done(arg), or to end it before that comes. NULL is accepted. */
void preflight_free(struct preflight *preflight);

#endif

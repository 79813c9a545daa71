/* SPDX-License-Identifier: MIT */
/*
 * Jobs of a handler that block (tc.run): they run on the threads of its plugin, and what
 * comes of them is told on the loop. Lifetime: until that is told; the instance stays as
 * long.
 */
#ifndef TINCAN_PLUGIN_RUN_H
#define TINCAN_PLUGIN_RUN_H

#include "os/loop.h"

#define RUN_QUEUE 1024		/* jobs that wait for a thread */

struct instance;

/* Calls work(arg) on a thread, then done(arg), unless that is NULL, on the loop.
 * ERR_LIMIT: too many wait; ERR_NOMEM, ERR_SYSTEM: there can be no thread. */
int run_start(struct instance *instance, struct loop *loop, void (*work)(void *arg),
    void (*done)(void *arg), void *arg) MUST_USE;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A handler that blocks has its host to itself: while it runs, the loop stands still. So
 * what it says goes out as it is said, and when too much waits for the client, it is here
 * that it waits. Of what the peer says meanwhile only what is about its call is taken;
 * the rest has its turn when it has returned.
 */
#ifndef TINCAN_HOST_BLOCKED_H
#define TINCAN_HOST_BLOCKED_H

#include "base/error.h"

struct host;
struct job;

/* The plugin is loaded: does its handler block? */
void blocked_init(struct host *host);

/* Its reply has started or grown: sends what its window lets through, and hears if the
 * client has left. What goes wrong shows again when it has returned. */
void blocked_say(struct job *job);

/* Waits until the client has taken enough for the next write. ERR_CLOSED: nobody takes
 * any more; ERR_LIMIT: the peer has said too much else meanwhile; ERR_SYSTEM;
 * ERR_NOMEM. */
int blocked_wait(struct job *job) MUST_USE;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Does a host stand still? A call has a time of its own; a timer, or a callback of a
 * stream, keeps nobody waiting who has one, and yet all others. So a remote looks at its
 * host's page once a second while the host has something to do. For this room alone.
 */
#ifndef TINCAN_REMOTE_WATCH_H
#define TINCAN_REMOTE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct remote;

void watch_init(struct remote *remote);
void watch_release(struct remote *remote);

/* There is something to do; no callback of the plugin may take longer than that. */
void watch_begin(struct remote *remote, uint32_t timeout_ms);

/* Has it been in such a callback for too long? */
bool watch_is_stuck(const struct remote *remote);

/* Has the master kill the host, if there is one. */
void watch_kill(const struct remote *remote);

#endif

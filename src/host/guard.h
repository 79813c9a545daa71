/* SPDX-License-Identifier: MIT */
/*
 * The ways in which a plugin can end its host, as far as they can be told from inside: a
 * fatal signal is written into the page, with a backtrace, and so is a call of exit().
 * A child that a plugin forks is cut off from socket and page.
 */
#ifndef TINCAN_HOST_GUARD_H
#define TINCAN_HOST_GUARD_H

#include <stdbool.h>

#include "ipc/page.h"

/* Installs all of it; before any code of the plugin runs. Both are borrowed for ever. */
void guard_init(int socket_fd, struct page *page);

/* Tells where the plugin is: address is any in its file's mapping. */
void guard_plugin(const void *address);

/* Is this process one that the plugin has forked from the host? */
bool guard_is_child(void);

/* From here on the end is our own doing. */
void guard_leave(void);

#endif

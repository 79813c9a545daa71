/* SPDX-License-Identifier: MIT */
/*
 * What threads post to the loop of an instance (tc.loop, tc.post): a tc_loop is its
 * mailbox. Any thread may post at any time, also when the instance is gone: a mailbox is
 * made at the first tc.loop and kept for the life of the process.
 */
#ifndef TINCAN_PLUGIN_POST_H
#define TINCAN_PLUGIN_POST_H

#include <stdbool.h>

#include "os/loop.h"
#include "tincan/handler.h"

#define MAILBOX_MAX 65536	/* posts that wait in one */

struct instance;

/* [any thread] The instance's, made if it has none yet. NULL: out of memory. */
tc_loop *mailbox_of(struct instance *instance, struct loop *loop);

/* [any thread] As tc.post. */
int mailbox_post(tc_loop *mailbox, void (*fn)(void *arg), void *arg);

/* Nothing more is taken in. What waits is called now or, without delivery, dropped.
 * Harmless for an instance without one. */
void mailbox_close(struct instance *instance, bool delivery);

#endif

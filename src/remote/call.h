/* SPDX-License-Identifier: MIT */
/* The calls of a remote. For this room alone. */
#ifndef TINCAN_REMOTE_CALL_H
#define TINCAN_REMOTE_CALL_H

#include "ipc/frame.h"
#include "ipc/page.h"
#include "remote/remote.h"

void calls_init(struct remote *remote);

/* Fails all with 503. */
void calls_release(struct remote *remote);

/* A frame about a call: ERR_PROTOCOL if it is not one that may come now. */
int call_take_frame(struct remote *remote, const struct frame *frame) MUST_USE;

/* The host is dead: the running call is lost, and so are as many of the first as it had
 * answered unheard; those not begun wait for the next host. */
void calls_host_died(struct remote *remote, const struct page *page, uint64_t unheard);

void calls_send_waiting(struct remote *remote);
void calls_refuse_waiting(struct remote *remote);

/* The link is crowded no more: bodies that stream go on. */
void calls_go_on(struct remote *remote);

/* The id of that call's request, whose client may have left; or NULL. */
const char *call_request(const struct remote *remote, uint64_t id);

#endif

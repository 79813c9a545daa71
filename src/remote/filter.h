/* SPDX-License-Identifier: MIT */
/*
 * A filter that runs in a host, seen from a worker: a call whose exchange is the outer
 * one of a stage. It ends with its request, or when it has answered that itself.
 *
 *	FILTER --NEXT--> behind --START--> on_reply --PASS--> the worker has the body
 *	   \-- a reply                        \         \---> DATA there, a reply here
 *	                                       \-- a reply in its place
 *
 * One without an on_filter is not waited for: the request goes on as FILTER is sent.
 *
 * For this room alone.
 */
#ifndef TINCAN_REMOTE_FILTER_H
#define TINCAN_REMOTE_FILTER_H

#include "exchange/exchange.h"
#include "ipc/frame.h"

struct call;

/* The call, which is new, is a filter's. */
void filter_begin(struct call *call);

/* The host has it, or will: one that is not asked lets its request go on. */
void filter_sent(struct call *call);

/* The call has nothing to do with its stage any more, if it had. */
void filter_part(struct call *call);

/* The exchange has moved: if it is a filter's, the stage goes on. */
void filter_wake(struct exchange *exchange);

/* A reply of the host is about to be taken. ERR_PROTOCOL: not now. Of a handler: 0. */
int filter_may_answer(struct call *call) MUST_USE;

/* The frames. */
int filter_take_next(struct call *call, const struct frame *frame) MUST_USE;
int filter_take_pass(struct call *call, const struct frame *frame) MUST_USE;

#endif

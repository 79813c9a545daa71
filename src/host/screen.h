/* SPDX-License-Identifier: MIT */
/*
 * A filter's part in a call: the job's exchange is the outer one of its stage; the inner
 * one is fed by what the peer says of the reply from behind. Lifetime: its job's.
 */
#ifndef TINCAN_HOST_SCREEN_H
#define TINCAN_HOST_SCREEN_H

#include <stdbool.h>

#include "base/error.h"
#include "ipc/frame.h"

struct host;
struct job;
struct screen;

/* Has the job's instance filter its request. NULL: out of memory, and it is answered
 * 503. */
struct screen *screen_begin(struct job *job);

/* Before the exchange is used again: the filter's last call; and behind that. Both accept
 * NULL. */
void screen_end(struct screen *screen);
void screen_free(struct screen *screen);

/* Has on_filter let the request go on? Then NEXT is sent, unless it was before. */
bool screen_go_on(struct screen *screen);

/* Is the reply that from behind? Does its body come through here? */
bool screen_passes(const struct screen *screen);
bool screen_has_body(const struct screen *screen);

/* The peer may send as much more of the body as the filter has taken. */
int screen_grant(struct screen *screen) MUST_USE;

/* The frames of the peer: START, DATA, END. */
int screen_take_start(struct host *host, const struct frame *frame) MUST_USE;
int screen_take_data(struct host *host, const struct frame *frame) MUST_USE;
int screen_take_end(struct host *host, const struct frame *frame) MUST_USE;

#endif

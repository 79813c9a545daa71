/* SPDX-License-Identifier: MIT */
/* What call.c and filter.c share: a call. For these two alone. */
#ifndef TINCAN_REMOTE_CALL_STATE_H
#define TINCAN_REMOTE_CALL_STATE_H

#include "remote/state.h"

enum call_state { CALL_WAITING, CALL_SENT, CALL_LATER, CALL_STARTED };

struct stage;

struct call {
	struct list link;	/* in remote.waiting or remote.sent */
	struct timer timer;
	struct remote *remote;
	struct exchange *exchange;	/* NULL: nobody waits for it any more */
	struct stage *stage;	/* of a filter, until it has no more to say or hear */
	uint64_t id;
	uint32_t instance;
	uint32_t timeout_ms;
	uint64_t tick;		/* of the host's loop, when it was told to forget it */
	uint32_t in_flight;	/* bytes of DATA that the client has not taken */
	int32_t credit;		/* bytes of BODY, or of a filter's DATA, that it takes */
	bool streams;		/* the request's body does */
	bool wants_reply;	/* a filter: to see it, */
	bool wants_body;	/* and this, too; */
	bool body_sent;		/* that is done */
	uint8_t state;
	uint8_t deaths;
	uint8_t extensions;
	uint16_t files;		/* descriptors that came for its reply */
	char request[EXCHANGE_ID_BYTES];	/* its id, for the log */
};

/* Counts the first answer of its host, for its end. */
void call_count_answer(const struct call *call);

void call_set_timer(struct call *call, int64_t ms);

/* CANCEL with these flags; the host then has a moment to answer. */
void call_cancel(struct call *call, unsigned flags);

#endif

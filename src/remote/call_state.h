/* SPDX-License-Identifier: MIT */
/* What call.c, call_frames.c and filter.c share: a call. For these alone. */
#ifndef TINCAN_REMOTE_CALL_STATE_H
#define TINCAN_REMOTE_CALL_STATE_H

#include "remote/state.h"

/* A host that is late, or has something to settle, gets this long for it. */
#define CALL_KILL_MS 2000

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

/* The call of that id, or NULL. */
struct call *call_find(const struct remote *remote, uint64_t id);

/* Its exchange has nothing to do with it any more, if it had. */
void call_detach(struct call *call);

/* Answers for the host, if anybody waits; the call itself may go on. */
void call_fail(struct call *call, int status, const char *reason);

/* The id is free again: frees the call, and says so if the remote is idle now. */
void call_end(struct call *call);

/* Of a handler that blocks: is it the one that its host is busy with? It is no more. */
bool call_occupies(const struct call *call);
void call_vacate(const struct call *call);

/* Counts the first answer of its host, for its end. */
void call_count_answer(const struct call *call);

/* When it is late; ms from now. */
void call_set_timer(struct call *call, int64_t ms);

/* One that says its reply while it runs has the same time for each next piece. */
void call_go_on(struct call *call);

/* The host can take more of the body. */
void call_resume(struct call *call);

/* CANCEL with these flags; the host then has a moment to answer. */
void call_cancel(struct call *call, unsigned flags);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * An exchange: one request and its reply, whatever protocol brought it and wherever
 * its handler runs. It is the one seam of the server:
 *
 *	HTTP/1 session  --fills request, body-->             --calls-->  handler
 *	(later HTTP/2)  <--takes reply, pieces--  exchange   <--reply, write, end--
 *
 * The protocol side sets ops and calls exchange_take_*; the handler side calls the
 * reply functions. Neither knows the other. An exchange belongs to one loop; none
 * of this is thread-safe. Lifetime: request.
 */
#ifndef TINCAN_EXCHANGE_EXCHANGE_H
#define TINCAN_EXCHANGE_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "exchange/pieces.h"
#include "http/message.h"
#include "route/router.h"

#define EXCHANGE_MEMORY (1 << 20)	/* bytes of a request's own memory */
#define EXCHANGE_ID_BYTES 17		/* 16 hexadecimal digits and NUL */

struct exchange;

/* What the protocol side does when the handler side has moved. */
struct exchange_ops {
	/* There is something new to take: the reply has started, grown or ended; once for
	 * a whole reply. Called from inside the handler's call: make a note of it and
	 * take later, the exchange must outlive the callback. */
	void (*wake)(struct exchange *exchange);
	/* A fact of the connection for tc.info, NUL-terminated, or NULL. */
	const char *(*info)(const struct exchange *exchange, const char *key);
	/* Where a handler side may keep what it makes of those facts, which stay as they
	 * are for the connection's life. NULL, as a function or as its result:
	 * nowhere. */
	struct buffer *(*facts)(const struct exchange *exchange);
};

enum exchange_state {
	EXCHANGE_OPEN,		/* no reply yet */
	EXCHANGE_STARTED,	/* status and header are fixed, pieces may follow */
	EXCHANGE_ENDED,		/* the reply is complete */
	EXCHANGE_BROKEN		/* the reply cannot be completed: cut the connection */
};

struct exchange {
	struct arena arena;
	struct request request;
	struct buffer body;		/* of the request; see exchange_init */
	struct reply reply;
	struct pieces pieces;		/* of the reply's body, not yet taken */
	int64_t written;		/* bytes of the reply's body so far */
	enum exchange_state state;
	struct router_match match;
	void *instance;			/* the handler's; plugin/instance.h. NULL: ours */
	const struct exchange_ops *ops;
	void *session;			/* the protocol side's; NULL once it is gone */
	/* Set by a handler side that answers later: the exchange is dropped, forget it */
	void (*cancel)(struct exchange *exchange);
	void *call;			/* that handler side's own */
	void *origin; /* the worker's: the generation that it is served by */
	/* It asks for a WebSocket, and a handler has that: a reply can only refuse it,
	 * with a status from 300 on. */
	bool upgrade;
	char id[EXCHANGE_ID_BYTES];
	int64_t started_us;		/* monotonic; when the header was complete */
	int64_t deadline_ms;	/* monotonic; until then it must have started */
	void *data;		/* the slot of the plugin, where its code runs */
};

/*
 * Ready for a session's first request. The exchange is all zero, or was used before (one
 * from a list of free ones): its memory is then kept.
 *
 * The protocol side calls request_init, with the exchange's arena, before it reads. It
 * sets the max of body (one more than a body may have) and fills it; when the body is
 * complete it puts a NUL behind, without committing it, so that handlers may read text.
 */
void exchange_init(struct exchange *exchange, const struct exchange_ops *ops,
    void *session);

/* Drops request and reply, closes what was not taken; ready for the session's next
 * request, memory kept. */
void exchange_reset(struct exchange *exchange);

/* Frees its memory, but not the struct. */
void exchange_release(struct exchange *exchange);

/*
 * The handler side. All: ERR_INVALID in the wrong state or for bytes or a status that
 * HTTP does not allow, ERR_LIMIT past EXCHANGE_MEMORY, ERR_NOMEM; then nothing is done.
 *
 * Bytes are counted, but not kept, for a HEAD. A reply that never has a body (204, 205,
 * 304) refuses them with ERR_INVALID.
 */

/* Fixes status (200..599), header and type (NULL: the Content-Type that was set). */
int exchange_start(struct exchange *exchange, int status, const char *type) MUST_USE;
/* A copy of the bytes; size 0 is allowed and does nothing. */
int exchange_write(struct exchange *exchange, const void *data, size_t size) MUST_USE;
/* Without a copy; release(arg) is called once, whatever the result. */
int exchange_write_ref(struct exchange *exchange, const void *data, size_t size,
    void (*release)(void *), void *arg) MUST_USE;
/* Takes fd, whatever the result. */
int exchange_write_file(struct exchange *exchange, int fd, int64_t offset, int64_t size)
    MUST_USE;
/* Completes the reply. With fewer bytes than its Content-Length said it is
 * EXCHANGE_BROKEN, and the result ERR_INVALID. */
int exchange_end(struct exchange *exchange) MUST_USE;

/* The whole reply in one call, its length known: copied, by reference, from a file. */
int exchange_reply(struct exchange *exchange, int status, const char *type,
    const void *data, size_t size) MUST_USE;
int exchange_reply_ref(struct exchange *exchange, int status, const char *type,
    const void *data, size_t size, void (*release)(void *), void *arg) MUST_USE;
int exchange_reply_file(struct exchange *exchange, int status, const char *type, int fd,
    int64_t offset, int64_t size) MUST_USE;

/* A short plain-text reply of the server's own: "404 Not Found: reason"; one that is not
 * the client's fault also has the request's id, to be found in the log. Drops what was
 * put into an unstarted reply but its Allow and Retry-After; a started one is broken. */
void exchange_fail(struct exchange *exchange, int status, const char *reason);

/*
 * Fields of the reply, while it is EXCHANGE_OPEN; set replaces all of that name, with
 * value NULL it takes them out. Framing is the protocol's: Connection, Transfer-Encoding
 * and the like are ERR_INVALID. A Content-Length goes to reply.content_length and is held
 * against what is written. Trailer fields may still be added to a started reply.
 */
int exchange_set_header(struct exchange *exchange, const char *name, const char *value)
    MUST_USE;
int exchange_add_header(struct exchange *exchange, const char *name, const char *value)
    MUST_USE;
int exchange_add_trailer(struct exchange *exchange, const char *name, const char *value)
    MUST_USE;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * An exchange: one request and its reply, whatever protocol brought it and wherever
 * its handler runs. It is the one seam of the server:
 *
 *	HTTP session  --fills request-->            --calls, body, drain, gone-->  handler
 *	              <--takes reply----  exchange  <--reply, write, end--
 *
 *	OPEN --start--> STARTED --end--> ENDED		reply: all three at once
 *	   \--abort----------\--------> BROKEN
 *
 * The protocol side sets ops, takes the reply once it has started, and lets go with
 * exchange_part: when all of it is written, or when the peer has left before. The handler
 * side calls the reply functions, at once or later; a handler that answers later holds
 * the exchange (exchange_hold) until it has finished it, exactly once: by a reply, by
 * exchange_end or by exchange_abort. Whichever side lets go last, the exchange is its
 * owner's (the worker's, the job's) to be used again.
 *
 * Neither side knows the other. An exchange belongs to one loop; none of this is
 * thread-safe. Lifetime: request.
 */
#ifndef TINCAN_EXCHANGE_EXCHANGE_H
#define TINCAN_EXCHANGE_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "exchange/edits.h"
#include "exchange/pieces.h"
#include "exchange/upload.h"
#include "http/message.h"
#include "route/router.h"

#define EXCHANGE_MEMORY (1 << 20)	/* bytes of a request's own memory */
#define EXCHANGE_WRITE_MAX (1 << 20)	/* bytes of one copy */
/* Copies that wait for the peer: no write is taken when there are more; later, one that
 * was refused is told when there are as few. */
#define EXCHANGE_HIGH (256 * 1024)
#define EXCHANGE_LOW (64 * 1024)
/* The same while the handler runs for the first time, as it may want to answer at once,
 * and then cannot wait. */
#define EXCHANGE_FIRST (1 << 20)
#define EXCHANGE_ID_BYTES 17		/* 16 hexadecimal digits and NUL */

struct exchange;
struct stage;

/* What the protocol side does when the handler side has moved. */
struct exchange_ops {
	/* There is something new to take: the reply has started, grown, ended or is
	 * broken; once for a whole reply. Or the handler takes again of a body that
	 * streams (upload_go_on). Called from inside the handler's call, also
	 * long after the request: make a note of it and take later, the exchange must
	 * outlive the callback. */
	void (*wake)(struct exchange *exchange);
	/* A write finds too much waiting, and the handler that runs for the first time
	 * may block: returns when there is room, or not 0 (as exchange_write) if there
	 * will be none. NULL: no handler may block here. */
	int (*wait)(struct exchange *exchange);
	/* A fact of the connection for tc.info, NUL-terminated, or NULL. */
	const char *(*info)(const struct exchange *exchange, const char *key);
	/* Where a handler side may keep what it makes of those facts, which stay as they
	 * are for the connection's life. NULL, as a function or as its result:
	 * nowhere. */
	struct buffer *(*facts)(const struct exchange *exchange);
	/* Has the peer shown what is demanded of clients of that host (from
	 * hostname_normal)? NULL: nothing is demanded of anybody. */
	bool (*admits)(const struct exchange *exchange, struct slice host);
};

/* What the handler side is told when the protocol side has moved. It may call the reply
 * functions from in there. */
struct exchange_handler_ops {
	/* A write was refused with ERR_AGAIN; now EXCHANGE_LOW or less waits. */
	void (*drain)(struct exchange *exchange);
	/* Nobody waits for the rest of the reply: the peer has left, or the server has
	 * answered (504). Once, and the last call. Who holds the exchange has still to
	 * finish it; who does not forgets it here. */
	void (*gone)(struct exchange *exchange);
	/* The next bytes of a body that streams, borrowed; last, maybe of size 0, once.
	 * NULL: it comes whole, or not at all. */
	void (*body)(struct exchange *exchange, struct slice bytes, bool last);
};

enum exchange_state {
	EXCHANGE_OPEN,		/* no reply yet */
	EXCHANGE_STARTED,	/* status and header are fixed, pieces may follow */
	EXCHANGE_ENDED,		/* the reply is complete */
	/* The reply cannot be completed: the peer must see that. With reply.status 0
	 * there is none at all; else it had started, and what there is may be sent. */
	EXCHANGE_BROKEN,
	EXCHANGE_GONE		/* the protocol side has let go */
};

struct exchange {
	struct arena arena;
	struct request request;
	struct buffer body;	/* of the request; see exchange_init, exchange/upload.h */
	struct upload upload;
	struct reply reply;
	struct pieces pieces;		/* of the reply's body, not yet taken */
	int64_t written;		/* bytes of the reply's body so far */
	enum exchange_state state;
	struct router_match match;
	/* The name of "hosts" by which it is served; NULL: by none, the default host. */
	const char *vhost;
	void *instance;			/* the handler's; plugin/instance.h. NULL: ours */
	const struct exchange_ops *ops;
	void *session;			/* the protocol side's; NULL once it is gone */
	const struct exchange_handler_ops *handler_ops; /* NULL: it wants to know nothing
							 * any more */
	void *call;			/* a handler side's own */
	bool held;			/* by a handler that has not finished */
	bool refused;			/* a write: drain is due when little waits */
	size_t unkept;			/* bytes written for a HEAD */
	void *origin; /* the worker's: the generation that it is served by */
	/* It asks for a WebSocket, and a handler has that: a reply can only refuse it,
	 * with a status from 300 on. */
	bool upgrade;
	/* Filters have not let the request go on: nothing that invites more of it yet,
	 * be it 100 (Continue) or an upgrade. wake tells when they have. */
	bool deciding;
	/* Its header is that of a reply from behind a filter, which is about to look. */
	bool borrowed;
	char id[EXCHANGE_ID_BYTES];
	int64_t started_us;		/* monotonic; when the header was complete */
	int64_t deadline_ms;	/* monotonic; until then it must have started */
	void *data;		/* the slot of the plugin, where its code runs */
	/* Filters; exchange/stage.h. The one further out, whose request this is, too. */
	struct exchange *outer;
	struct stage *stage;	/* of the filter that has it; NULL: it is a handler's */
	struct edits *edits;	/* of that filter, noted */
	/* In the arena, or NULL: fields that filters have left with what has no reply for
	 * them to see; what the server itself says has them, too. */
	struct head *given;
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
 * request, memory kept. A handler side that does not hold it is told. */
void exchange_reset(struct exchange *exchange);

/* Frees its memory, but not the struct. */
void exchange_release(struct exchange *exchange);

/* The protocol side has taken pieces. May call the handler, which may write, end or abort
 * from in there: look anew at the state afterwards. */
void exchange_taken(struct exchange *exchange);

/*
 * The protocol side lets go: pieces are dropped, session is NULL, the handler side is
 * told if it has not finished. From now on ops are these, the owner's: without info, and
 * their wake is called once, when the handler has finished, from inside its call.
 *
 * @return true if nobody has the exchange any more, now: no wake will come
 */
bool exchange_part(struct exchange *exchange, const struct exchange_ops *ops) MUST_USE;

/* The same while the handler runs for the first time: it holds the exchange from here on,
 * until it has finished or returned. */
void exchange_desert(struct exchange *exchange, const struct exchange_ops *ops);

/* Is over the time of a handler that has not started its reply: the peer gets its 504,
 * then the handler is told. Harmless for a reply that has started. */
void exchange_expire(struct exchange *exchange);

/* The server answers in place of whoever has the exchange, who is then told; a reply that
 * has started is broken. Harmless for one that is complete. */
void exchange_overrule(struct exchange *exchange, int status, const char *reason);

/*
 * The handler side. All: ERR_INVALID in the wrong state or for bytes or a status that
 * HTTP does not allow, ERR_LIMIT past EXCHANGE_MEMORY or EXCHANGE_WRITE_MAX, ERR_NOMEM;
 * then nothing is done.
 *
 * To one who holds the exchange when the protocol side is gone, or the server has
 * answered: ERR_CLOSED, but for what finishes it, which is 0 and goes nowhere.
 *
 * Bytes are counted, but not kept, for a HEAD; as much is taken of them as would wait for
 * a GET, so that a handler without an end comes to rest. A reply that never has a body
 * (204, 205, 304) refuses them with ERR_INVALID.
 */

/* The reply comes later: OPEN or STARTED. ops are told, until it has finished. */
void exchange_hold(struct exchange *exchange, const struct exchange_handler_ops *ops);

/* Has it ended without the handler that holds it, which is still to finish it? */
static inline bool exchange_abandoned(const struct exchange *exchange)
{
	return exchange->held && exchange->state > EXCHANGE_STARTED;
}

/* Fixes status (200..599), header and type (NULL: the Content-Type that was set). */
int exchange_start(struct exchange *exchange, int status, const char *type) MUST_USE;
/* A copy of the bytes; size 0 is allowed and does nothing. ERR_AGAIN, and nothing is
 * taken: EXCHANGE_HIGH (EXCHANGE_FIRST until it is held) waits; drain will come. */
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
/* No reply, or no more of it: EXCHANGE_BROKEN, and nothing that waits is sent. */
int exchange_abort(struct exchange *exchange) MUST_USE;

/* As exchange_write, of what is bounded elsewhere: it is taken however much waits. */
int exchange_pass(struct exchange *exchange, const void *data, size_t size) MUST_USE;

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

/* Changes a field of the request, as exchange_set_header does one of the reply, for those
 * behind the filter that has it. */
int exchange_set_request_header(struct exchange *exchange, const char *name,
    const char *value) MUST_USE;

/* The body of the request and what follows it, whoever of those that share it is
 * asked. */
const struct buffer *exchange_body(const struct exchange *exchange);
const struct head *exchange_trailer(const struct exchange *exchange);

/* Has the handler side set a Content-Type? */
bool exchange_is_typed(const struct exchange *exchange);

/*
 * The protocol side, while it reads. Is the body that the header announces, or what has
 * come of it, within its max? 0 (and the bytes are taken), or the status of the refusal,
 * with a static reason.
 */
int exchange_judge_length(const struct exchange *exchange, const char **reason) MUST_USE;
int exchange_take_body(struct exchange *exchange, struct slice body,
    const char **reason) MUST_USE;
int exchange_refuse_length(const char **reason) MUST_USE;	/* of a body */

/* Does the reply's trailer go out? Only to clients that ask for it: others may not be
 * able to use it (RFC 9110 section 6.5.1). */
bool exchange_sends_trailer(const struct exchange *exchange);

#endif

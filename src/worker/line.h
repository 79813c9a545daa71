/* SPDX-License-Identifier: MIT */
/*
 * The protocol side of a duplex: a WebSocket or a raw stream, between the bytes of its
 * carrier (a connection, or a stream of HTTP/2) and a handler.
 *
 *	carrier  --input-->  ws or none  --messages, bytes-->  handler
 *	         <--output--             <--send, close------
 *
 * The carrier gives it bytes, takes what it has for the peer as room allows, and ends
 * when it is over. Nothing is over within a call of the handler. Lifetime: its carrier's,
 * but while it is opening, when the carrier may change.
 */
#ifndef TINCAN_WORKER_LINE_H
#define TINCAN_WORKER_LINE_H

#include "exchange/duplex.h"
#include "worker/worker.h"
#include "ws/handshake.h"
#include "ws/ws.h"

struct line;
struct site_mount;
struct site_route;

/* What is spoken on it: line_stream.c, line_websocket.c. */
struct line_protocol {
	enum duplex_kind kind;
	void (*release)(struct line *line);
	/* As duplex_peer_ops has them, while the line is open. */
	int (*send)(struct line *line, struct slice data, unsigned flags);
	int (*close)(struct line *line, uint16_t code, struct slice reason);
	void (*input)(struct line *line, struct slice *bytes);
	void (*end_input)(struct line *line);	/* in order */
	struct slice (*output)(const struct line *line);
	void (*taken)(struct line *line, size_t size);
	/* Has all been said, by both? *code is on_end's. */
	bool (*ended)(const struct line *line, uint16_t *code);
	uint32_t (*silence_ms)(const struct line *line);	/* 0: for ever */
	void (*silent)(struct line *line);
	void (*drain)(struct line *line);
};

extern const struct line_protocol line_stream;
extern const struct line_protocol line_websocket;

struct line_ops {
	/* It can be read again, has something for the peer, or is over. Comes from inside
	 * calls of the handler: make a note of it. */
	void (*wake)(struct line *line);
	/* The handler has decided: 0, or the status that refuses. */
	void (*opened)(struct line *line, int status);
	/* A fact of the connection. */
	const char *(*info)(struct line *line, const char *key);
};

struct line {
	struct duplex duplex;		/* first: its ops find the rest */
	struct list link;		/* in worker.lines */
	const struct line_protocol *protocol;
	const struct line_ops *ops;
	void *carrier;
	struct worker *worker;
	struct deferred later;		/* its end */
	struct site_mount *mount;	/* a reference; whose handler it has, or NULL */
	uint32_t count_as;		/* as its route */
	union {
		struct buffer out;	/* of a stream: its bytes for the peer */
		struct ws ws;
	};
	const struct ws_offer *offer; /* of a WebSocket, while opening; the exchange's */
	char *subprotocol;		/* owned; of a WebSocket, or NULL */
	const char *version;		/* of HTTP; NULL for a stream */
	const char *pattern;		/* of the mount; NULL for a stream */
	char *vhost;			/* owned; as of an exchange */
	char *handler;			/* owned; its name, NULL without memory for it */
	struct arena facts;	/* what info has made, for one call of the handler */
	int64_t facts_us;	/* the round of the loop that they are of */
	int64_t began_us;
	struct timer silence;
	uint16_t code;			/* of a WebSocket's end */
	uint64_t sent;			/* bytes given to the carrier */
	int status;			/* for the log, as of a request */
	bool paused;			/* by the handler */
	bool full;			/* drain is owed */
	bool input_ended;		/* the peer says no more */
	bool output_ended;		/* a stream's handler says no more */
	bool pinged;			/* the peer of a WebSocket owes an answer */
	bool closing;			/* by the handler, or in its name */
	bool peer_closed;		/* a WebSocket, whose handler is to answer that */
	bool over;
	bool cut;			/* not in order */
};

/* NULL when out of memory. */
struct line *line_new(struct worker *worker, const struct line_protocol *protocol,
    const struct line_ops *ops, void *carrier);

/* Makes a WebSocket of it, as agreed; before all else. */
void line_begin_websocket(struct line *line, int window_bits, size_t max_message);

/* To the handler of a route. The upgrade is a WebSocket's request, which stays until the
 * answer comes by ops->opened, maybe at once; NULL for a stream. */
void line_connect(struct line *line, const struct site_route *route,
    struct exchange *upgrade);

/* The handler learns that it has ended, if it has not; then it is freed, at the end of
 * the round. */
void line_free(struct line *line);

/* From the peer. input takes what it uses off; it is not to be called while wants_input
 * says no. */
bool line_wants_input(const struct line *line);
void line_input(struct line *line, struct slice *bytes);
void line_end_input(struct line *line, bool in_order);

/* For the peer: what there is, borrowed until the next call; then how much of it was
 * taken. */
struct slice line_output(const struct line *line);
void line_taken(struct line *line, size_t size);

/* When the carrier has taken what it can: is it over? If so, its handler has had its last
 * call. */
bool line_settle(struct line *line);

/* The server wants to end: tells a WebSocket's peer so (1001). */
void line_drain(struct line *line);

/* Closes those whose handler's time is over (1012, service restart). */
void lines_retire(struct worker *worker, const struct site_mount *mount);

/* For its protocol: data for the handler, if that still listens. */
void line_give(struct line *line, struct slice data, unsigned flags);

/* The silence begins anew. */
void line_touch(struct line *line);

/* It is over: the handler's last call, and the carrier is woken. */
void line_finish(struct line *line, uint16_t code);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A duplex: a WebSocket or a raw stream between a peer and a handler, wherever either of
 * them is. What an exchange is to a request:
 *
 *	protocol side  --data, drain, end-->  handler side
 *	               <--send, close, pause--
 *
 * The protocol side owns the duplex and sets peer_ops; connecting it to a handler sets
 * handler_ops. Everything happens on one loop. Either side may call the other from inside
 * a call; neither frees anything within one. Lifetime: that of the conversation.
 *
 *	OPENING --opened(0)--> OPEN --close, or the peer's end--> CLOSING --end--> ENDED
 *	    |---opened(status): refused------------------------------------------> ENDED
 *	    \---end: the peer has left meanwhile---------------------------------> ENDED
 *
 * While OPENING a handler may send (its greeting) and close: what it says goes out behind
 * opened(0), or never. Nothing comes to it before it has opened. After ENDED the handler
 * side knows the duplex no more.
 */
#ifndef TINCAN_EXCHANGE_DUPLEX_H
#define TINCAN_EXCHANGE_DUPLEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "exchange/exchange.h"

#define DUPLEX_QUEUE_BYTES (256 * 1024)	/* that may wait for the peer */
#define DUPLEX_DRAIN_BYTES (64 * 1024)	/* drain is called when no more wait */
#define DUPLEX_SEND_BYTES (16 << 20)	/* of one send */
#define DUPLEX_REASON_BYTES 123		/* of a close (RFC 6455 section 5.5) */

/* The numbers of handler.h. */
enum duplex_kind { DUPLEX_WEBSOCKET = 1, DUPLEX_STREAM = 2 };
enum duplex_flag { DUPLEX_TEXT = 1, DUPLEX_BINARY = 2, DUPLEX_MORE = 4, DUPLEX_END = 8 };

/* Close codes of RFC 6455 section 7.4.1. A stream that is closed with DUPLEX_CODE_FAILED
 * is cut. */
#define DUPLEX_CODE_NORMAL 1000
#define DUPLEX_CODE_LOST 1006
#define DUPLEX_CODE_FAILED 1011

enum duplex_state { DUPLEX_OPENING, DUPLEX_OPEN, DUPLEX_CLOSING, DUPLEX_ENDED };

struct duplex;

/* For send and close the handler side calls duplex_send and duplex_close, which check
 * what they pass on: the flags, a text's UTF-8, a code. */
struct duplex_peer_ops {
	/* The handler has decided: 0, or the HTTP status (300..599) that refuses. What it
	 * put into the upgrade exchange's reply goes out with it: fields, or all of a
	 * reply that has ended. Once, while OPENING; the exchange is used no more. */
	void (*opened)(struct duplex *duplex, int status);
	/* All, copied; ERR_AGAIN: nothing, DUPLEX_QUEUE_BYTES wait; ERR_CLOSED: it is
	 * closing; ERR_NOMEM. */
	int (*send)(struct duplex *duplex, struct slice data, unsigned flags);
	/* Ends it behind what was sent. */
	int (*close)(struct duplex *duplex, uint16_t code, struct slice reason);
	/* No data until it is taken back; what is being delivered is not. */
	void (*pause)(struct duplex *duplex, bool on);
	/* A fact, as exchange_ops has them, and "http.version", "route" and
	 * "websocket.protocol". */
	const char *(*info)(const struct duplex *duplex, const char *key);
	/* Bytes that were sent and wait for the peer. */
	size_t (*waiting)(const struct duplex *duplex);
};

struct duplex_handler_ops {
	/* A whole message, or some bytes of a stream; borrowed for the call. */
	void (*data)(struct duplex *duplex, struct slice data, unsigned flags);
	/* More than DUPLEX_DRAIN_BYTES had waited, and now no more do. */
	void (*drain)(struct duplex *duplex);
	/* The last call. The code is handler.h's of on_end. */
	void (*end)(struct duplex *duplex, uint16_t code);
	/* The peer of a WebSocket has closed it, with that code, and is answered once
	 * peer_ops->close is called, to let what the handler has still to say out before;
	 * no data follows. NULL: it is answered at once. */
	void (*closed)(struct duplex *duplex, uint16_t code);
};

struct duplex {
	const struct duplex_peer_ops *peer_ops;
	const struct duplex_handler_ops *handler_ops;	/* NULL: none yet, or no more */
	void *handler;		/* the handler side's own */
	void *data;		/* the plugin's slot, where its code runs */
	void *instance;		/* the handler's, if it runs here; plugin/instance.h */
	uint8_t kind;		/* enum duplex_kind */
	uint8_t state;		/* enum duplex_state; the protocol side moves it */
	/* duplex_send's own: what the message that goes on is (0: none does), where its
	 * text is, has a stream's end been said, was the last one refused. */
	uint8_t message;
	struct utf8 text;
	bool ended;
	bool refused;
	char id[EXCHANGE_ID_BYTES];	/* of the request that began it, for the log */
};

/*
 * Sends: a message of a WebSocket (DUPLEX_TEXT or DUPLEX_BINARY, and DUPLEX_MORE if it
 * goes on) or bytes of a stream (0, or DUPLEX_END for the last). ERR_INVALID for other
 * flags, text that is no UTF-8, or what follows the end; ERR_LIMIT for more than
 * DUPLEX_SEND_BYTES; else the result of peer_ops.
 */
int duplex_send(struct duplex *duplex, struct slice data, unsigned flags) MUST_USE;

/*
 * Ends it behind what was sent. ERR_CLOSED: it is closing already; ERR_INVALID, for a
 * WebSocket: no code that a handler may send, or a reason that is too long or no UTF-8.
 */
int duplex_close(struct duplex *duplex, uint16_t code, struct slice reason) MUST_USE;

#endif

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
 *	    \--opened(status): refused------------------------------------------> ENDED
 *
 * While OPENING a handler may send (its greeting); nothing comes to it before it has
 * opened. After ENDED the handler side knows the duplex no more.
 */
#ifndef TINCAN_EXCHANGE_DUPLEX_H
#define TINCAN_EXCHANGE_DUPLEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "exchange/exchange.h"

#define DUPLEX_QUEUE_BYTES (256 * 1024)	/* that may wait for the peer */
#define DUPLEX_DRAIN_BYTES (64 * 1024)	/* drain is called when no more wait */

/* The numbers of handler.h. */
enum duplex_kind { DUPLEX_WEBSOCKET = 1, DUPLEX_STREAM = 2 };
enum duplex_flag { DUPLEX_TEXT = 1, DUPLEX_BINARY = 2, DUPLEX_MORE = 4, DUPLEX_END = 8 };

#define DUPLEX_CODE_LOST 1006

enum duplex_state { DUPLEX_OPENING, DUPLEX_OPEN, DUPLEX_CLOSING, DUPLEX_ENDED };

struct duplex;

struct duplex_peer_ops {
	/* The handler has decided: 0, or the HTTP status (300..599) that refuses. What it
	 * put into the upgrade exchange's reply goes out with it. Once, while OPENING. */
	void (*opened)(struct duplex *duplex, int status);
	/* All, copied; ERR_AGAIN: nothing, DUPLEX_QUEUE_BYTES wait, drain will come;
	 * ERR_CLOSED: it is closing; ERR_INVALID: flags that make no sense, text that is
	 * no UTF-8; ERR_NOMEM. */
	int (*send)(struct duplex *duplex, struct slice data, unsigned flags);
	/* Ends it behind what was sent. ERR_INVALID: no code that may be sent. */
	int (*close)(struct duplex *duplex, uint16_t code, struct slice reason);
	/* No data until it is taken back; what is being delivered is not. */
	void (*pause)(struct duplex *duplex, bool on);
	/* A fact, as exchange_ops has them, and "websocket.protocol". */
	const char *(*info)(const struct duplex *duplex, const char *key);
};

struct duplex_handler_ops {
	/* A whole message, or some bytes of a stream; borrowed for the call. */
	void (*data)(struct duplex *duplex, struct slice data, unsigned flags);
	/* send takes again. */
	void (*drain)(struct duplex *duplex);
	/* The last call. The code is handler.h's of on_end. */
	void (*end)(struct duplex *duplex, uint16_t code);
};

struct duplex {
	const struct duplex_peer_ops *peer_ops;
	const struct duplex_handler_ops *handler_ops;	/* NULL: none yet, or no more */
	void *handler;		/* the handler side's own */
	void *data;		/* the plugin's slot, where its code runs */
	void *instance;		/* the handler's, if it runs here; plugin/instance.h */
	uint8_t kind;		/* enum duplex_kind */
	uint8_t state;		/* enum duplex_state; the protocol side moves it */
	char id[EXCHANGE_ID_BYTES];	/* of the request that began it, for the log */
};

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A WebSocket after its handshake, a server's end (RFC 6455, RFC 7692): bytes in,
 * messages out, and the other way round. No socket, no clock: the carrier, a connection
 * of HTTP/1.1 or a stream of HTTP/2, brings the bytes, and takes away what waits in
 * ws_out.
 *
 *	OPEN --ws_close--> CLOSING --the peer's close frame--> DONE
 *	  \-- the peer's close frame (answered), a failure (told the peer) ----^
 *
 * One that is idle holds nothing but its struct. Lifetime: the conversation.
 */
#ifndef TINCAN_WS_WS_H
#define TINCAN_WS_WS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"
#include "ws/ws_code.h"
#include "ws/ws_shared.h"

#define WS_SEND_MAX (16 * 1024 * 1024)	/* bytes of one ws_send */
#define WS_REASON_MAX (WS_CONTROL_MAX - 2)	/* bytes of a close frame's reason */

/* The numbers of handler.h. */
enum ws_flag { WS_SEND_TEXT = 1, WS_SEND_BINARY = 2, WS_SEND_MORE = 4 };

/* None may release the WebSocket, or give it input; each may send, ping and close. */
struct ws_events {
	/* A whole message, text being UTF-8; borrowed for the call. False: no more of
	 * them until ws_input is called again. None comes after ws_close. */
	bool (*message)(void *arg, bool text, struct slice data);
	/* The peer's close frame has come, with that code or WS_CODE_NONE; or we have
	 * failed the connection, by WS_CODE_PROTOCOL, _DATA, _TOO_BIG or _INTERNAL.
	 * Once at most; nothing comes after it. */
	void (*closed)(void *arg, uint16_t code);
};

struct ws_options {
	size_t max_message;	/* bytes of one from the peer, inflated */
	size_t max_queue;	/* ws_send takes no more while as many bytes wait */
	int window_bits;	/* as struct ws_extensions has them; 0: no compression */
};

struct ws {
	struct ws_shared *shared;	/* borrowed */
	const struct ws_events *events;	/* borrowed */
	void *arg;
	struct ws_reader *reader;	/* owned; NULL: between two messages */
	struct buffer out;
	size_t max_message;
	size_t max_queue;
	size_t made_room;	/* bytes sent since a pong that had to wait */
	uint8_t window_bits;
	bool sending;		/* a message of which more is to be sent */
	bool done;
	bool close_sent;
	bool hold_close;	/* ws_close answers the peer's */
	bool peer_closed;	/* and waits for that */
	bool pong_waits;	/* for room in out */
	uint8_t pong_size;
	char pong_data[WS_CONTROL_MAX];
};

/* Allocates nothing. Shared and events outlive it. */
void ws_init(struct ws *ws, struct ws_shared *shared, const struct ws_options *options,
    const struct ws_events *events, void *arg);
void ws_release(struct ws *ws);

/* A close frame of the peer's is not answered at once, but by ws_close. Until then what
 * is sent still goes out; the peer says no more. */
static inline void ws_hold_close(struct ws *ws)
{
	ws->hold_close = true;
}

/*
 * Reads what the peer sent; what is used is taken off the front of *bytes, and calls
 * events. Nothing is read ahead: what is left in *bytes has not been looked at.
 *
 * @return 0: all was taken; ERR_AGAIN: message said no more, the rest is to come again;
 *	ERR_EOF: the peer has closed, or it is done: what follows is dropped.
 */
int ws_input(struct ws *ws, struct slice *bytes) MUST_USE;

/*
 * Sends a message, or a fragment of it: flags are WS_SEND_TEXT or WS_SEND_BINARY, the
 * same for all of a message, and WS_SEND_MORE for all but the last. The caller sees to
 * that, and that text is UTF-8 (duplex_send does). Data is copied, and compressed if that
 * was agreed and it is worth it. All or, in an error, nothing.
 *
 * @return 0; ERR_AGAIN: max_queue bytes wait in out; ERR_CLOSED: it is closing or done;
 *	ERR_LIMIT past WS_SEND_MAX; ERR_NOMEM.
 */
int ws_send(struct ws *ws, struct slice data, unsigned flags) MUST_USE;

/* Asks for a sign of life: the peer must answer. Errors as of ws_send. */
int ws_ping(struct ws *ws) MUST_USE;

/*
 * Begins the closing handshake, behind what was sent; again: nothing happens. The code is
 * one that ws_code_may_be_sent; the reason is UTF-8, and cut at WS_REASON_MAX bytes; with
 * code 0 neither is sent. Without memory it is done, and the peer is not told.
 */
void ws_close(struct ws *ws, int code, struct slice reason);

/* What is to be written next, borrowed until the next call with ws; and that size bytes
 * of it have been. Its memory is given back once it is empty. */
static inline struct slice ws_out(const struct ws *ws)
{
	return buffer_slice(&ws->out);
}

void ws_sent(struct ws *ws, size_t size);

/* Both sides have closed, or we have failed it: once out is written, the transport ends
 * (RFC 6455 section 7.1.1: the server ends it first). */
static inline bool ws_done(const struct ws *ws)
{
	return ws->done;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Every message between a host (the process of one plugin) and its peer: a worker, or the
 * master while it probes. Frames in a byte stream over an AF_UNIX socket, many per write:
 * the cost of a message is that of a system call, so batching is what makes isolation
 * cheap.
 *
 * What a host sends is untrusted: a frame of a wrong size, type, id or state closes that
 * host's socket and nothing else. Texts are packed as pack.h says.
 *
 *	peer -> host
 *	OPEN	id = instance: pattern, directory, where, count, then path, type, text,
 *		json, where, integer, length of each setting. Answered by PROBLEMs, if
 *		there are any, then OPENED or OPENEND
 *	SHUT	id = instance: on_close
 *	REQUEST	id = call; code = enum frame_body, of BODY frames that follow: instance,
 *		see remote/request.h
 *	FILTER	id = call: as a REQUEST, without a body, for a filter, which answers it or
 *		says NEXT; flags FRAME_MORE: it has no on_filter, and the request goes on
 *		without a NEXT
 *	START	id = call, behind NEXT: as that of a host, of the reply from behind
 *	DATA	id = call: bytes of its body, behind PASS of who wants them, as far as
 *		WINDOWs allow; a small one at once, behind a START with FRAME_MORE
 *	END	id = call: of that body, as that of a host
 *	BODY	id = call; flags FRAME_LAST on the last: bytes. Of a body that streams
 *		only what WINDOWs of the host allow, at first nothing
 *	TRAILER	id = call: fields, before the last BODY of one that streams
 *	CANCEL	id = call: nobody waits for its reply any more; answered by an END, now or
 *		when the handler has finished, if there was no answer before.
 *		flags FRAME_LAST: a filter's part is done, and well; no on_gone
 *	WINDOW	id = call: u32 more body bytes may be sent
 *	CHECK	(probe) run the .check lines; answered by PROBLEMs, then CHECKED
 *	STOP	finish what there is, on_close, exit 0
 *	EVENT	a message of the bus: u64 lost before it, topic, data
 *	CONNECT	id = duplex; code = its kind: see remote/connect.h. Answered by CONNECTED,
 *		REFUSED or a REPLY that refuses; MESSAGEs and a CLOSE may be before it
 *	DISCONNECT  id = duplex; code = of on_end: it has ended. Answered by DISCONNECTED,
 *		the last frame about it; not if it was refused meanwhile
 *	RETIRE	id = instance; code = why (handler.h): on_stop; it is used until SHUT
 *
 *	host -> peer
 *	HELLO	code = protocol: name, hash, version, about, own route (all may be ""),
 *		u32 what it can: enum plugin_can of plugin/plugin.h
 *	OPENED	id = instance
 *	PROBLEM	id = instance, or 0: of a check or, instead of HELLO, why the plugin
 *		cannot be loaded; code = enum problem_level: where, what, hint ("" for
 *		none)
 *	OPENEND	id = instance: it was refused; the PROBLEMs before say why
 *	CHECKED	all checks were run
 *	REPLY	id = call; code = status: fields, trailer, body. A whole reply
 *	START	id = call; code = status: fields, u64 content length (~0: unknown)
 *	DATA	id = call: bytes, within the window
 *	FILE	id = call: u64 offset, u64 size; a descriptor comes with the frame
 *	END	id = call: trailer. flags FRAME_BROKEN: the reply cannot be completed, or
 *		there is none: it was aborted, or the call cancelled
 *	LATER	id = call: the handler has it, and answers later; if it blocks, also
 *		behind START: it has returned, and the host can run another, while the
 *		rest of the reply is on its way
 *	NEXT	id = call; flags FRAME_MORE: it wants a START, FRAME_PIECES: and the body:
 *		the edits of a filter that lets the request go on: count, then kind, is
 *		there a value, name, value of each
 *	PASS	id = call: as START: the reply from behind may go on with that header; its
 *		body does not come here. flags FRAME_MORE: it does, and DATA follow
 *	LOG	id = call, duplex or 0; code = level: text
 *	SUBSCRIBE	topic: EVENTs of it are to come from now on
 *	UNSUBSCRIBE	topic
 *	PUBLISH	topic, data: to all that subscribe to it
 *	CONNECTED  id = duplex: fields of the answer
 *	REFUSED	id = duplex; code = status: fields of the answer
 *	CLOSE	id = duplex; code = close code: reason. No MESSAGE comes behind it
 *	DISCONNECTED  id = duplex
 *
 *	WINDOW	id = call: u32 more bytes of BODY frames, or of a filter's DATA, may be
 *		sent, FRAME_WINDOW in all; behind LATER, START or PASS. The peer stops
 *		behind the frame that passes it; one of a filter's does not pass it
 *
 *	both ways
 *	MESSAGE	id = duplex; flags = those of handler.h: bytes. What is longer than
 *		FRAME_DATA_MAX comes as several; all but the last of a WebSocket's message
 *		have FRAME_MORE
 *	WINDOW	id = duplex: u32 more bytes of MESSAGE frames may be sent. A host sends no
 *		more than it may; its peer stops behind the message that passes it
 */
#ifndef TINCAN_IPC_FRAME_H
#define TINCAN_IPC_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

#define FRAME_PROTOCOL 4
#define FRAME_MAX (1 << 20)		/* bytes of a frame, header included */
#define FRAME_DATA_MAX (64 * 1024)	/* bytes of one DATA or BODY */
#define FRAME_FILES 256			/* FILE frames of one reply */
#define FRAME_WINDOW (256 * 1024)	/* bytes of DATA in flight for one call */
/* Bytes of MESSAGE frames in flight each way for one duplex: somewhat less than
 * DUPLEX_QUEUE_BYTES, as what the protocol adds to them waits in the same queue. */
#define FRAME_DUPLEX_WINDOW (248 * 1024)
#define FRAME_GRANT (64 * 1024)	/* of a window that is worth a WINDOW frame */

enum frame_type {
	FRAME_OPEN = 1,
	FRAME_SHUT,
	FRAME_REQUEST,
	FRAME_BODY,
	FRAME_CANCEL,
	FRAME_WINDOW_MORE,
	FRAME_CHECK,
	FRAME_STOP,
	FRAME_EVENT,
	FRAME_CONNECT,
	FRAME_DISCONNECT,
	FRAME_MESSAGE,
	FRAME_RETIRE,
	FRAME_TRAILER,
	FRAME_FILTER,
	FRAME_HELLO = 64,
	FRAME_OPENED,
	FRAME_PROBLEM,
	FRAME_OPEN_END,
	FRAME_CHECKED,
	FRAME_REPLY,
	FRAME_START,
	FRAME_DATA,
	FRAME_FILE,
	FRAME_END,
	FRAME_LOG,
	FRAME_SUBSCRIBE,
	FRAME_UNSUBSCRIBE,
	FRAME_PUBLISH,
	FRAME_CONNECTED,
	FRAME_REFUSED,
	FRAME_CLOSE,
	FRAME_DISCONNECTED,
	FRAME_LATER,
	FRAME_NEXT,
	FRAME_PASS
};

/* Of a REQUEST. */
enum frame_body {
	FRAME_BODY_NONE,	/* it is in the REQUEST, if there is one */
	FRAME_BODY_FOLLOWS,	/* at once, and the call begins behind them */
	FRAME_BODY_STREAMS	/* as it comes */
};

#define FRAME_LAST 1
#define FRAME_BROKEN 2
#define FRAME_MORE 4		/* of a MESSAGE, FILTER, START, NEXT or PASS */
#define FRAME_PIECES 8		/* of a NEXT */

/* An id is the number of its slot, below a serial number that makes it unique: a call's
 * slot is below FRAME_CALLS, a duplex's behind those. */
#define FRAME_SLOT_BITS 16
#define FRAME_CALLS 1024
#define FRAME_DUPLEXES 16384

static inline uint32_t frame_slot(uint64_t id)
{
	return (uint32_t)(id & ((1u << FRAME_SLOT_BITS) - 1));
}

/* Is it the id of a duplex, and no call's? */
static inline bool frame_is_duplex(uint64_t id)
{
	return frame_slot(id) >= FRAME_CALLS &&
	    frame_slot(id) < FRAME_CALLS + FRAME_DUPLEXES;
}

struct frame_header {
	uint32_t size;		/* of the frame, this header included */
	uint8_t type;
	uint8_t flags;
	uint16_t code;
	uint64_t id;
};

_Static_assert(sizeof(struct frame_header) == 16, "no padding goes over the wire");

struct frame {
	struct frame_header header;
	struct slice payload;	/* borrowed from the bytes it was read from */
};

/* Starts a frame at the end of out; *mark tells frame_end where. ERR_LIMIT, ERR_NOMEM. */
int frame_begin(struct buffer *out, enum frame_type type, uint16_t code, uint64_t id,
    size_t *mark) MUST_USE;

/* Writes the size of the frame at mark, whose payload has been appended, and its flags.
 * ERR_LIMIT: it is too big, and has been taken off again. */
int frame_end(struct buffer *out, size_t mark, uint8_t flags) MUST_USE;

/* The end of a frame whose packing had the result rc: frame_end if that was 0, else the
 * frame is taken off again and rc is the result. */
int frame_finish(struct buffer *out, size_t mark, int rc, uint8_t flags) MUST_USE;

/* A whole frame in one call. */
int frame_append(struct buffer *out, enum frame_type type, uint8_t flags, uint16_t code,
    uint64_t id, struct slice payload) MUST_USE;

/*
 * Takes the first frame off the front of *bytes.
 *
 * @return 0; ERR_AGAIN: it is not complete yet; ERR_PROTOCOL: its size makes no sense
 */
int frame_next(struct slice *bytes, struct frame *frame) MUST_USE;

#endif

/* SPDX-License-Identifier: MIT */
/* A WebSocket or a stream whose handler is in a host: the test plays that, and the peer,
 * too. */
#ifndef TINCAN_TESTS_TUNNEL_RIG_H
#define TINCAN_TESTS_TUNNEL_RIG_H

#include "fake_host.h"
#include "fake_peer.h"

static struct fake_peer peer;

static inline void make_stream(struct fake_peer *one, uint32_t timeout_ms)
{
	fake_peer_init(one, DUPLEX_STREAM);
	remote_connect(fake.remote, fake.instance, &one->duplex, NULL, timeout_ms);
	turn();
}

static inline void make_websocket(uint32_t timeout_ms)
{
	memset(&call, 0, sizeof(call));
	rig_begin(&call, HTTP_GET, "/chat");
	call.exchange.match.pattern = "/*";
	fake_peer_init(&peer, DUPLEX_WEBSOCKET);
	remote_connect(fake.remote, fake.instance, &peer.duplex, &call.exchange,
	    timeout_ms);
	turn();
}

static inline struct frame hear_frame(enum frame_type type)
{
	struct frame frame;

	do {
		ck_assert_msg(hear(&fake, &frame), "no frame of type %d", type);
	} while (frame.header.type == FRAME_OPEN);
	ck_assert_int_eq(frame.header.type, type);
	return frame;
}

static inline uint64_t hear_connect(void)
{
	return hear_frame(FRAME_CONNECT).header.id;
}

static inline void hear_message(uint64_t id, const char *text, unsigned flags)
{
	struct frame frame = hear_frame(FRAME_MESSAGE);

	ck_assert_uint_eq(frame.header.id, id);
	ck_assert_uint_eq(frame.header.flags, flags);
	ck_assert_uint_eq(frame.payload.size, strlen(text));
	ck_assert_int_eq(memcmp(frame.payload.data, text, strlen(text)), 0);
}

static inline uint32_t hear_window(uint64_t id)
{
	struct frame frame = hear_frame(FRAME_WINDOW_MORE);
	struct unpack in = { .rest = frame.payload };

	ck_assert_uint_eq(frame.header.id, id);
	return unpack_u32(&in);
}

static inline void hear_nothing(void)
{
	struct frame frame;

	ck_assert(!hear(&fake, &frame));
}

static inline void say_now(enum frame_type type, uint8_t flags, uint16_t code,
    uint64_t id, struct slice payload)
{
	say(&fake, type, flags, code, id, payload);
	flush(&fake);
}

#define NO_FIELDS ((struct slice){ "\0\0\0\0", 4 })

static inline uint64_t open_stream_within(struct fake_peer *one, uint32_t timeout_ms)
{
	uint64_t id;

	make_stream(one, timeout_ms);
	id = hear_connect();
	say_now(FRAME_CONNECTED, 0, 0, id, NO_FIELDS);
	ck_assert_int_eq(one->duplex.state, DUPLEX_OPEN);
	return id;
}

static inline uint64_t open_stream(struct fake_peer *one)
{
	return open_stream_within(one, TIMEOUT_MS);
}

static inline uint64_t open_websocket(void)
{
	uint64_t id;

	make_websocket(TIMEOUT_MS);
	id = hear_connect();
	say_now(FRAME_CONNECTED, 0, 0, id, NO_FIELDS);
	ck_assert_int_eq(peer.duplex.state, DUPLEX_OPEN);
	rig_end(&call);
	return id;
}

/* It ends, and so that nothing is left behind. */
static inline void settle_end(struct fake_peer *one, uint64_t id)
{
	int lost = fake.lost;
	struct frame frame;

	fake_peer_end(one, 1000);
	turn();
	do {
		ck_assert(hear(&fake, &frame));
	} while (frame.header.type != FRAME_DISCONNECT);
	ck_assert_uint_eq(frame.header.id, id);
	ck_assert_uint_eq(frame.header.code, 1000);
	say_now(FRAME_DISCONNECTED, 0, 0, id, SLICE(""));
	ck_assert_int_eq(fake.lost, lost);
}

static inline void pack_window(uint64_t id, uint32_t more)
{
	say(&fake, FRAME_WINDOW_MORE, 0, 0, id,
	    (struct slice){ (const char *)&more, sizeof(more) });
}

static inline void hear_disconnect(uint64_t id, uint16_t code)
{
	struct frame frame = hear_frame(FRAME_DISCONNECT);

	ck_assert_uint_eq(frame.header.id, id);
	ck_assert_uint_eq(frame.header.code, code);
}

#endif

/* SPDX-License-Identifier: MIT */
/* What a host says of duplexes when nobody can keep it. What it may not say is in
 * test_tunnel_breaches.c. */
#include "remote/tunnel.h"

#include "tunnel_rig.h"
#include "unit.h"

/* The host has kept to its window: what else fills the queue is not its fault. */
START_TEST(a_peer_whose_queue_is_full_is_cut_and_the_host_lives)
{
	uint64_t id = open_websocket();

	peer.waiting = DUPLEX_QUEUE_BYTES;
	say_now(FRAME_MESSAGE, DUPLEX_TEXT, 0, id, SLICE("x"));
	ck_assert_int_eq(fake.lost, 0);
	ck_assert_str_eq(fake_peer_trace(&peer), "close(1011,) ");
	ck_assert_uint_eq(hear_frame(FRAME_DISCONNECT).header.id, id);
	say_now(FRAME_DISCONNECTED, 0, 0, id, SLICE(""));
	ck_assert_int_eq(fake.lost, 0);
}
END_TEST

START_TEST(a_greeting_that_cannot_be_kept_refuses)
{
	uint64_t id;

	make_websocket(TIMEOUT_MS);
	id = hear_connect();
	peer.waiting = DUPLEX_QUEUE_BYTES;
	say_now(FRAME_MESSAGE, DUPLEX_TEXT, 0, id, SLICE("x"));
	ck_assert_int_eq(fake.lost, 0);
	ck_assert_int_eq(peer.status, 503);
	ck_assert_uint_eq(hear_frame(FRAME_DISCONNECT).header.id, id);
	say(&fake, FRAME_CONNECTED, 0, 0, id, NO_FIELDS);
	say_now(FRAME_DISCONNECTED, 0, 0, id, SLICE(""));
	ck_assert_int_eq(fake.lost, 0);
	rig_end(&call);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tunnel_frames");
	TCase *tcase = tcase_create("tunnel_frames");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_peer_whose_queue_is_full_is_cut_and_the_host_lives);
	tcase_add_test(tcase, a_greeting_that_cannot_be_kept_refuses);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

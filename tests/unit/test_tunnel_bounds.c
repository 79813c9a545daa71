/* SPDX-License-Identifier: MIT */
/* How much may wait between a peer and its handler in a host, and for how many peers. */
#include "tunnel_rig.h"
#include "unit.h"

static char bytes[FRAME_DUPLEX_WINDOW];

START_TEST(a_peer_is_held_up_while_the_host_takes_no_more)
{
	uint64_t id = open_stream(&peer);
	struct frame frame;
	uint32_t sent = 0;

	peer.duplex.handler_ops->data(&peer.duplex, (struct slice){ bytes, 100000 }, 0);
	ck_assert_str_eq(fake_peer_trace(&peer), "");
	/* What is being delivered goes out whole. */
	peer.duplex.handler_ops->data(&peer.duplex, (struct slice){ bytes, 200000 }, 0);
	ck_assert_str_eq(fake_peer_trace(&peer), "pause ");
	turn();
	while (hear(&fake, &frame)) {
		sent += frame.header.size;
	}
	ck_assert_uint_gt(sent, 300000);
	pack_window(id, sent - FRAME_DUPLEX_WINDOW);
	flush(&fake);
	ck_assert_str_eq(fake_peer_trace(&peer), "");
	pack_window(id, 1);
	flush(&fake);
	ck_assert_str_eq(fake_peer_trace(&peer), "resume ");
	settle_end(&peer, id);
}
END_TEST

START_TEST(what_the_peer_took_may_be_sent_again)
{
	uint64_t id = open_stream(&peer);

	peer.hold = true;
	peer.mute = true;
	say_now(FRAME_MESSAGE, 0, 0, id, (struct slice){ bytes, 60000 });
	hear_nothing();
	say_now(FRAME_MESSAGE, 0, 0, id, (struct slice){ bytes, 60000 });
	/* More waits for the peer than is worth a window. */
	hear_nothing();
	fake_peer_drain(&peer);
	turn();
	ck_assert_uint_eq(hear_window(id), 2 * (60000 + sizeof(struct frame_header)));
	peer.hold = false;
	say_now(FRAME_MESSAGE, 0, 0, id, (struct slice){ bytes, FRAME_DATA_MAX });
	ck_assert_uint_eq(hear_window(id), FRAME_DATA_MAX + sizeof(struct frame_header));
	settle_end(&peer, id);
}
END_TEST

/* Granted as well, it and the next window would be more than the peer's queue takes. */
START_TEST(what_still_waits_for_the_peer_is_not_granted)
{
	uint64_t id = open_stream(&peer);
	uint32_t frame_size = FRAME_DATA_MAX + sizeof(struct frame_header);

	peer.hold = true;
	peer.mute = true;
	for (int i = 0; i < 3; i++) {
		say_now(FRAME_MESSAGE, 0, 0, id, (struct slice){ bytes, FRAME_DATA_MAX });
	}
	peer.waiting = 50000;
	peer.duplex.handler_ops->drain(&peer.duplex);
	turn();
	ck_assert_uint_eq(hear_window(id), 3 * frame_size - 50000);
	peer.waiting = 0;
	peer.hold = false;
	say_now(FRAME_MESSAGE, 0, 0, id, (struct slice){ bytes, FRAME_DATA_MAX });
	ck_assert_uint_eq(hear_window(id), frame_size + 50000);
	settle_end(&peer, id);
}
END_TEST

START_TEST(a_host_that_sends_more_than_it_may_is_ended)
{
	uint64_t id = open_stream(&peer);

	peer.mute = true;
	peer.waiting = DUPLEX_DRAIN_BYTES + 1;
	for (int i = 0; i < 3; i++) {
		say_now(FRAME_MESSAGE, 0, 0, id, (struct slice){ bytes, FRAME_DATA_MAX });
	}
	ck_assert_int_eq(fake.lost, 0);
	say_now(FRAME_MESSAGE, 0, 0, id, (struct slice){ bytes, FRAME_DATA_MAX });
	ck_assert_int_eq(fake.lost, 1);
}
END_TEST

START_TEST(empty_messages_use_up_the_window_too)
{
	uint64_t id = open_websocket();
	size_t most = FRAME_DUPLEX_WINDOW / sizeof(struct frame_header);

	peer.mute = true;
	peer.waiting = DUPLEX_DRAIN_BYTES + 1;
	for (size_t i = 0; i < most; i++) {
		say(&fake, FRAME_MESSAGE, DUPLEX_TEXT, 0, id, SLICE(""));
	}
	flush(&fake);
	ck_assert_int_eq(fake.lost, 0);
	say_now(FRAME_MESSAGE, DUPLEX_TEXT, 0, id, SLICE(""));
	ck_assert_int_eq(fake.lost, 1);
}
END_TEST

START_TEST(a_host_that_does_not_read_holds_up_every_peer)
{
	struct fake_peer many[40];
	int held = 0;

	for (size_t i = 0; i < 40; i++) {
		open_stream(&many[i]);
	}
	for (size_t i = 0; i < 40; i++) {
		many[i].duplex.handler_ops->data(&many[i].duplex,
		    (struct slice){ bytes, 200000 }, 0);
		held += many[i].trace[0] == 'p';
	}
	ck_assert_int_gt(held, 10);
	turn();
	for (size_t rounds = 0; rounds < 20; rounds++) {
		while (recv(fake.fd, fake.in, sizeof(fake.in), 0) > 0) {
		}
		turn();
	}
	held = 0;
	for (size_t i = 0; i < 40; i++) {
		held += many[i].paused;
	}
	ck_assert_int_eq(held, 0);
	remote_free(fake.remote);
	for (size_t i = 0; i < 40; i++) {
		ck_assert_ptr_nonnull(strstr(many[i].trace, "close(1011,) "));
	}
	fake.remote = NULL;
}
END_TEST

START_TEST(there_is_a_most_of_them)
{
	struct fake_peer *many = calloc(FRAME_DUPLEXES + 1, sizeof(*many));

	ck_assert_ptr_nonnull(many);
	die(&fake);
	for (size_t i = 0; i <= FRAME_DUPLEXES; i++) {
		fake_peer_init(&many[i], DUPLEX_STREAM);
		remote_connect(fake.remote, fake.instance, &many[i].duplex, NULL,
		    TIMEOUT_MS);
		ck_assert_int_eq(many[i].opened, i == FRAME_DUPLEXES);
	}
	ck_assert_int_eq(many[FRAME_DUPLEXES].status, 503);
	fake_peer_end(&many[7], DUPLEX_CODE_LOST);
	many[FRAME_DUPLEXES].duplex.state = DUPLEX_OPENING;
	remote_connect(fake.remote, fake.instance, &many[FRAME_DUPLEXES].duplex, NULL,
	    TIMEOUT_MS);
	ck_assert_int_eq(many[FRAME_DUPLEXES].opened, 1);
	remote_break(fake.remote, 1);
	ck_assert_int_eq(many[0].status, 503);
	free(many);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tunnel_bounds");
	TCase *tests = tcase_create("tunnel_bounds");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_peer_is_held_up_while_the_host_takes_no_more);
	tcase_add_test(tests, what_the_peer_took_may_be_sent_again);
	tcase_add_test(tests, what_still_waits_for_the_peer_is_not_granted);
	tcase_add_test(tests, a_host_that_sends_more_than_it_may_is_ended);
	tcase_add_test(tests, empty_messages_use_up_the_window_too);
	tcase_add_test(tests, a_host_that_does_not_read_holds_up_every_peer);
	tcase_add_test(tests, there_is_a_most_of_them);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}

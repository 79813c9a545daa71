/* SPDX-License-Identifier: MIT */
/* What a handler can do to a WebSocket or a stream, and what it is not let do. */
#include "plugin/conn.h"

#include "fake_peer.h"
#include "plugin/instance.h"
#include "rig.h"
#include "unit.h"

static struct rig rig;
static struct settings settings;
static struct instance *instance;
static struct fake_peer peer;

static void open_as(enum duplex_kind kind)
{
	instance = instance_open(rig_load(&rig, "puppet"),
	    &(struct instance_setup){ .settings = &settings, .directory = "/srv",
		.where = "route" }, &rig.problems);
	ck_assert_ptr_nonnull(instance);
	fake_peer_init(&peer, kind);
	instance_connect(instance, &peer.duplex, NULL);
	ck_assert_int_eq(peer.status, 0);
	rig_log = (struct rig_log){ 0 };
}

static void set_up(void)
{
	rig_open(&rig);
	settings_init(&settings);
	instance = NULL;
}

static void tear_down(void)
{
	instance_close(instance);
	settings_release(&settings);
	rig_close(&rig);
}

static void expect(const char *command, const char *trace)
{
	fake_peer_say(&peer, command,
	    peer.duplex.kind == DUPLEX_WEBSOCKET ? TC_TEXT : 0);
	ck_assert_str_eq(fake_peer_trace(&peer), trace);
}

START_TEST(a_message_needs_a_type)
{
	open_as(DUPLEX_WEBSOCKET);
	expect("flags 1 hello", "T:hello T:0 ");
	expect("flags 2 hello", "B:hello T:0 ");
	expect("flags 0 hello", "T:-4 ");
	expect("flags 3 hello", "T:-4 ");
	expect("flags 9 hello", "T:-4 ");
	expect("flags 17 hello", "T:-4 ");
	expect("flags 1 \xff", "T:-4 ");
	expect("flags 2 \xff", "B:\xff T:0 ");
}
END_TEST

START_TEST(a_message_may_go_on)
{
	open_as(DUPLEX_WEBSOCKET);
	/* The result, sent as text of its own, ends the message. */
	expect("flags 5 hello", "T+:hello T:0 ");
}
END_TEST

START_TEST(of_a_streams_flags_the_end_counts)
{
	open_as(DUPLEX_STREAM);
	expect("flags 7 hello", ":hello :0 ");
	expect("flags 16 hello", ":-4 ");
	/* The result is not sent any more. */
	expect("flags 8 hello", "E:hello ");
	expect("flags 0 hello", "");
}
END_TEST

START_TEST(bytes_that_are_not_there_are_refused)
{
	open_as(DUPLEX_WEBSOCKET);
	expect("nothing", "T:-4 ");
}
END_TEST

START_TEST(a_close_has_a_code_and_a_reason)
{
	open_as(DUPLEX_WEBSOCKET);
	expect("close 3000 good bye", "close(3000,good bye) ");
	ck_assert_str_eq(rig_log.text, "2 puppet 00000000deadbeef: close 0 then -2\n");
	expect("close 3000", "");
}
END_TEST

START_TEST(a_code_of_0_is_1000)
{
	open_as(DUPLEX_WEBSOCKET);
	expect("close 0", "close(1000,) ");
}
END_TEST

START_TEST(a_code_that_may_not_be_sent_is_refused)
{
	open_as(DUPLEX_WEBSOCKET);
	expect("close 1005", "T:x T:-4 ");
	expect("close -1", "T:x T:-4 ");
	expect("close 66536", "T:x T:-4 ");
	expect("close 1000 \xff", "T:x T:-4 ");
}
END_TEST

START_TEST(a_stream_closes_whatever_the_code)
{
	open_as(DUPLEX_STREAM);
	expect("close 77 never mind", "close(1000,never mind) ");
}
END_TEST

START_TEST(a_full_queue_takes_nothing)
{
	open_as(DUPLEX_STREAM);
	peer.hold = true;
	peer.mute = true;
	fake_peer_say(&peer, "fill 65536", 0);
	ck_assert_str_eq(fake_peer_trace(&peer), ": : : : ");
	ck_assert_str_eq(rig_log.text, "2 puppet 00000000deadbeef: filled 4\n");
}
END_TEST

START_TEST(a_pause_reaches_the_peer_while_it_is_there)
{
	open_as(DUPLEX_STREAM);
	expect("pause", "pause ");
	peer.duplex.state = DUPLEX_CLOSING;
	/* TC_GONE from on_data is a failure, but there is nothing left to close. */
	expect("pause", "");
}
END_TEST

START_TEST(facts_have_their_names)
{
	open_as(DUPLEX_WEBSOCKET);
	peer.protocol = "one";
	expect("info client.address", "T:192.0.2.1 ");
	expect("info websocket.protocol", "T:one ");
	expect("info request.id", "T:00000000deadbeef ");
	expect("info handler", "T:puppet ");
	expect("info no.such", "T:NULL ");
}
END_TEST

START_TEST(each_has_a_slot_of_its_own)
{
	struct fake_peer other;

	open_as(DUPLEX_STREAM);
	fake_peer_init(&other, DUPLEX_STREAM);
	instance_connect(instance, &other.duplex, NULL);
	expect("one", ":one ");
	expect("count", ":2 ");
	fake_peer_say(&other, "count", 0);
	ck_assert_str_eq(fake_peer_trace(&other), ":1 ");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conn");
	TCase *tcase = tcase_create("conn");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_message_needs_a_type);
	tcase_add_test(tcase, a_message_may_go_on);
	tcase_add_test(tcase, of_a_streams_flags_the_end_counts);
	tcase_add_test(tcase, bytes_that_are_not_there_are_refused);
	tcase_add_test(tcase, a_close_has_a_code_and_a_reason);
	tcase_add_test(tcase, a_code_of_0_is_1000);
	tcase_add_test(tcase, a_code_that_may_not_be_sent_is_refused);
	tcase_add_test(tcase, a_stream_closes_whatever_the_code);
	tcase_add_test(tcase, a_full_queue_takes_nothing);
	tcase_add_test(tcase, a_pause_reaches_the_peer_while_it_is_there);
	tcase_add_test(tcase, facts_have_their_names);
	tcase_add_test(tcase, each_has_a_slot_of_its_own);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

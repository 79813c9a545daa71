/* SPDX-License-Identifier: MIT */
/* What a host may not say of a duplex: it is ended for that, nothing else suffers. */
#include "tunnel_rig.h"
#include "unit.h"

static char bytes[FRAME_DATA_MAX + 1];

struct nonsense {
	const char *name;
	enum frame_type type;
	uint8_t flags;
	uint16_t code;
	struct slice payload;
};

static const struct nonsense nonsense[] = {
	{ "connected twice", FRAME_CONNECTED, 0, 0, { "\0\0\0\0", 4 } },
	{ "refused after all", FRAME_REFUSED, 0, 403, { "\0\0\0\0", 4 } },
	{ "a message without a type", FRAME_MESSAGE, 0, 0, { "x", 1 } },
	{ "a message of two types", FRAME_MESSAGE, 3, 0, { "x", 1 } },
	{ "a stream's flag", FRAME_MESSAGE, 9, 0, { "x", 1 } },
	{ "a flag that is none", FRAME_MESSAGE, 17, 0, { "x", 1 } },
	{ "text that is none", FRAME_MESSAGE, 1, 0, { "\xff", 1 } },
	{ "a long message", FRAME_MESSAGE, 2, 0, { bytes, FRAME_DATA_MAX + 1 } },
	{ "a code that is none", FRAME_CLOSE, 0, 1006, { "", 0 } },
	{ "a reason that is none", FRAME_CLOSE, 0, 1000, { "\xff", 1 } },
	{ "a long reason", FRAME_CLOSE, 0, 1000, { bytes, 124 } },
	{ "more window than there is", FRAME_WINDOW_MORE, 0, 0, { "\1\0\0\0", 4 } },
	{ "a window of no size", FRAME_WINDOW_MORE, 0, 0, { "\1\0\0", 3 } },
	{ "an end that nobody asked for", FRAME_DISCONNECTED, 0, 0, { "", 0 } },
	{ "a call's frame", FRAME_START, 0, 200, { "", 0 } },
	{ "a frame of ours", FRAME_CONNECT, 0, 0, { "", 0 } },
};

#define NONSENSE (sizeof(nonsense) / sizeof(nonsense[0]))

START_TEST(nonsense_about_a_websocket_ends_the_host)
{
	const struct nonsense *one = &nonsense[_i];
	uint64_t id = open_websocket();

	memset(bytes, 'x', sizeof(bytes));
	say_now(one->type, one->flags, one->code, id, one->payload);
	ck_assert_msg(fake.lost == 1, "%s", one->name);
	die(&fake);
	ck_assert_str_eq(fake_peer_trace(&peer), "close(1011,) ");
	check_works(&other);
}
END_TEST

START_TEST(nonsense_before_the_answer_ends_the_host)
{
	static const struct nonsense early[] = {
		{ "a status of success", FRAME_REFUSED, 0, 200, { "\0\0\0\0", 4 } },
		{ "no status", FRAME_REFUSED, 0, 0, { "\0\0\0\0", 4 } },
		{ "fields that are none", FRAME_CONNECTED, 0, 0, { "\1\0\0\0", 4 } },
		{ "half a frame", FRAME_REFUSED, 0, 403, { "\0", 1 } },
		{ "more than fields", FRAME_CONNECTED, 0, 0, { "\0\0\0\0\0", 5 } },
	};

	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
		make_websocket(TIMEOUT_MS);
		say_now(early[i].type, early[i].flags, early[i].code, hear_connect(),
		    early[i].payload);
		ck_assert_msg(fake.lost == (int)i + 1, "%s", early[i].name);
		remote_break(fake.remote, 7);
		die(&fake);
		ck_assert_int_eq(peer.opened, 1);
		rig_end(&call);
		attach(&fake);
	}
}
END_TEST

START_TEST(an_answer_about_a_stream_has_no_fields)
{
	make_stream(&peer, TIMEOUT_MS);
	say_now(FRAME_CONNECTED, 0, 0, hear_connect(), SLICE("\0\0\0\0\0"));
	ck_assert_int_eq(fake.lost, 1);
	remote_break(fake.remote, 7);
	die(&fake);
	ck_assert_int_eq(peer.opened, 1);
}
END_TEST

START_TEST(nothing_comes_behind_a_close)
{
	static const struct nonsense behind[] = {
		{ "a message", FRAME_MESSAGE, DUPLEX_TEXT, 0, { "x", 1 } },
		{ "another close", FRAME_CLOSE, 0, 1000, { "", 0 } },
	};
	uint64_t id = open_websocket();

	say(&fake, FRAME_CLOSE, 0, 1000, id, SLICE(""));
	say_now(behind[_i].type, behind[_i].flags, behind[_i].code, id,
	    behind[_i].payload);
	ck_assert_msg(fake.lost == 1, "%s", behind[_i].name);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tunnel_breaches");
	TCase *tests = tcase_create("tunnel_breaches");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, nonsense_about_a_websocket_ends_the_host, 0, NONSENSE);
	tcase_add_test(tests, nonsense_before_the_answer_ends_the_host);
	tcase_add_test(tests, an_answer_about_a_stream_has_no_fields);
	tcase_add_loop_test(tests, nothing_comes_behind_a_close, 0, 2);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}

/* SPDX-License-Identifier: MIT */
/*
 * The chat handler between a server and a bus that say anything: what other processes
 * publish is not trusted, who reads too slowly is told all that it has missed. What
 * people can do to one another is in tests/e2e/test_chat.py.
 */
#include "../../plugins/chat/clean.c"
#include "../../plugins/chat/crowd.c"
#include "../../plugins/chat/line.c"
#include "../../plugins/chat/person.c"
#include "../../plugins/chat/room.c"

#include "unit.h"

#define TRACE_BYTES (64 * 1024)

tc_api tc;

/* One connection, the clock, the bus, and what was done to them. */
static struct {
	int64_t now_ms;
	int kind;
	bool full;			/* send does not take */
	char sent[TRACE_BYTES];
	char published[TRACE_BYTES];
	size_t published_size;
	void (*timer)(void *arg);	/* the newest */
	int64_t timer_ms;
} server;

static struct room room;
static struct person *person;

static int fake_send(tc_conn *c, const void *data, size_t size, uint32_t flags)
{
	size_t used = strlen(server.sent);

	(void)c;
	ck_assert_uint_eq(flags, server.kind == TC_STREAM ? 0 : TC_TEXT);
	if (server.full) {
		return TC_AGAIN;
	}
	ck_assert_uint_lt(used + size, TRACE_BYTES);
	memcpy(server.sent + used, data, size);
	server.sent[used + size] = '\0';
	return TC_OK;
}

static int fake_kind(const tc_conn *c)
{
	(void)c;
	return server.kind;
}

static int fake_close(tc_conn *c, int code, const char *reason)
{
	(void)c;
	(void)code;
	(void)reason;
	return TC_OK;
}

static int64_t fake_now(void)
{
	return server.now_ms;
}

static tc_timer *fake_after(int64_t ms, void (*fn)(void *arg), void *arg)
{
	ck_assert_ptr_eq(arg, &room);
	server.timer_ms = ms;
	server.timer = fn;
	return (tc_timer *)&server;
}

static tc_sub *fake_subscribe(const char *topic,
    void (*fn)(void *arg, const void *data, size_t size, uint64_t lost), void *arg)
{
	ck_assert_str_eq(topic, "1:lobby");
	ck_assert_ptr_eq(fn, hear);
	return arg;
}

static int fake_publish(const char *topic, const void *data, size_t size)
{
	ck_assert_str_eq(topic, "1:lobby");
	memcpy(server.published, data, size);
	server.published_size = size;
	return TC_OK;
}

static const void *fake_ext(const char *id)
{
	static const tc_bus bus = { .size = sizeof bus, .subscribe = fake_subscribe,
		.publish = fake_publish };

	ck_assert_str_eq(id, TC_BUS);
	return &bus;
}

static void open_chat(int kind)
{
	tc = (tc_api){ .send = fake_send, .conn_kind = fake_kind, .close = fake_close,
		.now = fake_now, .after = fake_after, .ext = fake_ext };
	memset(&server, 0, sizeof server);
	server.now_ms = 1000000;
	server.kind = kind;
	room = (struct room){ .topic = "1:lobby", .greeting = "", .max_people = 2 };
	ck_assert_int_eq(room_open(&room), TC_OK);
	person = person_new(&room, (tc_conn *)&server);
	ck_assert_int_eq(person_hear(person, "ann\n", kind == TC_STREAM ? 4 : 3,
	    kind == TC_STREAM ? 0 : TC_TEXT), TC_OK);
	hear(&room, server.published, server.published_size, 0);
	server.sent[0] = '\0';
}

static void close_chat(void)
{
	room_close(&room);
}

/* What was sent since the last time. */
static const char *sent(void)
{
	static char text[TRACE_BYTES];

	memcpy(text, server.sent, sizeof text);
	server.sent[0] = '\0';
	return text;
}

static struct word word_of(enum word_kind kind, uint64_t people)
{
	return (struct word){ .room = room.id + 1, .person = 1, .people = people,
		.kind = (uint8_t)kind };
}

/* A message of another room with that name and text, of these sizes. */
static void say_word(struct word word, const char *name, size_t name_size,
    const char *text, size_t text_size)
{
	char *data = malloc(sizeof word + name_size + text_size);	/* no byte more */

	memcpy(data, &word, sizeof word);
	memcpy(data + sizeof word, name, name_size);
	memcpy(data + sizeof word + name_size, text, text_size);
	hear(&room, data, sizeof word + name_size + text_size, 0);
	free(data);
}

static void say_said(const char *name, const char *text)
{
	struct word word = word_of(WORD_SAID, 1);

	word.name_size = (uint8_t)strlen(name);
	word.text_size = (uint16_t)strlen(text);
	say_word(word, name, strlen(name), text, strlen(text));
}

START_TEST(a_message_of_another_process_is_heard)
{
	open_chat(TC_STREAM);
	say_said("bob", "hi");
	ck_assert_str_eq(sent(), "bob: hi\n");
	close_chat();
}
END_TEST

START_TEST(what_another_process_says_is_made_harmless_again)
{
	open_chat(TC_STREAM);
	say_said("b\x1b(ob:", "\x1b[2Jhi\nann: no\xff");
	ck_assert_str_eq(sent(), "bob: [2Jhi ann: no?\n");
	close_chat();
}
END_TEST

START_TEST(what_is_no_message_is_passed_over)
{
	static char long_text[2 * TEXT_BYTES];
	struct word word = word_of(WORD_SAID, 1);

	open_chat(TC_STREAM);
	memset(long_text, 'x', sizeof long_text);
	for (size_t size = 0; size < sizeof word; size++) {
		char *data = calloc(1, size + 1);

		memcpy(data, &word, size);
		hear(&room, data, size, 0);
		free(data);
	}
	word.name_size = 3;
	say_word(word, "bo", 2, "", 0);		/* less than it says */
	say_word(word, "bobby", 5, "", 0);	/* more */
	word.text_size = 5;
	say_word(word, "bob", 3, "hell", 4);
	word.name_size = NAME_BYTES + 1;
	say_word(word, long_text, NAME_BYTES + 1, "hello", 5);
	word.name_size = 3;
	word.text_size = TEXT_BYTES + 1;
	say_word(word, "bob", 3, long_text, TEXT_BYTES + 1);
	word = word_of((enum word_kind)99, 1);
	say_word(word, "", 0, "", 0);
	ck_assert_str_eq(sent(), "");
	close_chat();
}
END_TEST

START_TEST(what_the_bus_has_lost_is_told)
{
	open_chat(TC_STREAM);
	hear(&room, "", 0, 7);
	ck_assert_str_eq(sent(), "(up to 7 lines lost)\n");
	close_chat();
}
END_TEST

START_TEST(a_process_that_falls_silent_is_not_counted_any_more)
{
	open_chat(TC_WEBSOCKET);
	say_word(word_of(WORD_COUNT, 5), "", 0, "", 0);
	tell_people(&room);
	ck_assert_str_eq(sent(), "{\"people\":6}");
	beat(&room);
	for (int i = 0; i < 3; i++) {
		server.now_ms += server.timer_ms;
		beat(&room);
		hear(&room, server.published, server.published_size, 0);
		ck_assert_str_eq(sent(), "");
	}
	server.now_ms += server.timer_ms;
	beat(&room);
	ck_assert_str_eq(sent(), "{\"people\":1}");
	close_chat();
}
END_TEST

START_TEST(who_is_new_is_told_how_many_are_here)
{
	struct word told;

	open_chat(TC_STREAM);
	server.published_size = 0;
	say_word(word_of(WORD_ASK, 0), "", 0, "", 0);
	ck_assert_uint_eq(server.published_size, sizeof told);
	memcpy(&told, server.published, sizeof told);
	ck_assert_uint_eq(told.kind, WORD_COUNT);
	ck_assert_uint_eq(told.people, 1);
	close_chat();
}
END_TEST

START_TEST(rooms_are_counted_up_to_a_bound)
{
	struct crowd crowd = { 0 };

	for (uint64_t id = 1; id < 2 * CROWD_ROOMS; id++) {
		crowd_hear(&crowd, id, 1, 0);
	}
	ck_assert_uint_eq(crowd_people(&crowd), CROWD_ROOMS);
	crowd_release(&crowd);
}
END_TEST

START_TEST(a_slow_reader_learns_all_that_it_has_missed)
{
	open_chat(TC_STREAM);
	server.full = true;
	say_said("bob", "one");
	server.full = false;
	/* It would fit, but would come before the news of the first. */
	say_said("bob", "two");
	ck_assert_str_eq(sent(), "");
	server.full = true;
	person_drained(person);		/* there is no room for this either */
	server.full = false;
	say_said("bob", "three");
	person_drained(person);
	person_drained(person);
	ck_assert_str_eq(sent(), "(3 lines lost)\n");
	say_said("bob", "four");
	ck_assert_str_eq(sent(), "bob: four\n");
	close_chat();
}
END_TEST

START_TEST(speech_costs_time_that_comes_back)
{
	open_chat(TC_STREAM);
	for (int i = 0; i < LINES_AT_ONCE + 3; i++) {
		person_hear(person, "x\n", 2, 0);
	}
	ck_assert_str_eq(sent(), "(too fast, that was not sent: wait a moment)\n");
	server.published_size = 0;
	server.now_ms += LINE_COST_MS - 1;
	person_hear(person, "x\n", 2, 0);
	ck_assert_uint_eq(server.published_size, 0);
	server.now_ms += 1;
	person_hear(person, "x\n", 2, 0);
	ck_assert_uint_eq(server.published_size, sizeof(struct word) + 4);
	close_chat();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("chat");
	TCase *bus = tcase_create("bus");
	TCase *people = tcase_create("people");

	tcase_add_test(bus, a_message_of_another_process_is_heard);
	tcase_add_test(bus, what_another_process_says_is_made_harmless_again);
	tcase_add_test(bus, what_is_no_message_is_passed_over);
	tcase_add_test(bus, what_the_bus_has_lost_is_told);
	tcase_add_test(bus, a_process_that_falls_silent_is_not_counted_any_more);
	tcase_add_test(bus, who_is_new_is_told_how_many_are_here);
	tcase_add_test(bus, rooms_are_counted_up_to_a_bound);
	suite_add_tcase(suite, bus);
	tcase_add_test(people, a_slow_reader_learns_all_that_it_has_missed);
	tcase_add_test(people, speech_costs_time_that_comes_back);
	suite_add_tcase(suite, people);
	return unit_run(suite);
}

/* SPDX-License-Identifier: MIT */
/* The end of a link: what a host may say that breaks the rules, and what that costs. */
#include "remote/link.h"

#include "fake_host.h"
#include "unit.h"

/* What a host may say that breaks the rules, in reply to the call of that id. */

static void say_short_frame(uint64_t id)
{
	struct frame_header header = { .size = sizeof(header) - 1, .type = FRAME_LOG,
		.id = id };

	ck_assert_int_eq(buffer_append(&fake.out, &header, sizeof(header)), 0);
}

static void say_long_frame(uint64_t id)
{
	struct frame_header header = { .size = FRAME_MAX + 1, .type = FRAME_LOG,
		.id = id };

	ck_assert_int_eq(buffer_append(&fake.out, &header, sizeof(header)), 0);
}

static void say_longest_frame(uint64_t id)
{
	struct frame_header header = { .size = UINT32_MAX, .type = FRAME_LOG, .id = id };

	ck_assert_int_eq(buffer_append(&fake.out, &header, sizeof(header)), 0);
}

static void say_no_type(uint64_t id)
{
	say(&fake, 0, 0, 0, id, SLICE(""));
}

static void say_unknown_type(uint64_t id)
{
	say(&fake, 255, 0, 0, id, SLICE(""));
}

static void say_what_peers_say(uint64_t id)
{
	say(&fake, FRAME_REQUEST, 0, 0, id, SLICE(""));
}

static void say_checked(uint64_t id)
{
	say(&fake, FRAME_CHECKED, 0, 0, id, SLICE(""));
}

static void reply_to_nothing(uint64_t id)
{
	(void)id;
	pack_reply(&fake, 0, "hello");
}

static void reply_to_another_slot(uint64_t id)
{
	pack_reply(&fake, id ^ 1, "hello");
}

static void reply_past_the_slots(uint64_t id)
{
	pack_reply(&fake, id | 0xffff, "hello");
}

static void reply_to_an_older_call(uint64_t id)
{
	pack_reply(&fake, id - (1 << 16), "hello");
}

static void data_before_start(uint64_t id)
{
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("hello"));
}

static void file_before_start(uint64_t id)
{
	int fd = make_file("hello");

	send_file(&fake, id, fd, 0, 5);
	close(fd);
}

static void end_before_start(uint64_t id)
{
	pack_end(&fake, id);
}

static void start_twice(uint64_t id)
{
	pack_start(&fake, id, "5");
	pack_start(&fake, id, "5");
}

static void reply_after_start(uint64_t id)
{
	pack_start(&fake, id, "5");
	pack_reply(&fake, id, "hello");
}

static void data_past_the_length(uint64_t id)
{
	pack_start(&fake, id, "5");
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("hello!"));
}

static void data_past_the_window(uint64_t id)
{
	static char bytes[FRAME_DATA_MAX];

	pack_start(&fake, id, "100000000");
	for (int i = 0; i <= FRAME_WINDOW / FRAME_DATA_MAX; i++) {
		say(&fake, FRAME_DATA, 0, 0, id, (struct slice){ bytes, sizeof(bytes) });
	}
}

static void file_without_descriptor(uint64_t id)
{
	pack_start(&fake, id, "5");
	flush(&fake);
	send_file(&fake, id, -1, 0, 5);
}

static void file_that_is_a_pipe(uint64_t id)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	pack_start(&fake, id, "5");
	flush(&fake);
	send_file(&fake, id, fds[0], 0, 5);
	close(fds[0]);
	close(fds[1]);
}

static void file_of_a_folder(uint64_t id)
{
	int fd = open("/", O_RDONLY | O_CLOEXEC);

	pack_start(&fake, id, "5");
	flush(&fake);
	send_file(&fake, id, fd, 0, 5);
	close(fd);
}

static void send_range(uint64_t id, int64_t offset, int64_t size)
{
	int fd = make_file("hello");

	pack_start(&fake, id, "5");
	flush(&fake);
	send_file(&fake, id, fd, offset, size);
	close(fd);
}

static void file_before_its_begin(uint64_t id)
{
	send_range(id, -1, 5);
}

static void file_of_negative_size(uint64_t id)
{
	send_range(id, 0, -5);
}

static void file_past_all_offsets(uint64_t id)
{
	send_range(id, INT64_MAX, 5);
}

static void file_past_the_length(uint64_t id)
{
	send_range(id, 0, 6);
}

static void file_without_a_range(uint64_t id)
{
	int fd = make_file("hello");
	struct slice bytes;

	pack_start(&fake, id, "5");
	flush(&fake);
	say(&fake, FRAME_FILE, 0, 0, id, SLICE("12345678"));
	bytes = buffer_slice(&fake.out);
	send_bytes(&fake, bytes.data, bytes.size, fd);
	buffer_reset(&fake.out);
	close(fd);
	turn();
}

static void start_of_impossible_length(uint64_t id)
{
	say_fields(&fake, FRAME_START, 200, id, (uint64_t)INT64_MAX + 1, "a", "b");
}

static void start_of_no_status(uint64_t id)
{
	say_fields(&fake, FRAME_START, 199, id, 5, "a", "b");
}

static void start_of_nothing(uint64_t id)
{
	say(&fake, FRAME_START, 0, 200, id, SLICE(""));
}

static void end_with_a_forbidden_field(uint64_t id)
{
	pack_start(&fake, id, "0");
	say_fields(&fake, FRAME_END, 0, id, 0, "content-length", "5");
}

static void end_of_nothing(uint64_t id)
{
	pack_start(&fake, id, "0");
	say(&fake, FRAME_END, 0, 0, id, SLICE(""));
}

static void end_too_early(uint64_t id)
{
	pack_start(&fake, id, "5");
	pack_end(&fake, id);
}

static void reply_of_no_status(uint64_t id)
{
	say_fields(&fake, FRAME_REPLY, 600, id, 5, "a", "b");
}

static void reply_with_a_line_end(uint64_t id)
{
	say_fields(&fake, FRAME_REPLY, 200, id, 5, "a", "b\r\nc: d");
}

static void reply_with_a_blank_name(uint64_t id)
{
	say_fields(&fake, FRAME_REPLY, 200, id, 5, "a b", "c");
}

static void reply_with_framing(uint64_t id)
{
	say_fields(&fake, FRAME_REPLY, 200, id, 5, "transfer-encoding", "chunked");
}

static void reply_of_two_lengths(uint64_t id)
{
	say_fields(&fake, FRAME_REPLY, 200, id, 5, "content-length", "6");
}

static void reply_of_wrong_length(uint64_t id)
{
	say_fields(&fake, FRAME_REPLY, 200, id, 6, "a", "b");
}

static void reply_of_nothing(uint64_t id)
{
	say(&fake, FRAME_REPLY, 0, 200, id, SLICE(""));
}

static void reply_of_many_fields(uint64_t id)
{
	/* As many as a number can say, and none of them. */
	say(&fake, FRAME_REPLY, 0, 200, id,
	    (struct slice){ "\5\0\0\0\0\0\0\0\xff\xff\xff\xff", 12 });
}

static void reply_that_calls_itself_cut(uint64_t id)
{
	say(&fake, FRAME_REPLY, FRAME_BROKEN, 200, id, SLICE("?"));
}

static void (*const offences[])(uint64_t id) = {
	say_short_frame, say_long_frame, say_longest_frame, say_no_type,
	say_unknown_type, say_what_peers_say, say_checked, reply_to_nothing,
	reply_to_another_slot, reply_past_the_slots, reply_to_an_older_call,
	data_before_start, file_before_start, end_before_start, start_twice,
	reply_after_start, data_past_the_length, data_past_the_window,
	file_without_descriptor, file_that_is_a_pipe, file_of_a_folder,
	file_before_its_begin, file_of_negative_size, file_past_all_offsets,
	file_past_the_length, file_without_a_range, start_of_impossible_length,
	start_of_no_status, start_of_nothing, end_with_a_forbidden_field,
	end_of_nothing, end_too_early, reply_of_no_status, reply_with_a_line_end,
	reply_with_a_blank_name, reply_with_framing, reply_of_two_lengths,
	reply_of_wrong_length, reply_of_nothing, reply_of_many_fields,
	reply_that_calls_itself_cut,
};

#define OFFENCES ((int)(sizeof(offences) / sizeof(offences[0])))

START_TEST(a_breach_of_the_protocol_ends_that_host_alone)
{
	uint64_t id = begin(&fake, &call);

	offences[_i](id);
	if (fake.out.size > 0) {
		flush(&fake);
	}
	ck_assert_int_eq(fake.lost, 1);
	ck_assert_str_eq(fake.said,
	    "4 bad -: its process broke the protocol and is ended");
	die(&fake);
	if (call.exchange.state != EXCHANGE_BROKEN) {
		check_status(&call, 502);
		ck_assert_ptr_nonnull(strstr(rig_body(&call), "502 Bad Gateway"));
	}
	rig_end(&call);
	attach(&fake);
	check_works(&fake);
	check_works(&other);
	ck_assert_int_eq(other.lost, 0);
}
END_TEST

START_TEST(a_second_reply_is_a_breach_but_the_first_one_counts)
{
	uint64_t id = begin(&fake, &call);

	pack_reply(&fake, id, "hello");
	pack_reply(&fake, id, "hello");
	flush(&fake);
	check_status(&call, 200);
	ck_assert_str_eq(rig_body(&call), "hello");
	ck_assert_int_eq(fake.lost, 1);
	rig_end(&call);
}
END_TEST

START_TEST(a_reply_cut_on_purpose_is_no_breach)
{
	uint64_t id = begin(&fake, &call);

	pack_start(&fake, id, "5");
	say(&fake, FRAME_END, FRAME_BROKEN, 0, id, (struct slice){ "\0\0\0\0", 4 });
	flush(&fake);
	ck_assert_int_eq(call.exchange.state, EXCHANGE_BROKEN);
	ck_assert_int_eq(fake.lost, 0);
	rig_end(&call);
	check_works(&fake);
}
END_TEST

START_TEST(descriptors_that_nobody_asked_for_are_closed)
{
	int fd = make_file("hello");

	for (int i = 0; i < 100; i++) {
		say(&fake, FRAME_LOG, 0, 2, 0, SLICE("take this"));
		send_bytes(&fake, fake.out.data, fake.out.size, fd);
		buffer_reset(&fake.out);
		turn();
	}
	close(fd);
	ck_assert_int_eq(fake.lost, 0);
}
END_TEST

START_TEST(nonsense_on_the_page_of_the_dead_hurts_nobody)
{
	static const struct {
		uint64_t base;
		uint32_t size;
		uint64_t finished;
	} cases[] = { { 0, UINT32_MAX, 1 }, { UINT64_MAX, 16, UINT64_MAX },
		{ 0, PAGE_OUT_BYTES, 0 }, { 1, 16, 0 } };

	(void)begin(&fake, &call);
	memset(fake.page->out, 0xff, sizeof(fake.page->out));
	atomic_store(&fake.page->out_base, cases[_i].base);
	atomic_store(&fake.page->out_size, cases[_i].size);
	atomic_store(&fake.page->finished, cases[_i].finished);
	die(&fake);
	check_status(&call, 502);
	rig_end(&call);
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("link");
	TCase *hostile = tcase_create("hostile");

	tcase_add_checked_fixture(hostile, set_up, tear_down);
	tcase_add_loop_test(hostile, a_breach_of_the_protocol_ends_that_host_alone, 0,
	    OFFENCES);
	tcase_add_test(hostile, a_second_reply_is_a_breach_but_the_first_one_counts);
	tcase_add_test(hostile, a_reply_cut_on_purpose_is_no_breach);
	tcase_add_test(hostile, descriptors_that_nobody_asked_for_are_closed);
	tcase_add_loop_test(hostile, nonsense_on_the_page_of_the_dead_hurts_nobody, 0, 4);
	suite_add_tcase(all, hostile);
	return all;
}

int main(void)
{
	return unit_run(suite());
}

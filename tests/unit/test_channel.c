/* SPDX-License-Identifier: MIT */
/* Messages between the master and a worker, and the descriptors that go with them. */
#include "ipc/channel.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/channel_queue.h"
#include "unit.h"

static int fds[2];
static struct channel_message in;

static void set_up(void)
{
	ck_assert_int_eq(channel_pair(fds), 0);
	memset(&in, 0x55, sizeof(in));
}

static void tear_down(void)
{
	close(fds[0]);
	close(fds[1]);
}

static int count_open(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++) {
		count += fcntl(fd, F_GETFD) >= 0;
	}
	return count;
}

START_TEST(a_message_arrives_as_it_was_sent)
{
	struct channel_message out = { .type = CHANNEL_FAILED, .number = 7, .value = 9,
		.text = "no memory", .fds = { -1, -1 } };

	ck_assert_int_eq(channel_send(fds[0], &out), 0);
	ck_assert_int_eq(channel_receive(fds[1], &in), 0);
	ck_assert_uint_eq(in.type, CHANNEL_FAILED);
	ck_assert_uint_eq(in.number, 7);
	ck_assert_uint_eq(in.value, 9);
	ck_assert_str_eq(in.text, "no memory");
	ck_assert_int_eq(in.fds[0], -1);
	ck_assert_int_eq(in.fds[1], -1);
	ck_assert_int_eq(channel_receive(fds[1], &in), ERR_AGAIN);
}
END_TEST

START_TEST(descriptors_go_with_it_and_close_on_exec)
{
	struct channel_message out = { .type = CHANNEL_HOST };
	char byte;

	ck_assert_int_eq(pipe(out.fds), 0);
	ck_assert_int_eq(channel_send(fds[0], &out), 0);
	ck_assert_int_eq(channel_receive(fds[1], &in), 0);
	ck_assert_int_ne(in.fds[0], out.fds[0]);
	ck_assert_int_eq(fcntl(in.fds[0], F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(write(in.fds[1], "x", 1), 1);
	ck_assert_int_eq(read(out.fds[0], &byte, 1), 1);
	channel_close_fds(&in);
	ck_assert_int_eq(in.fds[0], -1);
	channel_close_fds(&in);
	channel_close_fds(&out);
}
END_TEST

START_TEST(messages_keep_their_order_and_their_ends)
{
	struct channel_message out = { .fds = { -1, -1 } };

	for (uint32_t i = 0; i < 20; i++) {
		out.number = i;
		ck_assert_int_eq(channel_send(fds[0], &out), 0);
	}
	for (uint32_t i = 0; i < 20; i++) {
		ck_assert_int_eq(channel_receive(fds[1], &in), 0);
		ck_assert_uint_eq(in.number, i);
	}
}
END_TEST

START_TEST(the_end_of_the_other_side_is_told)
{
	struct channel_message out = { .fds = { -1, -1 } };

	close(fds[0]);
	ck_assert_int_eq(channel_receive(fds[1], &in), ERR_EOF);
	ck_assert_int_eq(channel_send(fds[1], &out), ERR_CLOSED);
	fds[0] = -1;
}
END_TEST

START_TEST(one_that_takes_nothing_is_given_up)
{
	struct channel_message out = { .fds = { -1, -1 } };
	int sent = 0;

	while (channel_send(fds[0], &out) == 0) {
		ck_assert_int_lt(++sent, 100000);
	}
	ck_assert_int_gt(sent, 0);
}
END_TEST

/* Bytes of that size, with as many descriptors. */
static void send_raw(size_t size, size_t count)
{
	static char bytes[sizeof(in) * 2];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = { 0 };
	struct iovec part = { bytes, size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *c = (struct cmsghdr *)control;

	memset(bytes, 'x', sizeof(bytes));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (size_t i = 0; i < count; i++) {
		memcpy(CMSG_DATA(c) + i * sizeof(int), &fds[1], sizeof(int));
	}
	ck_assert_int_eq(sendmsg(fds[0], &message, 0), size);
}

START_TEST(what_is_no_message_is_refused_and_its_descriptors_closed)
{
	static const size_t sizes[] = { 1, sizeof(in) - sizeof(in.fds) - 1,
		sizeof(in) - sizeof(in.fds) + 1 };
	int before = count_open();

	send_raw(sizes[_i], 2);
	ck_assert_int_eq(channel_receive(fds[1], &in), ERR_PROTOCOL);
	ck_assert_int_eq(in.fds[0], -1);
	ck_assert_int_eq(count_open(), before);
}
END_TEST

START_TEST(more_descriptors_than_a_message_has_are_closed)
{
	int before = count_open();

	send_raw(sizeof(in) - sizeof(in.fds), 5);
	ck_assert_int_eq(channel_receive(fds[1], &in), 0);
	ck_assert_int_eq(count_open(), before + CHANNEL_FDS);
	/* A text without an end is given one. */
	ck_assert_uint_eq(strlen(in.text), CHANNEL_TEXT - 1);
	channel_close_fds(&in);
	ck_assert_int_eq(count_open(), before);
}
END_TEST

/* What is sent to one who reads nothing: the number of those that found room. */
static uint32_t send_many(struct channel_queue *queue, uint32_t waiting)
{
	struct channel_message out = { .type = CHANNEL_LOG, .fds = { -1, -1 } };

	while (queue->count < waiting) {
		out.fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		ck_assert_int_ge(out.fds[0], 0);
		ck_assert_int_eq(channel_queue_send(queue, fds[0], &out), 0);
		close(out.fds[0]);
		out.number++;
	}
	return out.number;
}

START_TEST(what_finds_no_room_waits_and_keeps_its_order)
{
	int open_before = count_open();
	struct channel_queue queue;
	uint32_t sent;
	uint32_t next = 0;

	channel_queue_init(&queue);
	sent = send_many(&queue, 20);
	ck_assert_int_eq(count_open(), open_before + 20);
	ck_assert_int_eq(channel_queue_flush(&queue, fds[0]), ERR_AGAIN);
	while (next < sent) {
		ck_assert_int_eq(channel_receive(fds[1], &in), 0);
		ck_assert_uint_eq(in.number, next++);
		ck_assert_int_ge(in.fds[0], 0);
		channel_close_fds(&in);
		(void)!channel_queue_flush(&queue, fds[0]);
	}
	ck_assert_uint_eq(queue.count, 0);
	ck_assert_int_eq(channel_queue_flush(&queue, fds[0]), 0);
	ck_assert_int_eq(count_open(), open_before);
}
END_TEST

START_TEST(no_more_wait_than_may_and_what_waits_is_dropped_at_the_end)
{
	struct channel_message out = { .type = CHANNEL_LOG, .fds = { -1, -1 } };
	int open_before = count_open();
	struct channel_queue queue;

	channel_queue_init(&queue);
	(void)send_many(&queue, 10);
	while (queue.count < CHANNEL_QUEUE_MAX) {
		ck_assert_int_eq(channel_queue_send(&queue, fds[0], &out), 0);
	}
	ck_assert_int_eq(channel_queue_send(&queue, fds[0], &out), ERR_LIMIT);
	close(fds[1]);
	ck_assert_int_eq(channel_queue_send(&queue, fds[0], &out), ERR_CLOSED);
	channel_queue_release(&queue);
	ck_assert_uint_eq(queue.count, 0);
	fds[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(count_open(), open_before);
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("channel");
	TCase *one = tcase_create("channel");

	tcase_add_checked_fixture(one, set_up, tear_down);
	tcase_set_timeout(one, 30);
	tcase_add_test(one, a_message_arrives_as_it_was_sent);
	tcase_add_test(one, descriptors_go_with_it_and_close_on_exec);
	tcase_add_test(one, messages_keep_their_order_and_their_ends);
	tcase_add_test(one, the_end_of_the_other_side_is_told);
	tcase_add_test(one, one_that_takes_nothing_is_given_up);
	tcase_add_loop_test(one, what_is_no_message_is_refused_and_its_descriptors_closed,
	    0, 3);
	tcase_add_test(one, more_descriptors_than_a_message_has_are_closed);
	tcase_add_test(one, what_finds_no_room_waits_and_keeps_its_order);
	tcase_add_test(one,
	    no_more_wait_than_may_and_what_waits_is_dropped_at_the_end);
	suite_add_tcase(all, one);
	return all;
}

int main(void)
{
	return unit_run(suite());
}

/* SPDX-License-Identifier: MIT */
/* Where the bytes of a host are at every moment: in its page or sent, never twice. */
#include "host/outbox.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

#define LARGE (1 << 20)

static struct page *page;
static struct outbox outbox;
static int peer_fd;
static char *large;

static void setup(void)
{
	int fds[2];

	page = calloc(1, sizeof(*page));
	large = malloc(LARGE);
	ck_assert(page != NULL && large != NULL);
	for (size_t i = 0; i < LARGE; i++) {
		large[i] = (char)(i % 251);
	}
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	peer_fd = fds[1];
	outbox_init(&outbox, fds[0], page);
}

static void teardown(void)
{
	close(outbox.fd);
	close(peer_fd);
	free(page);
	free(large);
}

/* All that is in the socket. */
static struct slice receive(void)
{
	static char bytes[4096];
	ssize_t got = recv(peer_fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	return (struct slice){ bytes, got > 0 ? (size_t)got : 0 };
}

START_TEST(keeps_frames_until_the_flush)
{
	ck_assert_int_eq(outbox_put(&outbox, SLICE("one")), 0);
	ck_assert_int_eq(outbox_put(&outbox, SLICE("two")), 0);
	ck_assert_uint_eq(receive().size, 0);
	ck_assert(slice_equal(page_unsent(page, 0), SLICE("onetwo")));
	ck_assert_int_eq(outbox_flush(&outbox), 0);
	ck_assert(slice_equal(receive(), SLICE("onetwo")));
	ck_assert_uint_eq(page_unsent(page, 6).size, 0);
	ck_assert_uint_eq(atomic_load(&page->out_base), 6);
	ck_assert_int_eq(outbox_flush(&outbox), 0);
	ck_assert_uint_eq(atomic_load(&page->out_base), 6);
}
END_TEST

START_TEST(makes_room_for_a_frame_that_does_not_fit)
{
	struct slice most = { large, PAGE_OUT_BYTES };

	ck_assert_int_eq(outbox_put(&outbox, SLICE("one")), 0);
	ck_assert_int_eq(outbox_put(&outbox, most), 0);
	ck_assert(slice_equal(receive(), SLICE("one")));
	ck_assert(slice_equal(page_unsent(page, 3), most));
}
END_TEST

/* Reads a stream of that many bytes slowly, in another thread. */
struct reading {
	pthread_t thread;
	size_t size;
	char *bytes;
};

static void *read_all(void *arg)
{
	struct reading *reading = arg;
	size_t used = 0;

	while (used < reading->size) {
		ssize_t got = recv(peer_fd, reading->bytes + used,
		    reading->size - used, 0);

		if (got <= 0) {
			break;
		}
		used += (size_t)got;
	}
	reading->size = used;
	return NULL;
}

static void read_begin(struct reading *reading, size_t size)
{
	reading->size = size;
	reading->bytes = malloc(size);
	ck_assert_ptr_nonnull(reading->bytes);
	ck_assert_int_eq(pthread_create(&reading->thread, NULL, read_all, reading), 0);
}

START_TEST(sends_a_frame_past_the_page_at_once_behind_what_waits)
{
	struct reading reading;

	/* A socket that would block: what a peer may have made of it. */
	ck_assert_int_eq(fcntl(outbox.fd, F_SETFL, O_NONBLOCK), 0);
	read_begin(&reading, 3 + LARGE);
	ck_assert_int_eq(outbox_put(&outbox, SLICE("one")), 0);
	ck_assert_int_eq(outbox_put(&outbox, (struct slice){ large, LARGE }), 0);
	ck_assert_uint_eq(atomic_load(&page->out_base), 3 + LARGE);
	ck_assert_uint_eq(atomic_load(&page->out_size), 0);
	ck_assert_int_eq(pthread_join(reading.thread, NULL), 0);
	ck_assert_uint_eq(reading.size, 3 + LARGE);
	ck_assert_mem_eq(reading.bytes, "one", 3);
	ck_assert_mem_eq(reading.bytes + 3, large, LARGE);
	free(reading.bytes);
}
END_TEST

START_TEST(sends_a_descriptor_behind_what_waits)
{
	char control[CMSG_SPACE(sizeof(int))];
	char bytes[16];
	struct iovec part = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control) };
	int fds[2];
	int got;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(outbox_put(&outbox, SLICE("one")), 0);
	ck_assert_int_eq(outbox_put_file(&outbox, SLICE("file"), fds[0]), 0);
	ck_assert_uint_eq(atomic_load(&page->out_base), 7);
	ck_assert_int_eq(recv(peer_fd, bytes, 3, 0), 3);
	ck_assert_int_eq(recvmsg(peer_fd, &message, 0), 4);
	ck_assert_mem_eq(bytes, "file", 4);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(got));
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	ck_assert_int_eq(read(got, bytes, 1), 1);
	close(got);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(says_when_the_peer_has_gone)
{
	shutdown(peer_fd, SHUT_RDWR);
	ck_assert_int_eq(outbox_flush(&outbox), 0);
	ck_assert_int_eq(outbox_put(&outbox, SLICE("one")), 0);
	ck_assert_int_eq(outbox_flush(&outbox), ERR_CLOSED);
	ck_assert_int_eq(outbox_put_file(&outbox, SLICE("one"), 0), ERR_CLOSED);
	ck_assert_int_eq(outbox_put(&outbox, (struct slice){ large, LARGE }), ERR_CLOSED);
}
END_TEST

static void *put_many(void *frame)
{
	for (int i = 0; i < 10000; i++) {
		if (outbox_put(&outbox, slice_of(frame)) != 0) {
			return frame;
		}
	}
	return outbox_flush(&outbox) == 0 ? NULL : frame;
}

START_TEST(keeps_the_frames_of_threads_apart)
{
	static char frames[2][17] = { "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb" };
	struct reading reading;
	pthread_t threads[2];
	void *failed;

	read_begin(&reading, (size_t)2 * 10000 * 16);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pthread_create(&threads[i], NULL, put_many, frames[i]),
		    0);
	}
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
		ck_assert_ptr_null(failed);
	}
	ck_assert_int_eq(pthread_join(reading.thread, NULL), 0);
	for (size_t i = 0; i < reading.size; i += 16) {
		ck_assert_mem_eq(reading.bytes + i, frames[reading.bytes[i] == 'b'], 16);
	}
	free(reading.bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("outbox");
	TCase *tcase = tcase_create("outbox");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, keeps_frames_until_the_flush);
	tcase_add_test(tcase, makes_room_for_a_frame_that_does_not_fit);
	tcase_add_test(tcase, sends_a_frame_past_the_page_at_once_behind_what_waits);
	tcase_add_test(tcase, sends_a_descriptor_behind_what_waits);
	tcase_add_test(tcase, says_when_the_peer_has_gone);
	tcase_add_test(tcase, keeps_the_frames_of_threads_apart);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

/* SPDX-License-Identifier: MIT */
/* What a worker and the keeper say to one another, and what is none of it. */
#include "ipc/sign.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

static int fds[2];
static struct sign_packet packet;
static struct sign_packet other;

static void set_up(void)
{
	packet = other = (struct sign_packet){ .size = 0 };
	ck_assert_int_eq(sign_pair(fds), 0);
}

static void tear_down(void)
{
	close(fds[0]);
	if (fds[1] >= 0) {
		close(fds[1]);
	}
}

START_TEST(requests_and_answers_arrive_together_as_they_were_put)
{
	struct sign_request request = { .id = 7, .scheme = 0x0403, .size = 3,
		.key = { 1, 2 }, .text = "abc" };
	struct sign_answer answer = { .id = 7, .status = SIGN_DONE, .size = 2,
		.signature = "xy" };
	struct sign_request got;
	struct sign_answer back;

	ck_assert_int_eq(sign_receive(fds[1], &packet), ERR_AGAIN);
	for (request.id = 7; request.id < 9; request.id++) {
		ck_assert_int_eq(sign_put_request(&packet, &request), 0);
		ck_assert_int_eq(sign_put_answer(&other, &answer), 0);
	}
	ck_assert_int_eq(sign_send(fds[0], &packet), 0);
	ck_assert_int_eq(sign_receive(fds[1], &packet), 0);
	for (request.id = 7; request.id < 9; request.id++) {
		ck_assert_int_eq(sign_take_request(&packet, &got), 0);
		ck_assert_mem_eq(&got, &request, offsetof(struct sign_request, text) + 3);
	}
	ck_assert_int_eq(sign_take_request(&packet, &got), ERR_AGAIN);
	ck_assert_int_eq(sign_send(fds[1], &other), 0);
	ck_assert_int_eq(sign_receive(fds[0], &packet), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(sign_take_answer(&packet, &back), 0);
		ck_assert_mem_eq(&back, &answer,
		    offsetof(struct sign_answer, signature) + 2);
	}
	ck_assert_int_eq(sign_take_answer(&packet, &back), ERR_AGAIN);
}
END_TEST

START_TEST(the_other_side_s_end_is_told)
{
	struct sign_request request = { .size = 3 };

	close(fds[1]);
	ck_assert_int_eq(sign_receive(fds[0], &packet), ERR_EOF);
	ck_assert_int_eq(sign_put_request(&packet, &request), 0);
	ck_assert_int_eq(sign_send(fds[0], &packet), ERR_CLOSED);
	fds[1] = -1;
}
END_TEST

static void receive(const void *bytes, size_t size)
{
	ck_assert_int_eq(send(fds[0], bytes, size, 0), (ssize_t)size);
	ck_assert_int_eq(sign_receive(fds[1], &packet), 0);
}

START_TEST(a_request_of_another_size_than_it_says_is_nonsense)
{
	struct sign_request request = { .id = 7, .size = 3 };
	size_t header = offsetof(struct sign_request, text);
	size_t sizes[] = { 1, header - 1, header, header + 2, header + 4 };
	static char bytes[2 * SIGN_PACKET_BYTES];
	struct sign_request got;

	memcpy(bytes, &request, sizeof(request));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int rc;

		receive(bytes, sizes[i]);
		do {
			rc = sign_take_request(&packet, &got);
		} while (rc == 0);
		ck_assert_int_eq(rc, ERR_PROTOCOL);
	}
	request.size = SIGN_TEXT_MAX + 1;
	memcpy(bytes, &request, sizeof(request));
	receive(bytes, header + request.size);
	ck_assert_int_eq(sign_take_request(&packet, &got), ERR_PROTOCOL);
	ck_assert_int_gt(send(fds[0], bytes, SIGN_PACKET_BYTES + 1, 0), 0);
	ck_assert_int_eq(sign_receive(fds[1], &packet), ERR_PROTOCOL);
}
END_TEST

START_TEST(an_answer_has_a_signature_if_it_was_signed_and_none_if_not)
{
	static const struct {
		struct sign_answer answer;
		int rc;
	} cases[] = {
		{ { .status = SIGN_DONE, .size = 0 }, ERR_PROTOCOL },
		{ { .status = SIGN_REFUSED, .size = 1 }, ERR_PROTOCOL },
		{ { .status = SIGN_DONE, .size = SIGN_SIGNATURE_MAX + 1 }, ERR_PROTOCOL },
		{ { .status = SIGN_REFUSED, .size = 0 }, 0 },
		{ { .status = SIGN_DONE, .size = 1 }, 0 },
	};
	struct sign_answer got;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		receive(&cases[i].answer, offsetof(struct sign_answer, signature) +
		    (cases[i].answer.size > 1 ? 1 : cases[i].answer.size));
		ck_assert_int_eq(sign_take_answer(&packet, &got), cases[i].rc);
	}
}
END_TEST

START_TEST(a_packet_that_is_full_says_so)
{
	struct sign_request request = { .size = SIGN_TEXT_MAX };

	ck_assert_int_eq(sign_put_request(&packet, &request), 0);
	ck_assert_int_eq(sign_put_request(&packet, &request), ERR_LIMIT);
	request.size = 1;
	ck_assert_int_eq(sign_put_request(&packet, &request), 0);
}
END_TEST

START_TEST(a_full_queue_says_so_and_keeps_the_packet)
{
	struct sign_request request = { .size = SIGN_TEXT_MAX };
	int rc = 0;

	for (int i = 0; i < 100000 && rc == 0; i++) {
		ck_assert_int_eq(sign_put_request(&packet, &request), 0);
		rc = sign_send(fds[0], &packet);
	}
	ck_assert_int_eq(rc, ERR_AGAIN);
	ck_assert_uint_gt(packet.size, SIGN_TEXT_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sign");
	TCase *tcase = tcase_create("sign");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, requests_and_answers_arrive_together_as_they_were_put);
	tcase_add_test(tcase, the_other_side_s_end_is_told);
	tcase_add_test(tcase, a_request_of_another_size_than_it_says_is_nonsense);
	tcase_add_test(tcase, an_answer_has_a_signature_if_it_was_signed_and_none_if_not);
	tcase_add_test(tcase, a_packet_that_is_full_says_so);
	tcase_add_test(tcase, a_full_queue_says_so_and_keeps_the_packet);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

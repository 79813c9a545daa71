/* SPDX-License-Identifier: MIT */
/* What a worker and the keeper say to one another, and what is none of it. */
#include "ipc/sign.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

static int fds[2];

static void set_up(void)
{
	ck_assert_int_eq(sign_pair(fds), 0);
}

static void tear_down(void)
{
	close(fds[0]);
	close(fds[1]);
}

START_TEST(a_request_and_its_answer_arrive_as_they_were_sent)
{
	struct sign_request request = { .id = 7, .scheme = 0x0403, .size = 3,
		.key = { 1, 2 }, .text = "abc" };
	struct sign_answer answer = { .id = 7, .status = SIGN_DONE, .size = 2,
		.signature = "xy" };
	struct sign_request got;
	struct sign_answer back;

	ck_assert_int_eq(sign_receive_request(fds[1], &got), ERR_AGAIN);
	ck_assert_int_eq(sign_send_request(fds[0], &request), 0);
	ck_assert_int_eq(sign_receive_request(fds[1], &got), 0);
	ck_assert_mem_eq(&got, &request, offsetof(struct sign_request, text) + 3);
	ck_assert_int_eq(sign_send_answer(fds[1], &answer), 0);
	ck_assert_int_eq(sign_receive_answer(fds[0], &back), 0);
	ck_assert_mem_eq(&back, &answer, offsetof(struct sign_answer, signature) + 2);
	close(fds[1]);
	ck_assert_int_eq(sign_receive_answer(fds[0], &back), ERR_EOF);
	ck_assert_int_eq(sign_send_request(fds[0], &request), ERR_CLOSED);
}
END_TEST

START_TEST(a_request_of_another_size_than_it_says_is_nonsense)
{
	struct sign_request request = { .id = 7, .size = 3 };
	size_t header = offsetof(struct sign_request, text);
	size_t sizes[] = { 1, header - 1, header, header + 2, header + 4,
		sizeof(request), sizeof(request) + 100 };
	static char packet[2 * sizeof(struct sign_request)];
	struct sign_request got;

	memcpy(packet, &request, sizeof(request));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ck_assert_int_eq(send(fds[0], packet, sizes[i], 0), (ssize_t)sizes[i]);
		ck_assert_int_eq(sign_receive_request(fds[1], &got), ERR_PROTOCOL);
	}
	request.size = SIGN_TEXT_MAX + 1;
	memcpy(packet, &request, sizeof(request));
	ck_assert_int_gt(send(fds[0], packet, header + request.size, 0), 0);
	ck_assert_int_eq(sign_receive_request(fds[1], &got), ERR_PROTOCOL);
}
END_TEST

START_TEST(an_answer_has_a_signature_if_it_was_signed_and_none_if_not)
{
	struct sign_answer answer = { .id = 7, .status = SIGN_DONE, .size = 0 };
	struct sign_answer got;

	ck_assert_int_eq(sign_send_answer(fds[1], &answer), 0);
	ck_assert_int_eq(sign_receive_answer(fds[0], &got), ERR_PROTOCOL);
	answer.status = SIGN_REFUSED;
	answer.size = 1;
	ck_assert_int_eq(sign_send_answer(fds[1], &answer), 0);
	ck_assert_int_eq(sign_receive_answer(fds[0], &got), ERR_PROTOCOL);
	answer.size = 0;
	ck_assert_int_eq(sign_send_answer(fds[1], &answer), 0);
	ck_assert_int_eq(sign_receive_answer(fds[0], &got), 0);
}
END_TEST

START_TEST(a_full_queue_says_so)
{
	struct sign_request request = { .size = SIGN_TEXT_MAX };
	int rc = 0;

	for (int i = 0; i < 100000 && rc == 0; i++) {
		rc = sign_send_request(fds[0], &request);
	}
	ck_assert_int_eq(rc, ERR_AGAIN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sign");
	TCase *tcase = tcase_create("sign");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_request_and_its_answer_arrive_as_they_were_sent);
	tcase_add_test(tcase, a_request_of_another_size_than_it_says_is_nonsense);
	tcase_add_test(tcase, an_answer_has_a_signature_if_it_was_signed_and_none_if_not);
	tcase_add_test(tcase, a_full_queue_says_so);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

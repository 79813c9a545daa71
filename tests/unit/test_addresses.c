/* SPDX-License-Identifier: MIT */
/* Connections by address: sums over workers, deaths, addresses that share cells. */
#include "ipc/addresses.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define MANY 20000

static struct addresses *addresses;

static void set_up(void)
{
	addresses = addresses_new();
}

static void tear_down(void)
{
	addresses_free(addresses);
	addresses_free(NULL);
}

/* One of many; in a text of its own each call. */
static const unsigned char *address(uint32_t number)
{
	static unsigned char out[NETWORK_ADDRESS_BYTES];

	memcpy(out, "\x20\x01\x0d\xb8", 4);
	memcpy(out + 4, &number, sizeof(number));
	return out;
}

START_TEST(counts_each_address_by_itself)
{
	addresses_move(addresses, 0, address(1), 1);
	addresses_move(addresses, 0, address(1), 1);
	addresses_move(addresses, 0, address(2), 1);
	ck_assert_uint_eq(addresses_count(addresses, 1, address(1)), 2);
	ck_assert_uint_eq(addresses_count(addresses, 1, address(2)), 1);
	ck_assert_uint_eq(addresses_count(addresses, 1, address(3)), 0);
	addresses_move(addresses, 0, address(1), -1);
	ck_assert_uint_eq(addresses_count(addresses, 1, address(1)), 1);
}
END_TEST

START_TEST(adds_up_what_all_processes_count)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		addresses_move(addresses, 255, address(1), 1);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	addresses_move(addresses, 0, address(1), 1);
	ck_assert_uint_eq(addresses_count(addresses, 256, address(1)), 2);
	ck_assert_uint_eq(addresses_count(addresses, 255, address(1)), 1);
}
END_TEST

START_TEST(forgets_a_worker_and_no_other)
{
	addresses_move(addresses, 0, address(1), 1);
	addresses_move(addresses, 1, address(1), 1);
	addresses_move(addresses, 2, address(1), 1);
	addresses_forget(addresses, 1);
	ck_assert_uint_eq(addresses_count(addresses, 3, address(1)), 2);
	addresses_move(addresses, 1, address(1), 1);
	ck_assert_uint_eq(addresses_count(addresses, 3, address(1)), 3);
}
END_TEST

/* Of ten thousands of connections of others, who has none shares both cells with so few
 * that no limit would ever notice. */
START_TEST(is_hardly_wrong_among_many)
{
	for (uint32_t i = 0; i < MANY; i++) {
		addresses_move(addresses, i % 4, address(i), 1);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t count = addresses_count(addresses, 4, address(i));

		ck_assert_uint_ge(count, 1);
		ck_assert_uint_lt(count, 8);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		addresses_move(addresses, i % 4, address(i), -1);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		ck_assert_uint_eq(addresses_count(addresses, 4, address(i)), 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("addresses");
	TCase *tests = tcase_create("addresses");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, counts_each_address_by_itself);
	tcase_add_test(tests, adds_up_what_all_processes_count);
	tcase_add_test(tests, forgets_a_worker_and_no_other);
	tcase_add_test(tests, is_hardly_wrong_among_many);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}

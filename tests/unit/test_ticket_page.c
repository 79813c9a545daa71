/* SPDX-License-Identifier: MIT */
/* The page of session tickets' keys: what is found in it, and while it is written. */
#define _GNU_SOURCE 1
#include "ipc/ticket_page.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define WRITES 20000

static struct ticket_page *page;
static struct ticket_key found;
static size_t at;

static void set_up(void)
{
	page = ticket_page_new();
}

static void tear_down(void)
{
	ticket_page_free(page);
	ticket_page_free(NULL);
}

/* All of whose bytes are that one. */
static struct ticket_key key_of(int byte)
{
	struct ticket_key key;

	memset(&key, byte, sizeof(key));
	return key;
}

static void write_keys(int first, size_t count)
{
	struct ticket_key keys[TICKET_KEYS_MAX];

	for (size_t i = 0; i < count; i++) {
		keys[i] = key_of(first - (int)i);
	}
	ticket_page_write(page, keys, count);
}

START_TEST(the_first_seals_and_each_is_found_by_its_name)
{
	write_keys(9, 3);
	ck_assert_int_eq(ticket_page_find(page, NULL, &found, &at), 0);
	ck_assert_uint_eq(at, 0);
	for (int i = 0; i < 3; i++) {
		struct ticket_key wanted = key_of(9 - i);

		ck_assert_int_eq(ticket_page_find(page, wanted.name, &found, &at), 0);
		ck_assert_uint_eq(at, (size_t)i);
		ck_assert_mem_eq(&found, &wanted, sizeof(found));
	}
	ck_assert_int_eq(ticket_page_find(page, key_of(6).name, &found, &at),
	    ERR_MISSING);
}
END_TEST

START_TEST(without_keys_nothing_is_found)
{
	struct ticket_key zero = key_of(0);

	ck_assert_int_eq(ticket_page_find(page, NULL, &found, &at), ERR_MISSING);
	ck_assert_int_eq(ticket_page_find(page, zero.name, &found, &at), ERR_MISSING);
}
END_TEST

START_TEST(what_is_no_key_any_more_is_wiped)
{
	static const unsigned char nine[16] = { 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9,
		9, 9 };

	write_keys(9, TICKET_KEYS_MAX);
	ck_assert_ptr_nonnull(memmem(page, 700, nine, sizeof(nine)));
	write_keys(30, 2);
	ck_assert_ptr_null(memmem(page, 700, nine, sizeof(nine)));
	ck_assert_int_eq(ticket_page_find(page, nine, &found, &at), ERR_MISSING);
}
END_TEST

static bool whole(const struct ticket_key *key)
{
	struct ticket_key same = key_of(key->name[0]);

	return memcmp(key, &same, sizeof(same)) == 0;
}

/* In a child, which can only read: the first key, until it is the last one written. */
static _Noreturn void read_all(void)
{
	ticket_page_protect(page);
	do {
		if (ticket_page_find(page, NULL, &found, &at) == 0 && !whole(&found)) {
			_exit(2);
		}
	} while (found.name[0] != 255);
	_exit(0);
}

START_TEST(no_reader_ever_sees_half_a_key)
{
	pid_t reader;
	int status;

	write_keys(8, 1);
	reader = fork();
	if (reader == 0) {
		read_all();
	}
	for (int i = 0; i < WRITES; i++) {
		write_keys(8 + i % 200, 1 + (size_t)i % 8);
	}
	write_keys(255, 1);
	ck_assert_int_eq(waitpid(reader, &status, 0), reader);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(a_worker_cannot_write)
{
	pid_t worker = fork();
	int status;

	if (worker == 0) {
		signal(SIGSEGV, SIG_DFL);
		ticket_page_protect(page);
		write_keys(8, 1);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(worker, &status, 0), worker);
	ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ticket_page");
	TCase *tests = tcase_create("ticket_page");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, the_first_seals_and_each_is_found_by_its_name);
	tcase_add_test(tests, without_keys_nothing_is_found);
	tcase_add_test(tests, what_is_no_key_any_more_is_wiped);
	tcase_add_test(tests, no_reader_ever_sees_half_a_key);
	tcase_add_test(tests, a_worker_cannot_write);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}

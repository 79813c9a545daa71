/* SPDX-License-Identifier: MIT */
/* How a host died, in words; its page may say what it likes. */
#include "master/obituary.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "unit.h"

/* Wait statuses as the kernel makes them. */
#define EXITED(code) ((code) << 8)
#define KILLED(number) (number)

static struct plugin plugin;
static struct page *page;
static char text[OBITUARY_BYTES];

static void set_up(void)
{
	page = calloc(1, sizeof(*page));
	ck_assert_ptr_nonnull(page);
	plugin = (struct plugin){ .file = "plugins/none.so", .copy = "/nonexistent" };
	memset(text, 0x55, sizeof(text));
}

static void tear_down(void)
{
	free(page);
}

static void check(int status, const char *expected)
{
	obituary(&plugin, page, status, text);
	ck_assert_str_eq(text, expected);
}

START_TEST(tells_the_signal_and_the_request)
{
	page->callback = PAGE_ON_REQUEST;
	memcpy(page->request, "0123456789abcdef", 17);
	check(KILLED(SIGKILL),
	    "crashed in on_request, request 0123456789abcdef: signal 9 (Killed)");
}
END_TEST

START_TEST(tells_the_address_that_could_not_be_touched)
{
	page->callback = PAGE_ON_OPEN;
	page->signal = SIGSEGV;
	page->fault_address = 0x10;
	check(KILLED(SIGSEGV),
	    "crashed in on_open: signal 11 (Segmentation fault) at address 0x10");
}
END_TEST

START_TEST(tells_that_there_was_no_memory_left)
{
	page->callback = PAGE_ON_REQUEST;
	page->signal = SIGABRT;
	page->memory_full = 1;
	check(KILLED(SIGABRT), "crashed in on_request: signal 6 (Aborted), its "
	    "'max_memory_bytes' used up");
}
END_TEST

START_TEST(tells_an_exit_of_the_plugin_from_another_end)
{
	check(EXITED(3), "crashed in nothing: its process ended with status 3");
	page->exited = 1;
	page->callback = PAGE_LOADING;
	check(EXITED(0), "crashed in loading: it called exit(0)");
}
END_TEST

START_TEST(a_request_that_is_no_id_is_left_out)
{
	static const char *const requests[] = { "\n2026 error: forged",
		"0123456789ABCDEF", "%s%s%s%s" };

	snprintf(page->request, sizeof(page->request), "%s", requests[_i]);
	check(KILLED(SIGABRT), "crashed in nothing: signal 6 (Aborted)");
}
END_TEST

START_TEST(a_page_full_of_nonsense_is_survived)
{
	memset((void *)page, _i, sizeof(*page));
	obituary(&plugin, page, KILLED(SIGSEGV), text);
	ck_assert_ptr_nonnull(memchr(text, '\0', sizeof(text)));
	ck_assert_int_eq(strncmp(text, "crashed in ", 11), 0);
	ck_assert_ptr_null(strchr(text, '\n'));
}
END_TEST

static void check_cause(int status, int call, const char *expected)
{
	char cause[OBITUARY_CAUSE_BYTES];

	obituary_cause(status, call, cause);
	ck_assert_str_eq(cause, expected);
}

START_TEST(tells_the_call_that_a_worker_was_refused)
{
	check_cause(KILLED(SIGSYS), SYS_ptrace,
	    "signal 31 (Bad system call), as it called ptrace");
	check_cause(KILLED(SIGSYS), 100000,
	    "signal 31 (Bad system call), as it called what has no name");
	check_cause(KILLED(SIGSYS), 0, "signal 31 (Bad system call)");
	check_cause(KILLED(SIGKILL), SYS_ptrace, "signal 9 (Killed)");
	check_cause(EXITED(3), 0, "exit status 3");
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("obituary");
	TCase *one = tcase_create("obituary");

	tcase_add_checked_fixture(one, set_up, tear_down);
	tcase_add_test(one, tells_the_signal_and_the_request);
	tcase_add_test(one, tells_the_address_that_could_not_be_touched);
	tcase_add_test(one, tells_that_there_was_no_memory_left);
	tcase_add_test(one, tells_an_exit_of_the_plugin_from_another_end);
	tcase_add_loop_test(one, a_request_that_is_no_id_is_left_out, 0, 3);
	tcase_add_test(one, tells_the_call_that_a_worker_was_refused);
	tcase_add_loop_test(one, a_page_full_of_nonsense_is_survived, 0, 256);
	suite_add_tcase(all, one);
	return all;
}

int main(void)
{
	return unit_run(suite());
}

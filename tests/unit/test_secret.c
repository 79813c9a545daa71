/* SPDX-License-Identifier: MIT */
/* Memory for secrets: who has it, and who does not. */
#include "os/secret.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define BYTES 5000

/* Does a child that writes into it come to its end? */
static bool child_can_write(char *secret)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		memset(secret, 5, BYTES);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

START_TEST(is_zero_when_new)
{
	static const char zero[BYTES];
	char *secret = secret_new(BYTES, false);

	ck_assert_mem_eq(secret, zero, BYTES);
	secret_free(secret, BYTES);
	secret_free(NULL, BYTES);
}
END_TEST

START_TEST(what_is_shared_is_written_by_all)
{
	char *secret = secret_new(BYTES, true);

	ck_assert(child_can_write(secret));
	ck_assert_int_eq(secret[BYTES - 1], 5);
	secret_free(secret, BYTES);
}
END_TEST

START_TEST(what_is_not_shared_is_not_there_in_a_child)
{
	char *secret = secret_new(BYTES, false);

	memset(secret, 3, BYTES);
	ck_assert(!child_can_write(secret));
	ck_assert_int_eq(secret[0], 3);
	secret_free(secret, BYTES);
}
END_TEST

START_TEST(what_is_protected_can_only_be_read)
{
	char *secret = secret_new(BYTES, true);

	secret[0] = 7;
	secret_protect(secret, BYTES);
	ck_assert_int_eq(secret[0], 7);
	ck_assert(!child_can_write(secret));
}
END_TEST

/* The kernel's flags of the mapping that the address is in. */
static void read_flags(const char *secret, char *out, size_t size)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	bool inside = false;

	ck_assert_ptr_nonnull(maps);
	while (fgets(out, (int)size, maps) != NULL) {
		unsigned long start;
		unsigned long end;

		if (sscanf(out, "%lx-%lx ", &start, &end) == 2) {
			inside = (unsigned long)secret >= start &&
			    (unsigned long)secret < end;
		} else if (inside && strncmp(out, "VmFlags:", 8) == 0) {
			break;
		}
	}
	fclose(maps);
}

START_TEST(is_in_no_core_dump)
{
	char *secret = secret_new(BYTES, _i == 0);
	char flags[4096];

	read_flags(secret, flags, sizeof(flags));
	ck_assert_msg(strstr(flags, " dd") != NULL, "%s", flags);
	secret_free(secret, BYTES);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("secret");
	TCase *tests = tcase_create("secret");

	tcase_add_test(tests, is_zero_when_new);
	tcase_add_test(tests, what_is_shared_is_written_by_all);
	tcase_add_test(tests, what_is_not_shared_is_not_there_in_a_child);
	tcase_add_test(tests, what_is_protected_can_only_be_read);
	tcase_add_loop_test(tests, is_in_no_core_dump, 0, 2);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}

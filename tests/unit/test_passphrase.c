/* SPDX-License-Identifier: MIT */
/* Passphrases: what of a command's output is one, and how libcrypto gets it. */
#include "tls/passphrase.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

static char text[TLS_PASSPHRASE_BYTES];

static int read_output(const char *output, size_t size)
{
	int fd = memfd_create("output", MFD_CLOEXEC);
	int rc;

	ck_assert_int_eq(write(fd, output, size), (ssize_t)size);
	rc = tls_passphrase_read(fd, text);
	close(fd);
	return rc;
}

START_TEST(the_first_line_is_it)
{
	ck_assert_int_eq(read_output("secret", 6), 0);
	ck_assert_str_eq(text, "secret");
	ck_assert_int_eq(read_output("se cret\nmore", 12), 0);
	ck_assert_str_eq(text, "se cret");
	ck_assert_int_eq(read_output("secret\r\n", 8), 0);
	ck_assert_str_eq(text, "secret");
	ck_assert_int_eq(read_output("secret\0\0\0", 9), 0);
	ck_assert_str_eq(text, "secret");
}
END_TEST

START_TEST(nothing_is_none)
{
	ck_assert_int_eq(read_output("", 0), ERR_MISSING);
	ck_assert_int_eq(read_output("\n", 1), ERR_MISSING);
	ck_assert_int_eq(read_output("\r\nsecret", 8), ERR_MISSING);
	ck_assert_int_eq(read_output("\0\0", 2), ERR_MISSING);
}
END_TEST

START_TEST(what_is_too_long_is_not_cut)
{
	char output[2 * TLS_PASSPHRASE_BYTES];

	memset(output, 'x', sizeof(output));
	ck_assert_int_eq(read_output(output, sizeof(output)), ERR_LIMIT);
	ck_assert_int_eq(read_output(output, TLS_PASSPHRASE_BYTES), ERR_LIMIT);
	ck_assert_int_eq(read_output(output, TLS_PASSPHRASE_BYTES - 1), 0);
	ck_assert_uint_eq(strlen(text), TLS_PASSPHRASE_BYTES - 1);
}
END_TEST

START_TEST(what_cannot_be_read_is_told)
{
	ck_assert_int_eq(tls_passphrase_read(-1, text), ERR_SYSTEM);
}
END_TEST

START_TEST(libcrypto_gets_it_whole_or_not_at_all)
{
	struct tls_passphrase passphrase = { .text = "secret" };
	char out[8];

	ck_assert_int_eq(tls_passphrase_give(out, sizeof(out), 0, &passphrase), 6);
	ck_assert_int_eq(memcmp(out, "secret", 6), 0);
	ck_assert(passphrase.asked);
	ck_assert_int_eq(tls_passphrase_give(out, 5, 0, &passphrase), -1);
	passphrase = (struct tls_passphrase){ 0 };
	ck_assert_int_eq(tls_passphrase_give(out, sizeof(out), 0, &passphrase), -1);
	ck_assert(passphrase.asked);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("passphrase");
	TCase *tcase = tcase_create("passphrase");

	tcase_add_test(tcase, the_first_line_is_it);
	tcase_add_test(tcase, nothing_is_none);
	tcase_add_test(tcase, what_is_too_long_is_not_cut);
	tcase_add_test(tcase, what_cannot_be_read_is_told);
	tcase_add_test(tcase, libcrypto_gets_it_whole_or_not_at_all);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

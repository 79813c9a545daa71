/* SPDX-License-Identifier: MIT */
/* Host names: which are, how they are looked up, and what wins. What server.json says of
 * bad ones is in tests/config/bad. */
#include "base/hostname.h"

#include <stdio.h>

#include "unit.h"

#define MANY 2000

static char space[HOSTNAME_BYTES];

static void assert_name(const char *text, bool good)
{
	const char *what;

	ck_assert_msg((hostname_check(text, &what) == 0) == good, "%s", text);
	ck_assert((what == NULL) == good);
}

START_TEST(names_are_labels_of_letters_digits_hyphens_and_underscores)
{
	char longest[HOSTNAME_BYTES + 2];

	assert_name("a", true);
	assert_name("example.test", true);
	assert_name("A-b.C_d.xn--bcher-kva.test.", true);
	assert_name("192.0.2.1", true);
	assert_name("*.example.test", true);
	assert_name("*.test", true);
	assert_name(".", false);
	assert_name("a..", false);
	assert_name("*", false);
	assert_name("*.*.test", false);
	assert_name("a.*", false);
	assert_name("a-.test", false);
	assert_name("a\001.test", false);
	for (size_t i = 0; i < sizeof(longest); i++) {
		longest[i] = i % 2 == 0 ? 'a' : '.';
	}
	longest[253] = '\0';
	assert_name(longest, true);
	memcpy(longest + 253, "a", 2);
	assert_name(longest, false);
}
END_TEST

static void assert_host(const char *authority, const char *host)
{
	struct slice found = hostname_of_authority(slice_of(authority), space);

	ck_assert_uint_eq(found.size, strlen(host));
	ck_assert_str_eq(found.data, host);
}

START_TEST(a_host_is_an_authority_without_port_case_and_last_dot)
{
	assert_host("example.test", "example.test");
	assert_host("Example.TEST:8443", "example.test");
	assert_host("example.test.", "example.test");
	assert_host("example.test.:443", "example.test");
	assert_host("example.test:", "example.test");
	assert_host("example.test..", "example.test.");
	assert_host("", "");
	assert_host(":443", "");
	assert_host("[::1]:443", "[");
	assert_host("\303\204.test", "\303\204.test");
}
END_TEST

START_TEST(a_name_that_is_too_long_is_none)
{
	char text[300];

	memset(text, 'a', sizeof(text));
	ck_assert_uint_eq(hostname_normal((struct slice){ text, 253 }, space).size, 253);
	ck_assert_uint_eq(hostname_normal((struct slice){ text, 254 }, space).size, 0);
	ck_assert_uint_eq(hostname_normal((struct slice){ text, 300 }, space).size, 0);
}
END_TEST

static struct hostnames names;

static void set_up(void)
{
	hostnames_init(&names);
}

static void tear_down(void)
{
	hostnames_release(&names);
}

static void add(const char *name)
{
	hostnames_set(&names, name, (void *)(uintptr_t)name);
}

static void assert_found(const char *host, const char *name)
{
	ck_assert_pstr_eq(hostnames_find(&names, slice_of(host)), name);
}

START_TEST(without_names_nothing_is_found)
{
	assert_found("a.test", NULL);
	assert_found("", NULL);
}
END_TEST

START_TEST(the_exact_name_wins_over_the_wildcard)
{
	add("*.a.test");
	add("b.a.test");
	add("a.test");
	assert_found("a.test", "a.test");
	assert_found("b.a.test", "b.a.test");
	assert_found("c.a.test", "*.a.test");
	assert_found("test", NULL);
	assert_found("b.test", NULL);
}
END_TEST

START_TEST(a_wildcard_stands_for_exactly_one_label)
{
	add("*.a.test");
	add("*.b.a.test");
	assert_found("x.a.test", "*.a.test");
	assert_found("x.b.a.test", "*.b.a.test");
	assert_found("x.y.a.test", NULL);
	assert_found("x.y.b.a.test", NULL);
	assert_found("a.test", NULL);
	assert_found(".a.test", NULL);
	assert_found("xa.test", NULL);
}
END_TEST

START_TEST(names_are_told_apart_as_they_are_written)
{
	add("*.a.test");
	ck_assert_ptr_null(hostnames_get(&names, "a.test"));
	ck_assert_ptr_null(hostnames_get(&names, "x.a.test"));
	ck_assert_ptr_nonnull(hostnames_get(&names, "*.a.test"));
}
END_TEST

START_TEST(finds_each_of_many_names)
{
	static char many[MANY][32];

	for (size_t i = 0; i < MANY; i++) {
		snprintf(many[i], sizeof(many[i]), i % 2 == 0 ? "h%zu.test" :
		    "*.h%zu.test", i);
		add(many[i]);
	}
	for (size_t i = 0; i < MANY; i++) {
		char host[40];

		snprintf(host, sizeof(host), i % 2 == 0 ? "h%zu.test" : "x.h%zu.test", i);
		assert_found(host, many[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hostname");
	TCase *forms = tcase_create("forms");
	TCase *table = tcase_create("table");

	tcase_add_test(forms, names_are_labels_of_letters_digits_hyphens_and_underscores);
	tcase_add_test(forms, a_host_is_an_authority_without_port_case_and_last_dot);
	tcase_add_test(forms, a_name_that_is_too_long_is_none);
	suite_add_tcase(suite, forms);
	tcase_add_checked_fixture(table, set_up, tear_down);
	tcase_add_test(table, without_names_nothing_is_found);
	tcase_add_test(table, the_exact_name_wins_over_the_wildcard);
	tcase_add_test(table, a_wildcard_stands_for_exactly_one_label);
	tcase_add_test(table, names_are_told_apart_as_they_are_written);
	tcase_add_test(table, finds_each_of_many_names);
	suite_add_tcase(suite, table);
	return unit_run(suite);
}

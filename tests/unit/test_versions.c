/* SPDX-License-Identifier: MIT */
/* Contents of plugins: their numbers, probation, quarantine, and what is gone back to. */
#include "master/versions.h"

#include <stdio.h>
#include <string.h>

#include "master/master.h"
#include "unit.h"

static struct master master;

static void set_up(void)
{
	memset(&master, 0, sizeof(master));
	master.loop = loop_new();
	list_init(&master.versions);
}

static void tear_down(void)
{
	versions_release(&master);
	loop_free(master.loop);
}

/* Goes live in place of another, or of none. */
static struct version *take(const char *name, const char *hash, struct version *before)
{
	struct plugin plugin = { .file = "plugins/some.so", .copy = "run/some-copy.so",
		.own_route = "/some", .can = PLUGIN_CONNECTS };

	snprintf(plugin.note.name, sizeof(plugin.note.name), "%s", name);
	snprintf(plugin.hash, sizeof(plugin.hash), "%s", hash);
	return versions_take(&master, &plugin, before);
}

static void wait_ms(int64_t ms)
{
	master.loop->now_ms += ms;
}

START_TEST(each_content_has_a_number_of_its_own)
{
	struct version *a = take("hello", "aaaa", NULL);
	struct version *b = take("hello", "bbbb", a);
	struct version *other = take("other", "aaaa", NULL);

	ck_assert_uint_eq(a->plugin.version, 1);
	ck_assert_uint_eq(b->plugin.version, 2);
	ck_assert_uint_eq(other->plugin.version, 3);
	ck_assert_ptr_eq(versions_by_number(&master, 2), b);
	ck_assert_ptr_eq(versions_find(&master, "other", "aaaa"), other);
	ck_assert_ptr_null(versions_by_number(&master, 4));
	ck_assert_ptr_null(versions_find(&master, "other", "bbbb"));
}
END_TEST

START_TEST(the_same_content_keeps_its_number)
{
	struct version *a = take("hello", "aaaa", NULL);

	ck_assert_ptr_eq(take("hello", "aaaa", a), a);
	ck_assert_ptr_null(a->before);
	ck_assert_str_eq(a->plugin.copy, "run/some-copy.so");
	ck_assert_str_eq(a->plugin.own_route, "/some");
	ck_assert_uint_eq(a->plugin.can, PLUGIN_CONNECTS);
}
END_TEST

START_TEST(the_first_version_is_never_in_quarantine)
{
	struct version *a = take("hello", "aaaa", NULL);

	for (int i = 0; i < 9; i++) {
		ck_assert(!version_died(&master, a, 0));
	}
	ck_assert(!a->quarantined);
}
END_TEST

START_TEST(a_new_version_that_dies_early_is_in_quarantine)
{
	struct version *a = take("hello", "aaaa", NULL);
	struct version *b = take("hello", "bbbb", a);

	ck_assert(version_on_probation(&master, b));
	ck_assert(version_died(&master, b, 99));
	ck_assert(b->quarantined);
	/* Its other processes die, too: that is no news. */
	ck_assert(!version_died(&master, b, 0));
	ck_assert(!a->quarantined);
}
END_TEST

START_TEST(one_that_has_answered_may_die_once)
{
	struct version *b = take("hello", "bbbb", take("hello", "aaaa", NULL));

	ck_assert(!version_died(&master, b, 100));
	ck_assert(!b->quarantined);
	ck_assert(version_died(&master, b, 100000));
	ck_assert(b->quarantined);
}
END_TEST

START_TEST(probation_ends)
{
	struct version *b = take("hello", "bbbb", take("hello", "aaaa", NULL));

	wait_ms(PROBATION_MS - 1);
	ck_assert(version_on_probation(&master, b));
	wait_ms(1);
	ck_assert(!version_on_probation(&master, b));
	ck_assert(!version_died(&master, b, 0));
	ck_assert(!b->quarantined);
}
END_TEST

START_TEST(a_reload_does_not_renew_probation)
{
	struct version *b = take("hello", "bbbb", take("hello", "aaaa", NULL));

	wait_ms(PROBATION_MS - 1);
	take("hello", "bbbb", b);
	wait_ms(1);
	ck_assert(!version_on_probation(&master, b));
}
END_TEST

START_TEST(an_old_file_that_comes_back_is_on_probation_again)
{
	struct version *a = take("hello", "aaaa", NULL);
	struct version *b = take("hello", "bbbb", a);

	wait_ms(PROBATION_MS);
	take("hello", "aaaa", b);
	ck_assert(version_on_probation(&master, a));
	ck_assert(version_died(&master, a, 0));
	ck_assert_ptr_eq(version_fallback(a), b);
	ck_assert_ptr_null(version_fallback(b));
}
END_TEST

START_TEST(what_a_quarantine_went_back_to_stays)
{
	struct version *a = take("hello", "aaaa", NULL);
	struct version *b = take("hello", "bbbb", a);

	ck_assert(version_died(&master, b, 0));
	ck_assert_ptr_eq(version_fallback(b), a);
	take("hello", "aaaa", b);
	/* There is nothing better than it any more. */
	ck_assert(!version_on_probation(&master, a));
	ck_assert(!version_died(&master, a, 0));
	ck_assert(!a->quarantined);
	ck_assert_ptr_null(version_fallback(a));
}
END_TEST

START_TEST(goes_back_over_all_that_are_in_quarantine)
{
	struct version *a = take("hello", "aaaa", NULL);
	struct version *b = take("hello", "bbbb", a);
	struct version *c = take("hello", "cccc", b);

	/* The second is not gone yet when the third has come. */
	ck_assert(version_died(&master, b, 0));
	ck_assert(version_died(&master, c, 0));
	ck_assert_ptr_eq(version_fallback(c), a);
	ck_assert_ptr_eq(version_fallback(b), a);
}
END_TEST

START_TEST(versions_that_take_turns_make_no_ring)
{
	struct version *a = take("hello", "aaaa", NULL);
	struct version *b = take("hello", "bbbb", a);
	struct version *c;

	take("hello", "aaaa", b);
	take("hello", "bbbb", a);
	c = take("hello", "cccc", b);
	take("hello", "aaaa", c);
	a->quarantined = true;
	b->quarantined = true;
	c->quarantined = true;
	ck_assert_ptr_null(version_fallback(a));
	ck_assert_ptr_null(version_fallback(b));
	ck_assert_ptr_null(version_fallback(c));
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("versions");
	TCase *one = tcase_create("versions");

	tcase_add_checked_fixture(one, set_up, tear_down);
	tcase_add_test(one, each_content_has_a_number_of_its_own);
	tcase_add_test(one, the_same_content_keeps_its_number);
	tcase_add_test(one, the_first_version_is_never_in_quarantine);
	tcase_add_test(one, a_new_version_that_dies_early_is_in_quarantine);
	tcase_add_test(one, one_that_has_answered_may_die_once);
	tcase_add_test(one, probation_ends);
	tcase_add_test(one, a_reload_does_not_renew_probation);
	tcase_add_test(one, an_old_file_that_comes_back_is_on_probation_again);
	tcase_add_test(one, what_a_quarantine_went_back_to_stays);
	tcase_add_test(one, goes_back_over_all_that_are_in_quarantine);
	tcase_add_test(one, versions_that_take_turns_make_no_ring);
	suite_add_tcase(all, one);
	return all;
}

int main(void)
{
	return unit_run(suite());
}

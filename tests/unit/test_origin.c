/* SPDX-License-Identifier: MIT */
/* Origins: the server's own, listed ones, and none. */
#include "ws/origin.h"

#include "unit.h"

static struct arena arena;
static struct request request;

static void setup(void)
{
	arena_init(&arena, 1 << 20);
	request_init(&request, &arena, 4096, 16);
}

static void teardown(void)
{
	arena_release(&arena);
}

/* May a page of origin (NULL: no browser) reach authority? */
static bool allowed(const char *origin, const char *authority, char *const *list)
{
	head_remove(&request.head, SLICE("origin"));
	if (origin != NULL) {
		ck_assert_int_eq(head_add(&request.head, SLICE("Origin"),
		    slice_of(origin)), 0);
	}
	return ws_origin_allowed(&request, slice_of(authority), list);
}

static char *const list[] = { "https://a.example", "http://b.example:8080",
	"https://[::1]:8443", "https://C.example:443", "null", NULL };

START_TEST(lets_in_who_says_no_origin)
{
	ck_assert(allowed(NULL, "example.org", NULL));
	ck_assert(allowed(NULL, "example.org", list));
}
END_TEST

START_TEST(lets_in_the_servers_own_pages)
{
	ck_assert(allowed("https://example.org", "example.org", NULL));
	ck_assert(allowed("https://example.org", "example.org:443", NULL));
	ck_assert(allowed("https://example.org:443", "example.org", NULL));
	ck_assert(allowed("HTTPS://Example.ORG", "eXample.org", NULL));
	ck_assert(allowed("https://example.org:8443", "example.org:8443", NULL));
	ck_assert(allowed("https://[::1]:8443", "[::1]:8443", NULL));
	ck_assert(allowed("https://[::1]", "[::1]:443", NULL));
	ck_assert(allowed("https://example.org", "example.org", list));
}
END_TEST

START_TEST(keeps_out_all_other_pages)
{
	ck_assert(!allowed("https://evil.example", "example.org", NULL));
	ck_assert(!allowed("http://example.org", "example.org", NULL));
	ck_assert(!allowed("http://example.org:443", "example.org", NULL));
	ck_assert(!allowed("https://example.org:8443", "example.org", NULL));
	ck_assert(!allowed("https://example.org", "example.org:8443", NULL));
	ck_assert(!allowed("https://sub.example.org", "example.org", NULL));
	ck_assert(!allowed("https://example.org.evil.example", "example.org", NULL));
	ck_assert(!allowed("example.org", "example.org", NULL));
	ck_assert(!allowed("null", "example.org", NULL));
	ck_assert(!allowed("", "example.org", NULL));
	ck_assert(!allowed("https://", "example.org", NULL));
	ck_assert(!allowed("://example.org", "example.org", NULL));
	ck_assert(!allowed("https://[::1]", "[::2]", NULL));
}
END_TEST

START_TEST(lets_in_listed_pages)
{
	ck_assert(allowed("https://a.example", "example.org", list));
	ck_assert(allowed("https://A.EXAMPLE:443", "example.org", list));
	ck_assert(allowed("http://b.example:8080", "example.org", list));
	ck_assert(allowed("https://[::1]:8443", "example.org", list));
	ck_assert(allowed("https://c.example", "example.org", list));
	ck_assert(allowed("null", "example.org", list));
	ck_assert(!allowed("http://a.example", "example.org", list));
	ck_assert(!allowed("http://b.example", "example.org", list));
	ck_assert(!allowed("https://x.a.example", "example.org", list));
}
END_TEST

START_TEST(lets_in_every_page_for_a_star)
{
	static char *const all[] = { "*", NULL };

	ck_assert(allowed("https://evil.example", "example.org", all));
	ck_assert(allowed("null", "example.org", all));
}
END_TEST

START_TEST(asks_that_every_origin_is_allowed)
{
	ck_assert(allowed("https://a.example", "example.org", list));
	ck_assert_int_eq(head_add(&request.head, SLICE("origin"),
	    SLICE("https://evil.example")), 0);
	ck_assert(!ws_origin_allowed(&request, SLICE("example.org"), list));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("origin");
	TCase *tcase = tcase_create("origin");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, lets_in_who_says_no_origin);
	tcase_add_test(tcase, lets_in_the_servers_own_pages);
	tcase_add_test(tcase, keeps_out_all_other_pages);
	tcase_add_test(tcase, lets_in_listed_pages);
	tcase_add_test(tcase, lets_in_every_page_for_a_star);
	tcase_add_test(tcase, asks_that_every_origin_is_allowed);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

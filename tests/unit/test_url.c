/* SPDX-License-Identifier: MIT */
/* Targets, paths and authorities. */
#include "http/url.h"

#include <stdlib.h>

#include "unit.h"

static struct arena arena;

static void setup(void)
{
	arena_init(&arena, 1 << 20);
}

static void teardown(void)
{
	arena_release(&arena);
}

static void check_path(const char *raw, const char *expected)
{
	/* In memory of its own size, where a sanitizer sees a byte read too many. */
	char *exact = strndup(raw, strlen(raw));
	struct slice path;
	int rc = url_decode_path((struct slice){ exact, strlen(raw) }, &arena, &path);

	if (expected == NULL) {
		ck_assert_msg(rc == ERR_INVALID, "%s gives %d", raw, rc);
	} else {
		ck_assert_msg(rc == 0, "%s gives %d", raw, rc);
		ck_assert_str_eq(path.data, expected);
		ck_assert_uint_eq(path.size, strlen(expected));
	}
	free(exact);
}

START_TEST(decodes_escapes)
{
	check_path("/", "/");
	check_path("/a%20b%41%7e%c3%A4", "/a bA~\xc3\xa4");
	check_path("/a%25b", "/a%b");
	check_path("/%0d%0a", "/\r\n");
	check_path("/a;b=c,d@e:f!$&'()*+-._~", "/a;b=c,d@e:f!$&'()*+-._~");
}
END_TEST

START_TEST(keeps_an_encoded_slash_encoded)
{
	check_path("/a%2fb%2F", "/a%2Fb%2F");
	check_path("/%2f%2e%2e%2f", "/%2F..%2F");
}
END_TEST

START_TEST(takes_dot_segments_out)
{
	check_path("/.", "/");
	check_path("/a/.", "/a/");
	check_path("/a/..", "/");
	check_path("/a/./b/../c", "/a/c");
	check_path("/a/b/c/../../d/", "/a/d/");
	check_path("/a//..", "/a/");
	check_path("/a//../..", "/");
	check_path("/a/%2E%2e/b", "/b");
	check_path("/a/.%2e/%2e/b/.", "/b/");
	check_path("/..a/b../.../.b", "/..a/b../.../.b");
	check_path("//", "//");
	check_path("/./", "/");
}
END_TEST

START_TEST(refuses_to_climb_above_the_root)
{
	check_path("/..", NULL);
	check_path("/../", NULL);
	check_path("/a/../..", NULL);
	check_path("/./..", NULL);
	check_path("/%2e%2e/a", NULL);
}
END_TEST

START_TEST(refuses_bad_paths)
{
	static const char *const paths[] = { "", "a", "*", "/%", "/%4", "/%4g", "/%g4",
		"/%00", "/a b", "/a?b", "/a#b", "/a\\b", "/<", "/\"", "/[", "/{", "/|",
		"/^", "/`", "/\x7f", "/\xc3\xa4", "/\t", "/%%41", "/%-1", "/% 1",
		"/%u0041" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		check_path(paths[i], NULL);
	}
}
END_TEST

START_TEST(says_so_when_memory_ends)
{
	struct slice path;

	arena_init(&arena, 16);
	ck_assert_int_eq(url_decode_path(SLICE("/0123456789abcdef"), &arena, &path),
	    ERR_NOMEM);
}
END_TEST

START_TEST(knows_valid_authorities)
{
	static const char *const valid[] = { "a", "example.test", "EXAMPLE.test:443",
		"a:", "a:0", "a:65535", "a:00080", "127.0.0.1", "127.0.0.1:1", "[::]",
		"[::1]:8443", "[::1]:", "[2001:db8:1:2:3:4:5:6]", "[::ffff:192.0.2.1]",
		"[vF.a:b]", "[v1.~]", "a_b-c~d", "%41%C3%A4", "a,b;c=d", "!$&'()*+" };

	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		ck_assert_msg(url_authority_valid(slice_of(valid[i])), "%s", valid[i]);
	}
}
END_TEST

START_TEST(knows_invalid_authorities)
{
	static const char *const invalid[] = { "", ":", ":80", "a:65536",
		"a:99999999999999999999", "a:8x", "a:-1", "a: 1", "a:1:2", "a@b", "a b",
		"a/b", "a?b", "a#b", "\"a\"", "a%", "a%4", "a%4g", "[", "]", "[]", "[::1",
		"::1", "[::1]a", "[::1]80", "[1.2.3.4]", "[::g]", "[:::]",
		"[fe80::1%25eth0]", "[v.a]", "[v1]", "[v1.]", "[vg.a]", "[v1.a/]",
		"[v1.a", "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]",
		"\xc3\xa4", "a\t", "\x7f", "[a]" };

	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
		ck_assert_msg(!url_authority_valid(slice_of(invalid[i])), "%s",
		    invalid[i]);
	}
	ck_assert(!url_authority_valid(SLICE("a\0b")));
	ck_assert(!url_authority_valid(SLICE("[::1\0]")));
}
END_TEST

static void check_target(const char *target, const char *authority, const char *path,
    const char *query)
{
	struct url_target parts;

	ck_assert_int_eq(url_split_target(slice_of(target), &parts), 0);
	ck_assert_int_eq(parts.absolute, authority[0] != '\0');
	ck_assert(slice_equal(parts.authority, slice_of(authority)));
	ck_assert(slice_equal(parts.path, slice_of(path)));
	ck_assert(slice_equal(parts.query, slice_of(query)));
}

START_TEST(splits_targets)
{
	check_target("/", "", "/", "");
	check_target("/a/b", "", "/a/b", "");
	check_target("/a?b", "", "/a", "b");
	check_target("/a?", "", "/a", "");
	check_target("/?a?b/c", "", "/", "a?b/c");
	check_target("//a:b@c/d", "", "//a:b@c/d", "");
	check_target("*", "", "*", "");
	check_target("http://a", "a", "", "");
	check_target("HTTPS://a:1/b?c", "a:1", "/b", "c");
	check_target("http://[::1]?a/b", "[::1]", "", "a/b");
}
END_TEST

START_TEST(refuses_bad_targets)
{
	static const char *const targets[] = { "", "a", "?a", "*a", "**", "a:80",
		"http:", "http://", "http:/a", "http:///a", "http://?a", "http://a b/",
		"http://a@b/", "http://a#b", "httpss://a/", "ftp://a/", "ws://a/",
		"/?a#b", "/?a b", "/?\xc3\xa4", "/?\x7f" };
	struct url_target parts;

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		int rc = url_split_target(slice_of(targets[i]), &parts);

		ck_assert_msg(rc == ERR_INVALID, "%s", targets[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("url");
	TCase *paths = tcase_create("paths");
	TCase *others = tcase_create("targets and authorities");

	tcase_add_checked_fixture(paths, setup, teardown);
	tcase_add_test(paths, decodes_escapes);
	tcase_add_test(paths, keeps_an_encoded_slash_encoded);
	tcase_add_test(paths, takes_dot_segments_out);
	tcase_add_test(paths, refuses_to_climb_above_the_root);
	tcase_add_test(paths, refuses_bad_paths);
	tcase_add_test(paths, says_so_when_memory_ends);
	suite_add_tcase(suite, paths);
	tcase_add_test(others, knows_valid_authorities);
	tcase_add_test(others, knows_invalid_authorities);
	tcase_add_test(others, splits_targets);
	tcase_add_test(others, refuses_bad_targets);
	suite_add_tcase(suite, others);
	return unit_run(suite);
}

/* SPDX-License-Identifier: MIT */
/* The reader with a table of its own; that of server.json is tested by test_config. */
#include "config/reader.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

struct target {
	bool flag;
	uint32_t small;
	uint64_t large;
	uint32_t choice;
	char *text;
	char *file;
	char *log;
};

static const char *const colours[] = { "red", "green", "blue", NULL };

#define FIELD(field_) .offset = offsetof(struct target, field_)

static const struct key inner_keys[] = {
	{ KEY("large", U64), FIELD(large),
	  .min = 5, .max = UINT64_C(1) << 40, .number = 6 },
	{ .name = NULL }
};

static const struct key keys[] = {
	{ KEY("$note", IGNORED) },
	{ KEY("flag", BOOL), FIELD(flag), .number = true },
	{ KEY("small", U32), FIELD(small), .max = UINT32_MAX, .number = 7 },
	{ KEY("choice", CHOICE), FIELD(choice), .choices = colours,
	  .min = 10, .number = 11 },
	{ KEY("text", TEXT), FIELD(text), .required = true },
	{ KEY("file", FILE), FIELD(file), .text = "default.txt" },
	{ KEY("log", LOG), FIELD(log), .text = "-" },
	{ KEY("inner", OBJECT), .keys = inner_keys },
	{ .name = NULL }
};

static struct problems problems;
static struct target target;

static void read_text(const char *text)
{
	struct document document = {
		.file = "f", .directory = "/d", .problems = &problems
	};
	struct node root;

	target = (struct target){ 0 };
	problems_init(&problems);
	ck_assert_int_eq(document_open(&document, text, strlen(text)), 0);
	root = node_root(&document);
	reader_defaults(&document, keys, &target);
	reader_object(&root, keys, &target);
	document_close(&document);
}

static void release(void)
{
	free(target.text);
	free(target.file);
	free(target.log);
	problems_release(&problems);
}

START_TEST(defaults_come_from_the_table)
{
	read_text("{ \"text\": \"t\" }");
	ck_assert_uint_eq(problems.count, 0);
	ck_assert(target.flag);
	ck_assert_uint_eq(target.small, 7);
	ck_assert(target.large == 6);
	ck_assert_uint_eq(target.choice, 11);
	ck_assert_str_eq(target.file, "/d/default.txt");
	ck_assert_str_eq(target.log, "-");
	release();
}
END_TEST

START_TEST(values_replace_defaults)
{
	read_text("{ \"$note\": \"x\", \"flag\": false, \"small\": 4294967295,"
	    "\"choice\": \"blue\", \"text\": \"\", \"file\": \"a/b\", \"log\": \"off\","
	    "\"inner\": { \"large\": 1099511627776 } }");
	ck_assert_uint_eq(problems.count, 0);
	ck_assert(!target.flag);
	ck_assert_uint_eq(target.small, UINT32_MAX);
	ck_assert(target.large == UINT64_C(1) << 40);
	ck_assert_uint_eq(target.choice, 12);
	ck_assert_str_eq(target.text, "");
	ck_assert_str_eq(target.file, "/d/a/b");
	ck_assert_str_eq(target.log, "off");
	release();
}
END_TEST

START_TEST(a_problem_leaves_the_default)
{
	read_text("{ \"flag\": 1, \"small\": 4294967296, \"choice\": \"grene\","
	    "\"text\": 5, \"file\": \"\", \"log\": null, \"inner\": { \"large\": 4 } }");
	ck_assert_uint_eq(problems.count, 7);
	ck_assert(target.flag);
	ck_assert_uint_eq(target.small, 7);
	ck_assert_uint_eq(target.choice, 11);
	ck_assert_str_eq(problems.items[2].hint, "did you mean 'green'");
	ck_assert_str_eq(problems.items[2].what,
	    "expected 'red', 'green' or 'blue', found 'grene'");
	ck_assert_ptr_null(target.text);
	ck_assert_str_eq(target.file, "/d/default.txt");
	ck_assert_str_eq(target.log, "-");
	ck_assert(target.large == 6);
	ck_assert_str_eq(problems.items[6].where, "f:1: inner.large");
	release();
}
END_TEST

static void assert_joined(const char *directory, const char *name, const char *expected)
{
	char *joined = reader_join(directory, name);

	ck_assert_str_eq(joined, expected);
	free(joined);
}

START_TEST(names_are_joined_with_the_directory)
{
	assert_joined(".", "a", "a");
	assert_joined("..", "a", "../a");
	assert_joined("/d", "a/b", "/d/a/b");
	assert_joined("/", "a", "/a");
	assert_joined("/d", "/a", "/a");
}
END_TEST

START_TEST(keys_are_known_or_refused)
{
	read_text("{ \"smal\": 1, \"\": 1 }");
	ck_assert_uint_eq(problems.count, 3);
	ck_assert_str_eq(problems.items[0].what, "unknown key 'smal'");
	ck_assert_str_eq(problems.items[0].hint, "did you mean 'small'");
	ck_assert_str_eq(problems.items[1].what, "unknown key ''");
	ck_assert_str_eq(problems.items[2].what, "missing key 'text'");
	release();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reader");
	TCase *tcase = tcase_create("reader");

	tcase_add_test(tcase, defaults_come_from_the_table);
	tcase_add_test(tcase, values_replace_defaults);
	tcase_add_test(tcase, a_problem_leaves_the_default);
	tcase_add_test(tcase, keys_are_known_or_refused);
	tcase_add_test(tcase, names_are_joined_with_the_directory);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

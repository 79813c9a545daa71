/* SPDX-License-Identifier: MIT */
#include "rig.h"
#include "unit.h"

static struct rig rig;

static void set_up(void)
{
	rig_open(&rig);
}

static void tear_down(void)
{
	rig_close(&rig);
}

static void expect_refusal(const char *name, const char *text)
{
	struct plugin *plugin = rig_scan_one(&rig, name);

	ck_assert_msg(plugin->refusal == NULL, "refused early: %s", plugin->refusal);
	ck_assert_int_eq(plugin_load(plugin, &rig_services), ERR_INVALID);
	ck_assert_ptr_null(plugin->handler);
	ck_assert_str_eq(plugin->refusal, text);
}

START_TEST(loads_a_handler_and_fills_its_table)
{
	const struct plugin *plugin = rig_load(&rig, "greeter");
	const tc_handler *handler = plugin->handler;

	ck_assert_str_eq(handler->name, "greeter");
	ck_assert_str_eq(handler->route, "/greet/{name}");
	ck_assert_uint_eq(handler->api->size, sizeof(tc_api));
	ck_assert_uint_eq(handler->api->level, TC_LEVEL);
	ck_assert_ptr_nonnull(handler->api->ext);
	ck_assert_int_gt(handler->api->now(), 0);
	ck_assert_uint_eq(plugin->can, PLUGIN_REQUESTS);
}
END_TEST

START_TEST(a_handler_may_take_connections_only)
{
	ck_assert_uint_eq(rig_load(&rig, "silent")->can, PLUGIN_CONNECTS);
}
END_TEST

START_TEST(every_entry_of_the_table_is_filled)
{
	const struct plugin *plugin = rig_load(&rig, "greeter");
	const char *table = (const char *)plugin->handler->api;
	void *entry;

	for (size_t at = offsetof(tc_api, method); at < sizeof(tc_api);
	     at += sizeof(entry)) {
		memcpy(&entry, table + at, sizeof(entry));
		ck_assert_msg(entry != NULL, "the entry at offset %zu is not filled", at);
	}
}
END_TEST

START_TEST(loads_a_handler_of_a_newer_header)
{
	const struct plugin *plugin = rig_load(&rig, "future");
	void *stub = NULL;

	ck_assert_uint_eq(plugin->handler->api->size, sizeof(tc_api));
	memcpy(&stub, plugin->handler->api + 1, sizeof(stub));
	ck_assert_ptr_nonnull(stub);
}
END_TEST

START_TEST(refuses_a_field_of_a_later_level)
{
	char text[100];

	snprintf(text, sizeof(text), "fills in a field that this tincan does not know "
	    "(offset %zu)", sizeof(tc_handler) + sizeof(void *));
	expect_refusal("tail_set", text);
}
END_TEST

START_TEST(refuses_what_does_not_agree_with_the_note)
{
	expect_refusal("name_mismatch",
	    "its note says 'name_mismatch' but its handler is 'somebody_else'");
}
END_TEST

START_TEST(refuses_another_level_than_the_note)
{
	expect_refusal("need_mismatch", "its note needs level 1 but its handler 2");
}
END_TEST

START_TEST(refuses_sizes_that_cannot_be)
{
	char text[100];

	snprintf(text, sizeof(text),
	    "its tincan_handler_1 says size 16, but has %zu bytes", sizeof(tc_handler));
	expect_refusal("small_size", text);
}
END_TEST

START_TEST(refuses_to_read_past_what_is_exported)
{
	char text[100];

	snprintf(text, sizeof(text),
	    "its tincan_handler_1 says size 65536, but has %zu bytes",
	    sizeof(tc_handler));
	expect_refusal("huge_size", text);
}
END_TEST

START_TEST(refuses_a_handler_without_a_table)
{
	expect_refusal("no_table", "it has no function table of a size that makes sense");
}
END_TEST

START_TEST(refuses_flags_of_a_later_level)
{
	expect_refusal("flags_set", "sets flags that this tincan does not know (0x4)");
}
END_TEST

START_TEST(refuses_one_that_blocks_and_wants_its_body_in_pieces)
{
	expect_refusal("both_flags",
	    "sets both TC_BLOCKING and TC_BODY_STREAM: where on_request blocks, "
	    "nobody could take the pieces of the body");
}
END_TEST

START_TEST(a_handler_that_blocks_has_threads_where_there_are_some)
{
	struct plugin_services services = rig_services;
	struct plugin *plugin = rig_load(&rig, "sleeper");

	ck_assert(plugin->can & PLUGIN_BLOCKING);
	ck_assert(!plugin->threaded);
	services.threads = true;
	ck_assert_int_eq(plugin_load(plugin, &services), 0);
	ck_assert(plugin->threaded);
}
END_TEST

START_TEST(refuses_pieces_of_bodies_that_nobody_takes)
{
	expect_refusal("no_body", "sets TC_BODY_STREAM, but has no on_body");
}
END_TEST

START_TEST(a_handler_may_take_bodies_in_pieces)
{
	ck_assert_uint_eq(rig_load(&rig, "upload")->can,
	    PLUGIN_REQUESTS | PLUGIN_BODY_STREAM);
}
END_TEST

START_TEST(refuses_a_handler_that_answers_nothing)
{
	expect_refusal("no_request", "it has neither on_request nor on_connect, and "
	    "filters nothing");
}
END_TEST

START_TEST(refuses_a_note_without_its_symbol)
{
	expect_refusal("no_symbol", "it does not export tincan_handler_1");
}
END_TEST

START_TEST(tells_an_undefined_symbol_without_the_path)
{
	expect_refusal("undefined_symbol",
	    "undefined symbol: tincan_has_no_such_function");
}
END_TEST

START_TEST(maps_one_copy_once)
{
	struct plugin *plugin = rig_load(&rig, "greeter");
	struct plugin again = { .file = plugin->file, .copy = plugin->copy,
		.note = plugin->note };

	ck_assert_int_eq(plugin_load(&again, &rig_services), 0);
	ck_assert_ptr_eq(again.handler->api, plugin->handler->api);
}
END_TEST

START_TEST(does_not_load_what_was_refused)
{
	struct plugin *plugin = rig_scan_one(&rig, "no_note");

	ck_assert_int_eq(plugin_load(plugin, &rig_services), ERR_INVALID);
	ck_assert_str_eq(plugin->refusal, "not a tincan handler (no TINCAN_HANDLER)");
}
END_TEST

START_TEST(loaded_code_outlives_the_file_it_came_from)
{
	const struct plugin *plugin = rig_load(&rig, "greeter");

	ck_assert_int_eq(truncate(plugin->file, 0), 0);
	ck_assert_int_eq(unlink(plugin->copy), 0);
	ck_assert_str_eq(plugin->handler->about, "greets");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("load");
	TCase *tcase = tcase_create("load");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, loads_a_handler_and_fills_its_table);
	tcase_add_test(tcase, every_entry_of_the_table_is_filled);
	tcase_add_test(tcase, a_handler_may_take_connections_only);
	tcase_add_test(tcase, loads_a_handler_of_a_newer_header);
	tcase_add_test(tcase, refuses_a_field_of_a_later_level);
	tcase_add_test(tcase, refuses_what_does_not_agree_with_the_note);
	tcase_add_test(tcase, refuses_another_level_than_the_note);
	tcase_add_test(tcase, refuses_sizes_that_cannot_be);
	tcase_add_test(tcase, refuses_to_read_past_what_is_exported);
	tcase_add_test(tcase, refuses_a_handler_without_a_table);
	tcase_add_test(tcase, refuses_flags_of_a_later_level);
	tcase_add_test(tcase,
	    refuses_one_that_blocks_and_wants_its_body_in_pieces);
	tcase_add_test(tcase, a_handler_that_blocks_has_threads_where_there_are_some);
	tcase_add_test(tcase, refuses_pieces_of_bodies_that_nobody_takes);
	tcase_add_test(tcase, a_handler_may_take_bodies_in_pieces);
	tcase_add_test(tcase, refuses_a_handler_that_answers_nothing);
	tcase_add_test(tcase, refuses_a_note_without_its_symbol);
	tcase_add_test(tcase, tells_an_undefined_symbol_without_the_path);
	tcase_add_test(tcase, maps_one_copy_once);
	tcase_add_test(tcase, does_not_load_what_was_refused);
	tcase_add_test(tcase, loaded_code_outlives_the_file_it_came_from);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

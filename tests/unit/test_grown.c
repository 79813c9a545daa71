/* SPDX-License-Identifier: MIT */
/*
 * A server one level on, made of ours by tests/plugins/grown/grow: it runs every
 * handler that was built before, and those of its own level. What a server of level 1
 * makes of the same files is in tests/e2e/test_abi.py.
 */
#include "plugin/instance.h"

#include "instance_rig.h"

static struct plugin *load(const char *name)
{
	char file[64];
	struct plugin *plugin;

	snprintf(file, sizeof(file), "%s.so", strrchr(name, '/') + 1);
	rig_add_as(&rig, name, file);
	rig_scan(&rig);
	ck_assert_uint_eq(rig.set.count, 1);
	plugin = &rig.set.items[0];
	ck_assert_msg(plugin_load(plugin, &rig_services) == 0, "refused: %s",
	    plugin->refusal);
	ck_assert_uint_eq(plugin->handler->api->level, 2);
	return plugin;
}

static void expect(const char *name, const char *path, const char *body)
{
	open_plugin(load(name));
	ask_instance(path);
	ck_assert_int_eq(request.exchange.reply.status, 200);
	ck_assert_str_eq(rig_body(&request), body);
}

START_TEST(is_one_level_on)
{
	ck_assert_int_eq(TC_LEVEL, 2);
	ck_assert_uint_eq(offsetof(tc_api, grown) + sizeof(void *), sizeof(tc_api));
	ck_assert_uint_eq(offsetof(tc_handler, on_grown) + sizeof(void *),
	    sizeof(tc_handler));
}
END_TEST

START_TEST(runs_what_was_built_with_level_1)
{
	expect("./greeter", "/greet", "Hello, world\n");
	ck_assert_uint_eq(rig.set.items[0].handler->api->size,
	    offsetof(tc_api, grown));
	ck_assert_ptr_null(rig.set.items[0].handler->on_grown);
}
END_TEST

START_TEST(runs_what_was_built_with_level_2_and_uses_nothing_of_it)
{
	expect("grown/newer", "/", "runs\n");
}
END_TEST

START_TEST(gives_the_new_entry_to_who_asks_for_it)
{
	expect("grown/asks", "/", "uses it\n");
}
END_TEST

START_TEST(gives_the_new_entry_to_who_needs_it)
{
	expect("grown/demands", "/", "uses it\n");
}
END_TEST

START_TEST(gives_the_new_entry_to_the_careless)
{
	expect("grown/careless", "/", "uses it\n");
}
END_TEST

START_TEST(takes_the_new_callback)
{
	expect("grown/sets", "/", "runs\n");
	ck_assert_ptr_nonnull(rig.set.items[0].handler->on_grown);
}
END_TEST

START_TEST(refuses_what_is_no_handler_as_ever)
{
	const struct plugin *plugin = rig_scan_one(&rig, "no_note");

	ck_assert_str_eq(plugin->refusal, "not a tincan handler (no TINCAN_HANDLER)");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("grown");
	TCase *tcase = tcase_create("grown");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, is_one_level_on);
	tcase_add_test(tcase, runs_what_was_built_with_level_1);
	tcase_add_test(tcase, runs_what_was_built_with_level_2_and_uses_nothing_of_it);
	tcase_add_test(tcase, gives_the_new_entry_to_who_asks_for_it);
	tcase_add_test(tcase, gives_the_new_entry_to_who_needs_it);
	tcase_add_test(tcase, gives_the_new_entry_to_the_careless);
	tcase_add_test(tcase, takes_the_new_callback);
	tcase_add_test(tcase, refuses_what_is_no_handler_as_ever);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

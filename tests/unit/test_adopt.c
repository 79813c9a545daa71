/* SPDX-License-Identifier: MIT */
/* What is served of what a scan has found, in the light of what is live. */
#include "master/adopt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "master/rollout.h"
#include "master/versions.h"
#include "unit.h"

#define PLUGINS 4

static struct master master;
static struct boot live;		/* zero: nothing is */
static struct boot found;

static void boot_make(struct boot *boot, const char *routes)
{
	memset(boot, 0, sizeof(*boot));
	problems_init(&boot->problems);
	boot->text = memory_printf("{\"certificates\":[{\"chain\":\"a\",\"key\":\"b\"}],"
	    "\"routes\":[%s]}", routes);
	boot->text_size = strlen(boot->text);
	boot->config = config_parse("server.json", boot->text, boot->text_size,
	    &boot->problems);
	ck_assert_ptr_nonnull(boot->config);
	ck_assert_uint_eq(boot->problems.errors, 0);
	boot->plugins.items = memory_new(PLUGINS, sizeof(*boot->plugins.items));
	boot->owner = &master;
}

/* A good plugin plugins/FILE.so that answers at /ROUTE; NULL: it was not probed yet. */
static struct plugin *put(struct boot *boot, const char *file, const char *name,
    const char *hash, const char *route)
{
	struct plugin *plugin = &boot->plugins.items[boot->plugins.count++];

	ck_assert_uint_le(boot->plugins.count, PLUGINS);
	plugin->file = memory_printf("plugins/%s.so", file);
	plugin->copy = memory_printf("run/%s-%s.so", name, hash);
	snprintf(plugin->note.name, sizeof(plugin->note.name), "%s", name);
	snprintf(plugin->hash, sizeof(plugin->hash), "%s", hash);
	plugin->own_route = route == NULL ? NULL : memory_printf("/%s", route);
	plugin->can = route == NULL ? 0 : PLUGIN_REQUESTS;
	plugin->isolated = true;
	return plugin;
}

static struct plugin *get(const char *file)
{
	for (size_t i = 0; i < found.plugins.count; i++) {
		struct plugin *plugin = &found.plugins.items[i];

		if (strncmp(plugin->file + 8, file, strlen(file)) == 0) {
			return plugin;
		}
	}
	ck_abort_msg("%s is not there", file);
	return NULL;
}

/* What is found goes live, and the next search begins. */
static void serve(const char *routes)
{
	adopt_finish(&master, &found, live.config == NULL ? NULL : &live);
	boot_release(&live);
	live = found;
	boot_make(&found, routes);
}

static void set_up(void)
{
	memset(&master, 0, sizeof(master));
	memset(&live, 0, sizeof(live));
	master.loop = loop_new();
	list_init(&master.versions);
	boot_make(&found, "");
}

static void tear_down(void)
{
	boot_release(&live);
	boot_release(&found);
	versions_release(&master);
	loop_free(master.loop);
}

static void check_served(const char *file, const char *hash)
{
	const struct plugin *plugin = get(file);

	ck_assert_msg(plugin->refusal == NULL, "%s: %s", file, plugin->refusal);
	ck_assert_str_eq(plugin->hash, hash);
	ck_assert_ptr_nonnull(strstr(plugin->copy, hash));
	ck_assert_uint_eq(plugin->version,
	    versions_find(&master, plugin->note.name, hash)->plugin.version);
}

static void check_refused(const char *file, const char *why)
{
	const struct plugin *plugin = get(file);

	ck_assert_ptr_nonnull(plugin->refusal);
	ck_assert_msg(strstr(plugin->refusal, why) != NULL, "%s", plugin->refusal);
}

START_TEST(good_plugins_become_versions)
{
	put(&found, "a", "a", "a1", "a");
	put(&found, "b", "b", "b1", "b");
	adopt_finish(&master, &found, NULL);
	check_served("a", "a1");
	check_served("b", "b1");
	ck_assert_uint_ne(get("a")->version, get("b")->version);
}
END_TEST

START_TEST(a_newer_file_takes_over_on_probation)
{
	put(&found, "a", "a", "a1", "a");
	serve("");
	put(&found, "a", "a", "a2", "a");
	adopt_finish(&master, &found, &live);
	check_served("a", "a2");
	ck_assert(version_on_probation(&master, versions_find(&master, "a", "a2")));
}
END_TEST

START_TEST(a_bad_file_leaves_the_version_before)
{
	put(&found, "a", "a", "a1", "a");
	serve("");
	plugin_refuse(put(&found, "a", "", "bad1", NULL), "not an ELF file");
	adopt_finish(&master, &found, &live);
	check_served("a", "a1");
	ck_assert_str_eq(get("a")->note.name, "a");
	ck_assert_str_eq(get("a")->refused_hash, "bad1");
	ck_assert_str_eq(get("a")->own_route, "/a");
	ck_assert_uint_eq(get("a")->can, PLUGIN_REQUESTS);
}
END_TEST

START_TEST(a_bad_file_that_is_new_is_not_served)
{
	plugin_refuse(put(&found, "a", "", "bad1", NULL), "not an ELF file");
	adopt_finish(&master, &found, NULL);
	check_refused("a", "not an ELF file");
	ck_assert_uint_eq(get("a")->version, 0);
}
END_TEST

START_TEST(a_version_kept_once_is_kept_again)
{
	put(&found, "a", "a", "a1", "a");
	serve("");
	for (int i = 0; i < 3; i++) {
		plugin_refuse(put(&found, "a", "", "bad1", NULL), "not an ELF file");
		serve("");
	}
	ck_assert_ptr_null(live.plugins.items[0].refusal);
	ck_assert_str_eq(live.plugins.items[0].hash, "a1");
}
END_TEST

START_TEST(quarantine_goes_back_to_the_version_before)
{
	struct version *second;

	put(&found, "a", "a", "a1", "a");
	serve("");
	put(&found, "a", "a", "a2", "a");
	serve("");
	second = versions_find(&master, "a", "a2");
	ck_assert(version_died(&master, second, 0));
	for (int i = 0; i < 3; i++) {
		plugin_refuse(put(&found, "a", "a", "a2", NULL), "in quarantine");
		serve("");
		ck_assert_ptr_null(live.plugins.items[0].refusal);
		ck_assert_str_eq(live.plugins.items[0].hash, "a1");
		/* What is served now has nothing to go back to. */
		ck_assert(!version_died(&master, versions_find(&master, "a", "a1"), 0));
	}
}
END_TEST

START_TEST(a_name_is_served_from_one_file)
{
	put(&found, "a", "a", "a1", "a");
	serve("");
	/* The file has moved, and there is rubbish in its place. */
	plugin_refuse(put(&found, "a", "", "bad1", NULL), "not an ELF file");
	put(&found, "z", "a", "a1", "a");
	adopt_finish(&master, &found, &live);
	check_refused("a", "not an ELF file");
	check_served("z", "a1");
}
END_TEST

START_TEST(of_two_new_claims_the_first_stays)
{
	put(&found, "a", "a", "a1", "same");
	put(&found, "b", "b", "b1", "same");
	adopt_finish(&master, &found, NULL);
	check_served("a", "a1");
	check_refused("b", "its own route '/same' is taken by 'plugins/a.so'");
}
END_TEST

START_TEST(a_live_claim_stays_whatever_its_file_is_called)
{
	put(&found, "z", "z", "z1", "same");
	serve("");
	put(&found, "a", "a", "a1", "same");
	put(&found, "z", "z", "z1", "same");
	adopt_finish(&master, &found, &live);
	check_refused("a", "taken by 'plugins/z.so'");
	check_served("z", "z1");
}
END_TEST

START_TEST(a_newer_version_that_claims_a_live_path_goes_back)
{
	put(&found, "a", "a", "a1", "a");
	put(&found, "b", "b", "b1", "b");
	serve("");
	put(&found, "a", "a", "a2", "b");
	put(&found, "b", "b", "b1", "b");
	adopt_finish(&master, &found, &live);
	check_served("a", "a1");
	ck_assert_str_eq(get("a")->own_route, "/a");
	check_served("b", "b1");
}
END_TEST

START_TEST(a_version_that_is_kept_keeps_its_path)
{
	put(&found, "z", "z", "z1", "same");
	serve("");
	put(&found, "a", "a", "a1", "same");
	plugin_refuse(put(&found, "z", "", "bad1", NULL), "not an ELF file");
	adopt_finish(&master, &found, &live);
	check_refused("a", "taken by 'plugins/z.so'");
	check_served("z", "z1");
}
END_TEST

START_TEST(two_may_exchange_their_paths)
{
	put(&found, "a", "a", "a1", "one");
	put(&found, "b", "b", "b1", "two");
	serve("");
	put(&found, "a", "a", "a2", "two");
	put(&found, "b", "b", "b2", "one");
	adopt_finish(&master, &found, &live);
	check_served("a", "a2");
	check_served("b", "b2");
}
END_TEST

START_TEST(a_configured_route_settles_a_claim)
{
	boot_release(&found);
	boot_make(&found, "{\"path\":\"/b\",\"handler\":\"b\"}");
	put(&found, "a", "a", "a1", "same");
	put(&found, "b", "b", "b1", "same");
	put(&found, "c", "c", "c1", "b");
	adopt_finish(&master, &found, NULL);
	check_served("a", "a1");
	check_served("b", "b1");
	check_served("c", "c1");
}
END_TEST

/* The rollout owns what is live while its test runs. */
static void know(void)
{
	struct boot copy = live;

	master.rollout = rollout_new(&master, &copy);
	adopt_known(&found);
	live = *rollout_live(&master);
	free(master.rollout);
	master.rollout = NULL;
}

START_TEST(what_is_live_comes_first_in_its_order)
{
	put(&found, "c", "c", "c1", "c");
	put(&found, "b", "b", "b1", "b");
	serve("");
	put(&found, "a", "a", "a1", NULL);
	put(&found, "b", "b", "b1", NULL);
	put(&found, "c", "c", "c2", NULL);
	know();
	ck_assert_str_eq(found.plugins.items[0].hash, "c2");
	ck_assert_str_eq(found.plugins.items[1].hash, "b1");
	ck_assert_str_eq(found.plugins.items[2].hash, "a1");
}
END_TEST

START_TEST(the_unchanged_need_no_probe)
{
	put(&found, "a", "a", "a1", "one");
	put(&found, "b", "b", "b1", "two");
	serve("");
	put(&found, "a", "a", "a1", NULL);
	put(&found, "b", "b", "b2", NULL);
	know();
	ck_assert(get("a")->probed);
	ck_assert_str_eq(get("a")->own_route, "/one");
	ck_assert(!get("b")->probed);
	ck_assert_ptr_null(get("b")->own_route);
}
END_TEST

START_TEST(other_settings_need_a_probe)
{
	put(&found, "a", "a", "a1", "one");
	serve("{\"path\":\"/b\",\"handler\":\"a\"}");
	put(&found, "a", "a", "a1", NULL);
	know();
	ck_assert(!get("a")->probed);
}
END_TEST

START_TEST(the_quarantined_stay_out_and_the_demoted_isolated)
{
	put(&found, "a", "a", "a1", "a");
	put(&found, "b", "b", "b1", "b");
	serve("");
	versions_find(&master, "a", "a1")->quarantined = true;
	versions_find(&master, "b", "b1")->demoted = true;
	put(&found, "a", "a", "a1", NULL);
	put(&found, "b", "b", "b1", NULL)->isolated = false;
	know();
	check_refused("a", "quarantine");
	ck_assert(get("b")->isolated);
}
END_TEST

/* As a stir in the directory brings it, when the file of b has become what it has. */
static bool serves_same_with_b(const char *hash, const char *refusal)
{
	struct plugin *plugin;

	put(&found, "a", "a", "a1", "a");
	put(&found, "b", "b", "b1", "b");
	serve("");
	put(&found, "a", "a", "a1", "a");
	plugin = put(&found, "b", "b", hash, "b");
	plugin->refusal = refusal == NULL ? NULL : memory_text(refusal);
	adopt_finish(&master, &found, &live);
	return adopt_serves_same(&live.plugins, &found.plugins);
}

START_TEST(a_file_as_it_was_changes_nothing)
{
	ck_assert(serves_same_with_b("b1", NULL));
}
END_TEST

START_TEST(a_newer_file_changes_something)
{
	ck_assert(!serves_same_with_b("b2", NULL));
}
END_TEST

START_TEST(a_refused_file_changes_nothing)
{
	ck_assert(serves_same_with_b("b2", "not an ELF file"));
	ck_assert_str_eq(get("b")->refused_hash, "b2");
}
END_TEST

START_TEST(a_refused_file_that_is_new_changes_nothing)
{
	put(&found, "a", "a", "a1", "a");
	serve("");
	put(&found, "a", "a", "a1", "a");
	put(&found, "c", "", "c1", NULL)->refusal = memory_text("not an ELF file");
	adopt_finish(&master, &found, &live);
	ck_assert(adopt_serves_same(&live.plugins, &found.plugins));
}
END_TEST

START_TEST(files_that_come_and_go_change_something)
{
	put(&found, "a", "a", "a1", "a");
	put(&found, "b", "b", "b1", "b");
	ck_assert(!adopt_serves_same(&live.plugins, &found.plugins));
	serve("");
	put(&found, "a", "a", "a1", "a");
	ck_assert(!adopt_serves_same(&live.plugins, &found.plugins));
}
END_TEST

START_TEST(another_isolation_changes_something)
{
	put(&found, "a", "a", "a1", "a");
	serve("");
	put(&found, "a", "a", "a1", "a")->isolated = false;
	ck_assert(!adopt_serves_same(&live.plugins, &found.plugins));
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("adopt");
	TCase *finish = tcase_create("finish");
	TCase *known = tcase_create("known");
	TCase *same = tcase_create("same");

	tcase_add_checked_fixture(finish, set_up, tear_down);
	tcase_add_test(finish, good_plugins_become_versions);
	tcase_add_test(finish, a_newer_file_takes_over_on_probation);
	tcase_add_test(finish, a_bad_file_leaves_the_version_before);
	tcase_add_test(finish, a_bad_file_that_is_new_is_not_served);
	tcase_add_test(finish, a_version_kept_once_is_kept_again);
	tcase_add_test(finish, quarantine_goes_back_to_the_version_before);
	tcase_add_test(finish, a_name_is_served_from_one_file);
	tcase_add_test(finish, of_two_new_claims_the_first_stays);
	tcase_add_test(finish, a_live_claim_stays_whatever_its_file_is_called);
	tcase_add_test(finish, a_newer_version_that_claims_a_live_path_goes_back);
	tcase_add_test(finish, a_version_that_is_kept_keeps_its_path);
	tcase_add_test(finish, two_may_exchange_their_paths);
	tcase_add_test(finish, a_configured_route_settles_a_claim);
	suite_add_tcase(all, finish);
	tcase_add_checked_fixture(known, set_up, tear_down);
	tcase_add_test(known, what_is_live_comes_first_in_its_order);
	tcase_add_test(known, the_unchanged_need_no_probe);
	tcase_add_test(known, other_settings_need_a_probe);
	tcase_add_test(known, the_quarantined_stay_out_and_the_demoted_isolated);
	suite_add_tcase(all, known);
	tcase_add_checked_fixture(same, set_up, tear_down);
	tcase_add_test(same, a_file_as_it_was_changes_nothing);
	tcase_add_test(same, a_newer_file_changes_something);
	tcase_add_test(same, a_refused_file_changes_nothing);
	tcase_add_test(same, a_refused_file_that_is_new_changes_nothing);
	tcase_add_test(same, files_that_come_and_go_change_something);
	tcase_add_test(same, another_isolation_changes_something);
	suite_add_tcase(all, same);
	return all;
}

int main(void)
{
	return unit_run(suite());
}

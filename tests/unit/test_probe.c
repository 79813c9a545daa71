/* SPDX-License-Identifier: MIT */
/*
 * Plugins before they go live, in real hosts: what is bad is refused with its reason, and
 * no process is left. The program that hosts run is looked for beside this test's own.
 */
#include "master/probe.h"

#include <errno.h>
#include <limits.h>
#include <sys/wait.h>

#include "base/memory.h"
#include "master/hostexec.h"
#include "rig.h"
#include "unit.h"

/* A route whose settings picky's on_open refuses. */
static const char refusing[] = "{\"path\":\"/p\",\"handler\":\"picky\","
    "\"settings\":{\"refuse\":\"key\"}}";

static struct rig rig;
static struct loop *loop;
static struct config *config;
static struct probes *probes;

/* More members of the top than the routes. */
static const char *members = "";

static void make_config(const char *routes)
{
	char *text = memory_printf("{\"certificates\":[{\"chain\":\"a\",\"key\":\"b\"}],"
	    "\"routes\":[%s]%s}", routes, members);

	config = config_parse("server.json", text, strlen(text), &rig.problems);
	ck_assert_uint_eq(rig.problems.errors, 0);
	free(text);
}

/* The program is opened once for all tests, before they fork. */
static void open_program(void)
{
	const char *built = getenv("TINCAN_TEST_HOST");
	char target[PATH_MAX];
	char own[PATH_MAX] = "";
	struct problems problems;
	char *link;

	ck_assert_ptr_nonnull(realpath(built == NULL ? "./tincan-host" : built, target));
	ck_assert_int_gt(readlink("/proc/self/exe", own, sizeof(own) - 1), 0);
	*strrchr(own, '/') = '\0';
	link = memory_printf("%s/tincan-host", own);
	ck_assert(symlink(target, link) == 0 || errno == EEXIST);
	problems_init(&problems);
	ck_assert_int_eq(hostexec_open(&problems), 0);
	problems_release(&problems);
	(void)unlink(link);
	free(link);
}

static void set_up(void)
{
	rig_open(&rig);
	loop = loop_new();
	config = NULL;
	probes = NULL;
}

static void tear_down(void)
{
	probes_free(probes);
	loop_run_deferred(loop);
	loop_free(loop);
	config_free(config);
	rig_close(&rig);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static void on_done(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

static void start(const char *routes, bool strict)
{
	struct probes_task task = { .plugins = &rig.set, .problems = &rig.problems,
		.strict = strict };

	make_config(routes);
	rig_scan(&rig);
	task.config = config;
	probes = probes_start(loop, &task, on_done, NULL);
}

/* The one plugin there is, probed. */
static const struct plugin *probe(const char *name, const char *routes, bool strict)
{
	rig_add(&rig, name);
	start(routes, strict);
	loop_run(loop);
	return &rig.set.items[0];
}

static void check_refused(const struct plugin *plugin, const char *why)
{
	ck_assert_ptr_nonnull(plugin->refusal);
	ck_assert_msg(strstr(plugin->refusal, why) != NULL, "%s", plugin->refusal);
	ck_assert_uint_eq(rig.problems.errors, 0);
}

START_TEST(a_good_one_passes_with_its_own_route)
{
	const struct plugin *plugin = probe("greeter", "", true);

	ck_assert_msg(plugin->refusal == NULL, "%s", plugin->refusal);
	ck_assert_ptr_nonnull(plugin->own_route);
	ck_assert_uint_eq(rig.problems.errors, 0);
}
END_TEST

START_TEST(nothing_to_probe_is_done_at_once)
{
	start("", true);
	loop_run(loop);
	ck_assert_uint_eq(rig.set.count, 0);
}
END_TEST

START_TEST(what_cannot_be_loaded_is_refused)
{
	check_refused(probe("undefined_symbol", "", true), "undefined symbol");
}
END_TEST

START_TEST(what_refuses_its_own_settings_is_refused)
{
	check_refused(probe("picky", "", true), "");
}
END_TEST

START_TEST(a_refusal_of_a_route_is_a_problem_of_the_configuration)
{
	(void)probe("picky", refusing, true);
	ck_assert_uint_eq(rig.problems.errors, 1);
	ck_assert_ptr_nonnull(strstr(rig.problems.items[0].where, "routes[0]"));
	ck_assert_str_eq(rig.problems.items[0].what, "must not be 'key'");
}
END_TEST

START_TEST(the_same_is_the_plugins_own_fault_when_only_files_have_changed)
{
	check_refused(probe("picky", refusing, false), "must not be 'key'");
}
END_TEST

START_TEST(what_it_can_do_is_known_afterwards)
{
	ck_assert_uint_eq(probe("puppet", "", true)->can, PLUGIN_CONNECTS);
}
END_TEST

START_TEST(settings_of_streams_are_tried_too)
{
	const struct plugin *plugin;

	members = ",\"listeners\":[{\"address\":\":1\",\"stream\":\"puppet\","
	    "\"settings\":{\"greting\":\"x\"}}],\"alpn\":{\"a\":\"puppet\","
	    "\"b\":{\"handler\":\"puppet\",\"settings\":{\"greeting\":5}}}";
	plugin = probe("puppet", "", true);
	ck_assert_msg(plugin->refusal == NULL, "%s", plugin->refusal);
	ck_assert_str_eq(plugin->own_route, "/puppet");
	ck_assert_uint_eq(rig.problems.errors, 2);
	ck_assert_str_eq(rig.problems.items[0].where,
	    "server.json:1: listeners[0].settings.greting");
	ck_assert_str_eq(rig.problems.items[1].where,
	    "server.json:1: alpn.b.settings.greeting");
}
END_TEST

START_TEST(a_stream_to_who_takes_none_is_a_problem_of_the_configuration)
{
	members = ",\"alpn\":{\"a\":\"greeter\"}";
	ck_assert_ptr_null(probe("greeter", "", true)->refusal);
	ck_assert_uint_eq(rig.problems.errors, 1);
	ck_assert_str_eq(rig.problems.items[0].where, "server.json:1: alpn.a");
	ck_assert_str_eq(rig.problems.items[0].what,
	    "handler 'greeter' takes no streams (it has no on_connect)");
}
END_TEST

START_TEST(a_new_file_that_takes_no_streams_any_more_is_refused)
{
	members = ",\"alpn\":{\"a\":\"greeter\"}";
	check_refused(probe("greeter", "", false), "alpn.a: handler 'greeter' takes no");
}
END_TEST

START_TEST(many_are_probed_side_by_side)
{
	rig_add(&rig, "greeter");
	rig_add(&rig, "mirror");
	rig_add(&rig, "picky");
	rig_add(&rig, "sender");
	start("", true);
	loop_run(loop);
	ck_assert_uint_eq(rig.set.count, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct plugin *plugin = &rig.set.items[i];

		ck_assert(strcmp(plugin->note.name, "picky") == 0 ||
		    plugin->refusal == NULL);
	}
}
END_TEST

START_TEST(may_be_given_up_at_any_time)
{
	rig_add(&rig, "greeter");
	rig_add(&rig, "picky");
	start("", true);
	probes_free(probes);
	probes = NULL;
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("probe");
	TCase *one = tcase_create("probe");

	tcase_add_unchecked_fixture(one, open_program, NULL);
	tcase_add_checked_fixture(one, set_up, tear_down);
	tcase_set_timeout(one, 60);
	tcase_add_test(one, a_good_one_passes_with_its_own_route);
	tcase_add_test(one, nothing_to_probe_is_done_at_once);
	tcase_add_test(one, what_cannot_be_loaded_is_refused);
	tcase_add_test(one, what_refuses_its_own_settings_is_refused);
	tcase_add_test(one, a_refusal_of_a_route_is_a_problem_of_the_configuration);
	tcase_add_test(one,
	    the_same_is_the_plugins_own_fault_when_only_files_have_changed);
	tcase_add_test(one, what_it_can_do_is_known_afterwards);
	tcase_add_test(one, settings_of_streams_are_tried_too);
	tcase_add_test(one,
	    a_stream_to_who_takes_none_is_a_problem_of_the_configuration);
	tcase_add_test(one, a_new_file_that_takes_no_streams_any_more_is_refused);
	tcase_add_test(one, many_are_probed_side_by_side);
	tcase_add_test(one, may_be_given_up_at_any_time);
	suite_add_tcase(all, one);
	return all;
}

int main(void)
{
	return unit_run(suite());
}

/* SPDX-License-Identifier: MIT */
/* The raw streams of a site: who has them, with which settings, and who cannot. */
#include "site/site.h"

#include "base/memory.h"
#include "configs.h"
#include "rig.h"

static struct rig rig;
static struct config *config;
static struct site site;
static struct plugin_services services;
static struct site_mounts mounts;
static struct site_process process;

static void set_up(void)
{
	rig_open(&rig);
	rig_add(&rig, "greeter");
	rig_add(&rig, "puppet");
	rig_scan(&rig);
	services = rig_services;
	services.loop = loop_new();
	site_mounts_init(&mounts, &services);
	process = (struct site_process){ .mounts = &mounts };
	config = NULL;
	memset(&site, 0, sizeof(site));
}

static void tear_down(void)
{
	site_release(&site);
	loop_run_deferred(services.loop);
	ck_assert(list_empty(&mounts.all) && list_empty(&mounts.loaded));
	loop_free(services.loop);
	config_free(config);
	rig_close(&rig);
}

static void open_site(const char *members)
{
	char *text = memory_printf("{ \"handlers\": { \"puppet\": { \"timeout_ms\": 7,"
	    "\"max_message_bytes\": 2048 } }%s }", members);

	config = configs_parse("f", text);
	site_open(&site, config, &rig.set, &process, &rig.problems);
	free(text);
}

static void assert_stream(const struct site_route *stream, const char *greeting)
{
	ck_assert_ptr_nonnull(stream);
	ck_assert_int_eq(stream->kind, SITE_HANDLER);
	ck_assert_str_eq(stream->plugin->note.name, "puppet");
	ck_assert_pstr_eq(stream->mount->instance->state, greeting);
	ck_assert_uint_eq(stream->timeout_ms, 7);
	ck_assert_uint_eq(stream->max_message_bytes, 2048);
	ck_assert_ptr_null(stream->config);
}

static void assert_problem(const char *where, const char *what)
{
	ck_assert_uint_eq(rig.problems.errors, 1);
	ck_assert_str_eq(rig.problems.items[0].where, where);
	ck_assert_msg(strstr(rig.problems.items[0].what, what) != NULL, "%s",
	    rig.problems.items[0].what);
}

START_TEST(listeners_and_names_have_instances_of_their_own)
{
	open_site(", \"listeners\": [ { \"address\": \":1\" },"
	    "{ \"address\": \":2\", \"stream\": \"puppet\","
	    "\"settings\": { \"greeting\": \"two\" } },"
	    "{ \"address\": \":3\" },"
	    "{ \"address\": \":4\", \"stream\": \"puppet\","
	    "\"settings\": { \"greeting\": \"four\" } } ],"
	    "\"alpn\": { \"a\": \"puppet\", \"b\": { \"handler\": \"puppet\","
	    "\"settings\": { \"greeting\": \"b\" } } }");
	ck_assert_uint_eq(rig.problems.errors, 0);
	ck_assert_uint_eq(site.stream_count, 4);
	ck_assert_ptr_null(site_stream_of_listener(&site, 0));
	assert_stream(site_stream_of_listener(&site, 1), "two");
	ck_assert_ptr_null(site_stream_of_listener(&site, 2));
	assert_stream(site_stream_of_listener(&site, 3), "four");
	ck_assert_ptr_null(site_stream_of_listener(&site, 4));
	assert_stream(site_stream_of_alpn(&site, "a"), NULL);
	assert_stream(site_stream_of_alpn(&site, "b"), "b");
	ck_assert_ptr_null(site_stream_of_alpn(&site, "B"));
	ck_assert_ptr_null(site_stream_of_alpn(&site, ""));
}
END_TEST

START_TEST(a_site_without_streams_has_none)
{
	open_site("");
	ck_assert_uint_eq(site.stream_count, 0);
	ck_assert_ptr_null(site_stream_of_listener(&site, 0));
	ck_assert_ptr_null(site_stream_of_alpn(&site, "a"));
}
END_TEST

START_TEST(a_stream_is_no_route_its_handler_keeps_its_own)
{
	struct router_match match;

	open_site(", \"alpn\": { \"a\": \"puppet\" }");
	router_match(site.routers[0], SLICE("/puppet"), HTTP_GET, SLICE("GET"), &match);
	ck_assert_ptr_nonnull(match.value);
	ck_assert_ptr_ne(match.value, site_stream_of_alpn(&site, "a"));
}
END_TEST

START_TEST(an_unknown_handler_is_told_with_its_place)
{
	open_site(", \"alpn\": { \"a\": \"pupet\", \"b\": \"puppet\" }");
	assert_problem("f:1: alpn.a", "no plugin named 'pupet'");
	ck_assert_str_eq(rig.problems.items[0].hint, "did you mean 'puppet'");
	ck_assert_int_eq(site_stream_of_alpn(&site, "a")->kind, SITE_UNAVAILABLE);
	assert_stream(site_stream_of_alpn(&site, "b"), NULL);
}
END_TEST

START_TEST(a_handler_of_requests_takes_no_streams)
{
	open_site(", \"listeners\": [ { \"address\": \":1\","
	    "\"stream\": \"greeter\" } ]");
	assert_problem("f:1: listeners[0].stream",
	    "handler 'greeter' takes no streams (it has no on_connect)");
	ck_assert_int_eq(site_stream_of_listener(&site, 0)->kind, SITE_UNAVAILABLE);
}
END_TEST

START_TEST(settings_that_nobody_asked_for_are_told)
{
	open_site(", \"alpn\": { \"a\": { \"handler\": \"puppet\","
	    "\"settings\": { \"greting\": \"x\" } } }");
	assert_problem("f:1: alpn.a.settings.greting", "");
	ck_assert_int_eq(site_stream_of_alpn(&site, "a")->kind, SITE_UNAVAILABLE);
}
END_TEST

START_TEST(streams_of_a_refused_plugin_are_unavailable)
{
	plugin_refuse(plugin_find(&rig.set, "puppet"), "for a test");
	open_site(", \"alpn\": { \"a\": \"puppet\" }");
	ck_assert_uint_eq(rig.problems.errors, 0);
	ck_assert_int_eq(site_stream_of_alpn(&site, "a")->kind, SITE_UNAVAILABLE);
}
END_TEST

/* As in a command that starts no hosts. */
START_TEST(what_an_isolated_one_can_do_may_be_unknown)
{
	plugin_find(&rig.set, "greeter")->isolated = true;
	plugin_find(&rig.set, "puppet")->isolated = true;
	process.mounts = NULL;
	open_site(", \"alpn\": { \"a\": \"greeter\" }");
	ck_assert_uint_eq(rig.problems.errors, 0);
	ck_assert_int_eq(site_stream_of_alpn(&site, "a")->kind, SITE_HANDLER);
	ck_assert_ptr_null(site_stream_of_alpn(&site, "a")->mount);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("site");
	TCase *tcase = tcase_create("site");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, listeners_and_names_have_instances_of_their_own);
	tcase_add_test(tcase, a_site_without_streams_has_none);
	tcase_add_test(tcase, a_stream_is_no_route_its_handler_keeps_its_own);
	tcase_add_test(tcase, an_unknown_handler_is_told_with_its_place);
	tcase_add_test(tcase, a_handler_of_requests_takes_no_streams);
	tcase_add_test(tcase, settings_that_nobody_asked_for_are_told);
	tcase_add_test(tcase, streams_of_a_refused_plugin_are_unavailable);
	tcase_add_test(tcase, what_an_isolated_one_can_do_may_be_unknown);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

/* SPDX-License-Identifier: MIT */
/* Which handlers go on in the next generation, and what becomes of the others. */
#include "site/site_mount.h"

#include "base/memory.h"
#include "configs.h"
#include "rig.h"
#include "site/site.h"

#define DRAIN_MS 50

static struct rig rig;
static struct plugin_services services;
static struct site_mounts mounts;
static struct config *config;
static struct site site;
static struct site_mount *expired;	/* the last that was */

static void on_expired(void *arg, struct site_mount *mount)
{
	(void)arg;
	expired = mount;
}

static void set_up(void)
{
	rig_open(&rig);
	rig_add(&rig, "greeter");
	rig_add(&rig, "puppet");
	services = rig_services;
	services.loop = loop_new();
	site_mounts_init(&mounts, &services);
	mounts.expired = on_expired;
	config = NULL;
	expired = NULL;
	memset(&site, 0, sizeof(site));
}

static void end_site(struct site *old, struct config *old_config)
{
	if (old_config != NULL) {
		site_release(old);
		config_free(old_config);
	}
	loop_run_deferred(services.loop);
}

static void tear_down(void)
{
	end_site(&site, config);
	ck_assert(list_empty(&mounts.all));
	ck_assert(list_empty(&mounts.loaded));
	loop_free(services.loop);
	rig_close(&rig);
}

static size_t count_mounts(void)
{
	size_t count = 0;

	for (struct list *link = mounts.all.next; link != &mounts.all;
	     link = link->next) {
		count++;
	}
	return count;
}

static void open_next(const char *members, struct site *next, struct config **next_config)
{
	struct site_process process = { .mounts = &mounts };
	char *text = memory_printf("{ \"plugins\": { \"serve_unrouted\": false },"
	    "\"timeouts\": { \"drain_ms\": %d }%s }", DRAIN_MS, members);

	*next_config = configs_parse("f", text);
	rig_scan(&rig);
	site_open(next, *next_config, &rig.set, &process, &rig.problems);
	free(text);
}

/* What was served before is let go. */
static void serve(const char *members)
{
	struct site next;
	struct config *next_config;

	open_next(members, &next, &next_config);
	ck_assert_uint_eq(rig.problems.errors, 0);
	if (config != NULL) {
		site_retire(&site, &next);
	}
	end_site(&site, config);
	site = next;
	config = next_config;
	site_mounts_serve(&mounts, &rig.set);
}

#define GREETS(path, greeting) \
	"{ \"path\": \"" path "\", \"handler\": \"puppet\"," \
	"\"settings\": { \"greeting\": \"" greeting "\" } }"
#define ROUTES(routes) ", \"routes\": [ " routes " ]"

START_TEST(what_is_the_same_goes_on)
{
	struct site_mount *one;
	struct site_mount *two;

	serve(ROUTES(GREETS("/one", "hi") ", " GREETS("/two", "hi")));
	one = site.routes[0].mount;
	two = site.routes[1].mount;
	ck_assert_ptr_ne(one->instance, two->instance);
	for (int i = 0; i < 3; i++) {
		serve(ROUTES(GREETS("/new", "hi") ",\n" GREETS("/two", "hi") ", "
		    GREETS("/one", "hi")));
		ck_assert_ptr_eq(site.routes[2].mount, one);
		ck_assert_ptr_eq(site.routes[1].mount, two);
		serve(ROUTES(GREETS("/one", "hi") ", " GREETS("/two", "hi")));
		ck_assert_ptr_eq(site.routes[0].mount, one);
		ck_assert_ptr_eq(site.routes[1].mount, two);
		ck_assert_uint_eq(count_mounts(), 2);
	}
	ck_assert_str_eq(one->instance->state, "hi");
	ck_assert_str_eq(one->instance->plugin->note.name, "puppet");
	ck_assert_int_eq(one->instance->stopped, 0);
}
END_TEST

START_TEST(all_kinds_go_on)
{
	static const char all[] = ", \"listeners\": [ { \"address\": \":1\","
	    "\"stream\": \"puppet\" } ], \"alpn\": { \"a\": \"puppet\" },"
	    "\"routes\": [ { \"path\": \"/g\", \"handler\": \"greeter\" } ]";
	struct site_mount *before[3];

	serve(all);
	before[0] = site.routes[0].mount;
	before[1] = site.streams[0].mount;
	before[2] = site.streams[1].mount;
	serve(all);
	ck_assert_ptr_eq(site.routes[0].mount, before[0]);
	ck_assert_ptr_eq(site.streams[0].mount, before[1]);
	ck_assert_ptr_eq(site.streams[1].mount, before[2]);
}
END_TEST

START_TEST(twins_stay_two)
{
	struct site_mount *one;

	serve(", \"alpn\": { \"a\": \"puppet\", \"b\": \"puppet\" }");
	one = site.streams[0].mount;
	ck_assert_ptr_ne(one, site.streams[1].mount);
	serve(", \"alpn\": { \"b\": \"puppet\", \"a\": \"puppet\" }");
	ck_assert_ptr_eq(site.streams[1].mount, one);
	ck_assert_ptr_ne(site.streams[0].mount, one);
}
END_TEST

START_TEST(only_what_has_changed_is_new)
{
	struct site_mount *one;
	struct site_mount *two;

	serve(ROUTES(GREETS("/one", "hi") ", " GREETS("/two", "hi")));
	one = site.routes[0].mount;
	two = site_mount_ref(site.routes[1].mount);
	serve(ROUTES(GREETS("/one", "hi") ", " GREETS("/two", "hello")));
	ck_assert_ptr_eq(site.routes[0].mount, one);
	ck_assert_ptr_ne(site.routes[1].mount, two);
	ck_assert_str_eq(site.routes[1].mount->instance->state, "hello");
	ck_assert_int_eq(one->stopped, 0);
	ck_assert_int_eq(two->instance->stopped, TC_RELOAD);
	/* Its plugin is not that of the set that it came with. */
	ck_assert_str_eq(two->instance->plugin->note.name, "puppet");
	ck_assert_str_eq(two->instance->state, "hi");
	site_mount_unref(two);
}
END_TEST

START_TEST(one_that_was_stopped_does_not_come_back)
{
	struct site_mount *old;

	serve(ROUTES(GREETS("/one", "hi")));
	old = site_mount_ref(site.routes[0].mount);
	serve("");
	serve(ROUTES(GREETS("/one", "hi")));
	ck_assert_ptr_ne(site.routes[0].mount, old);
	site_mount_unref(old);
}
END_TEST

START_TEST(what_is_left_is_told_when_its_time_is_over)
{
	struct loop *loop = services.loop;
	struct site_mount *old;

	serve(ROUTES(GREETS("/one", "hi")));
	old = site_mount_ref(site.routes[0].mount);
	serve("");
	ck_assert(timer_is_set(&old->expiry));
	ck_assert_int_eq(old->expiry.due_ms, loop->now_ms + DRAIN_MS);
	timers_run(&loop->timers, loop->now_ms + DRAIN_MS + 2 * TIMER_TICK_MS);
	ck_assert_ptr_eq(expired, old);
	site_mount_unref(old);
}
END_TEST

START_TEST(a_generation_that_is_refused_stops_nothing)
{
	struct config *bad_config;
	struct site_mount *one;
	struct site bad;

	serve(ROUTES(GREETS("/one", "hi")));
	one = site.routes[0].mount;
	open_next(ROUTES(GREETS("/one", "hi") ", " GREETS("/two", "hi")
	    ", { \"path\": \"/bad\", \"handler\": \"puppet\","
	    "\"settings\": { \"greting\": \"\" } }"), &bad, &bad_config);
	ck_assert_uint_eq(rig.problems.errors, 1);
	ck_assert_ptr_eq(bad.routes[0].mount, one);
	ck_assert_int_eq(bad.routes[2].kind, SITE_UNAVAILABLE);
	end_site(&bad, bad_config);
	ck_assert_uint_eq(count_mounts(), 1);
	ck_assert_int_eq(one->stopped, 0);
	problems_release(&rig.problems);
	problems_init(&rig.problems);
	serve(ROUTES(GREETS("/one", "hi")));
	ck_assert_ptr_eq(site.routes[0].mount, one);
}
END_TEST

START_TEST(threads_and_queue_are_those_of_the_newest)
{
	static const char limits[] = ", \"handlers\": { \"puppet\": { \"threads\": 3,"
	    "\"max_queue\": 7 } }" ROUTES(GREETS("/one", "hi"));
	const struct plugin *plugin;
	struct config *next_config;
	struct site_mount *one;
	struct site next;

	serve(ROUTES(GREETS("/one", "hi")));
	one = site.routes[0].mount;
	plugin = one->instance->plugin;
	ck_assert_uint_eq(plugin->threads, CONFIG_HANDLER_THREADS);
	/* Until it is served. */
	open_next(limits, &next, &next_config);
	ck_assert_ptr_eq(next.routes[0].mount, one);
	ck_assert_uint_eq(plugin->threads, CONFIG_HANDLER_THREADS);
	ck_assert_uint_eq(plugin->max_queue, CONFIG_HANDLER_QUEUE);
	end_site(&next, next_config);
	serve(limits);
	ck_assert_ptr_eq(site.routes[0].mount, one);
	ck_assert_uint_eq(plugin->threads, 3);
	ck_assert_uint_eq(plugin->max_queue, 7);
}
END_TEST

START_TEST(what_runs_on_a_thread_keeps_it)
{
	struct site_mount *one;

	serve(ROUTES(GREETS("/one", "hi")));
	one = site.routes[0].mount;
	site_mount_hold(one, 1);
	serve("");
	ck_assert_uint_eq(count_mounts(), 1);
	site_mount_hold(one, -1);
	ck_assert_uint_eq(count_mounts(), 1);
	loop_run_deferred(services.loop);
	ck_assert_uint_eq(count_mounts(), 0);
}
END_TEST

START_TEST(a_drain_tells_all)
{
	struct site_mount *old;

	serve(ROUTES(GREETS("/one", "hi")));
	old = site_mount_ref(site.routes[0].mount);
	serve(ROUTES(GREETS("/one", "hello")));
	site_mounts_stop(&mounts);
	ck_assert_int_eq(old->instance->stopped, TC_SHUTDOWN);
	ck_assert_int_eq(site.routes[0].mount->instance->stopped, TC_SHUTDOWN);
	site_mount_unref(old);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("site_mount");
	TCase *tcase = tcase_create("site_mount");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, what_is_the_same_goes_on);
	tcase_add_test(tcase, all_kinds_go_on);
	tcase_add_test(tcase, twins_stay_two);
	tcase_add_test(tcase, only_what_has_changed_is_new);
	tcase_add_test(tcase, one_that_was_stopped_does_not_come_back);
	tcase_add_test(tcase, what_is_left_is_told_when_its_time_is_over);
	tcase_add_test(tcase, a_generation_that_is_refused_stops_nothing);
	tcase_add_test(tcase, threads_and_queue_are_those_of_the_newest);
	tcase_add_test(tcase, what_runs_on_a_thread_keeps_it);
	tcase_add_test(tcase, a_drain_tells_all);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

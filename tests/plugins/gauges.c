/* SPDX-License-Identifier: MIT */
/*
 * Measures what it is told: GET /gauges/count/1.5 adds to a counter, /gauges/move/-2 and
 * /gauges/set/3 change a gauge, /gauges/observe/0.2 is one for a histogram, and
 * /gauges/thread/7 counts from a thread; /gauges/die kills the process. Asks for a metric
 * of the setting "name", too, of the kind "kind", and /gauges/got tells if it got it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <tincan/handler.h>

struct gauges {
	tc_metric *total;
	tc_metric *level;
	tc_metric *took;
	tc_metric *extra;
};

static int set_up(tc_conf *cf, void **state)
{
	struct gauges *gauges = calloc(1, sizeof *gauges);
	const char *name = tc.conf_str(cf, "name", NULL);
	int64_t kind = tc.conf_int(cf, "kind", TC_COUNTER, 0, 9);

	if (gauges == NULL) {
		return TC_NOMEM;
	}
	gauges->total = tc.metric(cf, TC_COUNTER, "counted_total",
	    "What was \"counted\" \\ in\ntwo lines");
	gauges->level = tc.metric(cf, TC_GAUGE, "level", NULL);
	gauges->took = tc.metric(cf, TC_HISTOGRAM, "took_seconds", "How long");
	if (name != NULL) {
		gauges->extra = tc.metric(cf, (int)kind, name, "Extra");
	}
	tc.add(gauges->extra, 1);
	tc.set(NULL, 1);
	*state = gauges;
	return TC_OK;
}

static void *count_in_thread(void *arg)
{
	tc.add(arg, 7);
	return NULL;
}

static int in_thread(tc_req *r, tc_metric *metric)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, count_in_thread, metric) != 0) {
		return TC_FAIL;
	}
	pthread_join(thread, NULL);
	return tc.text(r, 200, "done");
}

static int answer(tc_req *r)
{
	const struct gauges *gauges = tc.state(r);
	const char *what = tc.param(r, "what");
	double value = strtod(tc.param(r, "value"), NULL);

	if (strcmp(what, "die") == 0) {
		raise(SIGKILL);
	} else if (strcmp(what, "got") == 0) {
		return tc.text(r, 200, gauges->extra == NULL ? "none" : "some");
	} else if (strcmp(what, "thread") == 0) {
		return in_thread(r, gauges->total);
	} else if (strcmp(what, "count") == 0) {
		tc.add(gauges->total, value);
		tc.set(gauges->total, 1e9);
	} else if (strcmp(what, "move") == 0) {
		tc.add(gauges->level, value);
	} else if (strcmp(what, "set") == 0) {
		tc.set(gauges->level, value);
	} else if (strcmp(what, "observe") == 0) {
		tc.add(gauges->took, value);
	}
	return tc.text(r, 200, "done");
}

static void tear_down(void *state)
{
	free(state);
}

TINCAN_HANDLER("gauges", .on_open = set_up, .on_close = tear_down,
    .on_request = answer, .route = "/gauges/{what}/{value}");

/* SPDX-License-Identifier: MIT */
/*
 * status: what the server counts, over all workers. JSON for people and scripts, with the
 * sums that they look for; Prometheus' text format for its scrapers, figure by figure.
 *
 *	curl https://localhost:8443/status
 *	curl https://localhost:8443/status?format=prometheus
 *
 * Names and labels are taken as they come, so that a newer server's figures show up
 * without a newer status.so.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <tincan/handler.h>
#include <tincan/metrics.h>

#include "accept.h"
#include "out.h"

#define TYPE_PROMETHEUS "text/plain; version=0.0.4; charset=utf-8"

static void put_number(struct out *out, double value)
{
	/* Counters are whole; printed with %g a large one would lose its last digits. */
	if (value >= -9e15 && value <= 9e15 && value == (double)(int64_t)value) {
		out_printf(out, "%" PRId64, (int64_t)value);
	} else {
		out_printf(out, "%.15g", value);
	}
}

/* ---- Prometheus ---- */

struct prometheus {
	struct out out;
	char name[128];		/* of the figure before: HELP and TYPE come once */
};

/* A label's value, in whose quotes there is no raw quote, or a help text; neither may
 * hold a raw line end. */
static void put_escaped(struct out *out, const char *text, char quote)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			out_text(out, "\\n");
		} else if (*text == '\\' || *text == quote) {
			out_printf(out, "\\%c", *text);
		} else {
			out_bytes(out, text, 1);
		}
	}
}

/* A histogram's without what tells its series apart. */
static size_t name_size(const tc_sample *sample)
{
	const char *end = strrchr(sample->name, '_');

	return sample->kind == TC_HISTOGRAM && end != NULL
	    ? (size_t)(end - sample->name) : strlen(sample->name);
}

static const char *kind_name(const tc_sample *sample)
{
	return sample->kind == TC_COUNTER ? "counter" :
	    sample->kind == TC_HISTOGRAM ? "histogram" : "gauge";
}

static void prometheus_sample(void *arg, const tc_sample *sample)
{
	struct prometheus *p = arg;
	const char *const *label = sample->labels;
	int size = (int)name_size(sample);
	char before = '{';

	if (strlen(p->name) != (size_t)size ||
	    strncmp(p->name, sample->name, (size_t)size) != 0) {
		snprintf(p->name, sizeof p->name, "%.*s", size, sample->name);
		out_printf(&p->out, "# HELP %s ", p->name);
		put_escaped(&p->out, sample->help, '\0');
		out_printf(&p->out, "\n# TYPE %s %s\n", p->name, kind_name(sample));
	}
	out_text(&p->out, sample->name);
	for (; label != NULL && label[0] != NULL; label += 2) {
		out_printf(&p->out, "%c%s=\"", before, label[0]);
		put_escaped(&p->out, label[1], '"');
		out_text(&p->out, "\"");
		before = ',';
	}
	out_text(&p->out, before == ',' ? "} " : " ");
	put_number(&p->out, sample->value);
	out_text(&p->out, "\n");
}

static int reply_prometheus(tc_req *r, const tc_metrics *metrics)
{
	struct prometheus p = { { 0 }, "" };

	metrics->each(prometheus_sample, &p);
	return out_reply(r, 200, TYPE_PROMETHEUS, &p.out);
}

/* ---- JSON: four views of the figures, each a sum over what it does not show ---- */

/* One sample's part of a view: view.group.name.rest, "rest" being its other labels. */
struct figure {
	char *text;		/* owned; the three below are in it */
	const char *group;
	const char *name;
	const char *rest;	/* "" if there are none */
	double value;
};

struct view {
	const char *label;	/* whose values are the groups; NULL: one group of all */
	struct figure *figures;	/* owned */
	size_t count;
	size_t capacity;
	bool failed;
};

static const char *label_of(const tc_sample *sample, const char *name)
{
	const char *const *label = sample->labels;

	for (; label != NULL && label[0] != NULL; label += 2) {
		if (strcmp(label[0], name) == 0) {
			return label[1];
		}
	}
	return NULL;
}

/* The values of the labels that a view does not group or sum by, as one key. */
static void put_rest(struct out *out, const tc_sample *sample, const char *group)
{
	const char *const *label = sample->labels;
	const char *before = "";

	for (; label != NULL && label[0] != NULL; label += 2) {
		if (strcmp(label[0], "worker") != 0 &&
		    (group == NULL || strcmp(label[0], group) != 0)) {
			out_printf(out, "%s%s", before, label[1]);
			before = " ";
		}
	}
}

static struct figure *new_figure(struct view *view)
{
	if (view->count == view->capacity) {
		size_t capacity = view->capacity > 0 ? view->capacity * 2 : 64;
		struct figure *figures = realloc(view->figures,
		    capacity * sizeof *figures);

		if (figures == NULL) {
			view->failed = true;
			return NULL;
		}
		view->figures = figures;
		view->capacity = capacity;
	}
	return &view->figures[view->count];
}

/* Moments in time cannot be added up: the sum of all leaves them out. */
static bool is_moment(const tc_sample *sample)
{
	size_t size = strlen(sample->name);

	return sample->kind == TC_GAUGE && size > 8 &&
	    strcmp(sample->name + size - 8, "_seconds") == 0;
}

static void view_sample(void *arg, const tc_sample *sample)
{
	struct view *view = arg;
	const char *group = view->label != NULL ? label_of(sample, view->label) : "";
	struct figure *figure = new_figure(view);
	struct out text = { 0 };
	size_t name;
	size_t rest;

	if (figure == NULL || group == NULL ||
	    (view->label == NULL && is_moment(sample))) {
		return;
	}
	out_bytes(&text, group, strlen(group) + 1);
	name = text.size;
	out_bytes(&text, sample->name, strlen(sample->name) + 1);
	rest = text.size;
	put_rest(&text, sample, view->label);
	out_bytes(&text, "", 1);
	if (text.failed) {
		free(text.data);
		view->failed = true;
		return;
	}
	*figure = (struct figure){
		text.data, text.data, text.data + name, text.data + rest, sample->value
	};
	view->count++;
}

/* By group, then name, then rest; groups that are numbers by their size. */
static int compare(const void *left, const void *right)
{
	const struct figure *a = left;
	const struct figure *b = right;
	long left_number = strtol(a->group, NULL, 10);
	long right_number = strtol(b->group, NULL, 10);
	int order = strcmp(a->group, b->group);

	if (left_number != right_number) {
		return left_number < right_number ? -1 : 1;
	}
	if (order == 0) {
		order = strcmp(a->name, b->name);
	}
	return order != 0 ? order : strcmp(a->rest, b->rest);
}

/* The figures from *i on that differ in nothing, as one number; *i moves behind them. */
static void put_sum(struct out *out, const struct view *view, size_t *i)
{
	const struct figure *first = &view->figures[*i];
	double sum = 0;

	while (*i < view->count && compare(first, &view->figures[*i]) == 0) {
		sum += view->figures[(*i)++].value;
	}
	if (isfinite(sum)) {
		put_number(out, sum);
	} else {
		out_text(out, "null");
	}
}

/* All figures of one name in one group: a number or, with a rest, an object of them. */
static void put_name(struct out *out, const struct view *view, size_t *i)
{
	const struct figure *first = &view->figures[*i];
	const char *before = "{ ";

	if (*first->rest == '\0') {
		put_sum(out, view, i);
		return;
	}
	while (*i < view->count && strcmp(view->figures[*i].group, first->group) == 0 &&
	    strcmp(view->figures[*i].name, first->name) == 0) {
		out_text(out, before);
		out_json(out, view->figures[*i].rest);
		out_text(out, ": ");
		put_sum(out, view, i);
		before = ", ";
	}
	out_text(out, " }");
}

/* The names of one group, each on a line that starts with indent. */
static void put_group(struct out *out, const struct view *view, size_t *i,
    const char *indent)
{
	const char *group = *i < view->count ? view->figures[*i].group : "";
	const char *before = "{";

	while (*i < view->count && strcmp(view->figures[*i].group, group) == 0) {
		out_printf(out, "%s\n%s  ", before, indent);
		out_json(out, view->figures[*i].name);
		out_text(out, ": ");
		put_name(out, view, i);
		before = ",";
	}
	out_printf(out, "%s\n%s}", *before == '{' ? "{" : "", indent);
}

static void put_groups(struct out *out, const struct view *view)
{
	const char *before = "{";
	size_t i = 0;

	while (i < view->count) {
		out_printf(out, "%s\n    ", before);
		out_json(out, view->figures[i].group);
		out_text(out, ": ");
		put_group(out, view, &i, "    ");
		before = ",";
	}
	out_printf(out, "%s\n  }", *before == '{' ? "{" : "");
}

/* All figures, summed up by the values of that label or, without one, altogether. */
static void put_view(struct out *out, const tc_metrics *metrics, const char *label)
{
	struct view view = { .label = label };
	size_t i = 0;

	metrics->each(view_sample, &view);
	if (view.count > 0) {
		qsort(view.figures, view.count, sizeof *view.figures, compare);
	}
	if (label != NULL) {
		put_groups(out, &view);
	} else {
		put_group(out, &view, &i, "  ");
	}
	out->failed = out->failed || view.failed;
	for (i = 0; i < view.count; i++) {
		free(view.figures[i].text);
	}
	free(view.figures);
}

static int reply_json(tc_req *r, const tc_metrics *metrics)
{
	struct out out = { 0 };

	out_text(&out, "{\n  \"server\": ");
	put_view(&out, metrics, NULL);
	out_text(&out, ",\n  \"handlers\": ");
	put_view(&out, metrics, "handler");
	out_text(&out, ",\n  \"workers\": ");
	put_view(&out, metrics, "worker");
	out_text(&out, ",\n  \"certificates\": ");
	put_view(&out, metrics, "chain");
	out_text(&out, "\n}\n");
	return out_reply(r, 200, "application/json", &out);
}

/* ---- which of the two ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text);
	size_t end_size = strlen(end);

	return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* The query decides, then where we are mounted, then what the client prefers. */
static bool wants_prometheus(const tc_req *r)
{
	const char *query = tc.query(r);
	int json;

	if (strncmp(query, "format=", 7) == 0) {
		return strcmp(query + 7, "prometheus") == 0;
	}
	if (ends_with(tc.path(r), "/metrics")) {
		return true;
	}
	json = accept_type(r, "application/json");
	return accept_type(r, "text/plain") > json ||
	    accept_type(r, "application/openmetrics-text") > json;
}

static int status(tc_req *r)
{
	const tc_metrics *metrics = tc.ext(TC_METRICS);
	const char *method = tc.method(r);

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		tc.set_header(r, "Allow", "GET, HEAD");
		return tc.text(r, 405, "405 Method Not Allowed\n");
	}
	if (metrics == NULL) {
		return tc.text(r, 501, "501 Not Implemented: no counters here\n");
	}
	tc.set_header(r, "Cache-Control", "no-store");
	tc.set_header(r, "Vary", "Accept");
	if (wants_prometheus(r)) {
		return reply_prometheus(r, metrics);
	}
	return reply_json(r, metrics);
}

TINCAN_HANDLER("status",
	.version = "1.0",
	.about = "the server's counters, as JSON or for Prometheus",
	.on_request = status);

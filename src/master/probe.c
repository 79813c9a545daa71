/* SPDX-License-Identifier: MIT */
/*
 * Probing plugins. Each probe walks through the same steps:
 *
 *	start -> HELLO -> OPEN for each route -> as many answers -> CHECK -> CHECKED
 *	            \--- a PROBLEM before HELLO: it could not be loaded
 *
 * and whatever ends it earlier (death, time, nonsense) refuses the plugin.
 */
#include "master/probe.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "master/hostexec.h"
#include "master/obituary.h"
#include "remote/hello.h"
#include "remote/link.h"
#include "remote/request.h"
#include "route/router.h"
#include "site/site.h"

#define RELEASE_BYTES 40
#define ABOUT_BYTES 160
#define COMPLAINTS_MAX 1000 /* PROBLEMs of one plugin; more is no complaint but a flood */

struct probe {
	struct link link;
	struct timer timer;
	struct probes *probes;
	struct plugin *plugin;
	pid_t pid;		/* 0: not started, or reaped */
	bool linked;		/* link is to be released */
	bool said_hello;
	uint32_t opens;		/* still to be answered */
	uint32_t complaints;	/* so far */
	bool finished;
};

struct probes {
	struct loop *loop;
	struct probes_task task;
	void (*done)(void *arg);
	void *arg;
	struct probe *items;	/* one per plugin */
	size_t running;
	struct deferred finish;
	struct settings none;	/* of plugins at their own route */
};

static int reap(struct probe *probe, bool by_force)
{
	int status = 0;

	if (by_force) {
		kill(probe->pid, SIGKILL);
	}
	while (waitpid(probe->pid, &status, 0) < 0 && errno == EINTR) {
	}
	probe->pid = 0;
	return status;
}

static void finish(struct probe *probe)
{
	struct probes *probes = probe->probes;

	if (probe->finished) {
		return;
	}
	probe->finished = true;
	timer_cancel(&probe->timer);
	if (probe->pid > 0) {
		(void)reap(probe, true);
	}
	if (probe->plugin->refusal != NULL) {
		probe->plugin->probe_refusal = memory_text(probe->plugin->refusal);
	}
	if (--probes->running == 0) {
		loop_soon(probes->loop, &probes->finish);
	}
}

static void on_finish(struct deferred *deferred)
{
	struct probes *probes = LIST_OWNER(deferred, struct probes, finish);

	probes->done(probes->arg);
}

static int send_open(struct probe *probe, const char *pattern, const char *where,
    const struct settings *settings)
{
	struct open_message message = { .pattern = pattern, .where = where,
		.directory = probe->probes->task.config->directory,
		.settings = *settings };
	int rc = open_pack(link_out(&probe->link), ++probe->opens, &message);

	if (rc != 0) {
		plugin_refuse(probe->plugin, "the settings of '%s' are too large",
		    pattern);
	}
	return rc;
}

/* What is wrong with the configuration if it has just changed is the plugin's own fault
 * if only its file has. */
static void complain(struct probe *probe, const char *where, const char *what,
    const char *hint)
{
	const struct probes_task *task = &probe->probes->task;

	if (task->strict && config_uses(task->config, probe->plugin->note.name)) {
		problems_add(task->problems, where, hint, "%s", what);
	} else if (strcmp(where, probe->plugin->file) == 0) {
		plugin_refuse(probe->plugin, "no route has it, and at its own, '%s', it "
		    "cannot be: %s", probe->plugin->own_route == NULL ? "" :
		    probe->plugin->own_route, what);
	} else {
		plugin_refuse(probe->plugin, "%s: %s", where, what);
	}
}

/* The route of a plugin that has no configured one. */
static int send_own(struct probe *probe)
{
	struct plugin *plugin = probe->plugin;
	const char *what;

	if (plugin->own_route == NULL) {
		plugin->own_route = memory_printf("/%s", plugin->note.name);
	}
	if (router_check(plugin->own_route, &what) != 0) {
		plugin_refuse(plugin, "its own route '%s' is not valid: %s",
		    plugin->own_route, what);
		return ERR_INVALID;
	}
	return send_open(probe, plugin->own_route, plugin->file, &probe->probes->none);
}

static int send_stream(struct probe *probe, const struct config_stream *stream)
{
	char what[128];

	if (probe->plugin->can & PLUGIN_CONNECTS) {
		return send_open(probe, stream->name, stream->where, stream->settings);
	}
	snprintf(what, sizeof(what),
	    "handler '%s' takes no streams (it has no on_connect)", stream->handler);
	complain(probe, stream->where, what, NULL);
	return 0;
}

static int send_filter(struct probe *probe, const struct config_filter *filter)
{
	char what[128];

	if ((probe->plugin->can & PLUGIN_BLOCKING) && probe->plugin->isolated) {
		snprintf(what, sizeof(what),
		    "handler '%s' blocks: to filter it must run in the workers",
		    filter->handler);
		complain(probe, filter->where, what, "\"isolation\": \"worker\"");
		return 0;
	}
	if (probe->plugin->can & PLUGIN_FILTERS) {
		return send_open(probe, SITE_FILTER_PATTERN, filter->where,
		    &filter->settings);
	}
	snprintf(what, sizeof(what), SITE_FILTERS_NOTHING, filter->handler);
	complain(probe, filter->where, what, NULL);
	return 0;
}

static int send_route(struct probe *probe, const struct config_route *route)
{
	char what[128];

	if (probe->plugin->can & SITE_ANSWERS) {
		return send_open(probe, route->pattern, route->where, &route->settings);
	}
	snprintf(what, sizeof(what), SITE_ANSWERS_NOTHING, route->handler);
	complain(probe, route->where, what, NULL);
	return 0;
}

static bool is_probed(const struct probe *probe, const char *handler)
{
	return handler != NULL && strcmp(handler, probe->plugin->note.name) == 0;
}

static int send_routes(struct probe *probe)
{
	struct config *config = probe->probes->task.config;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < config->route_count; i++) {
		if (is_probed(probe, config->routes[i].handler)) {
			rc = send_route(probe, &config->routes[i]);
		}
	}
	if (rc == 0 && probe->opens == 0 && config->serve_unrouted &&
	    (probe->plugin->can & SITE_ANSWERS)) {
		rc = send_own(probe);
	}
	return rc;
}

static int send_opens(struct probe *probe)
{
	struct config *config = probe->probes->task.config;
	const struct config_filter *filter;
	struct config_stream stream;
	int rc = send_routes(probe);

	for (size_t i = 0; rc == 0 && (filter = config_filter_at(config, i)) != NULL;
	     i++) {
		if (is_probed(probe, filter->handler)) {
			rc = send_filter(probe, filter);
		}
	}
	for (size_t i = 0; rc == 0 && config_stream_at(config, i, &stream); i++) {
		if (is_probed(probe, stream.handler)) {
			rc = send_stream(probe, &stream);
		}
	}
	return rc;
}

static int send_check(struct probe *probe)
{
	return frame_append(link_out(&probe->link), FRAME_CHECK, 0, 0, 0, SLICE(""));
}

/* The text, cut between two characters; NULL if there is none, or it is not UTF-8. */
static char *for_people(const char *text, size_t most)
{
	size_t size = strlen(text);

	if (size > most) {
		size = most;
		while (size > 0 && (text[size] & 0xc0) == 0x80) {
			size--;
		}
	}
	return size > 0 && utf8_valid((struct slice){ text, size })
	    ? memory_copy(text, size) : NULL;
}

static int take_hello(struct probe *probe, const struct frame *frame)
{
	struct hello hello;
	int rc = probe->said_hello ? ERR_PROTOCOL : hello_unpack(frame, &hello);

	if (rc != 0) {
		return rc;
	}
	probe->said_hello = true;
	plugin_forget(probe->plugin);
	probe->plugin->can = hello.can;
	probe->plugin->own_route = hello.route[0] == '\0' ? NULL
							  : memory_text(hello.route);
	probe->plugin->release = for_people(hello.version, RELEASE_BYTES);
	probe->plugin->about = for_people(hello.about, ABOUT_BYTES);
	rc = send_opens(probe);
	if (rc == 0 && probe->opens == 0) {
		rc = send_check(probe);
	}
	link_flush(&probe->link);
	return rc;
}

static int take_problem(struct probe *probe, const struct frame *frame)
{
	struct problems *problems = probe->probes->task.problems;
	struct complaint said;
	int rc = complaint_unpack(frame, &said);

	if (rc != 0 || ++probe->complaints > COMPLAINTS_MAX) {
		return ERR_PROTOCOL;
	}
	if (!probe->said_hello) {
		plugin_refuse(probe->plugin, "%s", said.what);
	} else if (said.level != PROBLEM_ERROR) {
		problems_warn(problems, said.where, said.hint, "%s", said.what);
	} else {
		complain(probe, said.where, said.what, said.hint);
	}
	return 0;
}

static int take_answer(struct probe *probe)
{
	if (probe->opens == 0) {
		return ERR_PROTOCOL;
	}
	if (--probe->opens > 0) {
		return 0;
	}
	link_flush(&probe->link);
	return send_check(probe);
}

static int on_frame(struct link *link, const struct frame *frame)
{
	struct probe *probe = LIST_OWNER(link, struct probe, link);

	switch (frame->header.type) {
	case FRAME_HELLO:
		return take_hello(probe, frame);
	case FRAME_PROBLEM:
		return take_problem(probe, frame);
	case FRAME_OPENED:
	case FRAME_OPEN_END:
		return take_answer(probe);
	case FRAME_CHECKED:
		finish(probe);
		return 0;
	case FRAME_LOG:
	case FRAME_SUBSCRIBE:
	case FRAME_UNSUBSCRIBE:
	case FRAME_PUBLISH:
		return 0;
	default:
		return ERR_PROTOCOL;
	}
}

static void on_down(struct link *link, int error)
{
	struct probe *probe = LIST_OWNER(link, struct probe, link);
	char text[OBITUARY_BYTES];
	int status;

	if (probe->finished) {
		return;
	}
	if (error != 0) {
		plugin_refuse(probe->plugin, "its process broke the protocol");
	} else {
		/* It may have closed its socket and live on. */
		status = reap(probe, !page_is_final(link->page));
		(void)!link_take_unsent(link);
		obituary(probe->plugin, link->page, status, text);
		/* An earlier refusal, as that it could not be loaded, stays. */
		plugin_refuse(probe->plugin, "%s", text);
	}
	finish(probe);
}

static const struct link_ops ops = { .frame = on_frame, .down = on_down };

static void on_timer(struct timer *timer)
{
	struct probe *probe = LIST_OWNER(timer, struct probe, timer);

	plugin_refuse(probe->plugin, "did not come back from %s within %d ms",
	    page_callback_name(probe->link.page), PROBE_MS);
	finish(probe);
}

static void start(struct probes *probes, struct probe *probe)
{
	const struct config_handler *handler =
	    config_find_handler(probes->task.config, probe->plugin->note.name);
	uint64_t max_memory = handler == NULL || handler->in_worker ? 0
							     : handler->max_memory_bytes;
	struct hostexec_how how = { .probe = true, .cpu = -1, .board_fd = -1,
		.memory_fd = -1,
		.max_memory_bytes = max_memory,
		.paths = config_paths_of(probes->task.config, probe->plugin->note.name),
		.user = probes->task.user };
	struct hostexec started;

	probes->running++;
	if (hostexec_start(probe->plugin, &how, &started) != 0) {
		plugin_refuse(probe->plugin, "cannot start a process for it: %s",
		    strerror(errno));
		finish(probe);
		return;
	}
	probe->pid = started.pid;
	if (link_init(&probe->link, probes->loop, &ops, started.socket_fd,
		started.page_fd) != 0) {
		plugin_refuse(probe->plugin, "cannot talk to its process");
		finish(probe);
		return;
	}
	probe->linked = true;
	timer_set(&probes->loop->timers, &probe->timer, probes->loop->now_ms + PROBE_MS);
}

struct probes *probes_start(struct loop *loop, const struct probes_task *task,
    void (*done)(void *arg), void *arg)
{
	struct probes *probes = memory_new(1, sizeof(*probes));
	struct plugin_set *plugins = task->plugins;

	*probes = (struct probes){ .loop = loop, .task = *task, .done = done,
		.arg = arg };
	probes->items = memory_new(plugins->count, sizeof(*probes->items));
	settings_init(&probes->none);
	deferred_init(&probes->finish, on_finish);
	/* One for ourselves, so that done is not called before all have been started. */
	probes->running = 1;
	for (size_t i = 0; i < plugins->count; i++) {
		struct probe *probe = &probes->items[i];

		probe->probes = probes;
		probe->plugin = &plugins->items[i];
		timer_init(&probe->timer, on_timer);
		if (probe->plugin->refusal == NULL && !probe->plugin->probed) {
			start(probes, probe);
		}
	}
	if (--probes->running == 0) {
		loop_soon(loop, &probes->finish);
	}
	return probes;
}

void probes_free(struct probes *probes)
{
	if (probes == NULL) {
		return;
	}
	deferred_cancel(&probes->finish);
	for (size_t i = 0; i < probes->task.plugins->count; i++) {
		struct probe *probe = &probes->items[i];

		timer_cancel(&probe->timer);
		if (probe->pid > 0) {
			(void)reap(probe, true);
		}
		if (probe->linked) {
			link_release(&probe->link);
		}
	}
	settings_release(&probes->none);
	free(probes->items);
	free(probes);
}

/* SPDX-License-Identifier: MIT */
/*
 * A worker's start, tried in a throw-away process. It reports by records over a pipe: a
 * type, then three texts, each with its NUL. Plugin code runs there, so the master trusts
 * none of it: a record that is not well formed ends the reading.
 */
#include "master/preflight.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/log.h"
#include "os/loop.h"
#include "site/site.h"
#include "tls/context.h"
#include "tls/devcert.h"

#define REPORT_MAX (1 << 20)

enum record {
	RECORD_ERROR = 'E',	/* where, what, hint */
	RECORD_WARNING = 'W',
	RECORD_REFUSED = 'R',	/* plugin's index, reason */
	RECORD_BEFORE = 'B',	/* plugin's index, callback: it runs now */
	RECORD_END = 'Z'	/* all is said */
};

/* The child's side. */

struct child {
	int out_fd;
	const struct plugin_set *plugins;
};

static void send_record(const struct child *child, enum record type, const char *a,
    const char *b, const char *c)
{
	struct buffer out;
	char letter = (char)type;
	bool whole;

	buffer_init(&out, REPORT_MAX);
	whole = buffer_append(&out, &letter, 1) == 0 &&
	    buffer_append(&out, a, strlen(a) + 1) == 0 &&
	    buffer_append(&out, b, strlen(b) + 1) == 0 &&
	    buffer_append(&out, c, strlen(c) + 1) == 0;
	while (whole && out.size > 0) {
		ssize_t written = write(child->out_fd, buffer_slice(&out).data, out.size);

		if (written < 0) {
			_exit(EXIT_FAILURE);
		}
		buffer_consume(&out, (size_t)written);
	}
	buffer_release(&out);
}

static void send_plugin(const struct child *child, enum record type,
    const struct plugin *plugin, const char *text)
{
	char index[16];

	snprintf(index, sizeof(index), "%zu", (size_t)(plugin - child->plugins->items));
	send_record(child, type, index, text, "");
}

static void before(void *arg, const struct plugin *plugin, const char *callback)
{
	send_plugin(arg, RECORD_BEFORE, plugin, callback);
}

static const void *no_ext(const char *id)
{
	(void)id;
	return NULL;
}

static void send_problems(const struct child *child, const struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->items[i];

		send_record(child,
		    problem->level == PROBLEM_ERROR ? RECORD_ERROR : RECORD_WARNING,
		    problem->where, problem->what,
		    problem->hint == NULL ? "" : problem->hint);
	}
}

static _Noreturn void child_run(int out_fd, struct config *config,
    struct plugin_set *plugins, bool development)
{
	static const struct plugin_services services = { .log = log_handler,
		.ext = no_ext };
	struct child child = { .out_fd = out_fd, .plugins = plugins };
	struct site_observer observer = { .before = before, .arg = &child };
	struct tls_tickets tickets = { { 0 } };
	struct tls_context tls;
	struct problems problems;
	struct site site;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	problems_init(&problems);
	if (development) {
		tls_devcert_ensure(config, config->certificates[0].chain,
		    config->certificates[0].key, &problems);
	}
	if (problems.errors == 0 &&
	    tls_context_init(&tls, config, &tickets, &problems) == 0) {
		tls_context_release(&tls);
	}
	site_open(&site, config, plugins, &services, &observer, &problems);
	for (size_t i = 0; i < plugins->count; i++) {
		if (plugins->items[i].refusal != NULL) {
			send_plugin(&child, RECORD_REFUSED, &plugins->items[i],
			    plugins->items[i].refusal);
		}
	}
	site_release(&site);
	send_problems(&child, &problems);
	send_record(&child, RECORD_END, "", "", "");
	_exit(EXIT_SUCCESS);
}

/* The master's side. */

struct outcome {
	struct plugin *running;		/* whose code ran last; NULL: nobody's */
	char callback[32];
	bool complete;
	bool late;
	int status;			/* as wait(2) gives it */
};

static void reap(pid_t pid, struct outcome *outcome)
{
	if (outcome->late) {
		kill(pid, SIGKILL);
	}
	while (waitpid(pid, &outcome->status, 0) < 0 && errno == EINTR) {
	}
}

static void collect(int fd, struct buffer *report, struct outcome *outcome)
{
	int64_t deadline_us = clock_us() + PREFLIGHT_MS * 1000;
	ssize_t got = 1;

	while (got > 0 && !outcome->late) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		int64_t left_ms = (deadline_us - clock_us()) / 1000;
		char *space;

		if (left_ms <= 0) {
			outcome->late = true;
		} else if (poll(&readable, 1, (int)left_ms) == 1) {
			/* A child that talks without end is stopped like one that
			 * hangs. */
			if (buffer_reserve(report, 4096, &space) != 0) {
				outcome->late = true;
				return;
			}
			got = read(fd, space, 4096);
			if (got > 0) {
				buffer_commit(report, (size_t)got);
			}
		}
	}
}

static const char *next_text(struct slice *rest)
{
	const char *text = rest->data;
	const char *end = memchr(rest->data, '\0', rest->size);

	if (end == NULL) {
		return NULL;
	}
	slice_skip(rest, (size_t)(end - text) + 1);
	return text;
}

static struct plugin *plugin_at(struct plugin_set *plugins, const char *index)
{
	char *end;
	unsigned long i = strtoul(index, &end, 10);

	return *index == '\0' || *end != '\0' || i >= plugins->count ? NULL :
	    &plugins->items[i];
}

static bool take_record(struct plugin_set *plugins, char type, const char *const texts[3],
    struct outcome *outcome, struct problems *problems)
{
	struct plugin *plugin = plugin_at(plugins, texts[0]);
	const char *hint = texts[2][0] == '\0' ? NULL : texts[2];

	if (type == RECORD_ERROR) {
		problems_add(problems, texts[0], hint, "%s", texts[1]);
	} else if (type == RECORD_WARNING) {
		problems_warn(problems, texts[0], hint, "%s", texts[1]);
	} else if (type == RECORD_END) {
		outcome->complete = true;
	} else if (type == RECORD_REFUSED && plugin != NULL) {
		plugin_refuse(plugin, "%s", texts[1]);
	} else if (type == RECORD_BEFORE && plugin != NULL) {
		outcome->running = plugin;
		snprintf(outcome->callback, sizeof(outcome->callback), "%s", texts[1]);
	} else {
		return false;
	}
	return true;
}

static void take_report(struct plugin_set *plugins, struct slice rest,
    struct outcome *outcome, struct problems *problems)
{
	bool good = true;

	while (good && rest.size > 0) {
		char type = rest.data[0];
		const char *texts[3];

		slice_skip(&rest, 1);
		for (int i = 0; i < 3; i++) {
			texts[i] = next_text(&rest);
			good = good && texts[i] != NULL;
		}
		good = good && take_record(plugins, type, texts, outcome, problems);
	}
}

static void refuse_running(const struct outcome *outcome)
{
	struct plugin *plugin = outcome->running;

	if (outcome->late) {
		plugin_refuse(plugin, "did not come back from %s within %d ms",
		    outcome->callback, PREFLIGHT_MS);
	} else if (WIFSIGNALED(outcome->status)) {
		int number = WTERMSIG(outcome->status);

		plugin_refuse(plugin, "crashed while %s: signal %d (%s)",
		    outcome->callback, number, strsignal(number));
	} else {
		plugin_refuse(plugin, "ended its process while %s", outcome->callback);
	}
}

static int fly(struct config *config, struct plugin_set *plugins, bool development,
    struct outcome *outcome, struct problems *problems)
{
	struct buffer report;
	int fds[2];
	pid_t pid;

	memset(outcome, 0, sizeof(*outcome));
	if (pipe2(fds, O_CLOEXEC) != 0) {
		return ERR_SYSTEM;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child_run(fds[1], config, plugins, development);
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return ERR_SYSTEM;
	}
	buffer_init(&report, REPORT_MAX);
	collect(fds[0], &report, outcome);
	close(fds[0]);
	reap(pid, outcome);
	take_report(plugins, buffer_slice(&report), outcome, problems);
	buffer_release(&report);
	return 0;
}

void preflight_run(struct config *config, struct plugin_set *plugins, bool development,
    struct problems *problems)
{
	/* Each round that does not complete refuses one plugin more, or is the last. */
	for (size_t round = 0; round <= plugins->count; round++) {
		struct problems found;
		struct outcome outcome;

		problems_init(&found);
		if (fly(config, plugins, development, &outcome, &found) != 0) {
			problems_add(&found, config->file, NULL,
			    "cannot start a process: %s", strerror(errno));
			outcome.complete = true;
		} else if (!outcome.complete && outcome.running == NULL) {
			problems_add(&found, config->file, NULL,
			    "the check of certificates and plugins died");
			outcome.complete = true;
		}
		if (outcome.complete) {
			problems_move(problems, &found);
			return;
		}
		problems_release(&found);
		refuse_running(&outcome);
	}
}

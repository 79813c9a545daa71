/* SPDX-License-Identifier: MIT */
/* The checks of a plugin. */
#include "host/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "host/host.h"
#include "host/job.h"
#include "http/url.h"

#define CHECK_HEAD_BYTES 4096

/* One line of them. */
struct check {
	struct slice text;
	struct slice method;
	struct slice target;
	int status;
};

/* Takes the next word, and the blanks in front of it, off line. */
static struct slice next_word(struct slice *line)
{
	struct slice word;

	while (line->size > 0 && line->data[0] == ' ') {
		slice_skip(line, 1);
	}
	word = (struct slice){ line->data, 0 };
	while (line->size > 0 && line->data[0] != ' ') {
		slice_skip(line, 1);
		word.size++;
	}
	return word;
}

static int parse_status(struct slice word)
{
	int status = 0;

	for (size_t i = 0; i < word.size; i++) {
		if (word.size != 3 || word.data[i] < '0' || word.data[i] > '9') {
			return 0;
		}
		status = status * 10 + (word.data[i] - '0');
	}
	return status;
}

static int parse(struct slice line, struct check *check)
{
	check->text = line;
	check->method = next_word(&line);
	check->target = next_word(&line);
	check->status = parse_status(next_word(&line));
	return check->status >= 200 && next_word(&line).size == 0 ? 0 : ERR_INVALID;
}

static int complain(struct host *host, const struct check *check, const char *what)
{
	char *where = memory_printf("handler '%s': check '%.*s'", host->plugin.note.name,
	    (int)check->text.size, check->text.data);
	int rc = host_send_problem(host, 0, &(struct problem){ .level = PROBLEM_ERROR,
	    .where = where, .what = (char *)what });

	free(where);
	return rc;
}

/* Each slice of a request has its NUL. ERR_INVALID, ERR_NOMEM. */
static int fill_request(struct exchange *exchange, const struct check *check)
{
	struct request *request = &exchange->request;
	struct arena *arena = &exchange->arena;
	struct url_target parts;
	int rc = url_split_target(check->target, &parts);

	if (rc != 0) {
		return rc;
	}
	request_init(request, arena, CHECK_HEAD_BYTES, 1);
	request->version = HTTP_1_1;
	request->method_id = http_method_of(check->method);
	request->method.data = arena_copy(arena, check->method.data, check->method.size);
	request->method.size = check->method.size;
	request->target.data = arena_copy(arena, check->target.data, check->target.size);
	request->target.size = check->target.size;
	request->query.data = arena_copy(arena, parts.query.data, parts.query.size);
	request->query.size = parts.query.size;
	request->authority = SLICE("localhost");
	request->content_length = -1;
	if (request->method.data == NULL || request->target.data == NULL ||
	    request->query.data == NULL) {
		return ERR_NOMEM;
	}
	snprintf(exchange->id, sizeof(exchange->id), "check");
	return url_decode_path(parts.path, arena, &request->path);
}

static int judge(struct host *host, const struct check *check,
    const struct exchange *exchange)
{
	char what[80];

	/* What comes later is passed over: it may take its time. */
	if (exchange->held && exchange->state == EXCHANGE_OPEN) {
		return 0;
	}
	if (exchange->reply.status == check->status &&
	    (exchange->held || exchange->state == EXCHANGE_ENDED)) {
		return 0;
	}
	snprintf(what, sizeof(what), "expected %d, found %s%d", check->status,
	    exchange->state == EXCHANGE_BROKEN ? "a broken " : "",
	    exchange->reply.status);
	return complain(host, check, what);
}

/* Tries it where the configuration routes it; a path that goes elsewhere cannot fail. */
static int try_route(struct host *host, const struct router *router,
    const struct check *check, struct job *job)
{
	struct exchange *exchange = &job->exchange;
	const struct request *request = &exchange->request;
	const struct mount *mount;

	router_match(router, request->path, request->method_id, request->method,
	    &exchange->match);
	mount = exchange->match.value;
	if (mount == NULL) {
		return 0;
	}
	job->mount = mount_take(host, mount->id);
	job_run(host, job);
	host->answering = false;
	host_leave(host);
	upload_go_on(exchange);
	return judge(host, check, exchange);
}

static int run(struct host *host, const struct router *router, const struct check *check)
{
	struct job *job = job_new(host);
	int rc;

	if (job == NULL) {
		return ERR_NOMEM;
	}
	rc = fill_request(&job->exchange, check);
	if (rc == 0) {
		rc = try_route(host, router, check, job);
	} else if (rc == ERR_INVALID) {
		rc = complain(host, check, "its path is not valid");
	}
	job_abandon(host, job);
	return rc;
}

static struct router *make_router(const struct host *host)
{
	struct router *router = router_new();

	for (size_t i = 0; i < host->mounts.count; i++) {
		struct mount *mount = host->mounts.items[i].value;
		void *clash;

		/* Routes of one pattern differ in their methods: the first will do. What
		 * a stream has for it, an address or an ALPN name, is no pattern. */
		(void)!router_add(router, mount->pattern, 0, NULL, mount, &clash);
	}
	return router;
}

static int run_line(struct host *host, const struct router *router, struct slice line)
{
	struct check check;

	if (parse(line, &check) != 0) {
		return complain(host, &check, "expected a line like 'GET /path 200'");
	}
	return run(host, router, &check);
}

static int run_lines(struct host *host, const struct router *router, const char *text)
{
	int rc = 0;

	while (rc == 0 && *text != '\0') {
		size_t size = strcspn(text, "\n");

		if (size > 0) {
			rc = run_line(host, router, (struct slice){ text, size });
		}
		text += size;
		text += *text == '\n';
	}
	return rc;
}

int checks_run(struct host *host)
{
	const char *text = host->plugin.handler->check;
	int rc = 0;

	if (text != NULL) {
		struct router *router = make_router(host);

		rc = run_lines(host, router, text);
		router_free(router);
	}
	if (rc == 0) {
		buffer_reset(&host->frame);
		rc = frame_append(&host->frame, FRAME_CHECKED, 0, 0, 0, SLICE(""));
		rc = host_send(host, rc);
	}
	return rc;
}

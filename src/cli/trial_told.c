/* SPDX-License-Identifier: MIT */
/*
 * What the process of a trial says before the request can be sent:
 *
 *	HELLO -> OPEN -> OPENED -> the call
 *
 * PROBLEMs go to the trial's; what refuses it makes it stop.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "cli/trial.h"
#include "remote/hello.h"
#include "remote/request.h"

#define COMPLAINTS_MAX 1000	/* PROBLEMs; more is no complaint but a flood */

/* Finds the way from the target to the handler, as the server would. */
static int settle_route(struct trial *trial, const struct hello *hello, char **pattern)
{
	struct exchange *exchange = &trial->exchange;
	const struct request *request = &exchange->request;
	const char *what;
	void *clash;

	*pattern = trial->route != NULL ? memory_text(trial->route)
	    : (hello->can & PLUGIN_REQUESTS) == 0 ? memory_text("/*")
	    : hello->route[0] != '\0'	? memory_text(hello->route)
					: memory_printf("/%s", trial->plugin->note.name);
	if (router_check(*pattern, &what) != 0) {
		problems_add(trial->problems,
		    trial->route != NULL ? "--route" : trial->plugin->file, NULL,
		    "'%s' %s", *pattern, what);
		return ERR_INVALID;
	}
	if (router_add(trial->router, *pattern, 0, NULL, trial, &clash) != 0) {
		return ERR_INVALID;
	}
	router_match(trial->router, request->path, request->method_id, request->method,
	    &exchange->match);
	if (exchange->match.value == NULL) {
		problems_add(trial->problems, trial->plugin->file,
		    "--route says where it is to answer",
		    "its route '%s' does not take %s '%s'", *pattern,
		    request->method.data, request->target.data);
		return ERR_INVALID;
	}
	return 0;
}

static int open_instance(struct trial *trial, const char *pattern)
{
	struct open_message message = { .pattern = pattern, .where = "--settings",
		.directory = trial->directory, .settings = *trial->settings };
	int rc = remote_open(trial->remote, &message, &trial->instance);

	if (rc != 0) {
		problems_add(trial->problems, "--settings", NULL, "they are too large");
	}
	return rc;
}

static int take_hello(struct trial *trial, const struct frame *frame)
{
	struct hello hello;
	char *pattern = NULL;
	int rc = trial->said_hello ? ERR_PROTOCOL : hello_unpack(frame, &hello);

	if (rc != 0) {
		return rc;
	}
	trial->said_hello = true;
	if ((hello.can & (PLUGIN_REQUESTS | PLUGIN_FILTERS)) == 0) {
		problems_add(trial->problems, trial->plugin->file, NULL,
		    "it answers no requests (it has no on_request) and filters none");
		rc = ERR_INVALID;
	} else {
		rc = settle_route(trial, &hello, &pattern);
	}
	if (rc != 0 || open_instance(trial, pattern) != 0) {
		trial_stop(trial);
	}
	free(pattern);
	return 0;
}

static int take_complaint(struct trial *trial, const struct frame *frame)
{
	struct complaint said;
	const char *where;

	if (complaint_unpack(frame, &said) != 0 ||
	    ++trial->complaints > COMPLAINTS_MAX) {
		return ERR_PROTOCOL;
	}
	/* What comes instead of HELLO is about the file. */
	where = trial->said_hello ? said.where : trial->plugin->file;
	if (said.level == PROBLEM_ERROR) {
		problems_add(trial->problems, where, said.hint, "%s", said.what);
	} else {
		problems_warn(trial->problems, where, said.hint, "%s", said.what);
	}
	return 0;
}

static int take_opened(struct trial *trial, const struct frame *frame)
{
	if (trial->opened || trial->instance == 0 ||
	    frame->header.id != trial->instance) {
		return ERR_PROTOCOL;
	}
	trial->opened = true;
	if (frame->header.type == FRAME_OPEN_END) {
		trial_stop(trial);
		return 0;
	}
	timer_set(&trial->loop->timers, &trial->timer,
	    trial->loop->now_ms + trial->timeout_ms);
	remote_call(trial->remote, trial->instance, &trial->exchange, trial->timeout_ms);
	return 0;
}

int trial_told(void *arg, const struct frame *frame)
{
	struct trial *trial = arg;

	switch (frame->header.type) {
	case FRAME_HELLO:
		return take_hello(trial, frame);
	case FRAME_PROBLEM:
		return take_complaint(trial, frame);
	default:
		return take_opened(trial, frame);
	}
}

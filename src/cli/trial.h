/* SPDX-License-Identifier: MIT */
/*
 * One request run through a plugin, as a worker would: in a throw-away tincan-host, over
 * the same frames. So a crash or a hang costs nothing, and its cause can be told. Runs in
 * the process of the command; lifetime: that of the command.
 */
#ifndef TINCAN_CLI_TRIAL_H
#define TINCAN_CLI_TRIAL_H

#include "exchange/exchange.h"
#include "os/loop.h"
#include "plugin/plugin.h"
#include "remote/remote.h"

enum trial_result {
	TRIAL_REPLIED,		/* a whole reply, and an end in order */
	TRIAL_FAILED,		/* why has been said on standard error */
	TRIAL_REFUSED		/* the problems say why */
};

struct trial {
	/* Borrowed, and set before trial_run. */
	struct plugin *plugin;
	const struct settings *settings;
	const char *directory;	/* that file names in the settings are relative to */
	const char *route;	/* NULL: the plugin's own */
	uint32_t timeout_ms;	/* for each: until the reply is complete, and its end */
	struct problems *problems;

	struct exchange exchange;	/* its request is filled in before trial_run */

	struct loop *loop;
	struct router *router;
	struct remote *remote;
	const struct page *page;
	pid_t pid;			/* 0: not started, or reaped */
	int status;			/* of its end */
	struct watch signals;
	struct timer timer;
	struct deferred taker;		/* takes and prints what there is of the reply */
	size_t complaints;
	uint32_t instance;
	uint32_t hung_in;		/* enum page_callback */
	bool said_hello;
	bool opened;
	bool head_printed;
	bool replied;			/* all of the reply is printed */
	bool stopped;			/* it was told to end */
	bool lost;			/* its socket is at its end */
	bool hung;
	bool output_failed;
	int interrupted;		/* the number of the signal that did; 0: none */
};

/* Makes exchange ready for a request. */
void trial_init(struct trial *trial);

/* Starts the process, sends the request, prints the reply as it comes, to standard
 * output: status line and fields in lines, an empty one, the content as it is. */
enum trial_result trial_run(struct trial *trial);

void trial_release(struct trial *trial);

/* Between trial.c and trial_told.c: what the process says of itself, to a remote's told;
 * and have it end, in order. */
int trial_told(void *arg, const struct frame *frame);
void trial_stop(struct trial *trial);

#endif

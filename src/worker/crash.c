/* SPDX-License-Identifier: MIT */
/*
 * Whom to blame when a thread ends the worker. Handlers of signals and exit get no
 * argument: hence the statics. What runs after a fatal signal is async-signal-safe.
 */
#include "worker/crash.h"

#include <signal.h>
#include <stdlib.h>

#include "plugin/api.h"

static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS };

#define FATAL_SIGNALS (sizeof(fatal_signals) / sizeof(fatal_signals[0]))

static struct scoreboard_blame *the_blame;
static struct sigaction before[FATAL_SIGNALS];	/* what a sanitizer has there */

static void write_blame(void)
{
	const struct api_call *call = api_thread();
	const struct request *request;

	if (call != NULL) {
		request = call->exchange == NULL ? NULL : &call->exchange->request;
		blame_set(the_blame, call->handler, callback_name(call->callback),
		    call->request, request == NULL ? NULL : request->method.data,
		    request == NULL ? NULL : request->target.data);
	}
}

/* A fault comes again when this returns; what somebody has sent does not by itself. */
static void on_fatal(int number, siginfo_t *info, void *context)
{
	(void)context;
	write_blame();
	for (size_t i = 0; i < FATAL_SIGNALS; i++) {
		if (fatal_signals[i] == number) {
			sigaction(number, &before[i], NULL);
		}
	}
	if (info->si_code <= 0) {
		raise(number);
	}
}

void crash_watch(struct scoreboard_blame *blame)
{
	struct sigaction action = { .sa_sigaction = on_fatal,
		.sa_flags = SA_SIGINFO | SA_ONSTACK };

	the_blame = blame;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < FATAL_SIGNALS; i++) {
		sigaction(fatal_signals[i], &action, &before[i]);
	}
	atexit(write_blame);
}

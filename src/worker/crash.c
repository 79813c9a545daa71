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

static struct scoreboard_blames *the_blames;
static struct sigaction before[FATAL_SIGNALS];	/* what a sanitizer has there */

static void write_blame(void)
{
	const struct api_call *call = api_thread();
	const struct request *request;
	struct scoreboard_blame *blame = &the_blames->crashed;

	if (call != NULL) {
		request = call->exchange == NULL ? NULL : &call->exchange->request;
		blame_set(blame, call->handler, callback_name(call->callback),
		    call->request, request == NULL ? NULL : request->method.data,
		    request == NULL ? NULL : request->target.data);
	}
}

/* A fault comes again when this returns; what somebody has sent does not by itself, nor
 * does a system call that is refused. */
static void on_fatal(int number, siginfo_t *info, void *context)
{
	(void)context;
	write_blame();
	if (number == SIGSYS) {
		atomic_store(&the_blames->refused_call, info->si_syscall);
	}
	for (size_t i = 0; i < FATAL_SIGNALS; i++) {
		if (fatal_signals[i] == number) {
			sigaction(number, &before[i], NULL);
		}
	}
	if (info->si_code <= 0 || number == SIGSYS) {
		raise(number);
	}
}

void crash_watch(struct scoreboard_blames *blames)
{
	struct sigaction action = { .sa_sigaction = on_fatal,
		.sa_flags = SA_SIGINFO | SA_ONSTACK };

	the_blames = blames;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < FATAL_SIGNALS; i++) {
		sigaction(fatal_signals[i], &action, &before[i]);
	}
	atexit(write_blame);
}

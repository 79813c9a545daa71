/* SPDX-License-Identifier: MIT */
/* What a process says of itself that has given up what this one still needs. */
#ifndef TINCAN_TESTS_FORKED_H
#define TINCAN_TESTS_FORKED_H

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/seccomp.h"
#include "unit.h"

/* Runs fn in a child; its wait status. */
static inline int forked(int (*fn)(int arg), int arg)
{
	int status = 0;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		_exit(fn(arg));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* It is ended by SIGSYS, where there are filters. */
static inline void assert_trapped(int (*fn)(int arg), int arg)
{
	int status;

	if (!seccomp_available()) {
		return;
	}
	status = forked(fn, arg);

	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
	    "%d ends with status 0x%x", arg, (unsigned)status);
}

/* It ends as it should. */
static inline void assert_done(int (*fn)(int arg), int arg)
{
	int status = forked(fn, arg);

	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "%d ends with status 0x%x", arg, (unsigned)status);
}

#endif

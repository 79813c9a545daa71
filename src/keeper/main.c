/* SPDX-License-Identifier: MIT */
/*
 * tincan-keeper: the process of the private keys. For the master only, with descriptor 3,
 * the channel to it. A program of its own, so that nothing of the server's memory is in
 * it, nor anything that it does not need.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "keeper/keeper.h"

#define CHANNEL_FD 3

int main(int argc, char **argv)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGUSR1,
		SIGUSR2 };
	static const struct sched_param usual = { .sched_priority = 0 };
	sigset_t none;

	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "tincan-keeper: it is tincan that runs this\n");
		return 2;
	}
	/* It ends with the master, whatever a terminal sends to the whole group. */
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		signal(ignored[i], SIG_IGN);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* On a worker's CPU it waits until the worker does: what that asks for meanwhile
	 * is then signed in one go. */
	(void)sched_setscheduler(0, SCHED_BATCH, &usual);
	return keeper_run(CHANNEL_FD);
}

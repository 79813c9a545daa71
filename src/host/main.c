/* SPDX-License-Identifier: MIT */
/*
 * tincan-host: the process of one plugin. For the master only:
 *
 *	tincan-host [--probe] NAME COPY HASH
 *
 * with descriptor 3, the socket to its peer, and 4, the page (ipc/page.h). It links
 * neither OpenSSL nor jansson: it is small and fast to start, and there is nothing in it
 * that a plugin's own symbols could clash with.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "host/host.h"

#define SOCKET_FD 3
#define PAGE_FD 4

/* The peer says when to end, whatever a terminal or a service manager sends to the whole
 * group; handlers expect no signal to be blocked. */
static void set_signals(void)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGUSR1,
		SIGUSR2 };
	sigset_t none;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		signal(ignored[i], SIG_IGN);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int main(int argc, char **argv)
{
	bool probe = argc > 1 && strcmp(argv[1], "--probe") == 0;
	struct host_setup setup = { .socket_fd = SOCKET_FD, .page_fd = PAGE_FD,
		.probe = probe };

	if (argc - probe != 4) {
		fprintf(stderr, "tincan-host: it is tincan that runs this\n");
		return 2;
	}
	setup.name = argv[1 + probe];
	setup.copy = argv[2 + probe];
	setup.hash = argv[3 + probe];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	set_signals();
	return host_run(&setup);
}

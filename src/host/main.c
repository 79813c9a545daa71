/* SPDX-License-Identifier: MIT */
/*
 * tincan-host: the process of one plugin. For the master only:
 *
 *	tincan-host [--probe] [--board] NAME COPY HASH
 *
 * with descriptor 3, the socket to its peer, 4, the page (ipc/page.h), and, with --board,
 * 5, the scoreboard to read, and 6, the memory of the handler (ipc/shared.h). It links
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
#define BOARD_FD 5
#define MEMORY_FD 6

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
	struct host_setup setup = { .socket_fd = SOCKET_FD, .page_fd = PAGE_FD,
		.board_fd = -1, .memory_fd = -1 };
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		setup.probe = setup.probe || strcmp(argv[i], "--probe") == 0;
		if (strcmp(argv[i], "--board") == 0) {
			setup.board_fd = BOARD_FD;
			setup.memory_fd = MEMORY_FD;
		}
	}
	if (argc - i != 3) {
		fprintf(stderr, "tincan-host: it is tincan that runs this\n");
		return 2;
	}
	setup.name = argv[i];
	setup.copy = argv[i + 1];
	setup.hash = argv[i + 2];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	set_signals();
	return host_run(&setup);
}

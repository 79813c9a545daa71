/* SPDX-License-Identifier: MIT */
/*
 * Blocks, as a driver of a database does. Under its route, which ends in "*":
 *
 *	wait/NAME	until a writer of the FIFO of that name, in the folder that the
 *			setting "latches" names, has closed it; then who it is
 *	say/NAME	the same between two pieces of its reply
 *	stream?MB	as many MiB, in pieces
 *	forever		pieces until nobody takes them, and a line in the log that says so
 *	hang, die	never comes back; does not survive it
 *	later?MS	answers from a timer
 *	who		the process that answers
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <tincan/handler.h>
#include <unistd.h>

#define PIECE 65536

static const char *latches;

static int set_up(tc_conf *cf, void **state)
{
	(void)state;
	latches = tc.conf_path(cf, "latches", ".");
	return TC_OK;
}

/* Until whoever holds the other end lets go. */
static int wait_for(tc_req *r, const char *name)
{
	char *path = tc_printf(r, "%s/%s", latches, name);
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	char byte;

	if (fd < 0) {
		return TC_FAIL;
	}
	while (read(fd, &byte, 1) > 0) {
	}
	close(fd);
	return TC_OK;
}

static int tell_who(tc_req *r)
{
	return tc.text(r, 200, tc_printf(r, "%d\n", (int)getpid()));
}

static int say_and_wait(tc_req *r, const char *name)
{
	int rc = tc.start(r, 200, "text/plain");

	rc = rc != TC_OK ? rc : tc.write(r, "before\n", 7);
	rc = rc != TC_OK ? rc : wait_for(r, name);
	rc = rc != TC_OK ? rc : tc.write(r, "after\n", 6);
	return rc != TC_OK ? rc : tc.end(r);
}

static int stream(tc_req *r)
{
	static char piece[PIECE];
	long count = strtol(tc.query(r), NULL, 10) * ((1 << 20) / PIECE);
	int rc = tc.start(r, 200, "application/octet-stream");

	for (long i = 0; rc == TC_OK && i < count; i++) {
		memset(piece, 'a' + (int)(i % 26), sizeof piece);
		rc = tc.write(r, piece, sizeof piece);
	}
	return rc != TC_OK ? rc : tc.end(r);
}

static int stream_for_ever(tc_req *r)
{
	int rc = tc.start(r, 200, "text/plain");

	while (rc == TC_OK) {
		rc = tc.write(r, "tick\n", 5);
		usleep(1000);
	}
	tc_log(TC_INFO, "nobody takes it: %d", rc);
	return rc;
}

static void on_time(void *arg)
{
	(void)tell_who(arg);
}

static int answer_later(tc_req *r)
{
	return tc.after(strtol(tc.query(r), NULL, 10), on_time, r) == NULL ? TC_FAIL
									   : TC_LATER;
}

static int answer(tc_req *r)
{
	const char *what = tc.tail(r);

	if (strncmp(what, "wait/", 5) == 0) {
		return wait_for(r, what + 5) == TC_OK ? tell_who(r) : TC_FAIL;
	}
	if (strncmp(what, "say/", 4) == 0) {
		return say_and_wait(r, what + 4);
	}
	if (strcmp(what, "stream") == 0) {
		return stream(r);
	}
	if (strcmp(what, "forever") == 0) {
		return stream_for_ever(r);
	}
	if (strcmp(what, "later") == 0) {
		return answer_later(r);
	}
	while (strcmp(what, "hang") == 0) {
		pause();
	}
	if (strcmp(what, "die") == 0) {
		raise(SIGKILL);
	}
	return tell_who(r);
}

TINCAN_HANDLER("blocker", .flags = TC_BLOCKING, .route = "/blocker/*",
    .on_open = set_up, .on_request = answer);

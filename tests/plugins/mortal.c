/* SPDX-License-Identifier: MIT */
/*
 * Bad: dies, of what the path names, at each level of a process's end; and for comparison
 * a few requests that it answers. Its .check has a right and a wrong line.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <tincan/handler.h>
#include <unistd.h>

static void touch_null(void)
{
	*(volatile int *)0 = 1;
}

static void call_exit(void)
{
	exit(0);
}

static void exit_at_once(void)
{
	_exit(3);
}

static void be_killed(void)
{
	raise(SIGKILL);
}

static void trap(void)
{
	raise(SIGILL);
}

static volatile int depth;

static int go_deeper(volatile char *above)
{
	volatile char here[4096];

	here[0] = above[0];
	return depth < 0 ? 0 : go_deeper(here) + here[0];
}

static void use_up_stack(void)
{
	volatile char top = 1;

	go_deeper(&top);
}

/* Frees what was not allocated, which glibc notices, and a sanitizer too. */
static void break_heap(void)
{
	volatile size_t inside = 16;
	char *block = malloc(64);

	free(block + inside);
	free(block);
}

static const struct {
	const char *path;
	void (*die)(void);
} ways[] = { { "/segv", touch_null }, { "/abort", abort }, { "/exit", call_exit },
	{ "/_exit", exit_at_once }, { "/kill", be_killed }, { "/ill", trap },
	{ "/stack", use_up_stack }, { "/heap", break_heap } };

static void *log_from_thread(void *arg)
{
	(void)arg;
	tc_log(TC_WARN, "a line from a thread");
	return NULL;
}

static int log_lines(tc_req *r)
{
	pthread_t thread;

	tc_log(TC_INFO, "a line of the request");
	if (pthread_create(&thread, NULL, log_from_thread, NULL) != 0) {
		return TC_FAIL;
	}
	pthread_join(thread, NULL);
	return tc.text(r, 200, "logged\n");
}

/* Descriptor 3 is the host's socket. */
static int close_socket(tc_req *r)
{
	return close(3) == 0 ? tc.text(r, 200, "closed\n") : TC_FAIL;
}

static int fork_and_return(tc_req *r)
{
	return fork() < 0 ? TC_FAIL : tc.text(r, 200, "forked\n");
}

static int answer(tc_req *r)
{
	const char *path = tc.path(r);

	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		if (strcmp(path, ways[i].path) == 0) {
			ways[i].die();
		}
	}
	if (strcmp(path, "/log") == 0) {
		return log_lines(r);
	}
	if (strcmp(path, "/close") == 0) {
		return close_socket(r);
	}
	if (strcmp(path, "/fork") == 0) {
		return fork_and_return(r);
	}
	return tc.text(r, 200, path);
}

TINCAN_HANDLER("mortal", .on_request = answer,
    .check =
	"GET /alive 200\nGET /alive%20too?x=1 404\nnonsense\nGET /elsewhere/x 200\n");

/* SPDX-License-Identifier: MIT */
/*
 * Answers, or dies of what its path names: the ways that a handler can end its process,
 * or its process's talk with the server. What does not end it by itself waits for the
 * server to see to it.
 */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <tincan/handler.h>
#include <unistd.h>

#define SERVER_FD 3 /* of a process that serves one plugin; nothing a plugin may know */

static int *volatile nowhere;

static void die_of_segv(void)
{
	*nowhere = 1;
}

static void die_of_fpe(void)
{
	static volatile int zero, one = 1;

	one = one / zero;
}

static void die_of_jump(void)
{
	static void (*volatile anywhere)(void);
	uintptr_t garbage = 0x10;

	memcpy((void *)&anywhere, &garbage, sizeof garbage);
	anywhere();
}

static volatile int depth;

static int go_deeper(volatile char *above)
{
	volatile char here[4096];

	here[0] = above[0];
	return depth < 0 ? 0 : go_deeper(here) + here[0];
}

static void die_of_stack(void)
{
	volatile char top = 1;

	go_deeper(&top);
}

static void die_of_free(void)
{
	char *volatile block = malloc(64);
	char *volatile again = block;

	free(block);
	free(again);
}

/* Behind the block is what malloc knows of the next one. */
static void die_of_heap(void)
{
	volatile size_t size = 64;
	char *first = malloc(size);
	char *second = malloc(size);

	memset(first, 0xff, size + 32);
	free(second);
	free(first);
}

/* To be used with max_memory_bytes. */
static void die_of_memory(void)
{
	volatile size_t size = 1 << 20;

	for (;;) {
		memset(malloc(size), 1, size);
	}
}

static void die_by_exit(void)
{
	exit(0);
}

static void die_at_once(void)
{
	_exit(3);
}

static void die_of_kill(void)
{
	raise(SIGKILL);
}

/* The log's lines go out with the reply: too late for a test that waits for this. */
static void tell(void)
{
	static const char text[] = "poison: waits\n";

	(void)!write(STDERR_FILENO, text, sizeof text - 1);
}

static void wait_for_ever(void)
{
	tell();
	for (;;) {
		pause();
	}
}

static void loop_for_ever(void)
{
	volatile int round = 0;

	tell();
	for (;;) {
		round = round + 1;
	}
}

static void close_socket(void)
{
	close(SERVER_FD);
}

static void shut_socket(void)
{
	shutdown(SERVER_FD, SHUT_RDWR);
}

static void fill_socket(void)
{
	static char garbage[100];

	memset(garbage, 0xee, sizeof garbage);
	(void)!write(SERVER_FD, garbage, sizeof garbage);
}

static void wait_and_die(void)
{
	tell();
	nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
	abort();
}

static const struct {
	const char *name;
	void (*misbehave)(void);
	int waits;	/* instead of answering as if nothing had been */
} ways[] = {
	{ "fine", NULL, 0 },
	{ "segv", die_of_segv, 0 },
	{ "abort", abort, 0 },
	{ "fpe", die_of_fpe, 0 },
	{ "jump", die_of_jump, 0 },
	{ "stack", die_of_stack, 0 },
	{ "free", die_of_free, 0 },
	{ "heap", die_of_heap, 0 },
	{ "memory", die_of_memory, 0 },
	{ "exit", die_by_exit, 0 },
	{ "_exit", die_at_once, 0 },
	{ "kill", die_of_kill, 0 },
	{ "slow", wait_and_die, 0 },
	{ "sleep", wait_for_ever, 0 },
	{ "loop", loop_for_ever, 0 },
	{ "close", close_socket, 1 },
	{ "shut", shut_socket, 1 },
	{ "garbage", fill_socket, 1 },
	{ "close-and-answer", close_socket, 0 },
	{ "shut-and-answer", shut_socket, 0 },
	{ "garbage-and-answer", fill_socket, 0 },
};

static int answer(tc_req *r)
{
	const char *way = tc.tail(r);

	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		if (strcmp(way, ways[i].name) != 0) {
			continue;
		}
		if (ways[i].misbehave != NULL) {
			ways[i].misbehave();
		}
		if (ways[i].waits) {
			wait_for_ever();
		}
		return tc.text(r, 200, way);
	}
	return tc.text(r, 404, "no such way\n");
}

TINCAN_HANDLER("poison", .route = "/poison/*", .on_request = answer);

/* SPDX-License-Identifier: MIT */
/*
 * Runs jobs on threads, as the last part of the path says. A job that waits does so for
 * somebody who opens the fifo that the setting "latch" names, and closes it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <tincan/handler.h>
#include <unistd.h>

struct state {
	const char *latch;
	pthread_t loop;		/* the thread of it */
};

struct job {
	tc_req *r;
	struct state *state;
	char text[128];
};

static struct job *new_job(tc_req *r)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job != NULL) {
		job->r = r;
		job->state = tc.state(r);
	}
	return job;
}

static void answer(void *arg)
{
	struct job *job = arg;

	if (!pthread_equal(pthread_self(), job->state->loop)) {
		tc_log(TC_ERROR, "done is not on the loop");
	}
	tc.text(job->r, 200, job->text);
	free(job);
}

static void nothing(void *arg)
{
	(void)arg;
}

/* What may be called there, and what may not. */
static void look(void *arg)
{
	struct job *job = arg;
	int elsewhere = !pthread_equal(pthread_self(), job->state->loop);
	tc_timer *timer = tc.after(1, nothing, NULL);
	tc_watch *watch = tc.watch(0, TC_READ, NULL, NULL);

	tc_log(TC_INFO, "a line from a thread");
	snprintf(job->text, sizeof(job->text), "elsewhere %d, now %d, after %d, "
	    "watch %d, run %d\n", elsewhere, tc.now() > 0, timer != NULL, watch != NULL,
	    tc.run(nothing, NULL, NULL));
}

static void wait_for_latch(void *arg)
{
	struct job *job = arg;
	char byte;
	int fd = open(job->state->latch, O_RDONLY | O_CLOEXEC);

	snprintf(job->text, sizeof(job->text), "waited, %d\n",
	    fd < 0 ? -1 : (int)read(fd, &byte, 1));
	close(fd);
}

static void crash(void *arg)
{
	*(volatile int *)0 = arg != NULL;
}

static int run(tc_req *r, void (*work)(void *arg), void (*done)(void *arg))
{
	struct job *job = new_job(r);
	int result;

	if (job == NULL) {
		return TC_NOMEM;
	}
	result = tc.run(work, done, job);
	if (result != TC_OK) {
		free(job);
		return tc.text(r, 503, result == TC_LIMIT ? "limit\n" : "other\n");
	}
	return TC_LATER;
}

/* Without anybody who waits for it. */
static int run_unseen(tc_req *r)
{
	int result = tc.run(nothing, NULL, NULL);

	return tc.text(r, 200, result == TC_OK ? "unseen\n" : "no\n");
}

static int on_request(tc_req *r)
{
	const char *name = strrchr(tc.path(r), '/') + 1;

	if (strcmp(name, "look") == 0) {
		return run(r, look, answer);
	}
	if (strcmp(name, "wait") == 0) {
		return run(r, wait_for_latch, answer);
	}
	if (strcmp(name, "crash") == 0) {
		return run(r, crash, answer);
	}
	if (strcmp(name, "unseen") == 0) {
		return run_unseen(r);
	}
	if (strcmp(name, "invalid") == 0) {
		return run(r, NULL, answer);
	}
	return tc.text(r, 200, "at once\n");
}

static void greet(void *arg)
{
	(void)arg;
	tc_log(TC_INFO, "a job of on_open");
}

static int on_open(tc_conf *cf, void **state)
{
	struct state *made = calloc(1, sizeof(*made));

	if (made == NULL) {
		return TC_NOMEM;
	}
	made->latch = tc.conf_path(cf, "latch", "latch");
	made->loop = pthread_self();
	*state = made;
	return tc.run(greet, NULL, NULL);
}

static void on_close(void *state)
{
	tc_log(TC_INFO, "closing");
	free(state);
}

TINCAN_HANDLER("runner", .route = "/runner/*", .on_open = on_open, .on_close = on_close,
    .on_request = on_request);

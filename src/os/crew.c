/* SPDX-License-Identifier: MIT */
/* Threads for what may block. */
#include "os/crew.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STACK_BYTES ((size_t)1 << 20)	/* mapped; what is never used costs nothing */
/* Signal handlers tell of a fault where that stack has run out. */
#define SIGNAL_STACK_BYTES (32 * 1024)
#define NAME_BYTES 16			/* as the kernel has them */

struct crew {
	pthread_mutex_t lock;		/* for all that follows */
	pthread_cond_t work;		/* there is some, or no more will come */
	pthread_cond_t rest;		/* all is done */
	struct list queue;
	uint32_t waiting;		/* jobs in it */
	uint32_t threads;		/* there are */
	uint32_t idle;			/* of those; one that has just been made, too */
	uint32_t max_threads;
	bool ending;
	char name[NAME_BYTES];
};

/* Its waits are measured by a clock that nobody sets. */
static void init_timed(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attributes);
	pthread_condattr_destroy(&attributes);
}

struct crew *crew_new(const char *name, uint32_t threads)
{
	struct crew *crew = calloc(1, sizeof(*crew));

	if (crew == NULL) {
		return NULL;
	}
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->work, NULL);
	init_timed(&crew->rest);
	list_init(&crew->queue);
	crew->max_threads = threads;
	snprintf(crew->name, sizeof(crew->name), "%s", name);
	return crew;
}

static void destroy(struct crew *crew)
{
	pthread_cond_destroy(&crew->rest);
	pthread_cond_destroy(&crew->work);
	pthread_mutex_destroy(&crew->lock);
	free(crew);
}

void crew_free(struct crew *crew)
{
	bool last;

	if (crew == NULL) {
		return;
	}
	pthread_mutex_lock(&crew->lock);
	crew->ending = true;
	last = crew->threads == 0;
	pthread_cond_broadcast(&crew->work);
	pthread_mutex_unlock(&crew->lock);
	if (last) {
		destroy(crew);
	}
}

void crew_resize(struct crew *crew, uint32_t threads)
{
	pthread_mutex_lock(&crew->lock);
	crew->max_threads = threads;
	pthread_cond_broadcast(&crew->work);
	pthread_mutex_unlock(&crew->lock);
}

/* The next job, or NULL: none will come, or this thread is one too many. With the
 * lock. */
static struct crew_job *next_job(struct crew *crew)
{
	struct crew_job *job;

	while (list_empty(&crew->queue) && !crew->ending &&
	    crew->threads <= crew->max_threads) {
		pthread_cond_wait(&crew->work, &crew->lock);
	}
	if (list_empty(&crew->queue) || crew->threads > crew->max_threads) {
		return NULL;
	}
	job = LIST_OWNER(crew->queue.next, struct crew_job, link);
	list_remove(&job->link);
	crew->waiting--;
	return job;
}

static void do_jobs(struct crew *crew)
{
	struct crew_job *job;

	while ((job = next_job(crew)) != NULL) {
		crew->idle--;
		pthread_mutex_unlock(&crew->lock);
		job->fn(job);
		pthread_mutex_lock(&crew->lock);
		crew->idle++;
		if (crew->idle == crew->threads && list_empty(&crew->queue)) {
			pthread_cond_broadcast(&crew->rest);
		}
	}
}

static void *run_thread(void *arg)
{
	struct crew *crew = arg;
	stack_t signals = { .ss_sp = malloc(SIGNAL_STACK_BYTES),
		.ss_size = SIGNAL_STACK_BYTES };
	stack_t before = { .ss_flags = SS_DISABLE };
	bool last;

	if (signals.ss_sp != NULL) {
		sigaltstack(&signals, &before);
	}
	pthread_setname_np(pthread_self(), crew->name);
	pthread_mutex_lock(&crew->lock);
	do_jobs(crew);
	crew->threads--;
	crew->idle--;
	last = crew->threads == 0;
	pthread_mutex_unlock(&crew->lock);
	if (last) {
		destroy(crew);
	}
	sigaltstack(&before, NULL);
	free(signals.ss_sp);
	return NULL;
}

/* All but those that say what the thread itself has done. */
static void others_signals(sigset_t *set)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS,
		SIGTRAP };

	sigfillset(set);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		sigdelset(set, own[i]);
	}
}

static int make_thread(struct crew *crew)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t blocked;
	sigset_t before;
	int error;

	others_signals(&blocked);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	/* A new thread has the mask of who makes it. */
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	error = pthread_create(&thread, &attributes, run_thread, crew);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return error == 0 ? 0 : ERR_SYSTEM;
}

/* Is there somebody who will do one more job, or room for it to wait? With the lock. */
static int find_room(struct crew *crew, uint32_t most)
{
	if (crew->waiting < crew->idle) {
		return 0;
	}
	if (crew->threads < crew->max_threads && make_thread(crew) == 0) {
		crew->threads++;
		crew->idle++;
		return 0;
	}
	if (crew->threads == 0) {
		return ERR_SYSTEM;
	}
	return crew->waiting - crew->idle < most ? 0 : ERR_LIMIT;
}

int crew_submit(struct crew *crew, struct crew_job *job, uint32_t most)
{
	int rc;

	list_init(&job->link);
	pthread_mutex_lock(&crew->lock);
	rc = find_room(crew, most);
	if (rc == 0) {
		list_append(&crew->queue, &job->link);
		crew->waiting++;
		pthread_cond_signal(&crew->work);
	}
	pthread_mutex_unlock(&crew->lock);
	return rc;
}

bool crew_cancel(struct crew *crew, struct crew_job *job)
{
	bool waits;

	pthread_mutex_lock(&crew->lock);
	waits = !list_empty(&job->link);
	if (waits) {
		list_remove(&job->link);
		crew->waiting--;
	}
	pthread_mutex_unlock(&crew->lock);
	return waits;
}

bool crew_wait(struct crew *crew, int ms)
{
	struct timespec end;
	bool done;
	int error = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000L;
	if (end.tv_nsec >= 1000000000L) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&crew->lock);
	while (!(done = crew->idle == crew->threads && list_empty(&crew->queue)) &&
	    error != ETIMEDOUT) {
		error = pthread_cond_timedwait(&crew->rest, &crew->lock, &end);
	}
	pthread_mutex_unlock(&crew->lock);
	return done;
}

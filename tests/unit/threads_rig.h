/* SPDX-License-Identifier: MIT */
/*
 * A plugin with one thread, for tests of what runs there: a gate that holds it up, the
 * loop that gets what comes back, and what the process is told meanwhile.
 */
#ifndef TINCAN_TESTS_THREADS_RIG_H
#define TINCAN_TESTS_THREADS_RIG_H

#include <pthread.h>

#include "os/crew.h"
#include "os/loop.h"
#include "plugin/instance.h"
#include "rig.h"
#include "unit.h"

#define PATIENCE_MS 20000

static struct plugin_services services;
static tc_handler handler;
static struct plugin plugin;
static struct instance instance;
static int owner;		/* of the instance */
static int holds;		/* what it has been told of that */
static int waiting;		/* for the thread */
static int turned_away;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static bool open_gate;
static int arrived;		/* how many have come to the gate so far */

static inline void count_hold(void *arg, void *of, int change)
{
	(void)arg;
	ck_assert_ptr_eq(of, &owner);
	holds += change;
}

static inline void count_waiting(void *arg, const struct plugin *of, int change)
{
	(void)arg;
	ck_assert_ptr_eq(of, &plugin);
	pthread_mutex_lock(&lock);
	waiting += change;
	pthread_mutex_unlock(&lock);
}

static inline void count_turned_away(void *arg, const struct plugin *of)
{
	(void)arg;
	ck_assert_ptr_eq(of, &plugin);
	turned_away++;
}

static inline void threads_open(void)
{
	services = rig_services;
	services.loop = loop_new();
	services.threads = true;
	services.hold = count_hold;
	services.waiting = count_waiting;
	services.turned_away = count_turned_away;
	api_serve(&services);
	handler = (tc_handler){ 0 };
	plugin = (struct plugin){ .note = { .name = "slow" }, .handler = &handler,
		.threads = 1, .max_queue = 1, .threaded = true };
	instance = (struct instance){ .plugin = &plugin, .owner = &owner };
	holds = waiting = turned_away = arrived = 0;
	open_gate = false;
	rig_log = (struct rig_log){ 0 };
}

/* On the thread. */
static inline void wait_at_gate(void)
{
	pthread_mutex_lock(&lock);
	arrived++;
	pthread_cond_broadcast(&news);
	while (!open_gate) {
		pthread_cond_wait(&news, &lock);
	}
	pthread_mutex_unlock(&lock);
}

/* Until one has come to the gate. */
static inline void wait_arrived(void)
{
	pthread_mutex_lock(&lock);
	while (arrived == 0) {
		pthread_cond_wait(&news, &lock);
	}
	pthread_mutex_unlock(&lock);
}

static inline void stop_loop(struct posted *posted)
{
	(void)posted;
	loop_stop(services.loop);
}

/* What has been posted so far comes to the loop. */
static inline void run_turn(void)
{
	static struct posted stopper = { .fn = stop_loop };

	loop_post(services.loop, &stopper);
	loop_run(services.loop);
}

/* Lets pass who waits at the gate, and all who come, until the thread has no more. */
static inline void let_pass(void)
{
	pthread_mutex_lock(&lock);
	open_gate = true;
	pthread_cond_broadcast(&news);
	pthread_mutex_unlock(&lock);
	ck_assert(crew_wait(plugin.crew, PATIENCE_MS));
}

static inline void threads_close(void)
{
	if (plugin.crew != NULL) {
		let_pass();
		run_turn();
	}
	ck_assert_int_eq(holds, 0);
	ck_assert_int_eq(waiting, 0);
	ck_assert_uint_eq(instance.busy, 0);
	crew_free(plugin.crew);
	loop_free(services.loop);
}

#endif

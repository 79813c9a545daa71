/* SPDX-License-Identifier: MIT */
/* Jobs of a handler that block. */
#include "plugin/run.h"

#include <stdlib.h>

#include "os/crew.h"
#include "plugin/instance.h"

struct run {
	struct crew_job job;
	struct posted ended;
	struct instance *instance;	/* held */
	struct loop *loop;		/* borrowed */
	void (*work)(void *arg);
	void (*done)(void *arg);	/* NULL: nobody wants to know */
	void *arg;
};

/* On the loop. */
static void on_ended(struct posted *ended)
{
	struct run *run = LIST_OWNER(ended, struct run, ended);
	struct instance *instance = run->instance;
	struct api_call before;

	if (run->done != NULL) {
		before = instance_enter(instance, PAGE_ON_DONE, NULL);
		run->done(run->arg);
		api_leave(before);
	}
	free(run);
	instance_let_go(instance);
}

/* On a thread. */
static void on_turn(struct crew_job *job)
{
	struct run *run = LIST_OWNER(job, struct run, job);
	struct api_call before = api_enter((struct api_call){ .callback = PAGE_ON_WORK,
	    .handler = run->instance->plugin->note.name, .instance = run->instance,
	    .threaded = true });

	run->work(run->arg);
	api_leave(before);
	loop_post(run->loop, &run->ended);
}

int run_start(struct instance *instance, struct loop *loop, void (*work)(void *arg),
    void (*done)(void *arg), void *arg)
{
	struct crew *crew = plugin_threads(instance->plugin);
	struct run *run = calloc(1, sizeof(*run));
	int rc;

	if (crew == NULL || run == NULL) {
		free(run);
		return ERR_NOMEM;
	}
	*run = (struct run){ .job.fn = on_turn, .ended.fn = on_ended,
		.instance = instance, .loop = loop, .work = work, .done = done,
		.arg = arg };
	rc = crew_submit(crew, &run->job, RUN_QUEUE);
	if (rc != 0) {
		free(run);
		return rc;
	}
	instance_hold(instance);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Handlers that hang in a worker. */
#include "master/hangs.h"

#include <signal.h>
#include <stdio.h>

#include "base/log.h"
#include "master/rollout.h"

#define LOOK_MS 500

/* Of one that the configuration says nothing of, or the next one does, the default. */
static uint32_t timeout_of(const struct master *master, const char *name)
{
	const struct config_handler *handler =
	    config_find_handler(rollout_live(master)->config, name);

	return handler == NULL ? CONFIG_HANDLER_TIMEOUT_MS : handler->timeout_ms;
}

/* In looks, not by the clock: while all of us stood still nobody could come back. */
static void look_at(struct child *child)
{
	const struct scoreboard_blame *blame =
	    &child->master->blames[child->index].running;
	char name[SCOREBOARD_NAME_BYTES];
	char callback[sizeof(blame->callback)];

	child->looks = blame_stands(blame, &child->turn) ? child->looks + 1 : 0;
	if (child->looks == 0) {
		return;
	}
	/* It may come back, and write there, just now. */
	snprintf(name, sizeof(name), "%.*s", (int)sizeof(name) - 1, blame->handler);
	snprintf(callback, sizeof(callback), "%.*s", (int)sizeof(callback) - 1,
	    blame->callback);
	if ((uint64_t)child->looks * LOOK_MS > timeout_of(child->master, name)) {
		child->looks = 0;
		log_say(LOG_ERROR, "worker %u: handler '%s' does not come back from %s: "
		    "ending the worker", child->index, name, callback);
		kill(child->pid, SIGKILL);
	}
}

static void on_look(struct timer *timer)
{
	struct master *master = LIST_OWNER(timer, struct master, hangs);

	for (uint32_t i = 0; i < SCOREBOARD_WORKERS; i++) {
		if (master->children[i].pid > 0) {
			look_at(&master->children[i]);
		}
	}
	timer_set(&master->loop->timers, timer, master->loop->now_ms + LOOK_MS);
}

void hangs_init(struct master *master)
{
	timer_init(&master->hangs, on_look);
	/* Others run no handlers, and need not be woken for that. */
	if (master->handlers_in_workers) {
		timer_set(&master->loop->timers, &master->hangs,
		    master->loop->now_ms + LOOK_MS);
	}
}

void hangs_release(struct master *master)
{
	timer_cancel(&master->hangs);
}

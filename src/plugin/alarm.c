/* SPDX-License-Identifier: MIT */
/* The timers of a handler. */
#include "plugin/alarm.h"

#include <stdbool.h>
#include <stdlib.h>

#include "plugin/instance.h"

#define ALARM_MAX_MS ((int64_t)1 << 48)	/* far beyond, without an overflow */

struct alarm {
	struct timer timer;
	struct list link;		/* of the instance */
	struct instance *instance;	/* borrowed */
	void (*fn)(void *arg);
	void *arg;
	bool firing;
};

/* Freed when fn has returned, as it may well cancel what it knows as its timer. */
static void on_timer(struct timer *timer)
{
	struct alarm *alarm = LIST_OWNER(timer, struct alarm, timer);
	struct api_call before;

	alarm->firing = true;
	list_remove(&alarm->link);
	before = instance_enter(alarm->instance, PAGE_ON_TIMER, NULL);
	alarm->fn(alarm->arg);
	api_leave(before);
	free(alarm);
}

struct alarm *alarm_new(struct instance *instance, struct loop *loop, int64_t ms,
    void (*fn)(void *arg), void *arg)
{
	struct alarm *alarm = malloc(sizeof(*alarm));

	if (alarm == NULL) {
		return NULL;
	}
	*alarm = (struct alarm){ .instance = instance, .fn = fn, .arg = arg };
	timer_init(&alarm->timer, on_timer);
	list_init(&alarm->link);
	list_append(&instance->alarms, &alarm->link);
	ms = ms < 0 ? 0 : ms > ALARM_MAX_MS ? ALARM_MAX_MS : ms;
	/* The round may have begun long before this call of a slow callback. */
	timer_set(&loop->timers, &alarm->timer, (clock_us() + 999) / 1000 + ms);
	return alarm;
}

void alarm_cancel(struct alarm *alarm)
{
	if (alarm != NULL && !alarm->firing) {
		timer_cancel(&alarm->timer);
		list_remove(&alarm->link);
		free(alarm);
	}
}

void alarms_cancel(struct list *alarms)
{
	while (!list_empty(alarms)) {
		alarm_cancel(LIST_OWNER(alarms->next, struct alarm, link));
	}
}

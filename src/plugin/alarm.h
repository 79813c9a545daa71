/* SPDX-License-Identifier: MIT */
/*
 * The timers of a handler (tc.after): a tc_timer is a struct alarm. One belongs to the
 * instance whose callback made it, and ends with it. Lifetime: until it fires, is
 * cancelled, or its instance is closed.
 */
#ifndef TINCAN_PLUGIN_ALARM_H
#define TINCAN_PLUGIN_ALARM_H

#include <stdint.h>

#include "base/list.h"
#include "os/loop.h"

struct alarm;
struct instance;

/* Calls fn(arg) once, on the loop, in ms (not before; less than 0 is 0). NULL: out of
 * memory. */
struct alarm *alarm_new(struct instance *instance, struct loop *loop, int64_t ms,
    void (*fn)(void *arg), void *arg);

/* It fires no more. NULL is accepted, and so is the one that fires just now. */
void alarm_cancel(struct alarm *alarm);

/* Cancels all of an instance. */
void alarms_cancel(struct list *alarms);

#endif

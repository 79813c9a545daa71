/* SPDX-License-Identifier: MIT */
/* An exchange with a request for /, as the tests of exchange.c begin. */
#ifndef TINCAN_TESTS_EXCHANGE_RIG_H
#define TINCAN_TESTS_EXCHANGE_RIG_H

#include "rig.h"
#include "unit.h"

static struct rig_exchange rig;
static struct exchange *const exchange = &rig.exchange;

static inline void set_up(void)
{
	rig_begin(&rig, HTTP_GET, "/");
}

static inline void tear_down(void)
{
	rig_end(&rig);
}

static inline void begin_head(void)
{
	rig_end(&rig);
	rig_begin(&rig, HTTP_HEAD, "/");
}

static inline void count(void *arg)
{
	++*(int *)arg;
}

static inline int reply_ref(const void *data, size_t size, void (*release)(void *),
    void *arg)
{
	return exchange_reply_ref(exchange, 200, NULL, data, size, release, arg);
}

#endif

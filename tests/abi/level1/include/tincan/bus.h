/* SPDX-License-Identifier: MIT */
/*
 * tincan/bus.h - how the instances of a handler talk to one another, whatever worker and
 * process they are in.
 *
 *	static void heard(void *arg, const void *data, size_t size, uint64_t lost);
 *
 *	const tc_bus *bus = tc.ext(TC_BUS);
 *	if (bus == NULL || bus->subscribe("news", heard, NULL) == NULL)
 *		return TC_FAIL;
 *	bus->publish("news", "hello", 5);
 *
 * Topics belong to the handler's name: no other handler hears or says anything there.
 * Messages of one publisher come in order; nothing is kept for who subscribes later.
 */
#ifndef TINCAN_BUS_H
#define TINCAN_BUS_H

#include <stddef.h>
#include <stdint.h>

#define TC_BUS "tincan.bus/1"

typedef struct tc_sub tc_sub;		/* a subscription */

typedef struct tc_bus {
	uint32_t size;
	/* Calls fn on the loop, never within publish, for every message that an instance
	 * of this handler publishes on the topic: in any worker and process, this one
	 * included. Data live until fn returns. lost: at most so many messages this
	 * subscription has missed since the call before, as it or its process was too
	 * slow; more than it has missed only if others, on other topics, were lost, too.
	 * Ends with the instance at the latest. NULL: the topic is empty or longer than
	 * 255 bytes, too many (65536 in a process), out of memory, not in a callback. */
	tc_sub *(*subscribe)(const char *topic, void (*fn)(void *arg,
	    const void *data, size_t size, uint64_t lost), void *arg);
	/* fn is not called any more. From a callback; NULL is accepted. */
	void (*unsubscribe)(tc_sub *sub);
	/* Never blocks; a message that nobody subscribes to is gone. TC_OK says nothing
	 * of who hears it. TC_INVALID: the topic is empty or too long, or this is no
	 * callback; TC_LIMIT: more than 64 KiB; TC_NOMEM. */
	int (*publish)(const char *topic, const void *data, size_t size);
} tc_bus;

#endif

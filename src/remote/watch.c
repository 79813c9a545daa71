/* SPDX-License-Identifier: MIT */
/* Does a host stand still? */
#include "remote/watch.h"

#include "remote/state.h"

#define WATCH_MS 1000

bool watch_is_stuck(const struct remote *remote)
{
	const struct page *page;
	uint32_t callback;
	int64_t since_ms;

	if (!remote_has_host(remote)) {
		return false;
	}
	page = remote->link->page;
	callback = atomic_load(&page->callback);
	since_ms = (int64_t)atomic_load(&page->running_since_ms);
	/* The one that answers a call, or a CONNECT, has the time of that. */
	return callback != PAGE_NONE && callback != PAGE_ON_REQUEST &&
	    callback != PAGE_ON_CONNECT && callback != PAGE_ON_FILTER &&
	    remote->loop->now_ms - remote->timeout_ms >= since_ms;
}

void watch_kill(const struct remote *remote)
{
	if (remote_has_host(remote)) {
		remote->ops.kill(remote->ops.arg,
		    LIST_OWNER(remote->link, struct host_link, link)->pid);
	}
}

static void on_watch(struct timer *timer)
{
	struct remote *remote = LIST_OWNER(timer, struct remote, watch);

	if (watch_is_stuck(remote)) {
		watch_kill(remote);
	}
	if (remote->call_count > 0 || remote->tunnels.count > 0) {
		timer_set(&remote->loop->timers, timer, remote->loop->now_ms + WATCH_MS);
	}
}

void watch_init(struct remote *remote)
{
	timer_init(&remote->watch, on_watch);
}

void watch_release(struct remote *remote)
{
	timer_cancel(&remote->watch);
}

void watch_begin(struct remote *remote, uint32_t timeout_ms)
{
	remote->timeout_ms = timeout_ms;
	if (!timer_is_set(&remote->watch)) {
		timer_set(&remote->loop->timers, &remote->watch,
		    remote->loop->now_ms + WATCH_MS);
	}
}

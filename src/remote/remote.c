/* SPDX-License-Identifier: MIT */
/* A plugin that runs in a host, seen from a worker: its instances and hosts. */
#include "remote/remote.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ipc/bus_ring.h"
#include "remote/bus_frames.h"
#include "remote/call.h"
#include "remote/state.h"
#include "remote/watch.h"

/* Bytes that may wait for a host before it misses events: as much as a ring holds, so
 * that a burst which the worker has caught is not lost for the host's being asleep. */
#define EVENTS_MAX (BUS_RING_WORDS * 8)
#define UNHEARD_MAX (4u << 20)	/* for later, while a host is busy with a call */

struct remote *remote_new(struct loop *loop, const struct remote_ops *ops,
    const char *name)
{
	struct remote *remote = memory_new(1, sizeof(*remote));

	remote->loop = loop;
	remote->ops = *ops;
	remote->name = memory_text(name);
	calls_init(remote);
	tunnels_init(remote);
	watch_init(remote);
	return remote;
}

bool remote_has_host(const struct remote *remote)
{
	return remote->link != NULL && !remote->link->down;
}

bool remote_is_vacant(const struct remote *remote)
{
	return remote->link == NULL;
}

bool remote_is_free(const struct remote *remote)
{
	return remote_has_host(remote) && remote->occupant == 0 && !remote->leaving &&
	    remote->free_count > 0;
}

bool remote_fills(struct remote *remote, size_t size)
{
	if (remote->occupant == 0) {
		return false;
	}
	remote->unheard += size;
	return remote->unheard > UNHEARD_MAX;
}

bool remote_idle(const struct remote *remote)
{
	return (remote->instances.count == 0 || remote->leaving) &&
	    remote->call_count == 0 && remote->tunnels.count == 0 && remote->chunks == 0;
}

void remote_leave(struct remote *remote)
{
	remote->leaving = true;
	remote_check_idle(remote);
}

void remote_check_idle(struct remote *remote)
{
	if (remote_idle(remote)) {
		remote->ops.idle(remote->ops.arg, remote);
	}
}

static void free_link(struct deferred *later)
{
	struct host_link *host = LIST_OWNER(later, struct host_link, later);

	link_release(&host->link);
	free(host);
}

/* Its events of this round may still come: it goes at the end of it. */
static void drop_link(struct remote *remote)
{
	if (remote->link != NULL) {
		struct host_link *host = LIST_OWNER(remote->link, struct host_link, link);

		loop_defer(remote->loop, &host->later);
		remote->link->down = true;
		loop_remove(remote->loop, &remote->link->watch);
		host->remote = NULL;
		remote->link = NULL;
		remote->ops.silent(remote->ops.arg);
	}
}

static void free_instance(struct remote_instance *instance)
{
	buffer_release(&instance->open);
	free(instance);
}

void remote_free(struct remote *remote)
{
	if (remote == NULL) {
		return;
	}
	watch_release(remote);
	calls_release(remote);
	tunnels_release(remote);
	drop_link(remote);
	for (size_t i = 0; i < remote->instances.count; i++) {
		free_instance(remote->instances.items[i].value);
	}
	numbered_release(&remote->instances);
	free(remote->name);
	free(remote);
}

static int tell(struct remote *remote, const struct frame *frame)
{
	return remote->ops.told == NULL ? 0 : remote->ops.told(remote->ops.arg, frame);
}

/* What came of on_open in this host. */
static int take_opened(struct remote *remote, const struct frame *frame)
{
	struct remote_instance *instance =
	    numbered_find(&remote->instances, frame->header.id);

	if (instance != NULL) {
		instance->refused = frame->header.type == FRAME_OPEN_END;
	}
	return tell(remote, frame);
}

static int take_log(struct remote *remote, const struct frame *frame)
{
	uint64_t id = frame->header.id;

	remote->ops.log(frame->header.code, remote->name, frame_is_duplex(id)
	    ? tunnel_request(remote, id) : call_request(remote, id),
	    frame->payload.data, frame->payload.size);
	return 0;
}

/* The name of a topic of this plugin; its size, or 0. */
static size_t make_name(const struct remote *remote, struct slice topic,
    char out[BUS_NAME_MAX])
{
	return bus_name(out, slice_of(remote->name), topic);
}

static int take_subscription(struct remote *remote, const struct frame *frame)
{
	char name[BUS_NAME_MAX];
	struct slice topic;
	int rc = subscribe_unpack(frame, &topic);
	size_t size = rc == 0 ? make_name(remote, topic, name) : 0;

	if (size == 0) {
		return ERR_PROTOCOL;
	}
	if (frame->header.type == FRAME_SUBSCRIBE) {
		return remote->ops.subscribe(remote->ops.arg,
		    (struct slice){ name, size });
	}
	remote->ops.unsubscribe(remote->ops.arg, (struct slice){ name, size });
	return 0;
}

static int take_publish(struct remote *remote, const struct frame *frame)
{
	char name[BUS_NAME_MAX];
	struct slice topic;
	struct slice data;
	int rc = publish_unpack(frame, &topic, &data);
	size_t size = rc == 0 ? make_name(remote, topic, name) : 0;

	return size == 0 ? ERR_PROTOCOL : remote->ops.publish(remote->ops.arg,
	    (struct slice){ name, size }, data);
}

static int on_frame(struct link *link, const struct frame *frame)
{
	struct host_link *host = LIST_OWNER(link, struct host_link, link);
	struct remote *remote = host->remote;

	switch (frame->header.type) {
	case FRAME_OPENED:
	case FRAME_OPEN_END:
		return take_opened(remote, frame);
	case FRAME_HELLO:
	case FRAME_PROBLEM:
		return tell(remote, frame);
	case FRAME_LOG:
		return take_log(remote, frame);
	case FRAME_SUBSCRIBE:
	case FRAME_UNSUBSCRIBE:
		return take_subscription(remote, frame);
	case FRAME_PUBLISH:
		return take_publish(remote, frame);
	default:
		return frame_is_duplex(frame->header.id)
		    ? tunnel_take_frame(remote, frame)
		    : call_take_frame(remote, frame);
	}
}

/* The host runs no more: its page says what became of the calls it had. */
static void settle(struct remote *remote)
{
	struct host_link *host = LIST_OWNER(remote->link, struct host_link, link);
	const struct page *page = host->link.page;
	uint64_t finished = atomic_load(&page->finished);

	/* What cannot be delivered shows in the count. */
	(void)!link_take_unsent(&host->link);
	calls_host_died(remote, page,
	    finished > host->answered ? finished - host->answered : 0);
	tunnels_host_died(remote, page);
	drop_link(remote);
	if (remote->orphaned) {
		remote_break(remote, remote->retry_after_s);
	}
}

/* As long as it may run, its page says nothing for sure: the master will tell, or has
 * taken it along. */
static void on_down(struct link *link, int error)
{
	struct host_link *host = LIST_OWNER(link, struct host_link, link);
	struct remote *remote = host->remote;

	if (error != 0) {
		const char *text = error == ERR_NOMEM ?
		    "there is no memory to hear its process, which is ended" :
		    "its process broke the protocol and is ended";

		remote->ops.log(4, remote->name, NULL, text, strlen(text));
	}
	remote->ops.lost(remote->ops.arg, host->pid);
	if (page_is_final(link->page) || remote->orphaned) {
		settle(remote);
	}
}

static void finish_host(struct remote *remote)
{
	if (remote->link != NULL) {
		link_drain(remote->link);
	}
	if (remote->link != NULL) {
		settle(remote);
	}
}

void remote_died(struct remote *remote, uint32_t pid)
{
	if (remote->link != NULL &&
	    LIST_OWNER(remote->link, struct host_link, link)->pid == pid) {
		finish_host(remote);
	}
}

void remote_go_on(struct remote *remote)
{
	if (remote_has_host(remote)) {
		tunnels_go_on(remote);
		calls_go_on(remote);
	}
}

static void on_room(struct link *link)
{
	remote_go_on(LIST_OWNER(link, struct host_link, link)->remote);
}

static const struct link_ops ops = { .frame = on_frame, .down = on_down,
	.room = on_room };

static void send_small(struct remote *remote, enum frame_type type, uint64_t id)
{
	if (remote_has_host(remote) &&
	    frame_append(link_out(remote->link), type, 0, 0, id, SLICE("")) == 0) {
		link_flush(remote->link);
	}
}

static void send_retire(struct remote *remote, const struct remote_instance *instance)
{
	if (remote_has_host(remote) &&
	    frame_append(link_out(remote->link), FRAME_RETIRE, 0,
		(uint16_t)instance->retired, instance->number, SLICE("")) == 0) {
		link_flush(remote->link);
	}
}

static void send_open(struct remote *remote, const struct remote_instance *instance)
{
	struct slice open = buffer_slice(&instance->open);

	/* The out buffer has room for it or the host is lost anyway: its calls time
	 * out. */
	if (remote_has_host(remote) &&
	    buffer_append(link_out(remote->link), open.data, open.size) == 0) {
		link_flush(remote->link);
	}
	if (instance->retired != 0) {
		send_retire(remote, instance);
	}
}

void remote_attach(struct remote *remote, uint32_t pid, int socket_fd, int page_fd)
{
	struct host_link *host = calloc(1, sizeof(*host));

	finish_host(remote);
	if (host == NULL ||
	    link_init(&host->link, remote->loop, &ops, socket_fd, page_fd) != 0) {
		free(host);
		return;
	}
	buffer_count(link_out(&host->link), remote->ops.held);
	host->remote = remote;
	host->pid = pid;
	deferred_init(&host->later, free_link);
	remote->link = &host->link;
	remote->retry_after_s = 0;
	for (size_t i = 0; i < remote->instances.count; i++) {
		send_open(remote, remote->instances.items[i].value);
	}
	calls_send_waiting(remote);
	tunnels_send_waiting(remote);
}

void remote_break(struct remote *remote, uint32_t retry_after_s)
{
	remote->retry_after_s = retry_after_s;
	calls_refuse_waiting(remote);
	tunnels_refuse_waiting(remote);
}

void remote_orphan(struct remote *remote)
{
	remote->orphaned = true;
	if (remote->link != NULL && remote->link->down) {
		settle(remote);
	}
}

int remote_open(struct remote *remote, const struct open_message *message,
    uint32_t *number)
{
	struct remote_instance *instance = memory_new(1, sizeof(*instance));
	int rc;

	instance->number = ++remote->last_instance;
	buffer_init(&instance->open, FRAME_MAX);
	rc = open_pack(&instance->open, instance->number, message);
	if (rc != 0) {
		free_instance(instance);
		return rc;
	}
	numbered_add(&remote->instances, instance->number, instance);
	send_open(remote, instance);
	*number = instance->number;
	return 0;
}

void remote_copy(struct remote *remote, const struct remote *other)
{
	for (size_t i = 0; i < other->instances.count; i++) {
		const struct remote_instance *old = other->instances.items[i].value;
		struct remote_instance *instance = memory_new(1, sizeof(*instance));
		struct slice open = buffer_slice(&old->open);

		instance->number = old->number;
		instance->retired = old->retired;
		buffer_init(&instance->open, FRAME_MAX);
		numbered_add(&remote->instances, instance->number, instance);
		if (buffer_append(&instance->open, open.data, open.size) != 0) {
			memory_exhausted();
		}
		send_open(remote, instance);
	}
	remote->last_instance = other->last_instance;
}

void remote_retire(struct remote *remote, uint32_t number, int why)
{
	struct remote_instance *instance = numbered_find(&remote->instances, number);

	if (instance != NULL && instance->retired < why) {
		instance->retired = why;
		send_retire(remote, instance);
	}
}

void remote_shut(struct remote *remote, uint32_t number)
{
	struct remote_instance *instance = numbered_take(&remote->instances, number);

	if (instance == NULL) {
		return;
	}
	free_instance(instance);
	send_small(remote, FRAME_SHUT, number);
	remote_check_idle(remote);
}

void remote_stop(struct remote *remote)
{
	send_small(remote, FRAME_STOP, 0);
}

bool remote_refuses(const struct remote *remote, uint32_t number)
{
	const struct remote_instance *instance =
	    numbered_find(&remote->instances, number);

	return instance == NULL || instance->refused;
}

int remote_event(struct remote *remote, struct slice name, struct slice data,
    uint64_t lost)
{
	struct buffer *out;
	int rc;

	if (!remote_has_host(remote)) {
		return ERR_CLOSED;
	}
	out = link_out(remote->link);
	if (out->size > EVENTS_MAX || remote_fills(remote, data.size)) {
		return ERR_LIMIT;
	}
	rc = event_pack(out, bus_name_topic(name), data, lost);
	if (rc == 0) {
		link_flush(remote->link);
	}
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * The worker's end of tunnels: a duplex whose handler runs in a host. What the peer says
 * goes out as MESSAGEs until the host's window is used up, then the peer is held up; what
 * the handler says comes in within a window of ours, which is granted again as the peer
 * takes it. So neither side keeps more than that for the other. A tunnel outlives its
 * duplex until the host has said that it knows it no more.
 */
#include "remote/tunnel.h"

#include <stdlib.h>

#include "remote/connect.h"
#include "remote/state.h"
#include "remote/watch.h"

#define KILL_MS 2000	/* a host that is late gets this long before it is killed */
#define RESENDS 3	/* deaths that one may see before it is given up */
#define EXTENSIONS 2	/* times that one may wait for a late host to go */
#define FIRST_SLOTS 64

_Static_assert(sizeof(struct tunnel) <= 176, "there may be thousands of them");

struct tunnel *tunnel_find(const struct remote *remote, uint64_t id)
{
	const struct tunnels *tunnels = &remote->tunnels;
	uint32_t slot = frame_slot(id) - FRAME_CALLS;
	struct tunnel *tunnel = slot < tunnels->capacity ? tunnels->items[slot] : NULL;

	return tunnel != NULL && tunnel->id == id ? tunnel : NULL;
}

const char *tunnel_request(const struct remote *remote, uint64_t id)
{
	const struct tunnel *tunnel = tunnel_find(remote, id);

	return tunnel == NULL ? NULL : tunnel->request;
}

/* Forgets the duplex, which may be freed from now on. */
static struct duplex *detach(struct tunnel *tunnel)
{
	struct duplex *duplex = tunnel->duplex;

	if (duplex != NULL) {
		duplex->handler_ops = NULL;
		duplex->handler = NULL;
	}
	tunnel->duplex = NULL;
	tunnel->upgrade = NULL;
	return duplex;
}

void tunnel_free(struct tunnel *tunnel)
{
	struct remote *remote = tunnel->remote;
	struct tunnels *tunnels = &remote->tunnels;
	uint32_t slot = frame_slot(tunnel->id) - FRAME_CALLS;

	detach(tunnel);
	timer_cancel(&tunnel->timer);
	list_remove(&tunnel->link);
	tunnels->items[slot] = NULL;
	tunnels->free_slots[tunnels->free_count++] = (uint16_t)slot;
	tunnels->count--;
	free(tunnel);
	remote_check_idle(remote);
}

static void set_retry(const struct remote *remote, struct exchange *upgrade)
{
	char seconds[16];

	snprintf(seconds, sizeof(seconds), "%u",
	    remote->retry_after_s == 0 ? 1 : remote->retry_after_s);
	/* Without it the answer is as true. */
	(void)!exchange_set_header(upgrade, "retry-after", seconds);
}

static void refuse(const struct remote *remote, struct duplex *duplex,
    struct exchange *upgrade, int status)
{
	if (status == STATUS_UNAVAILABLE && upgrade != NULL) {
		set_retry(remote, upgrade);
	}
	duplex->peer_ops->opened(duplex, status);
}

/* It never opens: the peer is told, the tunnel may go on. */
void tunnel_refuse(struct tunnel *tunnel, int status)
{
	struct exchange *upgrade = tunnel->upgrade;
	struct duplex *duplex = detach(tunnel);

	if (duplex != NULL) {
		refuse(tunnel->remote, duplex, upgrade, status);
	}
}

void tunnel_end_refused(struct tunnel *tunnel, int status)
{
	tunnel_refuse(tunnel, status);
	tunnel_free(tunnel);
}

void tunnels_refuse_waiting(struct remote *remote)
{
	struct list *waiting = &remote->tunnels.waiting;

	while (!list_empty(waiting)) {
		tunnel_end_refused(LIST_OWNER(waiting->next, struct tunnel, link),
		    STATUS_UNAVAILABLE);
	}
}

static void set_timer(struct tunnel *tunnel, uint32_t ms)
{
	struct loop *loop = tunnel->remote->loop;

	timer_set(&loop->timers, &tunnel->timer, loop->now_ms + ms);
}

static uint64_t running(const struct remote *remote)
{
	return remote_has_host(remote) ? atomic_load(&remote->link->page->running) : 0;
}

/* The host learns of its end, now or when it has room for it. */
static void say_end(struct tunnel *tunnel)
{
	struct remote *remote = tunnel->remote;
	int rc = frame_append(link_out(remote->link), FRAME_DISCONNECT, 0, tunnel->code,
	    tunnel->id, SLICE(""));

	tunnel->unsaid = rc != 0;
	list_remove(&tunnel->link);
	if (rc == 0) {
		link_flush(remote->link);
	} else {
		(void)link_crowded(remote->link);
		list_append(&remote->tunnels.stalled, &tunnel->link);
	}
}

/* What is left is to settle that with the host. */
static void begin_end(struct tunnel *tunnel, uint16_t code)
{
	tunnel->code = code;
	tunnel->state = TUNNEL_LEFT;
	set_timer(tunnel, tunnel->timeout_ms + KILL_MS);
	if (remote_has_host(tunnel->remote)) {
		say_end(tunnel);
	}
}

void tunnel_leave(struct tunnel *tunnel, uint16_t code)
{
	detach(tunnel);
	if (tunnel->state == TUNNEL_WAITING) {
		tunnel_free(tunnel);
	} else if (tunnel->state != TUNNEL_LEFT) {
		begin_end(tunnel, code);
	}
}

void tunnel_end(struct tunnel *tunnel)
{
	struct duplex *duplex = detach(tunnel);
	uint16_t code = tunnel->code;

	tunnel_free(tunnel);
	if (duplex != NULL) {
		/* Its handler may have closed it, too. */
		(void)!duplex->peer_ops->close(duplex, code, SLICE(""));
	}
}

/* The handler is lost to a peer that it had accepted, who may be heard to its end. */
static void cut(struct duplex *duplex)
{
	if (duplex == NULL) {
		return;
	}
	duplex->peer_ops->pause(duplex, false);
	if (duplex->state < DUPLEX_CLOSING) {
		(void)!duplex->peer_ops->close(duplex, DUPLEX_CODE_FAILED, SLICE(""));
	}
}

/* What goes on cannot be carried any more, though the host lives. */
void tunnel_fail(struct tunnel *tunnel)
{
	struct duplex *duplex;

	if (tunnel->state == TUNNEL_SENT) {
		tunnel_refuse(tunnel, STATUS_UNAVAILABLE);
	}
	duplex = tunnel->duplex;
	tunnel_leave(tunnel, DUPLEX_CODE_LOST);
	cut(duplex);
}

void tunnel_hold_up(struct tunnel *tunnel, bool on)
{
	if (tunnel->paused != on && tunnel->duplex != NULL) {
		tunnel->paused = on;
		tunnel->duplex->peer_ops->pause(tunnel->duplex, on);
	}
}

/* As one MESSAGE or several: all of it or, with an error, nothing. */
static int pack_message(struct tunnel *tunnel, struct slice data, unsigned flags)
{
	struct buffer *out = link_out(tunnel->remote->link);
	unsigned more = tunnel->duplex->kind == DUPLEX_STREAM ? 0 : flags | FRAME_MORE;
	size_t mark = out->size;
	int rc = 0;

	while (rc == 0 && data.size > FRAME_DATA_MAX) {
		rc = frame_append(out, FRAME_MESSAGE, (uint8_t)more, 0, tunnel->id,
		    (struct slice){ data.data, FRAME_DATA_MAX });
		slice_skip(&data, FRAME_DATA_MAX);
	}
	rc = rc != 0 ? rc : frame_append(out, FRAME_MESSAGE, (uint8_t)flags, 0,
	    tunnel->id, data);
	if (rc != 0) {
		out->size = mark;
		return rc;
	}
	tunnel->window -= (int32_t)(out->size - mark);
	link_flush(tunnel->remote->link);
	return 0;
}

static void on_data(struct duplex *duplex, struct slice data, unsigned flags)
{
	struct tunnel *tunnel = duplex->handler;
	struct remote *remote = tunnel->remote;

	/* Between the end of the link and the news of the death nobody is there. */
	if (!remote_has_host(remote)) {
		tunnel_hold_up(tunnel, true);
		return;
	}
	if (pack_message(tunnel, data, flags) != 0) {
		tunnel_fail(tunnel);
		return;
	}
	if ((link_crowded(remote->link) || remote_fills(remote, data.size)) &&
	    list_empty(&tunnel->link)) {
		list_append(&remote->tunnels.stalled, &tunnel->link);
	}
	if (tunnel->window <= 0 || !list_empty(&tunnel->link)) {
		tunnel_hold_up(tunnel, true);
	}
}

/* The host may send again what the peer has taken: not what still waits for it, or the
 * next window would not fit into its queue beside that. */
void tunnel_grant(struct tunnel *tunnel)
{
	struct remote *remote = tunnel->remote;
	size_t waiting = tunnel->duplex->peer_ops->waiting(tunnel->duplex);
	uint32_t taken = tunnel->owed > waiting ? tunnel->owed - (uint32_t)waiting : 0;
	struct slice credit = { (const char *)&taken, sizeof(taken) };

	if (taken >= FRAME_GRANT && waiting <= DUPLEX_DRAIN_BYTES &&
	    remote_has_host(remote) &&
	    frame_append(link_out(remote->link), FRAME_WINDOW_MORE, 0, 0, tunnel->id,
		credit) == 0) {
		link_flush(remote->link);
		tunnel->credit += taken;
		tunnel->owed -= taken;
	}
}

static void on_drain(struct duplex *duplex)
{
	tunnel_grant(duplex->handler);
}

static void on_end(struct duplex *duplex, uint16_t code)
{
	tunnel_leave(duplex->handler, code);
}

/* What the host says before it is DISCONNECTED is an answer to what came before. */
static void on_closed(struct duplex *duplex, uint16_t code)
{
	begin_end(duplex->handler, code);
}

static const struct duplex_handler_ops ops = { .data = on_data, .drain = on_drain,
	.end = on_end, .closed = on_closed };

/* Hands the duplex to the host. */
static void send_connect(struct tunnel *tunnel)
{
	struct remote *remote = tunnel->remote;

	if (connect_pack(link_out(remote->link), tunnel->id, tunnel->instance,
	    tunnel->duplex, tunnel->upgrade) != 0) {
		tunnel_end_refused(tunnel, STATUS_UNAVAILABLE);
		return;
	}
	link_flush(remote->link);
	list_remove(&tunnel->link);
	tunnel->state = TUNNEL_SENT;
	tunnel->window = FRAME_DUPLEX_WINDOW;
	tunnel->credit = FRAME_DUPLEX_WINDOW;
	set_timer(tunnel, tunnel->timeout_ms);
}

void tunnels_send_waiting(struct remote *remote)
{
	struct list *waiting = &remote->tunnels.waiting;

	while (remote_has_host(remote) && !list_empty(waiting)) {
		send_connect(LIST_OWNER(waiting->next, struct tunnel, link));
	}
}

void tunnels_go_on(struct remote *remote)
{
	struct list stalled;

	list_init(&stalled);
	list_move(&stalled, &remote->tunnels.stalled);
	while (!list_empty(&stalled)) {
		struct tunnel *tunnel = LIST_OWNER(stalled.next, struct tunnel, link);

		list_remove(&tunnel->link);
		if (tunnel->unsaid) {
			say_end(tunnel);
		} else if (tunnel->window > 0) {
			tunnel_hold_up(tunnel, false);
		}
	}
}

/* Late with its answer to CONNECT or DISCONNECT; as in call.c, one that only waits behind
 * another callback gets more time. */
static void on_timer(struct timer *timer)
{
	struct tunnel *tunnel = LIST_OWNER(timer, struct tunnel, timer);
	struct remote *remote = tunnel->remote;

	switch (tunnel->state) {
	case TUNNEL_WAITING:
		tunnel_end_refused(tunnel, STATUS_LATE);
		break;
	case TUNNEL_SENT:
		if (running(remote) != tunnel->id && tunnel->extensions < EXTENSIONS) {
			tunnel->extensions++;
			set_timer(tunnel, tunnel->timeout_ms + KILL_MS);
			break;
		}
		tunnel_refuse(tunnel, STATUS_LATE);
		tunnel_leave(tunnel, DUPLEX_CODE_LOST);
		set_timer(tunnel, KILL_MS);
		break;
	default:
		watch_kill(remote);
		break;
	}
}

static bool grow(struct tunnels *tunnels)
{
	uint32_t capacity = tunnels->capacity == 0 ? FIRST_SLOTS : 2 * tunnels->capacity;
	struct tunnel **items;
	uint16_t *free_slots;

	if (capacity > FRAME_DUPLEXES) {
		return false;
	}
	items = realloc(tunnels->items, capacity * sizeof(struct tunnel *));
	tunnels->items = items == NULL ? tunnels->items : items;
	free_slots = realloc(tunnels->free_slots, capacity * sizeof(uint16_t));
	tunnels->free_slots = free_slots == NULL ? tunnels->free_slots : free_slots;
	if (items == NULL || free_slots == NULL) {
		return false;
	}
	for (uint32_t slot = capacity; slot > tunnels->capacity; slot--) {
		items[slot - 1] = NULL;
		free_slots[tunnels->free_count++] = (uint16_t)(slot - 1);
	}
	tunnels->capacity = capacity;
	return true;
}

static struct tunnel *new_tunnel(struct remote *remote)
{
	struct tunnels *tunnels = &remote->tunnels;
	struct tunnel *tunnel;
	uint32_t slot;

	if (tunnels->free_count == 0 && !grow(tunnels)) {
		return NULL;
	}
	tunnel = calloc(1, sizeof(*tunnel));
	if (tunnel == NULL) {
		return NULL;
	}
	slot = tunnels->free_slots[--tunnels->free_count];
	tunnel->remote = remote;
	tunnel->id = ++remote->serial << FRAME_SLOT_BITS | (FRAME_CALLS + slot);
	timer_init(&tunnel->timer, on_timer);
	list_init(&tunnel->link);
	list_append(&tunnels->waiting, &tunnel->link);
	tunnels->items[slot] = tunnel;
	tunnels->count++;
	return tunnel;
}

void remote_connect(struct remote *remote, uint32_t instance, struct duplex *duplex,
    struct exchange *upgrade, uint32_t timeout_ms)
{
	struct tunnel *tunnel = NULL;

	if (upgrade != NULL) {
		upgrade->upgrade = true;
	}
	if (remote->retry_after_s == 0 && !remote_refuses(remote, instance)) {
		tunnel = new_tunnel(remote);
	}
	if (tunnel == NULL) {
		refuse(remote, duplex, upgrade, STATUS_UNAVAILABLE);
		return;
	}
	tunnel->duplex = duplex;
	memcpy(tunnel->request, duplex->id, sizeof(tunnel->request));
	tunnel->upgrade = upgrade;
	tunnel->instance = instance;
	tunnel->timeout_ms = timeout_ms;
	watch_begin(remote, timeout_ms);
	duplex->handler = tunnel;
	duplex->handler_ops = &ops;
	if (remote_has_host(remote)) {
		send_connect(tunnel);
	} else {
		set_timer(tunnel, timeout_ms);
	}
}

static void cut_and_free(struct tunnel *tunnel)
{
	struct duplex *duplex = detach(tunnel);

	tunnel_free(tunnel);
	cut(duplex);
}

static void lose(struct tunnel *tunnel, bool begun)
{
	struct remote *remote = tunnel->remote;

	if (tunnel->state == TUNNEL_SENT && !begun && !tunnel->begun &&
	    tunnel->deaths++ < RESENDS) {
		tunnel->state = TUNNEL_WAITING;
		list_append(&remote->tunnels.waiting, &tunnel->link);
	} else if (tunnel->state == TUNNEL_SENT) {
		tunnel_end_refused(tunnel, STATUS_LOST);
	} else {
		cut_and_free(tunnel);
	}
}

void tunnels_host_died(struct remote *remote, const struct page *page)
{
	const struct tunnels *tunnels = &remote->tunnels;
	uint64_t lost = atomic_load(&page->running);

	for (uint32_t slot = 0; slot < tunnels->capacity; slot++) {
		struct tunnel *tunnel = tunnels->items[slot];

		if (tunnel != NULL && tunnel->state != TUNNEL_WAITING) {
			list_remove(&tunnel->link);
			lose(tunnel, tunnel->id == lost);
		}
	}
	if (remote->retry_after_s != 0) {
		tunnels_refuse_waiting(remote);
	}
}

void tunnels_init(struct remote *remote)
{
	list_init(&remote->tunnels.waiting);
	list_init(&remote->tunnels.stalled);
}

void tunnels_release(struct remote *remote)
{
	struct tunnels *tunnels = &remote->tunnels;

	tunnels_refuse_waiting(remote);
	for (uint32_t slot = 0; slot < tunnels->capacity; slot++) {
		struct tunnel *tunnel = tunnels->items[slot];

		if (tunnel != NULL && tunnel->state == TUNNEL_SENT) {
			tunnel_end_refused(tunnel, STATUS_UNAVAILABLE);
		} else if (tunnel != NULL) {
			cut_and_free(tunnel);
		}
	}
	free(tunnels->items);
	free(tunnels->free_slots);
}

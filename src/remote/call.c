/* SPDX-License-Identifier: MIT */
/*
 * Calls: requests on their way through a host. A call outlives its exchange when the
 * client leaves first, or gets its 504: the host still has it, so its id stays taken
 * until the host has answered or died.
 */
#include "remote/call.h"

#include <stdlib.h>
#include <string.h>

#include "remote/call_state.h"
#include "remote/filter.h"
#include "remote/watch.h"

#define RESENDS 3		/* deaths that a call may see before it is given up */
#define EXTENSIONS 2		/* times that a call may wait for a late host to go */

struct call *call_find(const struct remote *remote, uint64_t id)
{
	size_t slot = frame_slot(id);
	struct call *call = slot < REMOTE_CALLS ? remote->calls[slot] : NULL;

	return call != NULL && call->id == id ? call : NULL;
}

const char *call_request(const struct remote *remote, uint64_t id)
{
	const struct call *call = call_find(remote, id);

	return call == NULL ? NULL : call->request;
}

void calls_init(struct remote *remote)
{
	list_init(&remote->waiting);
	list_init(&remote->sent);
	for (size_t i = 0; i < REMOTE_CALLS; i++) {
		remote->free_slots[i] = (uint16_t)(REMOTE_CALLS - 1 - i);
	}
	remote->free_count = REMOTE_CALLS;
}

static const struct exchange_handler_ops handler_ops;
static const struct exchange_handler_ops filter_ops;

void call_detach(struct call *call)
{
	struct exchange *exchange = call->exchange;

	filter_part(call);
	if (exchange != NULL) {
		/* Behind a filter's NEXT they are the stage's. */
		if (exchange->handler_ops == &handler_ops ||
		    exchange->handler_ops == &filter_ops) {
			exchange->handler_ops = NULL;
		}
		exchange->call = NULL;
		call->exchange = NULL;
	}
}

bool call_occupies(const struct call *call)
{
	return call->remote->occupant == call->id;
}

void call_vacate(const struct call *call)
{
	struct remote *remote = call->remote;

	if (call_occupies(call)) {
		remote->occupant = 0;
		remote->unheard = 0;
		remote_go_on(remote);
	}
	if (remote->blocking) {
		remote->ops.free(remote->ops.arg);
	}
}

void call_end(struct call *call)
{
	struct remote *remote = call->remote;
	size_t slot = frame_slot(call->id);

	call_detach(call);
	timer_cancel(&call->timer);
	list_remove(&call->link);
	remote->calls[slot] = NULL;
	remote->free_slots[remote->free_count++] = (uint16_t)slot;
	remote->call_count--;
	call_vacate(call);
	free(call);
	remote_check_idle(remote);
}

void call_fail(struct call *call, int status, const char *reason)
{
	struct exchange *exchange = call->exchange;

	call_detach(call);
	if (exchange != NULL) {
		exchange_fail(exchange, status, reason);
		filter_wake(exchange);
	}
}

/* A breaker that is open says when to try again. */
void remote_refuse(struct exchange *exchange, uint32_t retry_after_s)
{
	char seconds[16];

	snprintf(seconds, sizeof(seconds), "%u", retry_after_s == 0 ? 1 : retry_after_s);
	if (exchange->state == EXCHANGE_OPEN &&
	    exchange_set_header(exchange, "retry-after", seconds) != 0) {
		exchange_fail(exchange, 500, "out of memory");
		return;
	}
	exchange_fail(exchange, 503, "the handler is not available at the moment");
}

static void refuse_call(struct call *call)
{
	struct exchange *exchange = call->exchange;

	call_detach(call);
	if (exchange != NULL) {
		remote_refuse(exchange, call->remote->retry_after_s);
		filter_wake(exchange);
	}
	call_end(call);
}

void calls_release(struct remote *remote)
{
	/* Nobody is told that it is idle while it is being freed. */
	remote->chunks++;
	remote->blocking = false;
	while (!list_empty(&remote->sent)) {
		refuse_call(LIST_OWNER(remote->sent.next, struct call, link));
	}
	calls_refuse_waiting(remote);
}

void calls_refuse_waiting(struct remote *remote)
{
	while (!list_empty(&remote->waiting)) {
		refuse_call(LIST_OWNER(remote->waiting.next, struct call, link));
	}
}

void call_set_timer(struct call *call, int64_t ms)
{
	struct loop *loop = call->remote->loop;

	timer_set(&loop->timers, &call->timer, loop->now_ms + ms);
}

/* Nobody wants the rest: who blocks can learn that only when it says the next piece. */
static void set_grace(struct call *call)
{
	call_set_timer(call, call_occupies(call) ? call->timeout_ms : CALL_KILL_MS);
}

void call_go_on(struct call *call)
{
	if (call_occupies(call)) {
		call_set_timer(call, call->timeout_ms);
	}
}

/* Hands the call to the host. */
static void send_call(struct call *call)
{
	struct remote *remote = call->remote;
	int rc;

	call->exchange->deadline_ms = remote->loop->now_ms + call->timeout_ms;
	rc = request_pack(link_out(remote->link), call->id, call->instance,
	    call->exchange);
	if (rc != 0) {
		call_fail(call, 503,
		    rc == ERR_LIMIT ? "the request does not fit the handler's queue" :
				      "out of memory");
		call_end(call);
		return;
	}
	link_flush(remote->link);
	call->state = CALL_SENT;
	remote->occupant = remote->blocking ? call->id : 0;
	list_remove(&call->link);
	list_append(&remote->sent, &call->link);
	call_set_timer(call, call->timeout_ms);
	filter_sent(call);
}

void calls_send_waiting(struct remote *remote)
{
	while (remote_has_host(remote) && !list_empty(&remote->waiting)) {
		send_call(LIST_OWNER(remote->waiting.next, struct call, link));
	}
}

static bool runs(const struct call *call)
{
	const struct remote *remote = call->remote;

	return remote_has_host(remote) &&
	    atomic_load(&remote->link->page->running) == call->id;
}

/* Nobody waits for the reply: what is not sent of it need not be. */
static void send_cancel(struct call *call, unsigned flags)
{
	struct remote *remote = call->remote;

	if (remote_has_host(remote)) {
		call->tick = atomic_load(&remote->link->page->tick);
	}
	if (remote_has_host(remote) &&
	    frame_append(link_out(remote->link), FRAME_CANCEL, (uint8_t)flags, 0,
		call->id, SLICE("")) == 0) {
		link_flush(remote->link);
	}
}

void call_cancel(struct call *call, unsigned flags)
{
	send_cancel(call, flags);
	set_grace(call);
}

/*
 * Nobody waits any more. A handler that answers later may take its time, as long as its
 * host's loop turns and has heard of it. Else the call runs too long, or has not had its
 * turn in all that time.
 */
static void on_overdue(struct call *call)
{
	struct remote *remote = call->remote;

	if (call->state < CALL_LATER || call_occupies(call)) {
		if (runs(call) || watch_is_stuck(remote) ||
		    call->extensions >= EXTENSIONS) {
			watch_kill(remote);
		} else {
			call_go_on(call);
		}
	} else if (watch_is_stuck(remote)) {
		watch_kill(remote);
	} else if (remote_has_host(remote) &&
	    atomic_load(&remote->link->page->tick) == call->tick) {
		call_set_timer(call, CALL_KILL_MS);
	}
}

/* Each piece of a body that streams has moved the deadline, and while we wait for the
 * next one the handler has nothing to do. */
static bool extend(struct call *call)
{
	struct exchange *exchange = call->exchange;
	int64_t now_ms = call->remote->loop->now_ms;

	if (upload_awaits(exchange)) {
		exchange->deadline_ms = now_ms + call->timeout_ms;
	}
	if (exchange->deadline_ms <= now_ms) {
		return false;
	}
	call_set_timer(call, exchange->deadline_ms - now_ms);
	return true;
}

/*
 * Late. The call that runs, and one that was to be answered later, gets its 504; if its
 * host is still in that callback a while later, it is killed. One that only waits behind
 * it has done nothing wrong: it gets more time, as the host that holds it up is about to
 * go.
 */
static void on_timer(struct timer *timer)
{
	struct call *call = LIST_OWNER(timer, struct call, timer);
	const struct remote *remote = call->remote;

	if (call->exchange == NULL) {
		on_overdue(call);
		return;
	}
	/* It is the client who keeps it waiting, and has a time of its own for that. */
	if (call->in_flight > 0) {
		call_go_on(call);
		return;
	}
	if (call->streams && call->state == CALL_LATER && extend(call)) {
		return;
	}
	if (call->state == CALL_LATER || runs(call) || watch_is_stuck(remote) ||
	    call->extensions >= EXTENSIONS) {
		call_fail(call, 504, "the handler did not answer in time");
		if (call->state == CALL_WAITING) {
			call_end(call);
			return;
		}
		send_cancel(call, 0);
		call_set_timer(call, CALL_KILL_MS);
		return;
	}
	call->extensions++;
	call_set_timer(call, call->timeout_ms + CALL_KILL_MS);
}

/* The client has left. */
static void on_gone(struct exchange *exchange)
{
	struct call *call = exchange->call;

	exchange->call = NULL;
	call->exchange = NULL;
	call->stage = NULL;
	if (call->state == CALL_WAITING) {
		call_end(call);
		return;
	}
	send_cancel(call, 0);
	if (call->state >= CALL_LATER) {
		set_grace(call);
	}
}

/* What the host may have of a body that streams goes to the link, until the window is
 * used up or too much waits there; what comes behind waits in the exchange. */
static void hold_up(struct call *call)
{
	bool full = call->credit <= 0 || link_crowded(call->remote->link) ||
	    remote_fills(call->remote, 0);

	(void)!upload_pause(call->exchange, full);
}

static int pack_piece(struct call *call, struct slice bytes, bool last)
{
	struct buffer *out = link_out(call->remote->link);
	int rc = 0;

	if (last && exchange_trailer(call->exchange)->count > 0) {
		rc = trailer_pack(out, call->id, call->exchange);
	}
	return rc != 0 ? rc : frame_append(out, FRAME_BODY, last ? FRAME_LAST : 0, 0,
	    call->id, bytes);
}

static void send_body(struct exchange *exchange, struct slice bytes, bool last)
{
	struct call *call = exchange->call;
	struct remote *remote = call->remote;

	/* Its end is about to be told. */
	if (!remote_has_host(remote)) {
		return;
	}
	if (pack_piece(call, bytes, last) != 0) {
		exchange_overrule(exchange, 503, "out of memory");
		return;
	}
	link_flush(remote->link);
	call->credit -= (int32_t)bytes.size;
	(void)remote_fills(remote, bytes.size);
	hold_up(call);
}

static const struct exchange_handler_ops handler_ops = { .gone = on_gone,
	.body = send_body };
static const struct exchange_handler_ops filter_ops = { .gone = on_gone };

static struct call *new_call(struct remote *remote, uint32_t instance,
    struct exchange *exchange, uint32_t timeout_ms)
{
	struct call *call = remote->free_count == 0 ? NULL : calloc(1, sizeof(*call));
	uint16_t slot;

	if (call == NULL) {
		return NULL;
	}
	slot = remote->free_slots[--remote->free_count];
	call->remote = remote;
	call->exchange = exchange;
	memcpy(call->request, exchange->id, sizeof(call->request));
	call->id = ++remote->serial << FRAME_SLOT_BITS | slot;
	call->instance = instance;
	call->timeout_ms = timeout_ms;
	call->streams = exchange->stage == NULL && upload_is_on(exchange);
	timer_init(&call->timer, on_timer);
	list_init(&call->link);
	list_append(&remote->waiting, &call->link);
	remote->calls[slot] = call;
	remote->call_count++;
	watch_begin(remote, timeout_ms);
	exchange->call = call;
	if (exchange->stage != NULL) {
		exchange->handler_ops = &filter_ops;
		filter_begin(call);
	} else {
		exchange->handler_ops = &handler_ops;
		/* Until the host has begun with it: so it can still go to another one. */
		(void)!upload_pause(exchange, true);
	}
	return call;
}

void remote_call(struct remote *remote, uint32_t instance, struct exchange *exchange,
    uint32_t timeout_ms)
{
	struct call *call = NULL;

	if (remote->retry_after_s == 0 && !remote_refuses(remote, instance)) {
		call = new_call(remote, instance, exchange, timeout_ms);
	}
	if (call == NULL) {
		remote_refuse(exchange, remote->retry_after_s);
	} else if (remote_has_host(remote)) {
		send_call(call);
	} else {
		call_set_timer(call, timeout_ms);
	}
}

void call_resume(struct call *call)
{
	if (call->exchange == NULL || call->credit <= 0) {
		return;
	}
	if (call->stage != NULL) {
		filter_wake(call->exchange);
	} else {
		hold_up(call);
	}
}

void calls_go_on(struct remote *remote)
{
	for (struct list *at = remote->sent.next; at != &remote->sent; at = at->next) {
		call_resume(LIST_OWNER(at, struct call, link));
	}
}

/* Others of its pool may have time for it, before the next host is there. */
static void give_back(struct call *call)
{
	struct remote *remote = call->remote;
	struct exchange *exchange = call->exchange;
	uint32_t instance = call->instance;
	uint32_t timeout_ms = call->timeout_ms;

	call_detach(call);
	call_end(call);
	remote->ops.again(remote->ops.arg, instance, exchange, timeout_ms);
}

static void lose(struct call *call, bool begun)
{
	struct remote *remote = call->remote;

	call->deaths++;
	if (call->exchange == NULL) {
		call_end(call);
	} else if (begun || call->state >= CALL_LATER || call->deaths > RESENDS) {
		call_fail(call, 502, "the handler crashed");
		call_end(call);
	} else if (remote->blocking) {
		give_back(call);
	} else {
		call->state = CALL_WAITING;
		list_remove(&call->link);
		list_append(&remote->waiting, &call->link);
	}
}

void calls_host_died(struct remote *remote, const struct page *page, uint64_t unheard)
{
	uint64_t running = atomic_load(&page->running);
	struct list newer;

	/* What was sent is older than what waits: it goes back in front of it. */
	list_init(&newer);
	list_move(&newer, &remote->waiting);
	while (!list_empty(&remote->sent)) {
		struct call *call = LIST_OWNER(remote->sent.next, struct call, link);
		bool begun = call->id == running;

		if (call->state == CALL_SENT && unheard > 0) {
			unheard--;
			begun = true;
		}
		lose(call, begun);
	}
	list_move(&remote->waiting, &newer);
	if (remote->retry_after_s != 0) {
		calls_refuse_waiting(remote);
	}
}

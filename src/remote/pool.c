/* SPDX-License-Identifier: MIT */
/* The processes of one version of a plugin, seen from a worker. */
#include "remote/pool.h"

#include <stdlib.h>

#include "base/memory.h"
#include "remote/state.h"

/* What clients are told who come too late: the next server may be there by then. */
#define ORPHANED_RETRY_S 1

/* A call that no process has yet. */
struct turn {
	struct list link;	/* in pool.turns */
	struct timer timer;
	struct pool *pool;
	struct exchange *exchange;
	uint32_t instance;
	uint32_t timeout_ms;
};

struct pool {
	struct loop *loop;	/* borrowed */
	struct pool_ops ops;
	struct remote **remotes;	/* owned; they are not */
	size_t count;
	struct list turns;	/* calls that wait, in order */
	size_t waiting;		/* how many they are */
	uint32_t max_queue;
	uint32_t retry_after_s;	/* not 0: calls are refused */
	bool blocking;
};

struct pool *pool_new(struct loop *loop, const struct pool_ops *ops)
{
	struct pool *pool = memory_new(1, sizeof(*pool));

	pool->loop = loop;
	pool->ops = *ops;
	list_init(&pool->turns);
	return pool;
}

/* Its exchange is the caller's from now on. */
static struct exchange *end_turn(struct turn *turn)
{
	struct pool *pool = turn->pool;
	struct exchange *exchange = turn->exchange;

	exchange->handler_ops = NULL;
	exchange->call = NULL;
	timer_cancel(&turn->timer);
	list_remove(&turn->link);
	free(turn);
	pool->waiting--;
	pool->ops.waiting(pool->ops.arg, pool->waiting);
	return exchange;
}

static void refuse(const struct pool *pool, struct exchange *exchange)
{
	remote_refuse(exchange, pool->retry_after_s);
}

static void refuse_turns(struct pool *pool)
{
	while (!list_empty(&pool->turns)) {
		refuse(pool, end_turn(LIST_OWNER(pool->turns.next, struct turn, link)));
	}
}

void pool_free(struct pool *pool)
{
	if (pool != NULL) {
		refuse_turns(pool);
		free(pool->remotes);
		free(pool);
	}
}

void pool_set(struct pool *pool, bool blocking, uint32_t max_queue)
{
	pool->blocking = blocking;
	pool->max_queue = max_queue;
	for (size_t i = 0; i < pool->count; i++) {
		pool->remotes[i]->blocking = blocking;
	}
}

void pool_add(struct pool *pool, struct remote *remote)
{
	remote->blocking = pool->blocking;
	if (pool->count > 0) {
		remote_copy(remote, pool->remotes[0]);
	}
	pool->remotes = memory_grow(pool->remotes, pool->count + 1,
	    sizeof(struct remote *));
	pool->remotes[pool->count++] = remote;
}

void pool_dismiss(struct pool *pool, struct remote *remote)
{
	size_t kept = 0;

	for (size_t i = 0; i < pool->count; i++) {
		if (pool->remotes[i] != remote) {
			pool->remotes[kept++] = pool->remotes[i];
		}
	}
	pool->count = kept;
	remote_leave(remote);
}

/* All have had the same opened, in the same order: so the numbers are the same. */
int pool_open(struct pool *pool, const struct open_message *message, uint32_t *instance)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < pool->count; i++) {
		rc = remote_open(pool->remotes[i], message, instance);
	}
	return rc;
}

void pool_retire(struct pool *pool, uint32_t instance, int why)
{
	for (size_t i = 0; i < pool->count; i++) {
		remote_retire(pool->remotes[i], instance, why);
	}
}

void pool_shut(struct pool *pool, uint32_t instance)
{
	for (size_t i = 0; i < pool->count; i++) {
		remote_shut(pool->remotes[i], instance);
	}
}

void pool_stop(struct pool *pool)
{
	for (size_t i = 0; i < pool->count; i++) {
		remote_stop(pool->remotes[i]);
	}
}

bool pool_opens(const struct pool *pool, uint32_t instance)
{
	for (size_t i = 0; i < pool->count; i++) {
		if (!remote_refuses(pool->remotes[i], instance)) {
			return true;
		}
	}
	return false;
}

/* The first: those at the end rest, so that the others find their caches warm. */
static struct remote *find_free(const struct pool *pool, uint32_t instance)
{
	for (size_t i = 0; i < pool->count; i++) {
		struct remote *remote = pool->remotes[i];

		if (remote_is_free(remote) && !remote_refuses(remote, instance)) {
			return remote;
		}
	}
	return NULL;
}

/* None was free in time; what it had to wait for is not its fault. */
static void on_timer(struct timer *timer)
{
	exchange_fail(end_turn(LIST_OWNER(timer, struct turn, timer)), 504,
	    "no process of the handler was free in time");
}

static void on_gone(struct exchange *exchange)
{
	(void)end_turn(exchange->call);
}

static const struct exchange_handler_ops turn_ops = { .gone = on_gone };

static struct turn *new_turn(struct pool *pool, uint32_t instance,
    struct exchange *exchange, uint32_t timeout_ms)
{
	struct turn *turn = calloc(1, sizeof(*turn));

	if (turn == NULL) {
		return NULL;
	}
	*turn = (struct turn){ .pool = pool, .exchange = exchange, .instance = instance,
		.timeout_ms = timeout_ms };
	exchange->call = turn;
	exchange->handler_ops = &turn_ops;
	list_init(&turn->link);
	timer_init(&turn->timer, on_timer);
	timer_set(&pool->loop->timers, &turn->timer, pool->loop->now_ms + timeout_ms);
	pool->waiting++;
	pool->ops.waiting(pool->ops.arg, pool->waiting);
	return turn;
}

static void wait_for_turn(struct pool *pool, uint32_t instance, struct exchange *exchange,
    uint32_t timeout_ms)
{
	struct turn *turn = NULL;

	if (pool->waiting >= pool->max_queue) {
		pool->ops.full(pool->ops.arg);
	} else {
		turn = new_turn(pool, instance, exchange, timeout_ms);
	}
	if (turn == NULL) {
		refuse(pool, exchange);
	} else {
		list_append(&pool->turns, &turn->link);
	}
}

void pool_call(struct pool *pool, uint32_t instance, struct exchange *exchange,
    uint32_t timeout_ms)
{
	struct remote *remote;

	if (!pool->blocking) {
		remote_call(pool->remotes[0], instance, exchange, timeout_ms);
		return;
	}
	/* A filter's call is as long as its request: none is a process's one call. */
	if (pool->retry_after_s != 0 || !pool_opens(pool, instance) ||
	    exchange->stage != NULL) {
		refuse(pool, exchange);
		return;
	}
	/* Whoever waits has waited for a process of another route. */
	remote = find_free(pool, instance);
	if (remote != NULL) {
		remote_call(remote, instance, exchange, timeout_ms);
	} else {
		wait_for_turn(pool, instance, exchange, timeout_ms);
	}
}

static bool any_free(const struct pool *pool)
{
	for (size_t i = 0; i < pool->count; i++) {
		if (remote_is_free(pool->remotes[i])) {
			return true;
		}
	}
	return false;
}

void pool_go_on(struct pool *pool)
{
	struct list *link = pool->turns.next;

	while (link != &pool->turns && any_free(pool)) {
		struct turn *turn = LIST_OWNER(link, struct turn, link);
		struct remote *remote = find_free(pool, turn->instance);
		uint32_t instance = turn->instance;
		uint32_t timeout_ms = turn->timeout_ms;

		link = link->next;
		if (remote != NULL) {
			remote_call(remote, instance, end_turn(turn), timeout_ms);
		}
	}
}

void pool_again(struct pool *pool, uint32_t instance, struct exchange *exchange,
    uint32_t timeout_ms)
{
	struct turn *turn = NULL;

	if (pool->retry_after_s == 0) {
		turn = new_turn(pool, instance, exchange, timeout_ms);
	}
	if (turn == NULL) {
		refuse(pool, exchange);
	} else {
		list_append(pool->turns.next, &turn->link);
		pool_go_on(pool);
	}
}

/* WebSockets stay where they are put: to where there are the fewest. */
static struct remote *find_quiet(const struct pool *pool, uint32_t instance)
{
	struct remote *found = pool->remotes[0];
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < pool->count; i++) {
		struct remote *remote = pool->remotes[i];

		if (remote->tunnels.count < least && remote_has_host(remote) &&
		    !remote_refuses(remote, instance)) {
			least = remote->tunnels.count;
			found = remote;
		}
	}
	return found;
}

void pool_connect(struct pool *pool, uint32_t instance, struct duplex *duplex,
    struct exchange *upgrade, uint32_t timeout_ms)
{
	remote_connect(find_quiet(pool, instance), instance, duplex, upgrade, timeout_ms);
}

void pool_break(struct pool *pool, uint32_t retry_after_s)
{
	pool->retry_after_s = retry_after_s;
	refuse_turns(pool);
	for (size_t i = 0; i < pool->count; i++) {
		remote_break(pool->remotes[i], retry_after_s);
	}
}

void pool_orphan(struct pool *pool)
{
	pool_break(pool, ORPHANED_RETRY_S);
	for (size_t i = 0; i < pool->count; i++) {
		remote_orphan(pool->remotes[i]);
	}
}

void pool_mend(struct pool *pool)
{
	pool->retry_after_s = 0;
	for (size_t i = 0; i < pool->count; i++) {
		pool->remotes[i]->retry_after_s = 0;
	}
	pool_go_on(pool);
}

bool pool_idle(const struct pool *pool)
{
	for (size_t i = 0; i < pool->count; i++) {
		if (!remote_idle(pool->remotes[i])) {
			return false;
		}
	}
	return pool->waiting == 0;
}

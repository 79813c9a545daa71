/* SPDX-License-Identifier: MIT */
/* A request's way through its filters. */
#include "worker/chain.h"

#include "exchange/stage.h"
#include "worker/dispatch.h"
#include "worker/exchanges.h"
#include "worker/websocket.h"

struct chain {
	struct worker *worker;
	struct exchange *root;		/* the session's */
	struct exchange *last;		/* the innermost so far */
	const struct site_chain *filters;
	size_t met;			/* filters so far */
	bool complete;			/* the request */
	bool through;			/* all have let it go on */
};

/* A stage, and whose it is; in its outer exchange's memory. */
struct link {
	struct stage stage;
	const struct site_route *filter;
};

static void run_moved(struct worker *worker)
{
	while (!list_empty(&worker->stages)) {
		stage_run(LIST_OWNER(worker->stages.next, struct stage, moved));
	}
}

static void on_moved(struct deferred *deferred)
{
	run_moved(LIST_OWNER(deferred, struct worker, staging));
}

static void on_rested(struct deferred *deferred)
{
	struct worker *worker = LIST_OWNER(deferred, struct worker, rested);

	list_move(&worker->stages, &worker->resting);
	run_moved(worker);
}

void chains_init(struct worker *worker)
{
	list_init(&worker->stages);
	list_init(&worker->resting);
	deferred_init(&worker->staging, on_moved);
	deferred_init(&worker->rested, on_rested);
}

static void wake(struct stage *stage)
{
	const struct chain *chain = stage->owner;
	struct worker *worker = chain->worker;

	list_remove(&stage->moved);
	list_append(&worker->stages, &stage->moved);
	loop_defer(worker->loop, &worker->staging);
}

static void rest(struct stage *stage)
{
	const struct chain *chain = stage->owner;
	struct worker *worker = chain->worker;

	list_remove(&stage->moved);
	list_append(&worker->resting, &stage->moved);
	loop_soon(worker->loop, &worker->rested);
}

static void enter(struct chain *chain, struct stage *stage)
{
	struct exchange *inner = worker_take_exchange(chain->worker);

	exchange_unwatch(stage->outer);
	if (inner == NULL) {
		exchange_fail(stage->outer, 503, "out of memory");
		return;
	}
	stage_enter(stage, inner);
	chain->last = inner;
}

/* The fields that filters have set, the innermost first, as if a reply came by. */
static int collect(struct chain *chain, const struct stage *stage)
{
	struct exchange *root = chain->root;
	int rc = 0;

	if (stage->inner != NULL && stage->inner->stage != NULL) {
		rc = collect(chain, stage->inner->stage);
	}
	return rc != 0 ? rc : edits_apply(&stage->edits, root);
}

static int copy_head(struct head *to, struct arena *arena, const struct head *from)
{
	int rc = 0;

	head_init(to, arena, from->max_bytes, from->max_fields);
	for (size_t i = 0; rc == 0 && i < from->count; i++) {
		rc = head_add(to, head_name(from, i), head_value(from, i));
	}
	return rc;
}

/* A refusal of the server's own has their fields, too. */
static int keep_given(struct exchange *root)
{
	root->given = arena_alloc(&root->arena, sizeof(*root->given));
	return root->given == NULL ? ERR_NOMEM :
	    copy_head(root->given, &root->arena, &root->reply.head);
}

/* What is about to be a WebSocket has no reply that filters could see: their fields go
 * into its handshake, and they are done. */
static void dissolve(struct chain *chain)
{
	struct exchange *root = chain->root;
	struct exchange *inner = root->stage->inner;
	int rc;

	reply_init(&root->reply, &root->arena);
	rc = collect(chain, root->stage);
	rc = rc != 0 ? rc : keep_given(root);
	/* A handshake has no length; a handler that refuses with a reply says its own. */
	root->reply.content_length = -1;
	if (rc == 0) {
		rc = copy_head(&root->request.head, &root->arena,
		    &chain->last->request.head);
	}
	chain_release(root);
	root->stage = NULL;
	root->edits = NULL;
	root->held = false;
	root->handler_ops = NULL;
	root->upgrade = true;
	worker_give_exchange(chain->worker, inner);
	if (rc != 0) {
		exchange_fail(root, 500, "out of memory");
	}
}

/* The answer is up to who stands behind all filters. */
static void arrive(struct chain *chain)
{
	struct exchange *last = chain->last;

	chain->through = true;
	chain->root->deciding = false;
	dispatch_answer(chain->worker, last);
	if (last->state == EXCHANGE_OPEN && last->upgrade) {
		if (websocket_judge(chain->worker, last)) {
			dissolve(chain);
		}
		return;
	}
	if (last->state == EXCHANGE_OPEN && chain->complete) {
		dispatch_handler(chain->worker, last);
	}
}

static void next(struct stage *stage);

static const struct stage_ops ops = { .wake = wake, .rest = rest, .next = next };

/* Lets the next filter have the request: the stage, or NULL if it cannot. */
static struct stage *ask(struct chain *chain)
{
	struct exchange *outer = chain->last;
	struct link *link = arena_alloc(&outer->arena, sizeof(*link));

	if (link == NULL) {
		exchange_fail(outer, 503, "out of memory");
		return NULL;
	}
	link->filter = chain->filters->items[chain->met++];
	stage_init(&link->stage, outer, &ops, chain);
	dispatch_filter(chain->worker, link->filter, &link->stage);
	return &link->stage;
}

static void advance(struct chain *chain)
{
	while (chain->met < chain->filters->count) {
		struct stage *stage = ask(chain);

		/* One that lets go and then fails has ended it: stage_run sees that. */
		if (stage == NULL || stage->state != STAGE_NEXT ||
		    stage->outer->state != EXCHANGE_OPEN) {
			return;
		}
		list_remove(&stage->moved);
		enter(chain, stage);
		if (stage->state != STAGE_BEHIND) {
			return;
		}
	}
	arrive(chain);
}

/* A filter has let it go on later. */
static void next(struct stage *stage)
{
	struct chain *chain = stage->owner;
	struct exchange *root = chain->root;

	enter(chain, stage);
	if (stage->state == STAGE_BEHIND) {
		advance(chain);
	}
	if (root->session != NULL && !root->deciding) {
		root->ops->wake(root);
	}
}

void chain_begin(struct worker *worker, struct exchange *exchange,
    const struct site_chain *filters)
{
	struct chain *chain = arena_alloc(&exchange->arena, sizeof(*chain));

	if (chain == NULL) {
		exchange_fail(exchange, 503, "out of memory");
		return;
	}
	*chain = (struct chain){ .worker = worker, .root = exchange, .last = exchange,
		.filters = filters };
	exchange->deciding = true;
	advance(chain);
	run_moved(worker);
}

void chain_complete(struct exchange *exchange)
{
	struct chain *chain = exchange->stage->owner;
	struct exchange *last = chain->last;

	chain->complete = true;
	if (chain->through && last->state == EXCHANGE_OPEN) {
		dispatch_handler(chain->worker, last);
	}
	run_moved(chain->worker);
}

struct exchange *chain_last(struct exchange *exchange)
{
	const struct chain *chain = exchange->stage == NULL ? NULL
	    : exchange->stage->owner;

	return chain == NULL ? exchange : chain->last;
}

const struct site_route *chain_answerer(const struct exchange *exchange)
{
	const struct stage *stage;

	while ((stage = exchange->stage) != NULL && stage->passed) {
		exchange = stage->inner;
	}
	return stage == NULL ? exchange->match.value
	    : LIST_OWNER(stage, struct link, stage)->filter;
}

void chain_release(struct exchange *exchange)
{
	struct stage *stage = exchange->stage;

	/* The innermost may still look at what is the outermost's. */
	while (stage != NULL) {
		stage_release(stage);
		stage = stage->inner == NULL ? NULL : stage->inner->stage;
	}
}

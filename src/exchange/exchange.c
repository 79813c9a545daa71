/* SPDX-License-Identifier: MIT */
/*
 * One request and its reply. The handler side's calls check everything that a handler can
 * get wrong, so that the protocol side may trust a reply: its fields are well formed, its
 * bytes are as many as its Content-Length, and it ends or is broken.
 */
#include "exchange/exchange.h"

#include <string.h>
#include <unistd.h>

/* What exchange_fail may use of the arena when a handler has filled it. */
#define EXCHANGE_RESERVE 8192
/* A larger body's memory is given back after the request. */
#define EXCHANGE_KEPT_BODY 65536

static void clear(struct exchange *exchange)
{
	exchange->arena.max = EXCHANGE_MEMORY;
	reply_init(&exchange->reply, &exchange->arena);
	exchange->written = 0;
	exchange->state = EXCHANGE_OPEN;
	exchange->match.value = NULL;
	exchange->match.pattern = NULL;
	exchange->vhost = NULL;
	exchange->match.params = 0;
	exchange->match.tail = SLICE("");
	exchange->instance = NULL;
	exchange->upgrade = false;
	exchange->upload = (struct upload){ 0 };
	exchange->deciding = false;
	exchange->borrowed = false;
	exchange->id[0] = '\0';
	exchange->started_us = 0;
	exchange->deadline_ms = 0;
	exchange->handler_ops = NULL;
	exchange->call = NULL;
	exchange->held = false;
	exchange->refused = false;
	exchange->unkept = 0;
	exchange->data = NULL;
	exchange->outer = NULL;
	exchange->stage = NULL;
	exchange->edits = NULL;
	exchange->given = NULL;
}

void exchange_init(struct exchange *exchange, const struct exchange_ops *ops,
    void *session)
{
	exchange_reset(exchange);
	exchange->ops = ops;
	exchange->session = session;
}

static void tell_gone(struct exchange *exchange)
{
	const struct exchange_handler_ops *handler = exchange->handler_ops;

	exchange->handler_ops = NULL;
	if (handler != NULL) {
		handler->gone(exchange);
	}
}

void exchange_reset(struct exchange *exchange)
{
	tell_gone(exchange);
	pieces_release(&exchange->pieces);
	arena_reset(&exchange->arena);
	if (exchange->body.capacity > EXCHANGE_KEPT_BODY) {
		buffer_release(&exchange->body);
	} else {
		buffer_reset(&exchange->body);
	}
	clear(exchange);
}

void exchange_release(struct exchange *exchange)
{
	tell_gone(exchange);
	pieces_release(&exchange->pieces);
	buffer_release(&exchange->body);
	arena_release(&exchange->arena);
	clear(exchange);
}

static bool is_head(const struct exchange *exchange)
{
	return exchange->request.method_id == HTTP_HEAD;
}

/* RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5. */
static bool status_has_content(int status)
{
	return status != 204 && status != 205 && status != 304;
}

/* Says the Content-Length what a GET would get, and may the body be shorter? */
static bool length_may_exceed_body(const struct exchange *exchange, int status)
{
	return is_head(exchange) || status == 304;
}

static void advance(struct exchange *exchange, enum exchange_state state)
{
	exchange->state = state;
	exchange->ops->wake(exchange);
}

/* Why there is no more to say. */
static int too_late(const struct exchange *exchange)
{
	return exchange_abandoned(exchange) ? ERR_CLOSED : ERR_INVALID;
}

/* The handler has finished, and knows it no more. */
static void let_go(struct exchange *exchange)
{
	exchange->held = false;
	exchange->handler_ops = NULL;
}

/* It has finished what nobody waits for. While the protocol side is just letting go, it
 * sees that itself. */
static void let_go_late(struct exchange *exchange)
{
	let_go(exchange);
	if (exchange->session == NULL) {
		exchange->ops->wake(exchange);
	}
}

static void finish(struct exchange *exchange, enum exchange_state state)
{
	if (exchange->held) {
		let_go(exchange);
	}
	advance(exchange, state);
}

void exchange_hold(struct exchange *exchange, const struct exchange_handler_ops *ops)
{
	exchange->held = true;
	exchange->handler_ops = ops;
}

void exchange_taken(struct exchange *exchange)
{
	const struct exchange_handler_ops *handler = exchange->handler_ops;

	if (exchange->refused && exchange->state == EXCHANGE_STARTED &&
	    exchange->pieces.copied <= EXCHANGE_LOW && handler != NULL) {
		exchange->refused = false;
		handler->drain(exchange);
	}
}

bool exchange_part(struct exchange *exchange, const struct exchange_ops *ops)
{
	exchange->ops = ops;
	exchange->state = EXCHANGE_GONE;
	tell_gone(exchange);
	pieces_release(&exchange->pieces);
	exchange->session = NULL;
	return !exchange->held;
}

void exchange_desert(struct exchange *exchange, const struct exchange_ops *ops)
{
	exchange->held = true;
	(void)!exchange_part(exchange, ops);
}

/* Bytes of a reply, in one of the forms that a handler may give them. */
struct content {
	enum { CONTENT_COPY, CONTENT_REFERENCE, CONTENT_FILE } form;
	const void *data;
	int64_t size;
	void (*release)(void *arg);	/* of a reference; may be NULL */
	void *arg;
	int fd;				/* of a file; owned */
	int64_t offset;
};

static void drop_content(const struct content *content)
{
	if (content->form == CONTENT_FILE && content->fd >= 0) {
		close(content->fd);
	}
	if (content->form == CONTENT_REFERENCE && content->release != NULL) {
		content->release(content->arg);
	}
}

static bool content_valid(const struct content *content)
{
	if (content->form == CONTENT_FILE) {
		return content->fd >= 0 && content->offset >= 0 && content->size >= 0;
	}
	return content->size == 0 || (content->size > 0 && content->data != NULL);
}

static int queue_content(struct exchange *exchange, const struct content *content)
{
	struct pieces *pieces = &exchange->pieces;
	struct arena *arena = &exchange->arena;

	if (is_head(exchange)) {
		drop_content(content);
		return 0;
	}
	switch (content->form) {
	case CONTENT_FILE:
		return pieces_add_file(pieces, arena, content->fd, content->offset,
		    content->size);
	case CONTENT_REFERENCE:
		return pieces_add_memory(pieces, arena, content->data,
		    (size_t)content->size, content->release, content->arg);
	default:
		return pieces_add_copy(pieces, arena, content->data,
		    (size_t)content->size);
	}
}

static bool may_start(const struct exchange *exchange, int status, const char *type)
{
	int least = exchange->upgrade ? 300 : 200;

	return exchange->state == EXCHANGE_OPEN && status >= least && status <= 599 &&
	    (type == NULL || head_value_valid(slice_of(type)));
}

static int set_type(struct exchange *exchange, const char *type)
{
	if (type == NULL) {
		return 0;
	}
	head_remove(&exchange->reply.head, SLICE("content-type"));
	return head_add(&exchange->reply.head, SLICE("content-type"), slice_of(type));
}

/* A filter that replies in place of what is behind it has nothing of that in its
 * header. */
static int drop_borrowed(struct exchange *exchange)
{
	struct head *head = &exchange->reply.head;

	if (!exchange->borrowed) {
		return 0;
	}
	exchange->borrowed = false;
	head_init(head, &exchange->arena, head->max_bytes, head->max_fields);
	return edits_apply(exchange->edits, exchange);
}

static void set_status(struct exchange *exchange, int status)
{
	struct reply *reply = &exchange->reply;

	reply->status = status;
	if (status == 204) {
		/* RFC 9110 section 8.6: not even a length of 0. */
		reply->content_length = -1;
	} else if (status == 205) {
		reply->content_length = 0;
	}
}

int exchange_start(struct exchange *exchange, int status, const char *type)
{
	int rc;

	if (!may_start(exchange, status, type)) {
		return too_late(exchange);
	}
	rc = drop_borrowed(exchange);
	rc = rc != 0 ? rc : set_type(exchange, type);
	if (rc != 0) {
		return rc;
	}
	set_status(exchange, status);
	advance(exchange, EXCHANGE_STARTED);
	return 0;
}

static bool may_write(const struct exchange *exchange, const struct content *content)
{
	int64_t length = exchange->reply.content_length;
	int64_t most = length < 0 ? INT64_MAX : length;

	if (exchange->state != EXCHANGE_STARTED || !content_valid(content)) {
		return false;
	}
	if (content->size > 0 && !status_has_content(exchange->reply.status)) {
		return false;
	}
	return content->size <= most - exchange->written;
}

static int write_content(struct exchange *exchange, const struct content *content)
{
	int rc;

	if (!may_write(exchange, content)) {
		drop_content(content);
		return too_late(exchange);
	}
	rc = queue_content(exchange, content);
	if (rc != 0) {
		return rc;
	}
	exchange->written += content->size;
	if (content->size > 0) {
		exchange->ops->wake(exchange);
	}
	return 0;
}

static struct content memory_content(const void *data, size_t size)
{
	/* A size past INT64_MAX turns negative, which content_valid refuses. */
	return (struct content){ .data = data, .size = (int64_t)size };
}

static struct content reference_content(const void *data, size_t size,
    void (*release)(void *), void *arg)
{
	return (struct content){ .form = CONTENT_REFERENCE, .data = data,
		.size = (int64_t)size, .release = release, .arg = arg };
}

static struct content file_content(int fd, int64_t offset, int64_t size)
{
	return (struct content){ .form = CONTENT_FILE, .size = size, .fd = fd,
		.offset = offset };
}

static bool is_full(const struct exchange *exchange)
{
	bool waits = exchange->held || exchange->ops->wait != NULL;
	size_t most = waits ? EXCHANGE_HIGH : EXCHANGE_FIRST;

	return exchange->pieces.copied >= most || exchange->unkept >= most;
}

static int make_room(struct exchange *exchange)
{
	if (exchange->ops->wait != NULL && !exchange->held) {
		return exchange->ops->wait(exchange);
	}
	exchange->refused = true;
	return ERR_AGAIN;
}

int exchange_write(struct exchange *exchange, const void *data, size_t size)
{
	struct content content = memory_content(data, size);
	int rc;

	if (exchange->state == EXCHANGE_STARTED && size > EXCHANGE_WRITE_MAX) {
		return ERR_LIMIT;
	}
	if (exchange->state == EXCHANGE_STARTED && size > 0 && is_full(exchange)) {
		rc = make_room(exchange);
		if (rc != 0) {
			return rc;
		}
	}
	rc = write_content(exchange, &content);
	if (rc == 0 && is_head(exchange)) {
		exchange->unkept += size;
	}
	return rc;
}

int exchange_pass(struct exchange *exchange, const void *data, size_t size)
{
	struct content content = memory_content(data, size);

	return write_content(exchange, &content);
}

int exchange_write_ref(struct exchange *exchange, const void *data, size_t size,
    void (*release)(void *), void *arg)
{
	struct content content = reference_content(data, size, release, arg);

	return write_content(exchange, &content);
}

int exchange_write_file(struct exchange *exchange, int fd, int64_t offset, int64_t size)
{
	struct content content = file_content(fd, offset, size);

	return write_content(exchange, &content);
}

int exchange_end(struct exchange *exchange)
{
	const struct reply *reply = &exchange->reply;

	if (exchange_abandoned(exchange)) {
		let_go_late(exchange);
		return 0;
	}
	if (exchange->state != EXCHANGE_STARTED) {
		return ERR_INVALID;
	}
	if (exchange->written < reply->content_length &&
	    !length_may_exceed_body(exchange, reply->status)) {
		finish(exchange, EXCHANGE_BROKEN);
		return ERR_INVALID;
	}
	finish(exchange, EXCHANGE_ENDED);
	return 0;
}

int exchange_abort(struct exchange *exchange)
{
	if (exchange_abandoned(exchange)) {
		let_go_late(exchange);
		return 0;
	}
	if (exchange->state > EXCHANGE_STARTED) {
		return ERR_INVALID;
	}
	pieces_release(&exchange->pieces);
	finish(exchange, EXCHANGE_BROKEN);
	return 0;
}

static bool may_reply(const struct exchange *exchange, int status, const char *type,
    const struct content *content)
{
	int64_t length = exchange->reply.content_length;

	if (!may_start(exchange, status, type) || !content_valid(content)) {
		return false;
	}
	if (!status_has_content(status)) {
		return content->size == 0;
	}
	return length < 0 || length == content->size ||
	    (is_head(exchange) && content->size == 0);
}

static int reply_content(struct exchange *exchange, int status, const char *type,
    const struct content *content)
{
	int rc;

	if (exchange_abandoned(exchange)) {
		drop_content(content);
		let_go_late(exchange);
		return 0;
	}
	if (!may_reply(exchange, status, type, content)) {
		drop_content(content);
		return ERR_INVALID;
	}
	if (content->form == CONTENT_COPY && content->size > EXCHANGE_WRITE_MAX) {
		return ERR_LIMIT;
	}
	rc = queue_content(exchange, content);
	if (rc != 0) {
		return rc;
	}
	rc = drop_borrowed(exchange);
	rc = rc != 0 ? rc : set_type(exchange, type);
	if (rc != 0) {
		pieces_release(&exchange->pieces);
		return rc;
	}
	exchange->written = content->size;
	if (exchange->reply.content_length < 0 && status != 304) {
		exchange->reply.content_length = content->size;
	}
	set_status(exchange, status);
	finish(exchange, EXCHANGE_ENDED);
	return 0;
}

int exchange_reply(struct exchange *exchange, int status, const char *type,
    const void *data, size_t size)
{
	struct content content = memory_content(data, size);

	return reply_content(exchange, status, type, &content);
}

int exchange_reply_ref(struct exchange *exchange, int status, const char *type,
    const void *data, size_t size, void (*release)(void *), void *arg)
{
	struct content content = reference_content(data, size, release, arg);

	return reply_content(exchange, status, type, &content);
}

int exchange_reply_file(struct exchange *exchange, int status, const char *type, int fd,
    int64_t offset, int64_t size)
{
	struct content content = file_content(fd, offset, size);

	return reply_content(exchange, status, type, &content);
}

/* What a status is about. */
static const struct slice failure_fields[] = { { "allow", 5 }, { "retry-after", 11 },
	{ "sec-websocket-version", 21 } };
#define FAILURE_FIELDS (sizeof(failure_fields) / sizeof(failure_fields[0]))

static bool is_of_failure(struct slice name)
{
	for (size_t i = 0; i < FAILURE_FIELDS; i++) {
		if (slice_equal_nocase(name, failure_fields[i])) {
			return true;
		}
	}
	return false;
}

/* Those of a failure are with the others, by now as the server wants them. */
static int put_given(struct exchange *exchange)
{
	const struct head *given = exchange->given;
	int rc = 0;

	for (size_t i = 0; given != NULL && rc == 0 && i < given->count; i++) {
		if (!is_of_failure(head_name(given, i))) {
			rc = head_add(&exchange->reply.head, head_name(given, i),
			    head_value(given, i));
		}
	}
	return rc;
}

/* Replies anew, without what the handler had set but for what the status is about. */
static int put_failure(struct exchange *exchange, int status, const char *reason)
{
	struct head old = exchange->reply.head;
	bool ours = status >= 500 && exchange->id[0] != '\0';
	char *text;

	exchange->borrowed = false;
	reply_init(&exchange->reply, &exchange->arena);
	if (put_given(exchange) != 0) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < FAILURE_FIELDS; i++) {
		struct slice value = head_find(&old, failure_fields[i]);

		if (value.data != NULL &&
		    head_add(&exchange->reply.head, failure_fields[i], value) != 0) {
			return ERR_NOMEM;
		}
	}
	text = arena_printf(&exchange->arena, "%d %s%s%s%s%s%s\n", status,
	    http_status_phrase(status), reason == NULL ? "" : ": ",
	    reason == NULL ? "" : reason, ours ? " (request " : "",
	    ours ? exchange->id : "", ours ? ")" : "");
	if (text == NULL) {
		return ERR_NOMEM;
	}
	return exchange_reply_ref(exchange, status, "text/plain; charset=utf-8", text,
	    status_has_content(status) ? strlen(text) : 0, NULL, NULL);
}

void exchange_fail(struct exchange *exchange, int status, const char *reason)
{
	if (exchange_abandoned(exchange)) {
		let_go_late(exchange);
	} else if (exchange->state == EXCHANGE_STARTED) {
		finish(exchange, EXCHANGE_BROKEN);
	} else if (exchange->state == EXCHANGE_OPEN) {
		exchange->arena.max = EXCHANGE_MEMORY + EXCHANGE_RESERVE;
		if (put_failure(exchange, status, reason) != 0) {
			finish(exchange, EXCHANGE_BROKEN);
		}
	}
}

void exchange_overrule(struct exchange *exchange, int status, const char *reason)
{
	bool held = exchange->held;

	if (exchange->state > EXCHANGE_STARTED) {
		return;
	}
	/* It is the server that finishes. */
	exchange->held = false;
	exchange_fail(exchange, status, reason);
	exchange->held = held;
	tell_gone(exchange);
}

void exchange_expire(struct exchange *exchange)
{
	if (exchange->state == EXCHANGE_OPEN) {
		exchange_overrule(exchange, 504, "the handler did not answer in time");
	}
}

static const struct exchange *outermost(const struct exchange *exchange)
{
	while (exchange->outer != NULL) {
		exchange = exchange->outer;
	}
	return exchange;
}

const struct buffer *exchange_body(const struct exchange *exchange)
{
	return &outermost(exchange)->body;
}

const struct head *exchange_trailer(const struct exchange *exchange)
{
	return &outermost(exchange)->request.trailer;
}

int exchange_refuse_length(const char **reason)
{
	*reason = "the body is larger than this server takes";
	return 413;
}

int exchange_judge_length(const struct exchange *exchange, const char **reason)
{
	const struct upload *upload = &exchange->upload;
	int64_t length = exchange->request.content_length;
	/* One byte stays free for the NUL behind a whole body. */
	uint64_t most = upload->on ? upload->max : exchange->body.max - 1;

	return length < 0 || (uint64_t)length <= most ? 0 :
	    exchange_refuse_length(reason);
}

int exchange_take_body(struct exchange *exchange, struct slice body, const char **reason)
{
	struct buffer *held = &exchange->body;

	if (held->size + body.size >= held->max) {
		return exchange_refuse_length(reason);
	}
	if (buffer_append(held, body.data, body.size) != 0) {
		*reason = "out of memory";
		return 503;
	}
	return 0;
}

bool exchange_sends_trailer(const struct exchange *exchange)
{
	return exchange->reply.trailer.count > 0 &&
	    head_has_token(&exchange->request.head, SLICE("te"), SLICE("trailers"));
}

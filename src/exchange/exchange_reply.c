/* SPDX-License-Identifier: MIT */
/*
 * What the handler side says. Everything is checked that a handler can get wrong, so that
 * the protocol side may trust a reply: its fields are well formed, its bytes are as many
 * as its Content-Length, and it ends or is broken.
 */
#include "exchange/exchange_parts.h"

#include <unistd.h>

static bool is_head(const struct exchange *exchange)
{
	return exchange->request.method_id == HTTP_HEAD;
}

bool exchange_has_content(int status)
{
	return status != 204 && status != 205 && status != 304;
}

/* Says the Content-Length what a GET would get, and may the body be shorter? */
static bool length_may_exceed_body(const struct exchange *exchange, int status)
{
	return is_head(exchange) || status == 304;
}

/* Why there is no more to say. */
static int too_late(const struct exchange *exchange)
{
	return exchange_abandoned(exchange) ? ERR_CLOSED : ERR_INVALID;
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
	exchange_advance(exchange, EXCHANGE_STARTED);
	return 0;
}

static bool may_write(const struct exchange *exchange, const struct content *content)
{
	int64_t length = exchange->reply.content_length;
	int64_t most = length < 0 ? INT64_MAX : length;

	if (exchange->state != EXCHANGE_STARTED || !content_valid(content)) {
		return false;
	}
	if (content->size > 0 && !exchange_has_content(exchange->reply.status)) {
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
		exchange_let_go_late(exchange);
		return 0;
	}
	if (exchange->state != EXCHANGE_STARTED) {
		return ERR_INVALID;
	}
	if (exchange->written < reply->content_length &&
	    !length_may_exceed_body(exchange, reply->status)) {
		exchange_finish(exchange, EXCHANGE_BROKEN);
		return ERR_INVALID;
	}
	exchange_finish(exchange, EXCHANGE_ENDED);
	return 0;
}

int exchange_abort(struct exchange *exchange)
{
	if (exchange_abandoned(exchange)) {
		exchange_let_go_late(exchange);
		return 0;
	}
	if (exchange->state > EXCHANGE_STARTED) {
		return ERR_INVALID;
	}
	pieces_release(&exchange->pieces);
	exchange_finish(exchange, EXCHANGE_BROKEN);
	return 0;
}

static bool may_reply(const struct exchange *exchange, int status, const char *type,
    const struct content *content)
{
	int64_t length = exchange->reply.content_length;

	if (!may_start(exchange, status, type) || !content_valid(content)) {
		return false;
	}
	if (!exchange_has_content(status)) {
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
		exchange_let_go_late(exchange);
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
	exchange_finish(exchange, EXCHANGE_ENDED);
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

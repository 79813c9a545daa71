/* SPDX-License-Identifier: MIT */
/* Both ends of what a peer tells a host. */
#include "remote/request.h"

#include <string.h>

#include "exchange/stage.h"
#include "ipc/pack.h"
#include "remote/fields.h"

#define BODY_MAX ((size_t)1 << 40)	/* the worker has held it against its own limit */

static int pack_string(struct buffer *out, const char *text)
{
	return pack_text(out, slice_of(text));
}

static int pack_setting(struct buffer *out, const struct setting *setting)
{
	int rc = pack_u8(out, (uint8_t)setting->type);

	rc = rc != 0 ? rc : pack_string(out, setting->path);
	rc = rc != 0 ? rc : pack_string(out, setting->text);
	rc = rc != 0 ? rc : pack_string(out, setting->json);
	rc = rc != 0 ? rc : pack_string(out, setting->where);
	rc = rc != 0 ? rc : pack_u64(out, (uint64_t)setting->integer);
	return rc != 0 ? rc : pack_u64(out, setting->length);
}

int open_pack(struct buffer *out, uint32_t instance, const struct open_message *message)
{
	size_t mark;
	int rc = frame_begin(out, FRAME_OPEN, 0, instance, &mark);

	rc = rc != 0 ? rc : pack_string(out, message->pattern);
	rc = rc != 0 ? rc : pack_string(out, message->directory);
	rc = rc != 0 ? rc : pack_string(out, message->where);
	rc = rc != 0 ? rc : pack_u32(out, (uint32_t)message->settings.count);
	for (size_t i = 0; rc == 0 && i < message->settings.count; i++) {
		rc = pack_setting(out, &message->settings.items[i]);
	}
	return frame_finish(out, mark, rc, 0);
}

static void unpack_setting(struct unpack *in, struct settings *settings)
{
	uint8_t type = unpack_u8(in);
	const char *path = unpack_string(in);
	const char *text = unpack_string(in);
	const char *json = unpack_string(in);
	const char *where = unpack_string(in);
	uint64_t integer = unpack_u64(in);
	uint64_t length = unpack_u64(in);
	struct setting *setting;

	if (type > SETTING_OBJECT) {
		in->failed = true;
	}
	if (!in->failed) {
		setting = settings_add(settings, path, (enum setting_type)type, text,
		    json, where);
		setting->integer = (int64_t)integer;
		setting->length = length;
	}
}

int open_unpack(const struct frame *frame, struct open_message *message)
{
	struct unpack in = { .rest = frame->payload };
	uint32_t count;

	settings_init(&message->settings);
	message->pattern = unpack_string(&in);
	message->directory = unpack_string(&in);
	message->where = unpack_string(&in);
	count = unpack_u32(&in);
	for (uint32_t i = 0; i < count && !in.failed; i++) {
		unpack_setting(&in, &message->settings);
	}
	return unpack_done(&in) ? 0 : ERR_PROTOCOL;
}

static int pack_params(struct buffer *out, const struct router_match *match)
{
	int rc = pack_u32(out, (uint32_t)match->params);

	for (size_t i = 0; rc == 0 && i < match->params; i++) {
		rc = pack_text(out, match->names[i]);
		rc = rc != 0 ? rc : pack_text(out, match->values[i]);
	}
	return rc;
}

/* Where the first fact of a certificate is not known, there are no more of them. */
static bool is_last_fact(size_t i, bool known)
{
	return i == EXCHANGE_FACTS_PLAIN && !known;
}

static int make_facts(struct buffer *out, const struct exchange *exchange)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < EXCHANGE_FACTS; i++) {
		const char *value = exchange->ops->info(exchange, exchange_facts[i]);

		rc = pack_u8(out, value != NULL);
		if (rc == 0 && value != NULL) {
			rc = pack_string(out, value);
		}
		if (is_last_fact(i, value != NULL)) {
			break;
		}
	}
	return rc;
}

/* Made once a connection: to ask for all facts costs more than all else in a request. */
static int pack_facts(struct buffer *out, const struct exchange *exchange)
{
	struct buffer *kept = exchange->ops->facts == NULL ?
	    NULL :
	    exchange->ops->facts(exchange);
	struct slice made;
	int rc = 0;

	if (kept == NULL) {
		return make_facts(out, exchange);
	}
	if (kept->size == 0) {
		rc = make_facts(kept, exchange);
		if (rc != 0) {
			buffer_reset(kept);
			return rc;
		}
	}
	made = buffer_slice(kept);
	return buffer_append(out, made.data, made.size);
}

static int pack_line(struct buffer *out, const struct exchange *exchange)
{
	const struct request *request = &exchange->request;
	const char *vhost = exchange->vhost == NULL ? "" : exchange->vhost;
	/* A filter sees also what has no route. */
	const char *pattern = exchange->match.pattern == NULL ? ""
	    : exchange->match.pattern;
	int rc = pack_u8(out, (uint8_t)request->version);

	rc = rc != 0 ? rc : pack_u32(out, (uint32_t)request->method_id);
	rc = rc != 0 ? rc : pack_text(out, request->method);
	rc = rc != 0 ? rc : pack_text(out, request->target);
	rc = rc != 0 ? rc : pack_text(out, request->authority);
	rc = rc != 0 ? rc : pack_text(out, request->path);
	rc = rc != 0 ? rc : pack_text(out, request->query);
	rc = rc != 0 ? rc : pack_string(out, pattern);
	rc = rc != 0 ? rc : pack_string(out, vhost);
	return rc != 0 ? rc : pack_text(out, exchange->match.tail);
}

static int pack_body(struct buffer *out, uint64_t id, struct slice body)
{
	int rc = 0;

	while (rc == 0 && body.size > 0) {
		size_t size = body.size < FRAME_DATA_MAX ? body.size : FRAME_DATA_MAX;

		rc = frame_append(out, FRAME_BODY, size == body.size ? FRAME_LAST : 0, 0,
		    id, (struct slice){ body.data, size });
		slice_skip(&body, size);
	}
	return rc;
}

int request_pack_head(struct buffer *out, uint32_t instance,
    const struct exchange *exchange)
{
	int rc = pack_u32(out, instance);

	rc = rc != 0 ? rc : pack_string(out, exchange->id);
	rc = rc != 0 ? rc : pack_u64(out, (uint64_t)exchange->deadline_ms);
	rc = rc != 0 ? rc : pack_line(out, exchange);
	rc = rc != 0 ? rc : pack_params(out, &exchange->match);
	rc = rc != 0 ? rc : fields_pack(out, &exchange->request.head);
	rc = rc != 0 ? rc : fields_pack(out, exchange_trailer(exchange));
	return rc != 0 ? rc : pack_facts(out, exchange);
}

int request_pack(struct buffer *out, uint64_t id, uint32_t instance,
    const struct exchange *exchange)
{
	bool filter = exchange->stage != NULL;
	bool streams = !filter && upload_is_on(exchange);
	struct slice body = streams || filter ? SLICE("")
	    : buffer_slice(exchange_body(exchange));
	bool more = body.size > FRAME_DATA_MAX;
	size_t mark;
	enum frame_body form = streams ? FRAME_BODY_STREAMS :
	    more ? FRAME_BODY_FOLLOWS : FRAME_BODY_NONE;
	int rc = frame_begin(out, filter ? FRAME_FILTER : FRAME_REQUEST, form, id, &mark);

	rc = rc != 0 ? rc : request_pack_head(out, instance, exchange);
	rc = rc != 0 ? rc : pack_text(out, more ? SLICE("") : body);
	rc = frame_finish(out, mark, rc,
	    filter && exchange->stage->unasked ? FRAME_MORE : 0);
	if (rc == 0 && more) {
		rc = pack_body(out, id, body);
	}
	if (rc != 0) {
		out->size = mark;
	}
	return rc;
}

/* Fields stay where the payload's copy has them: nothing is copied a second time. */
static int unpack_head(struct unpack *in, const char *base, struct head *head)
{
	uint32_t count = unpack_u32(in);
	int rc = 0;

	head->text = (char *)base;
	for (uint32_t i = 0; i < count && rc == 0 && !in->failed; i++) {
		struct slice name = unpack_text(in);
		struct slice value = unpack_text(in);

		if (!in->failed) {
			rc = head_add_put(head, (struct head_field){
			    (uint32_t)(name.data - base), (uint32_t)name.size,
			    (uint32_t)(value.data - base), (uint32_t)value.size });
		}
	}
	/* Who adds a field moves the text, all that there is of it. */
	head->size = (uint32_t)(in->rest.data - base);
	head->capacity = head->size;
	return rc;
}

static void unpack_params(struct unpack *in, struct router_match *match)
{
	uint32_t count = unpack_u32(in);

	if (count > ROUTER_MAX_PARAMS) {
		in->failed = true;
		return;
	}
	match->params = count;
	for (uint32_t i = 0; i < count; i++) {
		match->names[i] = unpack_text(in);
		match->values[i] = unpack_text(in);
	}
}

static void unpack_line(struct unpack *in, struct exchange *exchange)
{
	struct request *request = &exchange->request;
	const char *pattern;
	const char *vhost;

	request->version = (enum http_version)unpack_u8(in);
	request->method_id = (enum http_method)unpack_u32(in);
	request->method = unpack_text(in);
	request->target = unpack_text(in);
	request->authority = unpack_text(in);
	request->path = unpack_text(in);
	request->query = unpack_text(in);
	pattern = unpack_string(in);
	exchange->match.pattern = pattern[0] == '\0' ? NULL : pattern;
	vhost = unpack_string(in);
	exchange->vhost = vhost[0] == '\0' ? NULL : vhost;
	exchange->match.tail = unpack_text(in);
}

static void unpack_facts(struct unpack *in, const char *facts[EXCHANGE_FACTS])
{
	memset(facts, 0, EXCHANGE_FACTS * sizeof(*facts));
	for (size_t i = 0; i < EXCHANGE_FACTS; i++) {
		bool known = unpack_u8(in) != 0;

		if (known) {
			facts[i] = unpack_string(in);
		} else if (is_last_fact(i, known)) {
			break;
		}
	}
}

static int unpack_body(struct unpack *in, struct buffer *out, bool more)
{
	struct slice body = unpack_text(in);
	int rc;

	out->max = BODY_MAX;
	rc = buffer_append(out, body.data, body.size);
	return rc != 0 || more ? rc : buffer_terminate(out);
}

int request_unpack(const struct frame *frame, struct exchange *exchange,
    uint32_t *instance, const char *facts[EXCHANGE_FACTS], bool *more)
{
	const char *base = arena_copy(&exchange->arena, frame->payload.data,
	    frame->payload.size);
	struct unpack in = { .rest = { base, frame->payload.size } };
	struct slice id;
	int rc;

	if (base == NULL) {
		return ERR_NOMEM;
	}
	*more = frame->header.code == FRAME_BODY_FOLLOWS;
	if (frame->header.code == FRAME_BODY_STREAMS) {
		upload_begin(exchange, UINT64_MAX);
	}
	request_init(&exchange->request, &exchange->arena, FRAME_MAX, FRAME_MAX);
	*instance = unpack_u32(&in);
	id = unpack_text(&in);
	if (id.size < sizeof(exchange->id)) {
		memcpy(exchange->id, id.data, id.size + 1);
	}
	exchange->deadline_ms = (int64_t)unpack_u64(&in);
	unpack_line(&in, exchange);
	unpack_params(&in, &exchange->match);
	rc = unpack_head(&in, base, &exchange->request.head);
	rc = rc != 0 ? rc : unpack_head(&in, base, &exchange->request.trailer);
	unpack_facts(&in, facts);
	rc = rc != 0 ? rc : unpack_body(&in, &exchange->body, *more);
	return rc != 0 ? rc : unpack_done(&in) ? 0 : ERR_PROTOCOL;
}

int trailer_pack(struct buffer *out, uint64_t id, const struct exchange *exchange)
{
	size_t mark;
	int rc = frame_begin(out, FRAME_TRAILER, 0, id, &mark);

	rc = rc != 0 ? rc : fields_pack(out, exchange_trailer(exchange));
	return frame_finish(out, mark, rc, 0);
}

int trailer_unpack(const struct frame *frame, struct exchange *exchange)
{
	const char *base = arena_copy(&exchange->arena, frame->payload.data,
	    frame->payload.size);
	struct unpack in = { .rest = { base, frame->payload.size } };
	int rc;

	if (base == NULL) {
		return ERR_NOMEM;
	}
	rc = unpack_head(&in, base, &exchange->request.trailer);
	return rc != 0 ? rc : unpack_done(&in) ? 0 : ERR_PROTOCOL;
}

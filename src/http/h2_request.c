/* SPDX-License-Identifier: MIT */
/* From the fields of an HTTP/2 header section to a request. */
#include "http/h2_request.h"

#include <string.h>

#include "http/request_head.h"

#define FIELD_OVERHEAD 32	/* of each field, RFC 9113 section 6.5.2 */

void h2_request_begin(struct h2_request *reader, struct request *request,
    const struct http_limits *limits)
{
	const struct slice none = SLICE("");

	*reader = (struct h2_request){ .request = request, .limits = limits,
		.path = none, .scheme = none };
	request->version = HTTP_2;
}

/* The first reason counts. */
static void refuse(struct h2_request *reader, int status, const char *reason)
{
	if (reader->status == 0) {
		reader->status = status;
		reader->reason = reason;
	}
}

static void refuse_for(struct h2_request *reader, int rc)
{
	if (rc == ERR_LIMIT) {
		refuse(reader, 431, "header too large");
	} else if (rc != 0) {
		refuse(reader, 503, "out of memory");
	}
}

/* Counts a field. Nothing is kept of a section that is too large. */
static int count(struct h2_request *reader, struct slice name, struct slice value)
{
	uint32_t most = reader->limits->max_header_bytes;

	reader->size += name.size + value.size + FIELD_OVERHEAD;
	if (reader->size > most) {
		refuse(reader, 431, "header too large");
	}
	return reader->size > (uint64_t)most + H2_REQUEST_EXCESS ? ERR_LIMIT : 0;
}

static void copy_text(struct h2_request *reader, struct slice text, struct slice *out)
{
	char *copy = arena_copy(reader->request->head.arena, text.data, text.size);

	if (copy == NULL) {
		refuse(reader, 503, "out of memory");
	} else {
		*out = (struct slice){ copy, text.size };
	}
}

/* Handlers look for the authority in Host, and so does the rule that there is one (RFC
 * 9113 section 8.3.1). */
static void take_host(struct h2_request *reader, struct slice host)
{
	struct head *head = &reader->request->head;
	struct slice known = head_find(head, SLICE("host"));

	if (known.data == NULL) {
		refuse_for(reader, head_add(head, SLICE("host"), host));
	} else if (!slice_equal_nocase(known, host)) {
		refuse(reader, 400, "two hosts");
	}
}

static void take_path(struct h2_request *reader, struct slice path)
{
	if (path.size > reader->limits->max_target_bytes) {
		refuse(reader, 414, "target too long");
	} else {
		copy_text(reader, path, &reader->path);
	}
}

static void take_pseudo(struct h2_request *reader, struct slice name, struct slice value)
{
	struct request *request = reader->request;

	if (slice_equal(name, SLICE(":path"))) {
		take_path(reader, value);
	} else if (slice_equal(name, SLICE(":method"))) {
		copy_text(reader, value, &request->method);
		request->method_id = http_method_of(value);
	} else if (slice_equal(name, SLICE(":authority"))) {
		take_host(reader, value);
	} else if (slice_equal(name, SLICE(":scheme"))) {
		copy_text(reader, value, &reader->scheme);
	} else if (slice_equal(name, SLICE(":protocol"))) {
		copy_text(reader, value, &request->protocol);
	} else {
		refuse(reader, 400, "unknown pseudo-field");
	}
}

static struct head_field *find_field(struct head *head, struct slice name)
{
	for (uint32_t i = 0; i < head->count; i++) {
		if (slice_equal(head_name(head, i), name)) {
			return &head->fields[i];
		}
	}
	return NULL;
}

/* Makes the field's value the last text of the head, so that it can grow. */
static int move_last(struct head *head, struct head_field *field)
{
	uint32_t size = field->value_size + 1;

	if (field->value + size == head->size) {
		return 0;
	}
	return head_put(head, head->text + field->value, size, &field->value);
}

/*
 * A client may send a cookie field in crumbs, to compress it better; it is one again
 * before anybody looks at it (RFC 9113 section 8.2.3).
 */
static int add_crumb(struct head *head, struct slice crumb)
{
	struct head_field *cookie = find_field(head, SLICE("cookie"));
	uint32_t offset;
	int rc;

	if (cookie == NULL) {
		return head_add(head, SLICE("cookie"), crumb);
	}
	rc = move_last(head, cookie);
	if (rc == 0) {
		head->size--;		/* over its NUL */
		rc = head_put(head, "; ", 2, &offset);
		rc = rc != 0 ? rc : head_put(head, crumb.data, crumb.size, &offset);
		rc = rc != 0 ? rc : head_put(head, "", 1, &offset);
	}
	if (rc == 0) {
		cookie->value_size += 2 + (uint32_t)crumb.size;
	}
	return rc;
}

int h2_request_field(struct h2_request *reader, struct slice name, struct slice value)
{
	struct head *head = &reader->request->head;

	if (count(reader, name, value) != 0) {
		return ERR_LIMIT;
	}
	if (reader->status != 0) {
		return 0;
	}
	if (name.size > 0 && name.data[0] == ':') {
		take_pseudo(reader, name, value);
	} else if (slice_equal(name, SLICE("host"))) {
		take_host(reader, value);
	} else if (slice_equal(name, SLICE("cookie"))) {
		refuse_for(reader, add_crumb(head, value));
	} else {
		refuse_for(reader, head_add(head, name, value));
	}
	return 0;
}

int h2_request_trailer(struct h2_request *reader, struct slice name, struct slice value)
{
	if (count(reader, name, value) != 0) {
		return ERR_LIMIT;
	}
	if (reader->status == 0 && request_head_trailer_allowed(name)) {
		refuse_for(reader, head_add(&reader->request->trailer, name, value));
	}
	return 0;
}

/* Its target is a host; with a protocol it is like any other (RFC 8441 section 4). */
static bool is_plain_connect(const struct request *request)
{
	return request->method_id == HTTP_CONNECT && request->protocol.size == 0;
}

/* The scheme is the client's word only (RFC 9113 section 8.3.1): a proxy that speaks
 * plain HTTP to its own clients says so here. */
static void judge_pseudo(struct h2_request *reader)
{
	struct slice path = reader->path;

	if (is_plain_connect(reader->request)) {
		return;
	}
	if (reader->request->protocol.size > 0 &&
	    !slice_equal_nocase(reader->request->protocol, SLICE("websocket"))) {
		refuse(reader, 501, "no protocol but websocket is spoken here");
	} else if (!slice_equal_nocase(reader->scheme, SLICE("https")) &&
	    !slice_equal_nocase(reader->scheme, SLICE("http"))) {
		refuse(reader, 400, "unknown scheme");
	} else if (path.size == 0 ||
	    (path.data[0] != '/' && !slice_equal(path, SLICE("*")))) {
		refuse(reader, 400, "invalid path");
	}
}

int h2_request_end(struct h2_request *reader, bool has_body)
{
	struct request *request = reader->request;

	request->has_body = has_body;
	request->target = is_plain_connect(request) ?
	    head_find(&request->head, SLICE("host")) : reader->path;
	if (request->target.data == NULL) {
		request->target = SLICE("");
		refuse(reader, 400, "no host");
	}
	judge_pseudo(reader);
	if (reader->status == 0) {
		reader->status = request_head_judge(request, &reader->reason);
	}
	reader->size = 0;
	return reader->status;
}

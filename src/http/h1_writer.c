/* SPDX-License-Identifier: MIT */
/* The HTTP/1 writer. A header is one reservation, then copies. */
#include "http/h1_writer.h"

#include <assert.h>
#include <string.h>

/* More than what a header holds beside phrase, date and the reply's own fields. */
#define HEAD_OVERHEAD 128
#define FIELD_OVERHEAD 4	/* ": " and CRLF */
#define DECIMAL_BYTES 20

enum h1_framing h1_framing_of(const struct request *request, const struct reply *reply)
{
	if (!http_reply_has_body(request->method_id, reply->status)) {
		return H1_NO_BODY;
	}
	if (reply->content_length >= 0) {
		return H1_LENGTH;
	}
	return request->version == HTTP_1_0 ? H1_UNTIL_CLOSE : H1_CHUNKED;
}

static char *put(char *to, struct slice text)
{
	if (text.size > 0) {
		memcpy(to, text.data, text.size);
	}
	return to + text.size;
}

static char *put_field(char *to, struct slice name, struct slice value)
{
	to = put(to, name);
	to = put(to, SLICE(": "));
	to = put(to, value);
	return put(to, SLICE("\r\n"));
}

static char *put_fields(char *to, const struct head *head)
{
	for (uint32_t i = 0; i < head->count; i++) {
		to = put_field(to, head_name(head, i), head_value(head, i));
	}
	return to;
}

static size_t fields_size(const struct head *head)
{
	size_t size = 0;

	for (uint32_t i = 0; i < head->count; i++) {
		size += (size_t)head->fields[i].name_size + head->fields[i].value_size +
			FIELD_OVERHEAD;
	}
	return size;
}

static char *put_status_line(char *to, int status, struct slice phrase)
{
	const char code[4] = { (char)('0' + status / 100), (char)('0' + status / 10 % 10),
		(char)('0' + status % 10), ' ' };

	to = put(to, SLICE("HTTP/1.1 "));
	to = put(to, (struct slice){ code, sizeof(code) });
	to = put(to, phrase);
	return put(to, SLICE("\r\n"));
}

static char *put_length(char *to, int64_t length)
{
	char digits[DECIMAL_BYTES];
	size_t first = sizeof(digits);

	do {
		digits[--first] = (char)('0' + length % 10);
		length /= 10;
	} while (length > 0);
	return put_field(to, SLICE("content-length"),
	    (struct slice){ digits + first, sizeof(digits) - first });
}

/* The length of a reply without a body is the one that a GET would have got, and is
 * forbidden or must be 0 for some codes (RFC 9110 sections 8.6 and 15.3.6). */
static char *put_framing(char *to, const struct request *request,
    const struct reply *reply, enum h1_framing framing)
{
	int64_t length = reply->content_length;

	if (framing == H1_CHUNKED) {
		return put_field(to, SLICE("transfer-encoding"), SLICE("chunked"));
	}
	if (framing == H1_UNTIL_CLOSE || reply->status < 200 || reply->status == 204) {
		return to;
	}
	if (reply->status == 205) {
		length = 0;
	} else if (request->method_id == HTTP_CONNECT && reply->status < 300) {
		return to;
	}
	return length < 0 ? to : put_length(to, length);
}

static char *put_connection(char *to, enum http_version version, bool keep_alive)
{
	if (!keep_alive) {
		return put_field(to, SLICE("connection"), SLICE("close"));
	}
	if (version == HTTP_1_0) {
		return put_field(to, SLICE("connection"), SLICE("keep-alive"));
	}
	return to;
}

int h1_write_head(struct buffer *out, const struct request *request,
    const struct reply *reply, enum h1_framing framing, bool keep_alive,
    struct slice date)
{
	struct slice phrase = slice_of(http_status_phrase(reply->status));
	size_t most = HEAD_OVERHEAD + phrase.size + date.size + fields_size(&reply->head);
	char *start;
	char *to;
	int rc;

	assert(reply->status >= 100 && reply->status <= 999);
	rc = buffer_reserve(out, most, &start);
	if (rc != 0) {
		return rc;
	}
	to = put_status_line(start, reply->status, phrase);
	if (date.size > 0 && head_find(&reply->head, SLICE("date")).data == NULL) {
		to = put_field(to, SLICE("date"), date);
	}
	to = put_framing(to, request, reply, framing);
	to = put_connection(to, request->version,
	    keep_alive && framing != H1_UNTIL_CLOSE);
	to = put_fields(to, &reply->head);
	to = put(to, SLICE("\r\n"));
	buffer_commit(out, (size_t)(to - start));
	return 0;
}

int h1_write_chunk_start(struct buffer *out, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char line[H1_CHUNK_OVERHEAD];
	size_t first = sizeof(line) - 2;

	assert(size > 0);
	memcpy(line + first, "\r\n", 2);
	do {
		line[--first] = digits[size % 16];
		size /= 16;
	} while (size > 0);
	return buffer_append(out, line + first, sizeof(line) - first);
}

int h1_write_chunk_end(struct buffer *out)
{
	return buffer_append(out, "\r\n", 2);
}

int h1_write_last_chunk(struct buffer *out, const struct head *trailer)
{
	size_t most = sizeof("0\r\n\r\n") - 1 +
	    (trailer == NULL ? 0 : fields_size(trailer));
	char *start;
	char *to;
	int rc = buffer_reserve(out, most, &start);

	if (rc != 0) {
		return rc;
	}
	to = put(start, SLICE("0\r\n"));
	if (trailer != NULL) {
		to = put_fields(to, trailer);
	}
	to = put(to, SLICE("\r\n"));
	buffer_commit(out, (size_t)(to - start));
	return 0;
}

int h1_write_continue(struct buffer *out)
{
	const struct slice text = SLICE("HTTP/1.1 100 Continue\r\n\r\n");

	return buffer_append(out, text.data, text.size);
}

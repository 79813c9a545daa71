/* SPDX-License-Identifier: MIT */
/* The request of "tincan try". */
#include "cli/try_request.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/config.h"
#include "http/h1_reader.h"

#define HEAD_MAX_BYTES 65536
#define BODY_MAX_BYTES ((size_t)64 << 20)

static const struct http_limits limits = { .max_target_bytes = HEAD_MAX_BYTES,
	.max_header_bytes = HEAD_MAX_BYTES, .max_header_fields = CLI_FIELDS + 2 };

int try_text_read(const char *option, const char *value, struct try_text *text,
    struct problems *problems)
{
	*text = (struct try_text){ .where = option };
	if (value == NULL || value[0] != '@') {
		text->data = memory_text(value == NULL ? "" : value);
		text->size = strlen(text->data);
		return 0;
	}
	text->where = value + 1;
	return config_read(strcmp(value, "@-") == 0 ? "/dev/stdin" : value + 1,
	    &text->data, &text->size, problems);
}

static bool is_line(const char *text)
{
	return text[strcspn(text, " \t\r\n")] == '\0';
}

/* What would make it more than one line is refused here, the rest by the reader. */
static void check_line(const struct cli *cli, struct problems *problems)
{
	if (!head_name_valid(slice_of(cli->words[1]))) {
		problems_add(problems, "tincan", "as in GET or POST",
		    "'%s' is no method", cli->words[1]);
	}
	if (!is_line(cli->words[2])) {
		problems_add(problems, "tincan", "a space is written %20",
		    "'%s' is no target", cli->words[2]);
	}
}

/* Appends "name: value", without the spaces around the value. */
static void add_field(struct buffer *text, const char *field, struct problems *problems)
{
	const char *colon = strchr(field, ':');
	struct slice name = { field, colon == NULL ? 0 : (size_t)(colon - field) };
	struct slice value = slice_of(colon == NULL ? "" : colon + 1);

	while (value.size > 0 && strchr(" \t", value.data[0]) != NULL) {
		slice_skip(&value, 1);
	}
	while (value.size > 0 && strchr(" \t", value.data[value.size - 1]) != NULL) {
		value.size--;
	}
	if (!head_name_valid(name) || !head_value_valid(value)) {
		problems_add(problems, "--header", "as in 'accept: text/html'",
		    "'%s' is no header field", field);
	} else if (buffer_printf(text, "%.*s: %.*s\r\n", (int)name.size, name.data,
		       (int)value.size, value.data) != 0) {
		problems_add(problems, "--header", NULL, "more than %d bytes of fields",
		    HEAD_MAX_BYTES);
	}
}

static bool has_host(const struct cli *cli)
{
	for (size_t i = 0; i < cli->field_count; i++) {
		if (strncasecmp(cli->fields[i], "host:", 5) == 0) {
			return true;
		}
	}
	return false;
}

/* The bytes of the header section. */
static int write_head(const struct cli *cli, const struct try_text *body,
    struct buffer *text, struct problems *problems)
{
	size_t errors = problems->errors;
	int rc = buffer_printf(text, "%s %s HTTP/1.1\r\n%s", cli->words[1],
	    cli->words[2], has_host(cli) ? "" : "host: localhost\r\n");

	check_line(cli, problems);
	for (size_t i = 0; rc == 0 && i < cli->field_count; i++) {
		add_field(text, cli->fields[i], problems);
	}
	if (rc == 0 && body != NULL) {
		rc = buffer_printf(text, "content-length: %zu\r\n", body->size);
	}
	rc = rc != 0 ? rc : buffer_append(text, "\r\n", 2);
	if (rc != 0) {
		problems_add(problems, "tincan", NULL, "the request is too long");
	}
	return problems->errors == errors ? 0 : ERR_INVALID;
}

/* Reads until the input is used or the request complete. */
static enum h1_event read_on(struct h1_reader *reader, struct slice input,
    struct buffer *body)
{
	enum h1_event event;
	struct slice piece;

	do {
		event = h1_reader_next(reader, &input, &piece);
		if (event == H1_BODY &&
		    buffer_append(body, piece.data, piece.size) != 0) {
			memory_exhausted();
		}
	} while (event == H1_HEAD || event == H1_BODY);
	return event;
}

static void end_body(struct buffer *body)
{
	if (buffer_terminate(body) != 0) {
		memory_exhausted();
	}
}

static int read_request(struct slice head, const struct try_text *body,
    struct exchange *exchange, struct problems *problems)
{
	struct h1_reader reader;
	enum h1_event event;

	buffer_init(&exchange->body, BODY_MAX_BYTES + 1);
	request_init(&exchange->request, &exchange->arena, HEAD_MAX_BYTES,
	    limits.max_header_fields);
	h1_reader_init(&reader, &limits);
	h1_reader_begin(&reader, &exchange->request);
	event = read_on(&reader, head, &exchange->body);
	if (event == H1_NEED && body != NULL) {
		event = read_on(&reader, (struct slice){ body->data, body->size },
		    &exchange->body);
	}
	if (event == H1_REFUSED) {
		problems_add(problems, "tincan", NULL,
		    "the server would refuse that request: %d %s: %s", reader.status,
		    http_status_phrase(reader.status), reader.reason);
	} else if (event != H1_END) {
		problems_add(problems, "tincan", "--data gives it its content",
		    "the request says that content follows, and there is none");
	}
	end_body(&exchange->body);
	return event == H1_END ? 0 : ERR_INVALID;
}

int try_request_make(const struct cli *cli, const struct try_text *body,
    struct exchange *exchange, struct problems *problems)
{
	struct buffer head;
	int rc;

	if (body != NULL && body->size > BODY_MAX_BYTES) {
		problems_add(problems, body->where, NULL,
		    "more than %zu MiB of content", BODY_MAX_BYTES >> 20);
		return ERR_INVALID;
	}
	buffer_init(&head, HEAD_MAX_BYTES);
	rc = write_head(cli, body, &head, problems);
	if (rc == 0) {
		rc = read_request(buffer_slice(&head), body, exchange, problems);
	}
	buffer_release(&head);
	snprintf(exchange->id, sizeof(exchange->id), "%016x", 1);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * Runs the HTTP/1 reader over an input cut into pieces and writes down, as text, all that
 * it gave. Two runs that differ in the cuts alone must read the same. For the unit test
 * and the fuzz target.
 */
#ifndef TINCAN_TESTS_H1_TRACE_H
#define TINCAN_TESTS_H1_TRACE_H

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/text.h"
#include "http/h1_reader.h"

/* Sizes of the pieces: the first one, then all that follow (at least 1). */
struct h1_cut {
	size_t first;
	size_t rest;
};

struct h1_trace {
	struct h1_reader reader;
	struct arena arena;
	struct request request;
	struct buffer body;
	bool begun;
	bool ended;		/* refused, or answered with a close: reads no more */
	struct buffer text;	/* what came of it; "END" behind each request */
};

/* An assert that no macro switches off. */
static inline void trace_check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static inline void trace_line(struct h1_trace *trace, const char *key, struct slice value)
{
	trace_check(buffer_printf(&trace->text, "%s ", key) == 0 &&
	    text_append_printable(&trace->text, value) == 0 &&
	    buffer_append(&trace->text, "\n", 1) == 0);
}

static inline void trace_fields(struct h1_trace *trace, const char *kind,
    const struct head *head)
{
	for (uint32_t i = 0; i < head->count; i++) {
		struct slice name = head_name(head, i);
		struct slice value = head_value(head, i);

		trace_check(head_name_valid(name) && name.data[name.size] == '\0');
		trace_check(head_value_valid(value) && value.data[value.size] == '\0');
		trace_check(buffer_printf(&trace->text, "%s %s", kind, name.data) == 0);
		trace_line(trace, "", value);
	}
}

/* A text of the request: terminated, and without a NUL in it. */
static inline void trace_text(struct h1_trace *trace, const char *key, struct slice text)
{
	trace_check(strlen(text.data) == text.size);
	trace_line(trace, key, text);
}

static inline void trace_head(struct h1_trace *trace)
{
	const struct request *request = &trace->request;
	const char *flags[] = { request->has_body ? "body" : "no-body",
		request->expect_continue ? "continue" : "no-continue",
		request->keep_alive ? "keep-alive" : "close" };

	trace_text(trace, "method", request->method);
	trace_text(trace, "target", request->target);
	trace_text(trace, "path", request->path);
	trace_text(trace, "query", request->query);
	trace_text(trace, "authority", request->authority);
	trace_line(trace, "version",
	    slice_of(request->version == HTTP_1_0 ? "1.0" : "1.1"));
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		trace_line(trace, "flags", slice_of(flags[i]));
	}
	trace_fields(trace, "header", &request->head);
	trace_check(request->path.size == 0 || request->path.data[0] == '/' ||
	    slice_equal(request->path, SLICE("*")));
	trace_check(request->content_length < 0 || request->has_body);
}

static inline void trace_begin(struct h1_trace *trace)
{
	const struct http_limits *limits = trace->reader.limits;

	arena_reset(&trace->arena);
	buffer_reset(&trace->body);
	request_init(&trace->request, &trace->arena, limits->max_header_bytes,
	    limits->max_header_fields);
	h1_reader_begin(&trace->reader, &trace->request);
	trace_check(!h1_reader_started(&trace->reader));
	trace->begun = true;
}

static inline void trace_end(struct h1_trace *trace)
{
	trace_line(trace, "body", buffer_slice(&trace->body));
	trace_fields(trace, "trailer", &trace->request.trailer);
	trace_line(trace, "END", SLICE(""));
	trace->begun = false;
	trace->ended = !trace->request.keep_alive;
}

static inline void trace_refused(struct h1_trace *trace)
{
	trace_text(trace, "method", trace->request.method);
	trace_text(trace, "target", trace->request.target);
	trace_check(buffer_printf(&trace->text, "refused %d %s\n", trace->reader.status,
	    trace->reader.reason) == 0);
	trace_check(!trace->request.keep_alive);
	trace->ended = true;
}

static inline void trace_input(struct h1_trace *trace, struct slice input)
{
	while (!trace->ended && (input.size > 0 || trace->begun)) {
		struct slice body = { NULL, 0 };

		if (!trace->begun) {
			trace_begin(trace);
		}
		switch (h1_reader_next(&trace->reader, &input, &body)) {
		case H1_HEAD:
			trace_head(trace);
			break;
		case H1_BODY:
			trace_check(body.size > 0 &&
			    buffer_append(&trace->body, body.data, body.size) == 0);
			break;
		case H1_END:
			trace_end(trace);
			break;
		case H1_REFUSED:
			trace_refused(trace);
			break;
		case H1_NEED:
			trace_check(input.size == 0);
			return;
		}
	}
}

/* The text is the caller's to release. */
static inline struct buffer h1_trace(struct slice input, struct h1_cut cut,
    const struct http_limits *limits)
{
	struct h1_trace trace = { .begun = false };
	size_t size = cut.first;

	h1_reader_init(&trace.reader, limits);
	arena_init(&trace.arena, 1 << 20);
	buffer_init(&trace.body, 1 << 24);
	buffer_init(&trace.text, 1 << 26);
	while (input.size > 0 && !trace.ended) {
		char *piece;

		/* In memory of its own, where a sanitizer sees a byte read too many. */
		size = size < input.size ? size : input.size;
		piece = malloc(size);
		trace_check(piece != NULL || size == 0);
		if (size > 0) {
			memcpy(piece, input.data, size);
		}
		trace_input(&trace, (struct slice){ piece, size });
		free(piece);
		slice_skip(&input, size);
		size = cut.rest;
	}
	arena_release(&trace.arena);
	buffer_release(&trace.body);
	return trace.text;
}

#endif

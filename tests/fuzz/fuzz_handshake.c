/* SPDX-License-Identifier: MIT */
/*
 * The opening handshake: extensions, origins and subprotocols, whatever a client writes
 * there. What is agreed must be an offer that would be agreed on itself.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "ws/handshake.h"
#include "ws/origin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "%s\n", what);
		abort();
	}
}

static struct slice take_line(struct slice *text)
{
	const char *end = memchr(text->data, '\n', text->size);
	struct slice line = *text;

	if (end == NULL) {
		text->size = 0;
		return line;
	}
	line.size = (size_t)(end - text->data);
	slice_skip(text, line.size + 1);
	return line;
}

/* A line is the value of one field, which its first byte tells. */
static void add_lines(struct head *head, struct slice text)
{
	static const char *const names[] = { "upgrade", "connection", "sec-websocket-key",
		"sec-websocket-version", "sec-websocket-extensions",
		"sec-websocket-protocol", "origin" };

	while (text.size > 0) {
		struct slice value = take_line(&text);
		const char *name;

		if (value.size == 0) {
			continue;
		}
		name = names[(unsigned char)value.data[0] %
		    (sizeof(names) / sizeof(names[0]))];
		slice_skip(&value, 1);
		if (head_value_valid(value)) {
			check(head_add(head, slice_of(name), value) == 0, "head_add");
		}
	}
}

static void check_agreed(const struct ws_extensions *agreed, struct arena *arena)
{
	struct ws_extensions again;
	struct head head;

	check(agreed->window_bits == 0 ||
	    (agreed->window_bits >= 8 && agreed->window_bits <= 15), "window");
	check((agreed->window_bits == 0) == (agreed->value[0] == '\0'), "value");
	head_init(&head, arena, 4096, 16);
	check(head_add(&head, SLICE("sec-websocket-extensions"),
	    slice_of(agreed->value)) == 0, "head_add");
	check(ws_extensions_negotiate(&head, &again) == 0, "our own answer");
	check(again.window_bits == agreed->window_bits, "our own window");
	check(strcmp(again.value, agreed->value) == 0, "our own value");
}

/* The first byte says which protocol, the rest is lines. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *const allowed[] = { "https://a.example", "http://b.example:8080",
		NULL };
	struct arena arena;
	struct request request;
	struct ws_offer offer;
	const char *reason;
	int status;

	if (size == 0) {
		return 0;
	}
	arena_init(&arena, 16 << 20);
	request_init(&request, &arena, 4 << 20, 1 << 20);
	request.version = data[0] & 1 ? HTTP_2 : HTTP_1_1;
	request.method_id = data[0] & 1 ? HTTP_CONNECT : HTTP_GET;
	request.protocol = SLICE("websocket");
	add_lines(&request.head, (struct slice){ (const char *)data + 1, size - 1 });
	status = ws_check(&request, &offer, &reason);
	check((status == 0) == (reason == NULL), "reason");
	if (status == 0) {
		check(strlen(offer.accept) == (request.version == HTTP_2 ? 0 : 28),
		    "accept");
		check_agreed(&offer.extensions, &arena);
	}
	ws_is_upgrade(&request);
	ws_origin_allowed(&request, SLICE("[::1]:8443"), allowed);
	arena_release(&arena);
	return 0;
}

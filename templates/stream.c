/* SPDX-License-Identifier: MIT */
/*
 * @NAME@: a raw stream over TLS, line by line: each comes back with its number.
 *
 *	openssl s_client -quiet -connect localhost:7443
 *
 * A stream has a listener of its own, "stream": "@NAME@" in server.json, or a name in its
 * "alpn". A place to start from: what else a handler can ask and do is told in
 * <tincan/handler.h>.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tincan/handler.h>

#define LINE_BYTES 1024		/* the longest line that is taken */
#define NUMBER_BYTES 16

/* One connection. */
struct talk {
	unsigned lines;		/* that were answered */
	char *heard;		/* and not yet answered */
	size_t size;
	int ended;		/* the other side says no more */
};

/* Bytes come in whatever pieces the network makes of them. */
static int keep(struct talk *talk, const void *data, size_t size)
{
	char *heard = realloc(talk->heard, talk->size + size);

	if (heard == NULL) {
		return TC_NOMEM;
	}
	memcpy(heard + talk->size, data, size);
	talk->heard = heard;
	talk->size += size;
	return TC_OK;
}

/* The size of the first line, its end included; 0: it is not complete, or too long. */
static size_t line_size(const char *text, size_t size)
{
	const char *end = memchr(text, '\n', size < LINE_BYTES ? size : LINE_BYTES);

	return end == NULL ? 0 : (size_t)(end - text) + 1;
}

static int answer_line(tc_conn *c, unsigned number, const char *line, size_t size)
{
	char answer[NUMBER_BYTES + LINE_BYTES];
	int digits = snprintf(answer, NUMBER_BYTES, "%u: ", number);

	memcpy(answer + digits, line, size);
	return tc.send(c, answer, (size_t)digits + size, 0);
}

/* All the lines there are, as long as there is room for answers. */
static int answer_lines(tc_conn *c, struct talk *talk)
{
	size_t done = 0;
	size_t size;
	int result = TC_OK;

	while (result == TC_OK && done < talk->size &&
	    (size = line_size(talk->heard + done, talk->size - done)) > 0) {
		result = answer_line(c, talk->lines + 1, talk->heard + done, size);
		if (result == TC_OK) {
			talk->lines++;
			done += size;
		}
	}
	if (done > 0) {
		talk->size -= done;
		memmove(talk->heard, talk->heard + done, talk->size);
	}
	return result;
}

static int answer(tc_conn *c, struct talk *talk)
{
	static const char goodbye[] = "goodbye\n";
	int result = answer_lines(c, talk);

	if (result == TC_OK && talk->size >= LINE_BYTES) {
		tc_log(TC_INFO, "a line of more than %d bytes", LINE_BYTES);
		return TC_INVALID;	/* a negative result ends the stream */
	}
	if (result == TC_OK && talk->ended) {
		result = tc.send(c, goodbye, sizeof(goodbye) - 1, TC_END);
	}
	if (result == TC_AGAIN) {
		/* The other side is to take some first: on_send says when. */
		result = tc.conn_pause(c, 1);
	}
	return result;
}

static int on_connect(tc_conn *c, tc_req *upgrade)
{
	struct talk *talk;

	if (upgrade != NULL) {
		return 501;	/* this is no WebSocket */
	}
	talk = calloc(1, sizeof(*talk));
	if (talk == NULL) {
		return 503;
	}
	tc.conn_set_data(c, talk);
	return TC_OK;
}

static int on_data(tc_conn *c, const void *data, size_t size, uint32_t flags)
{
	struct talk *talk = tc.conn_data(c);
	int result;

	if (flags & TC_END) {
		/* Once, and the last. The other side may still hear us; what it has left
		 * unfinished is a line, too. */
		talk->ended = 1;
		result = talk->size > 0 ? keep(talk, "\n", 1) : TC_OK;
	} else {
		result = keep(talk, data, size);
	}
	return result == TC_OK ? answer(c, talk) : result;
}

/* There is room for what was refused before. */
static void on_send(tc_conn *c)
{
	tc.conn_pause(c, 0);
	if (answer(c, tc.conn_data(c)) < 0) {
		tc.close(c, 0, NULL);
	}
}

/* The last call for c, however it ended. */
static void on_end(tc_conn *c, int code)
{
	struct talk *talk = tc.conn_data(c);

	tc_log(TC_DEBUG, "%u lines, ended with %d", talk->lines, code);
	free(talk->heard);
	free(talk);
}

TINCAN_HANDLER("@NAME@",
	.version = "0.1",
	.about = "numbers the lines of a stream",
	.on_connect = on_connect,
	.on_data = on_data,
	.on_send = on_send,
	.on_end = on_end);

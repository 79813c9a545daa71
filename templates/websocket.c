/* SPDX-License-Identifier: MIT */
/*
 * @NAME@: a WebSocket that counts: every message comes back with its number.
 *
 *	new WebSocket("wss://localhost:8443/@NAME@")
 *
 * A place to start from: what else a handler can ask and do is told in
 * <tincan/handler.h>.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tincan/handler.h>

#define NUMBER_BYTES 16

/* One connection. */
struct talk {
	unsigned messages;	/* that have come */
	char *answer;		/* not yet sent; NULL: none waits */
	size_t size;
};

/* Sends the answer, or keeps it, and the other side waiting, until there is room. */
static int send_answer(tc_conn *c, struct talk *talk)
{
	int result = tc.send(c, talk->answer, talk->size, TC_TEXT);

	if (result == TC_AGAIN) {
		return tc.conn_pause(c, 1);	/* on_send will come */
	}
	free(talk->answer);
	talk->answer = NULL;
	return result;
}

/* upgrade is the request by which a WebSocket opens; a raw stream has none. */
static int on_connect(tc_conn *c, tc_req *upgrade)
{
	struct talk *talk;

	if (upgrade == NULL) {
		return 501;	/* to a stream: it is just ended */
	}
	talk = calloc(1, sizeof(*talk));
	if (talk == NULL) {
		return 503;
	}
	tc.conn_set_data(c, talk);
	return TC_OK;
}

/* A whole message. Text is valid UTF-8, and not NUL-terminated. */
static int on_data(tc_conn *c, const void *data, size_t size, uint32_t flags)
{
	struct talk *talk = tc.conn_data(c);
	int digits;

	if (flags & TC_BINARY) {
		return tc.close(c, 1003, "text only");
	}
	talk->answer = malloc(NUMBER_BYTES + size);
	if (talk->answer == NULL) {
		return TC_NOMEM;
	}
	digits = snprintf(talk->answer, NUMBER_BYTES, "%u: ", ++talk->messages);
	memcpy(talk->answer + digits, data, size);
	talk->size = (size_t)digits + size;
	return send_answer(c, talk);
}

/* There is room for what was refused before. */
static void on_send(tc_conn *c)
{
	struct talk *talk = tc.conn_data(c);

	tc.conn_pause(c, 0);
	if (talk->answer != NULL) {
		send_answer(c, talk);
	}
}

/* The last call for c, however it ended. */
static void on_end(tc_conn *c, int code)
{
	struct talk *talk = tc.conn_data(c);

	tc_log(TC_DEBUG, "%u messages, ended with %d", talk->messages, code);
	free(talk->answer);
	free(talk);
}

TINCAN_HANDLER("@NAME@",
	.version = "0.1",
	.about = "numbers the messages of a WebSocket",
	.route = "/@NAME@",
	.on_connect = on_connect,
	.on_data = on_data,
	.on_send = on_send,
	.on_end = on_end);

/* SPDX-License-Identifier: MIT */
/*
 * Does what it is told. For a WebSocket the path says how to connect; then, and on a
 * stream, every message is a command ("close 3000 bye"), or comes back as it is. What it
 * learns goes to the log, and its slot counts what it got.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tincan/handler.h>

static void say(tc_conn *c, const char *text)
{
	tc.send(c, text, strlen(text), tc.conn_kind(c) == TC_WEBSOCKET ? TC_TEXT : 0);
}

static void say_number(tc_conn *c, int number)
{
	char text[16];

	snprintf(text, sizeof text, "%d", number);
	say(c, text);
}

static int refuse_in_own_words(tc_req *r)
{
	tc.set_header(r, "WWW-Authenticate", "Basic");
	return tc.text(r, 401, "not you\n");
}

static tc_conn *witness;	/* who is told when a reply's bytes are let go */

static void tell_witness(void *arg)
{
	say(witness, arg);
}

static int refuse_by_reference(tc_req *r)
{
	return tc.reply_ref(r, 401, NULL, "not you\n", 8, tell_witness, "released");
}

/* A 200 would look like a WebSocket to HTTP/2. */
static int accept_wrongly(tc_req *r)
{
	return tc.text(r, 200, "welcome\n") == TC_INVALID ? 403 : 500;
}

static int say_bye(tc_conn *c)
{
	say(c, "bye");
	return tc.close(c, 0, NULL);
}

static int choose(tc_req *r)
{
	return tc.set_header(r, "Sec-WebSocket-Protocol", "two");
}

static int connect_by_path(tc_conn *c, tc_req *r, const char *path)
{
	if (strcmp(path, "/refuse") == 0) {
		return tc.set_header(r, "X-Why", "because") == TC_OK ? 403 : 500;
	}
	if (strcmp(path, "/own") == 0) {
		return refuse_in_own_words(r);
	}
	if (strcmp(path, "/reference") == 0) {
		return refuse_by_reference(r);
	}
	if (strcmp(path, "/half") == 0) {
		return tc.start(r, 401, NULL);
	}
	if (strcmp(path, "/wrong") == 0) {
		return accept_wrongly(r);
	}
	if (strcmp(path, "/number") == 0) {
		return (int)strtol(tc.query(r), NULL, 10);
	}
	if (strcmp(path, "/bye") == 0) {
		return say_bye(c);
	}
	if (strcmp(path, "/choose") == 0) {
		return choose(r);
	}
	if (strcmp(path, "/crash") == 0) {
		abort();
	}
	if (strcmp(path, "/hang") == 0) {
		pause();
	}
	return TC_OK;
}

static int on_connect(tc_conn *c, tc_req *upgrade)
{
	const char *greeting = tc.conn_state(c);

	tc_log(TC_INFO, "connect %d", tc.conn_kind(c));
	if (greeting != NULL) {
		say(c, greeting);
	}
	return upgrade == NULL ? TC_OK : connect_by_path(c, upgrade, tc.path(upgrade));
}

/* What of "word rest" comes behind that word; NULL if it is another. */
static const char *argument(const char *text, const char *word)
{
	size_t size = strlen(word);

	if (strncmp(text, word, size) != 0 || (text[size] != ' ' && text[size] != 0)) {
		return NULL;
	}
	return text[size] == ' ' ? text + size + 1 : text + size;
}

/* "flags 1 text": sends that, then the result. */
static void send_with_flags(tc_conn *c, const char *text)
{
	char *end;
	uint32_t flags = (uint32_t)strtoul(text, &end, 10);

	end += *end == ' ';
	say_number(c, tc.send(c, end, strlen(end), flags));
}

static void send_nothing(tc_conn *c)
{
	say_number(c, tc.send(c, NULL, 1, TC_BINARY));
}

/* Until no more is taken; "fill 1000" sends that much each time. */
static void fill(tc_conn *c, const char *text)
{
	size_t size = strtoul(text, NULL, 10);
	char *bytes = calloc(1, size);
	int sent = 0;

	while (bytes != NULL &&
	    tc.send(c, bytes, size, tc.conn_kind(c) == TC_STREAM ? 0 : TC_BINARY) ==
	    TC_OK) {
		sent++;
	}
	tc_log(TC_INFO, "filled %d", sent);
	free(bytes);
}

static void close_it(tc_conn *c, const char *text)
{
	char *end;
	long code = strtol(text, &end, 10);
	int result = tc.close(c, (int)code, *end == ' ' ? end + 1 : NULL);

	tc_log(TC_INFO, "close %d then %d", result, tc.send(c, "x", 1, TC_TEXT));
	if (result == TC_INVALID) {
		say_number(c, result);
	}
}

static void tell(tc_conn *c, const char *key)
{
	const char *value = tc.conn_info(c, key);

	say(c, value == NULL ? "NULL" : value);
}

static int obey(tc_conn *c, const char *text)
{
	const char *rest;

	if ((rest = argument(text, "flags")) != NULL) {
		send_with_flags(c, rest);
	} else if (argument(text, "nothing") != NULL) {
		send_nothing(c);
	} else if ((rest = argument(text, "fill")) != NULL) {
		fill(c, rest);
	} else if ((rest = argument(text, "close")) != NULL) {
		close_it(c, rest);
	} else if ((rest = argument(text, "info")) != NULL) {
		tell(c, rest);
	} else if (argument(text, "count") != NULL) {
		say_number(c, (int)(intptr_t)tc.conn_data(c));
	} else if (argument(text, "witness") != NULL) {
		witness = c;
	} else if (argument(text, "pause") != NULL) {
		return tc.conn_pause(c, 1);
	} else if ((rest = argument(text, "result")) != NULL) {
		return (int)strtol(rest, NULL, 10);
	} else if (argument(text, "crash") != NULL) {
		abort();
	} else if (argument(text, "hang") != NULL) {
		pause();
	} else {
		say(c, text);
	}
	return TC_OK;
}

static int on_data(tc_conn *c, const void *data, size_t size, uint32_t flags)
{
	char text[256];

	tc.conn_set_data(c, (char *)tc.conn_data(c) + 1);
	if (flags & TC_END) {
		tc_log(TC_INFO, "end of input");
		return tc.close(c, 0, NULL);
	}
	if ((flags & TC_BINARY) || size >= sizeof text) {
		return tc.send(c, data, size, flags) == TC_AGAIN ? TC_LIMIT : TC_OK;
	}
	memcpy(text, data, size);
	text[size] = '\0';
	return obey(c, text);
}

static void on_send(tc_conn *c)
{
	tc_log(TC_INFO, "send again");
	tc.conn_pause(c, 0);
}

static void on_end(tc_conn *c, int code)
{
	tc_log(TC_INFO, "end %d after %d, %d", code, (int)(intptr_t)tc.conn_data(c),
	    tc.send(c, "x", 1, TC_TEXT));
}

static int on_open(tc_conf *cf, void **state)
{
	*state = (void *)tc.conf_str(cf, "greeting", NULL);
	return TC_OK;
}

TINCAN_HANDLER("puppet",
	.on_open = on_open,
	.on_connect = on_connect,
	.on_data = on_data,
	.on_send = on_send,
	.on_end = on_end);

/* SPDX-License-Identifier: MIT */
/*
 * chat: one room that browsers and terminals share, over all workers: two people at two
 * ends of one line. This file reads the settings and takes calls; chat.h lists the parts.
 *
 *	https://localhost:8443/chat
 *	openssl s_client -quiet -CAfile certs/ca.crt -connect localhost:7443
 *
 *	room		which of several rooms, "lobby"
 *	greeting	the first thing that everyone is told
 *	max_people	connections of this route or listener in one process, 1000
 *
 * The first line that comes is a name, each other one is said to all in the room. On a
 * stream a line ends in "\n", on a WebSocket it is a text message, just as it is typed.
 * What comes back, on a stream and as JSON on a WebSocket:
 *
 *	(text)		{"note":"text"}				from the room itself
 *	Your name? 	{"ask":"Your name?"}			until one has come
 *	(hello ann, ...	{"you":"ann"}				the name as it is used
 *	ann: hi		{"from":"ann","text":"hi"}		somebody speaks
 *			{"from":"ann","text":"hi","mine":true}	you have been heard
 *			{"people":3}				as many are here now
 *
 * Names are not reserved: two people may have the same.
 */
#include "chat.h"

static int read_settings(tc_conf *cf, struct room *room)
{
	const char *name = tc.conf_str(cf, "room", "lobby");
	/* The number is that of what is published: builds of another do not hear it. */
	int size = snprintf(room->topic, sizeof room->topic, "1:%s", name);

	room->greeting = tc.conf_str(cf, "greeting",
	    "two cans and a string: what you type, all others here can read");
	room->max_people = tc.conf_int(cf, "max_people", 1000, 1, 1000000);
	if (size >= (int)sizeof room->topic) {
		return tc.conf_error(cf, "room", "a name is too long");
	}
	return TC_OK;
}

static int open_room(tc_conf *cf, void **state)
{
	struct room *room = calloc(1, sizeof *room);
	int result;

	if (room == NULL) {
		return TC_NOMEM;
	}
	result = read_settings(cf, room);
	if (result == TC_OK) {
		result = room_open(room);
	}
	if (result != TC_OK) {
		room_close(room);
		free(room);
		return result;
	}
	*state = room;
	return TC_OK;
}

/* On a reload people stay: the bus is one for all instances. */
static void stop_room(void *state, int why)
{
	if (why == TC_SHUTDOWN) {
		room_hang_up(state);
	}
}

static void close_room(void *state)
{
	room_close(state);
	free(state);
}

static int answer(tc_req *r)
{
	const char *method = tc.method(r);

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		tc.set_header(r, "Allow", "GET, HEAD");
		return tc.text(r, 405, "405 Method Not Allowed\n");
	}
	return page_reply(r);
}

/* A browser reads a status, a terminal must be told. */
static int turn_away(tc_conn *c)
{
	static const char text[] = "(the room is full: call again later)\n";

	if (tc.conn_kind(c) != TC_STREAM) {
		return 503;
	}
	tc.send(c, text, sizeof text - 1, TC_END);
	tc.close(c, 0, NULL);
	return TC_OK;
}

static int connect(tc_conn *c, tc_req *upgrade)
{
	struct room *room = tc.conn_state(c);
	struct person *person;

	(void)upgrade;
	if (room->stopping || room->connected >= room->max_people) {
		return turn_away(c);
	}
	person = person_new(room, c);
	tc.conn_set_data(c, person);
	return person != NULL ? TC_OK : TC_NOMEM;
}

/* Who was turned away is no person, but may have said something before it noticed. */

static int hear(tc_conn *c, const void *data, size_t size, uint32_t flags)
{
	struct person *person = tc.conn_data(c);

	return person != NULL ? person_hear(person, data, size, flags) : TC_OK;
}

static void drained(tc_conn *c)
{
	struct person *person = tc.conn_data(c);

	if (person != NULL) {
		person_drained(person);
	}
}

static void hang_up(tc_conn *c, int code)
{
	struct person *person = tc.conn_data(c);

	(void)code;
	if (person != NULL) {
		person_free(person);
	}
}

TINCAN_HANDLER("chat",
	.version = "1.0",
	.about = "a room that browsers and terminals share",
	.check = "GET /chat 200",
	.on_open = open_room,
	.on_stop = stop_room,
	.on_close = close_room,
	.on_request = answer,
	.on_connect = connect,
	.on_data = hear,
	.on_send = drained,
	.on_end = hang_up);

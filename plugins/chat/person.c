/* SPDX-License-Identifier: MIT */
/*
 * One person at one end of a line, be it a WebSocket or a stream: takes lines in, bounds
 * their size and their rate, asks for a name, and tells what others say. Lives as long as
 * the connection, on its room's list.
 */
#include <inttypes.h>

#include "chat.h"

/* Once 20 lines have been said at once, each further one needs half a second. */
#define LINE_COST_MS 500
#define LINES_AT_ONCE 20

#define BEGUN_BYTES (TEXT_BYTES + 1)	/* with a carriage return */

void person_tell(struct person *person, const struct line *line)
{
	const struct out *out = person->stream ? &line->text : &line->json;
	int result = TC_NOMEM;

	if (person->lost > 0) {
		person->lost++;		/* in order: first it learns what it missed */
		return;
	}
	if (!out->failed) {
		result = tc.send(person->conn, out->data, out->size,
		    person->stream ? 0 : TC_TEXT);
	}
	if (result == TC_AGAIN) {
		person->lost++;
	} else if (result == TC_NOMEM) {
		tc.close(person->conn, 1011, NULL);
	}
}

void person_note(struct person *person, const char *text)
{
	struct line line = { { 0 }, { 0 } };

	line_note(&line, text);
	person_tell(person, &line);
	line_release(&line);
}

void person_count(struct person *person, uint64_t people)
{
	char json[64];

	if (person->stream || person->lost > 0 || person->people == people) {
		return;
	}
	snprintf(json, sizeof json, "{\"people\":%" PRIu64 "}", people);
	person->people = people;
	/* Not counted if it is lost: the next number makes up for it. */
	if (tc.send(person->conn, json, strlen(json), TC_TEXT) == TC_AGAIN) {
		person->people = 0;
	}
}

void person_drained(struct person *person)
{
	uint64_t lost = person->lost;
	char text[64];

	if (lost == 0) {
		return;
	}
	snprintf(text, sizeof text, "%" PRIu64 " lines lost", lost);
	person->lost = 0;
	person_note(person, text);
	if (person->lost > 0) {
		person->lost = lost;	/* no room for that either: the next time */
	}
}

static void ask_name(struct person *person)
{
	struct line line = { { 0 }, { 0 } };

	out_text(&line.json, "{\"ask\":\"Your name?\"}");
	out_text(&line.text, "Your name? ");
	person_tell(person, &line);
	line_release(&line);
}

static void welcome(struct person *person)
{
	struct line line = { { 0 }, { 0 } };

	out_text(&line.json, "{\"you\":");
	out_json(&line.json, person->name);
	out_text(&line.json, "}");
	out_printf(&line.text, "(hello %s, Ctrl-C hangs up)\n", person->name);
	person_tell(person, &line);
	line_release(&line);
}

/* May it say something now? A leaky bucket, kept as the time when it will be empty. */
static bool may_speak(struct person *person)
{
	int64_t now_ms = tc.now();
	int64_t free_ms = person->free_ms > now_ms ? person->free_ms : now_ms;

	if (free_ms - now_ms > LINE_COST_MS * (LINES_AT_ONCE - 1)) {
		if (!person->told_fast) {
			person_note(person, "too fast, that was not sent: wait a moment");
		}
		person->told_fast = true;
		return false;
	}
	person->told_fast = false;
	person->free_ms = free_ms + LINE_COST_MS;
	return true;
}

static void take_name(struct person *person, char *text, size_t size)
{
	size = clean_line(text, clean_cut(text, size, NAME_BYTES), true);
	if (size == 0) {
		ask_name(person);
		return;
	}
	memcpy(person->name, text, size);
	person->name[size] = '\0';
	welcome(person);
	room_joined(person->room, person);
}

static void refuse_line(struct person *person)
{
	char text[80];

	if (may_speak(person)) {
		snprintf(text, sizeof text, "too long, that was not sent: "
		    "a line has %d bytes at most", TEXT_BYTES);
		person_note(person, text);
	}
}

static void take_line(struct person *person, const char *data, size_t size)
{
	char text[TEXT_BYTES];

	if (size > sizeof text) {
		refuse_line(person);
		return;
	}
	memcpy(text, data, size);
	size = clean_line(text, size, false);
	if ((size == 0 && *person->name != '\0') || !may_speak(person)) {
		return;
	}
	if (*person->name == '\0') {
		take_name(person, text, size);
	} else if (room_said(person->room, person, text, size) != TC_OK) {
		person_note(person, "that was not sent: the line is out of order");
	}
}

/* Part of a stream's line. Only while one has begun does a connection hold a buffer. */
static int add_to_line(struct person *person, const char *data, size_t size)
{
	if (person->begun == NULL) {
		person->begun = malloc(BEGUN_BYTES);
		if (person->begun == NULL) {
			return TC_NOMEM;
		}
	}
	if (size > BEGUN_BYTES - person->begun_size) {
		person->too_long = true;
	} else {
		memcpy(person->begun + person->begun_size, data, size);
		person->begun_size += size;
	}
	return TC_OK;
}

static void end_line(struct person *person)
{
	char *line = person->begun;
	size_t size = person->begun_size;
	bool too_long = person->too_long;

	person->begun = NULL;
	person->begun_size = 0;
	person->too_long = false;
	if (too_long) {
		refuse_line(person);
	} else {
		take_line(person, line, size - (size > 0 && line[size - 1] == '\r'));
	}
	free(line);
}

static int hear_stream(struct person *person, const char *data, size_t size)
{
	while (size > 0) {
		const char *end = memchr(data, '\n', size);
		size_t length = end != NULL ? (size_t)(end - data) : size;

		if (add_to_line(person, data, length) != TC_OK) {
			return TC_NOMEM;
		}
		if (end != NULL) {
			end_line(person);
			length++;
		}
		data += length;
		size -= length;
	}
	return TC_OK;
}

int person_hear(struct person *person, const void *data, size_t size, uint32_t flags)
{
	if (!person->stream) {
		if ((flags & TC_TEXT) == 0) {
			return tc.close(person->conn, 1003, "text only");
		}
		take_line(person, data, size);
		return TC_OK;
	}
	if (hear_stream(person, data, size) != TC_OK) {
		return TC_NOMEM;
	}
	if ((flags & TC_END) != 0) {
		if (person->begun != NULL) {
			end_line(person);	/* printf 'ann\nbye' | openssl s_client */
		}
		tc.close(person->conn, 0, NULL);
	}
	return TC_OK;
}

struct person *person_new(struct room *room, tc_conn *conn)
{
	struct person *person = calloc(1, sizeof *person);

	if (person == NULL) {
		return NULL;
	}
	person->room = room;
	person->conn = conn;
	person->id = ++room->last_person;
	person->stream = tc.conn_kind(conn) == TC_STREAM;
	person->next = room->people;
	if (room->people != NULL) {
		room->people->previous = person;
	}
	room->people = person;
	room->connected++;
	if (*room->greeting != '\0') {
		person_note(person, room->greeting);
	}
	ask_name(person);
	return person;
}

void person_free(struct person *person)
{
	struct room *room = person->room;

	if (person->next != NULL) {
		person->next->previous = person->previous;
	}
	if (person->previous != NULL) {
		person->previous->next = person->next;
	} else {
		room->people = person->next;
	}
	room->connected--;
	if (*person->name != '\0') {
		room_left(room, person);
	}
	free(person->begun);
	free(person);
}

/* SPDX-License-Identifier: MIT */
/*
 * The room as one process sees it. Whatever happens goes over the bus and is shown when
 * it comes back from there, so that people in the same process and those in others hear
 * the same, in the same way. A slow process misses some of it and is told how much.
 */
#include <inttypes.h>
#include <sys/random.h>

#include "chat.h"

/* How long counting waits for more to happen: in a crowd each change costs a line to
 * everyone. */
#define TELL_MS 200
#define TELL_CROWD_MS 2000
/* Who comes and goes is told in company, not in a crowd. */
#define COMPANY 50
/* A room with people in it is heard of this often, or has died. */
#define BEAT_MS 3000
#define SILENT_MS 10000

enum word_kind {
	WORD_JOINED = 1,
	WORD_SAID,
	WORD_LEFT,
	WORD_COUNT,		/* so many are here */
	WORD_ASK		/* I am new: how many are with you? */
};

/* What instances publish. Name and text follow. All of a server run on one machine, but
 * not all are of one build: the topic has this layout's number. */
struct word {
	uint64_t room;
	uint64_t person;
	uint64_t people;	/* that have a name in that room, now */
	uint8_t kind;
	uint8_t name_size;
	uint16_t text_size;
	uint32_t reserved;
};

_Static_assert(sizeof(struct word) == 32, "no padding, nothing leaks");

static int publish(const struct room *room, enum word_kind kind,
    const struct person *person, const char *text, size_t size)
{
	char data[sizeof(struct word) + NAME_BYTES + TEXT_BYTES];
	size_t name_size = person != NULL ? strlen(person->name) : 0;
	struct word word = {
		.room = room->id, .person = person != NULL ? person->id : 0,
		.people = room->named, .kind = (uint8_t)kind,
		.name_size = (uint8_t)name_size, .text_size = (uint16_t)size
	};

	memcpy(data, &word, sizeof word);
	if (person != NULL) {
		memcpy(data + sizeof word, person->name, name_size);
	}
	if (size > 0) {
		memcpy(data + sizeof word + name_size, text, size);
	}
	return room->bus->publish(room->topic, data, sizeof word + name_size + size);
}

/* Only who has said who it is hears the others. */
static void tell(struct person *person, const struct line *line)
{
	if (*person->name != '\0') {
		person_tell(person, line);
	}
}

static void note_all(struct room *room, const char *text)
{
	struct line line = { { 0 }, { 0 } };

	line_note(&line, text);
	for (struct person *p = room->people; p != NULL; p = p->next) {
		tell(p, &line);
	}
	line_release(&line);
}

/* ---- how many ---- */

static void tell_people(void *arg)
{
	struct room *room = arg;
	uint64_t people = crowd_people(&room->crowd);

	room->tell_timer = NULL;
	for (struct person *p = room->people; p != NULL; p = p->next) {
		if (*p->name != '\0') {
			person_count(p, people);
		}
	}
}

static void beat(void *arg)
{
	struct room *room = arg;

	if (room->named > 0) {
		publish(room, WORD_COUNT, NULL, NULL, 0);
	}
	if (crowd_forget(&room->crowd, tc.now() - SILENT_MS)) {
		tell_people(room);
	}
	room->beat_timer = room->crowd.count == 0 ? NULL : tc.after(BEAT_MS, beat, room);
}

/* What each word says of its room; joined: somebody here may not know any number yet. */
static void count(struct room *room, const struct word *word)
{
	uint64_t before = crowd_people(&room->crowd);
	uint64_t people;

	crowd_hear(&room->crowd, word->room, word->people, tc.now());
	people = crowd_people(&room->crowd);
	if (room->stopping) {
		return;
	}
	if ((people != before || word->kind == WORD_JOINED) && room->tell_timer == NULL) {
		room->tell_timer = tc.after(people > COMPANY ? TELL_CROWD_MS : TELL_MS,
		    tell_people, room);
	}
	if (people > 0 && room->beat_timer == NULL) {
		room->beat_timer = tc.after(BEAT_MS, beat, room);
	}
}

/* ---- what is heard ---- */

static void tell_door(struct room *room, const char *name, bool joined)
{
	uint64_t people = crowd_people(&room->crowd);
	char text[128];

	if (people <= COMPANY) {
		snprintf(text, sizeof text, "%s %s, %" PRIu64 " %s now", name,
		    joined ? "is here" : "has left", people,
		    people == 1 ? "person" : "people");
		note_all(room, text);
	}
}

/* Who has said it sees it in the browser's list, but has typed it into the terminal. */
static void tell_said(struct room *room, const struct word *word, const char *name,
    const char *text)
{
	struct line others = { { 0 }, { 0 } };
	struct line own = { { 0 }, { 0 } };

	line_said(&others, name, text, false);
	line_said(&own, name, text, true);
	for (struct person *p = room->people; p != NULL; p = p->next) {
		if (word->room != room->id || word->person != p->id) {
			tell(p, &others);
		} else if (!p->stream) {
			tell(p, &own);
		}
	}
	line_release(&others);
	line_release(&own);
}

/* Copies a part of a message that came, cleaned like what comes from people: who sent it
 * may be of another build, or out of its mind. */
static void copy_clean(char *out, const char *data, size_t size, bool name)
{
	memcpy(out, data, size);
	out[clean_line(out, size, name)] = '\0';
}

static bool read_word(struct word *word, const char *data, size_t size)
{
	if (size < sizeof *word) {
		return false;
	}
	memcpy(word, data, sizeof *word);
	return word->name_size <= NAME_BYTES && word->text_size <= TEXT_BYTES &&
	    size - sizeof *word == (size_t)word->name_size + word->text_size;
}

static void tell_lost(struct room *room, uint64_t lost)
{
	char text[64];

	snprintf(text, sizeof text, "up to %" PRIu64 " lines lost", lost);
	note_all(room, text);
}

static void hear(void *arg, const void *data, size_t size, uint64_t lost)
{
	struct room *room = arg;
	const char *rest = (const char *)data + sizeof(struct word);
	char name[NAME_BYTES + 1];
	char text[TEXT_BYTES + 1];
	struct word word;

	if (lost > 0) {
		tell_lost(room, lost);
	}
	if (!read_word(&word, data, size)) {
		return;
	}
	copy_clean(name, rest, word.name_size, true);
	copy_clean(text, rest + word.name_size, word.text_size, false);
	count(room, &word);
	if (word.kind == WORD_SAID) {
		tell_said(room, &word, name, text);
	} else if (word.kind == WORD_JOINED || word.kind == WORD_LEFT) {
		tell_door(room, name, word.kind == WORD_JOINED);
	} else if (word.kind == WORD_ASK && room->named > 0) {
		publish(room, WORD_COUNT, NULL, NULL, 0);
	}
}

/* ---- what people do ---- */

void room_joined(struct room *room, const struct person *person)
{
	room->named++;
	publish(room, WORD_JOINED, person, NULL, 0);
}

int room_said(struct room *room, const struct person *person, const char *text,
    size_t size)
{
	return publish(room, WORD_SAID, person, text, size);
}

void room_left(struct room *room, const struct person *person)
{
	room->named--;
	publish(room, WORD_LEFT, person, NULL, 0);
}

/* ---- its life ---- */

int room_open(struct room *room)
{
	room->bus = tc.ext(TC_BUS);
	if (room->bus == NULL) {
		tc_log(TC_ERROR, "this server has no bus");
		return TC_UNKNOWN;
	}
	if (getrandom(&room->id, sizeof room->id, 0) != sizeof room->id ||
	    room->bus->subscribe(room->topic, hear, room) == NULL) {
		return TC_FAIL;
	}
	return publish(room, WORD_ASK, NULL, NULL, 0);
}

void room_hang_up(struct room *room)
{
	room->stopping = true;
	for (struct person *p = room->people; p != NULL; p = p->next) {
		person_note(p, "the server hangs up: call again");
		tc.close(p->conn, 1001, NULL);
	}
}

void room_close(struct room *room)
{
	while (room->people != NULL) {
		person_free(room->people);
	}
	crowd_release(&room->crowd);
}

/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the chat handler share. What somebody types goes through them in this
 * order: chat.c, person.c, clean.c, room.c, the bus; what comes from the bus: room.c,
 * line.c, person.c. crowd.c counts heads, page.c is for who has no WebSocket yet.
 */
#ifndef TINCAN_PLUGINS_CHAT_H
#define TINCAN_PLUGINS_CHAT_H

#include <stdbool.h>
#include <stdint.h>

#include <tincan/bus.h>
#include <tincan/handler.h>

#include "../out.h"

#define NAME_BYTES 32
#define TEXT_BYTES 1000		/* of a line */
#define TOPIC_BYTES 80

/* crowd.c: how many people each instance has, as far as it has been heard of. */

struct seats {
	uint64_t room;		/* its id */
	uint64_t people;
	int64_t heard_ms;
};

struct crowd {
	struct seats *seats;	/* owned */
	size_t count;		/* of the rooms that have people */
	size_t capacity;
};

/* From now on that room has so many. A room too many, or without memory for it, is not
 * counted. */
void crowd_hear(struct crowd *crowd, uint64_t room, uint64_t people, int64_t now_ms);
/* Forgets the rooms that have been silent since then, as their process has died. Were
 * there any? */
bool crowd_forget(struct crowd *crowd, int64_t since_ms);
uint64_t crowd_people(const struct crowd *crowd);
void crowd_release(struct crowd *crowd);

/* room.c: the state of one route or stream listener in one process. All of them that have
 * the same "room" setting are one room to the people in it. */

struct room {
	const tc_bus *bus;
	uint64_t id;		/* random: tells this instance from all others */
	char topic[TOPIC_BYTES];
	const char *greeting;	/* the settings', until on_close */
	int64_t max_people;
	struct person *people;	/* owned, all that are connected here */
	int64_t connected;	/* how many these are */
	uint64_t named;		/* of them, those that have a name */
	uint64_t last_person;	/* the id of the newest */
	struct crowd crowd;
	tc_timer *tell_timer;	/* NULL: browsers know how many there are */
	tc_timer *beat_timer;	/* NULL: nobody is here or elsewhere */
	bool stopping;
};

/* Needs topic, greeting and max_people. TC_OK, TC_FAIL. */
int room_open(struct room *room);
/* Everybody is asked to call again. */
void room_hang_up(struct room *room);
void room_close(struct room *room);

/* What a person does, for all in the room to know: named, said, left. */
void room_joined(struct room *room, const struct person *person);
/* TC_OK, or why nobody will hear it. */
int room_said(struct room *room, const struct person *person, const char *text,
    size_t size);
void room_left(struct room *room, const struct person *person);

/* line.c: something to tell people, in the words of both kinds of connection. */

struct line {
	struct out json;	/* for a WebSocket */
	struct out text;	/* for a stream */
};

void line_note(struct line *line, const char *text);
void line_said(struct line *line, const char *name, const char *text, bool mine);
void line_release(struct line *line);

/* person.c: one connection. */

struct person {
	struct person *next;
	struct person *previous;
	struct room *room;
	tc_conn *conn;
	uint64_t id;
	int64_t free_ms;	/* when all that was said will have been paid for */
	uint64_t people;	/* the number that it was told last */
	uint64_t lost;		/* lines that did not fit since it reads too slowly */
	char *begun;		/* owned: a stream's line without its end, or NULL */
	size_t begun_size;
	bool stream;
	bool too_long;		/* the line that has begun is, and its rest is dropped */
	bool told_fast;		/* the last thing said came too fast, and it knows */
	char name[NAME_BYTES + 1];	/* "" until it is known */
};

/* On the room's list, and greeted; NULL: no memory. */
struct person *person_new(struct room *room, tc_conn *conn);
/* Off the list; the others hear of it if they knew the name. */
void person_free(struct person *person);
/* TC_OK, or what on_data is to return. */
int person_hear(struct person *person, const void *data, size_t size, uint32_t flags);
/* A line that finds no room, as the person is slow, is counted. */
void person_tell(struct person *person, const struct line *line);
void person_note(struct person *person, const char *text);
/* To browsers only: how many people there are. */
void person_count(struct person *person, uint64_t people);
/* It reads again: says how much it has missed. */
void person_drained(struct person *person);

/* clean.c */

/*
 * One line of text that can do nothing to the screen it is shown on: no control
 * characters, nothing that turns or breaks lines, "?" for what is not UTF-8, no blanks at
 * its ends. For a name without what marks it as one, too: parentheses and colons.
 * In place; returns its new size.
 */
size_t clean_line(char *text, size_t size, bool name);
/* The most of text that fits into limit bytes without cutting a character in two. */
size_t clean_cut(const char *text, size_t size, size_t limit);

/* page.c: the page, for GET and HEAD. */
int page_reply(tc_req *r);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * How many people are in the room, over all workers and processes. Everything that an
 * instance publishes says how many it has itself: so a lost message is made up for by the
 * next one, and what a process that died leaves is forgotten when it has been silent for
 * too long.
 */
#include "chat.h"

#define CROWD_ROOMS 4096

static struct seats *find(const struct crowd *crowd, uint64_t room)
{
	for (size_t i = 0; i < crowd->count; i++) {
		if (crowd->seats[i].room == room) {
			return &crowd->seats[i];
		}
	}
	return NULL;
}

static struct seats *add(struct crowd *crowd, uint64_t room)
{
	if (crowd->count == crowd->capacity) {
		size_t capacity = crowd->capacity > 0 ? crowd->capacity * 2 : 8;
		struct seats *seats = capacity > CROWD_ROOMS ? NULL :
		    realloc(crowd->seats, capacity * sizeof *seats);

		if (seats == NULL) {
			return NULL;
		}
		crowd->seats = seats;
		crowd->capacity = capacity;
	}
	crowd->seats[crowd->count].room = room;
	return &crowd->seats[crowd->count++];
}

void crowd_hear(struct crowd *crowd, uint64_t room, uint64_t people, int64_t now_ms)
{
	struct seats *seats = find(crowd, room);

	if (seats == NULL && people > 0) {
		seats = add(crowd, room);
	}
	if (seats == NULL) {
		return;
	}
	if (people == 0) {
		*seats = crowd->seats[--crowd->count];
		return;
	}
	seats->people = people;
	seats->heard_ms = now_ms;
}

bool crowd_forget(struct crowd *crowd, int64_t since_ms)
{
	size_t before = crowd->count;
	size_t i = 0;

	while (i < crowd->count) {
		if (crowd->seats[i].heard_ms < since_ms) {
			crowd->seats[i] = crowd->seats[--crowd->count];
		} else {
			i++;
		}
	}
	return crowd->count < before;
}

uint64_t crowd_people(const struct crowd *crowd)
{
	uint64_t people = 0;

	for (size_t i = 0; i < crowd->count; i++) {
		people += crowd->seats[i].people;
	}
	return people;
}

void crowd_release(struct crowd *crowd)
{
	free(crowd->seats);
	*crowd = (struct crowd){ 0 };
}

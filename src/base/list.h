/* SPDX-License-Identifier: MIT */
/* A ring of links embedded in what it lists. An unlinked link points to itself. */
#ifndef TINCAN_BASE_LIST_H
#define TINCAN_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *prev;
};

/* The struct of that type whose member the link is. */
#define LIST_OWNER(link, type, member) ((type *)((char *)(link) - offsetof(type, member)))

static inline void list_init(struct list *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_empty(const struct list *list)
{
	return list->next == list;
}

/* Adds link, which is in no list, behind the last. */
static inline void list_append(struct list *list, struct list *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

/* Takes link out; harmless for one that is in no list. */
static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* Appends all of from, which is empty afterwards. */
static inline void list_move(struct list *list, struct list *from)
{
	while (!list_empty(from)) {
		struct list *link = from->next;

		list_remove(link);
		list_append(list, link);
	}
}

#endif

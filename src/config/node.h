/* SPDX-License-Identifier: MIT */
/*
 * A value of the document and the way to it, so that a problem can say where it is.
 * Nodes live on the stack of the functions that read them; parents outlive children.
 */
#ifndef TINCAN_CONFIG_NODE_H
#define TINCAN_CONFIG_NODE_H

#include <stdbool.h>

#include "config/document.h"

struct node {
	const struct document *document;
	const struct node *parent;	/* NULL: the whole */
	const char *key;		/* of a member; NULL of an element */
	size_t index;			/* among its parent's children */
	json_t *json;			/* borrowed */
	void *member;			/* jansson's place of a member */
	uint32_t place;			/* index into document->places */
};

/* A piece of a message, short enough to pass by value. */
#define WORD_SIZE 256

struct word {
	char text[WORD_SIZE];
};

struct node node_root(const struct document *document);

/* The next child of an array or object; child is all zero before the first. */
bool node_next(const struct node *parent, struct node *child);

/* The member of that name; false if there is none or node is not an object. */
bool node_find(const struct node *node, const char *key, struct node *child);

/* "server.json:12: routes[1].path", owned by the caller. */
char *node_where(const struct node *node);

/* Adds a problem at node. A hint that is NULL or empty is none. */
void node_problem(const struct node *node, const char *hint, const char *what_format, ...)
    PRINTF(3, 4);

/* Says "expected a string, found an object"; expected goes behind "expected". */
void node_mismatch(const struct node *node, const char *expected);

/* The value as the user wrote it, shortened, in single quotes. */
struct word node_word(const struct node *node);

/* Any text, shortened and escaped like it, in single quotes. */
struct word word_of(const char *text);

/* "did you mean 'x'" for the likeliest of the words, or "". */
struct word word_guess(const char *text, const char *const *words, size_t count);

#endif

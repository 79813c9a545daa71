/* SPDX-License-Identifier: MIT */
/*
 * What a filter has said about fields, in the order in which it was said, so that it can
 * be done again: to a reply that comes later, in another process. Lifetime: request.
 */
#ifndef TINCAN_EXCHANGE_EDITS_H
#define TINCAN_EXCHANGE_EDITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum edit_kind {
	EDIT_SET,		/* of the reply: all fields of that name give way */
	EDIT_ADD,		/* one more */
	EDIT_REQUEST,		/* as EDIT_SET, of the request */
	EDIT_KINDS
};

struct edit {
	struct edit *next;
	enum edit_kind kind;
	const char *name;
	const char *value;	/* NULL: they are taken out */
};

struct edits {
	struct edit *first;
	struct edit *last;
	uint32_t count;
};

struct exchange;

/* Notes one; texts are copied into arena. ERR_NOMEM. */
int edits_note(struct edits *edits, struct arena *arena, enum edit_kind kind,
    const char *name, const char *value) MUST_USE;

/* What they leave of the field of the reply of that name (in lower case), or NULL. */
const char *edits_find(const struct edits *edits, const char *name);

/* Does one, of whatever kind, to an exchange that notes it: ERR_INVALID for a kind that
 * there is not, or what the exchange says. */
int edits_do(struct exchange *exchange, enum edit_kind kind, const char *name,
    const char *value) MUST_USE;

/* Does those of the reply again to one that is EXCHANGE_OPEN, by exchange_set_header and
 * exchange_add_header, without noting them anew. Their first error. */
int edits_apply(const struct edits *edits, struct exchange *exchange) MUST_USE;

#endif

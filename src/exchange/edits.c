/* SPDX-License-Identifier: MIT */
/* What a filter has said about fields. */
#include "exchange/edits.h"

#include <string.h>

#include "exchange/exchange.h"

int edits_note(struct edits *edits, struct arena *arena, enum edit_kind kind,
    const char *name, const char *value)
{
	struct edit *edit = arena_alloc(arena, sizeof(*edit));

	if (edit == NULL) {
		return ERR_NOMEM;
	}
	*edit = (struct edit){ .kind = kind };
	edit->name = arena_copy(arena, name, strlen(name));
	if (value != NULL) {
		edit->value = arena_copy(arena, value, strlen(value));
	}
	if (edit->name == NULL || (value != NULL && edit->value == NULL)) {
		return ERR_NOMEM;
	}
	if (edits->last == NULL) {
		edits->first = edit;
	} else {
		edits->last->next = edit;
	}
	edits->last = edit;
	edits->count++;
	return 0;
}

const char *edits_find(const struct edits *edits, const char *name)
{
	const char *found = NULL;

	for (const struct edit *at = edits->first; at != NULL; at = at->next) {
		if (at->kind != EDIT_REQUEST &&
		    slice_equal_nocase(slice_of(at->name), slice_of(name))) {
			found = at->value;
		}
	}
	return found;
}

int edits_do(struct exchange *exchange, enum edit_kind kind, const char *name,
    const char *value)
{
	switch (kind) {
	case EDIT_SET:
		return exchange_set_header(exchange, name, value);
	case EDIT_ADD:
		return exchange_add_header(exchange, name, value);
	case EDIT_REQUEST:
		return exchange_set_request_header(exchange, name, value);
	default:
		return ERR_INVALID;
	}
}

int edits_apply(const struct edits *edits, struct exchange *exchange)
{
	struct edits *noting = exchange->edits;
	int rc = 0;

	exchange->edits = NULL;
	for (const struct edit *at = edits->first; at != NULL && rc == 0;
	     at = at->next) {
		rc = at->kind == EDIT_REQUEST ? 0 :
		    edits_do(exchange, at->kind, at->name, at->value);
	}
	exchange->edits = noting;
	return rc;
}

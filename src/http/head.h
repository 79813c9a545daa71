/* SPDX-License-Identifier: MIT */
/*
 * A header section: fields in the order received, names in lower case, names and
 * values NUL-terminated, all in one block of an arena. Used for the header and the
 * trailer of requests and replies, whatever the protocol they came by.
 *
 * The block may move while fields are added: take pointers when it is complete.
 * Lifetime: request.
 */
#ifndef TINCAN_HTTP_HEAD_H
#define TINCAN_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

struct head_field {
	uint32_t name;		/* offsets into text */
	uint32_t name_size;
	uint32_t value;
	uint32_t value_size;
};

struct head {
	struct arena *arena;	/* borrowed */
	char *text;
	uint32_t size;
	uint32_t capacity;
	uint32_t max_bytes;	/* of text */
	struct head_field *fields;
	uint32_t count;
	uint32_t fields_capacity;
	uint32_t max_fields;
};

void head_init(struct head *head, struct arena *arena, uint32_t max_bytes,
    uint32_t max_fields);

/* Appends raw bytes to text without making a field of them; *offset is where they
 * start. ERR_LIMIT past max_bytes, ERR_NOMEM. */
int head_put(struct head *head, const char *data, size_t size, uint32_t *offset) MUST_USE;

/* Adds a field; name is lowered, both are copied. ERR_LIMIT, ERR_NOMEM. */
int head_add(struct head *head, struct slice name, struct slice value) MUST_USE;

/* Adds a field over text that head_put has put: offsets and sizes as given. */
int head_add_put(struct head *head, struct head_field field) MUST_USE;

/* Takes out every field of that name (given in lower case); their text stays unused. */
void head_remove(struct head *head, struct slice name);

static inline struct slice head_name(const struct head *head, size_t i)
{
	const struct head_field *field = &head->fields[i];

	return (struct slice){ head->text + field->name, field->name_size };
}

static inline struct slice head_value(const struct head *head, size_t i)
{
	const struct head_field *field = &head->fields[i];

	return (struct slice){ head->text + field->value, field->value_size };
}

/* The value of the first field of that name (lower case), data NULL if there is none. */
struct slice head_find(const struct head *head, struct slice name);

/*
 * Takes the next element, without the white space around it, off the front of a
 * comma-separated list (RFC 9110 section 5.6.1). False after the last one; an element
 * may be empty. Quoted strings are not known here: for lists of tokens only.
 */
bool head_next_element(struct slice *list, struct slice *element);

/* Is there a field of that name whose comma-separated list holds token (no case)? */
bool head_has_token(const struct head *head, struct slice name, struct slice token);

/* Likewise, but case counts, and no list holds "". */
bool head_lists(const struct head *head, struct slice name, struct slice element);

/* RFC 9110 section 5.6.2 token, and 5.5 field value (no CR, LF, NUL or other controls
 * but HTAB, no white space at either end). */
bool head_name_valid(struct slice name);
bool head_value_valid(struct slice value);

#endif

/* SPDX-License-Identifier: MIT */
/* The trace that a request is part of. */
#include "http/trace.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"

/* version "-" trace-id "-" parent-id "-" flags */
#define ID_AT 3
#define ID_SIZE 32
#define PARENT_AT 36
#define PARENT_SIZE 16
#define FLAGS_AT 53
#define SIZE 55
#define SAMPLED 1		/* the one flag that version 00 knows */

/* For the halves of a new trace's id, and a new parent's. */
enum { SEED_HIGH = 1, SEED_LOW, SEED_PARENT };

static bool is_hex(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		bool decimal = text[i] >= '0' && text[i] <= '9';

		if (!decimal && (text[i] < 'a' || text[i] > 'f')) {
			return false;
		}
	}
	return true;
}

/* An id; one of zeros is none. */
static bool is_id(const char *text, size_t size)
{
	return is_hex(text, size) && strspn(text, "0") < size;
}

/* A version that we do not know may have more behind its flags. */
static bool is_valid(struct slice value)
{
	const char *text = value.data;
	bool known = value.size >= SIZE && memcmp(text, "00", 2) == 0;

	return value.size >= SIZE && is_hex(text, 2) && memcmp(text, "ff", 2) != 0 &&
	    text[ID_AT - 1] == '-' && is_id(text + ID_AT, ID_SIZE) &&
	    text[PARENT_AT - 1] == '-' && is_id(text + PARENT_AT, PARENT_SIZE) &&
	    text[FLAGS_AT - 1] == '-' && is_hex(text + FLAGS_AT, 2) &&
	    (value.size == SIZE || (!known && text[SIZE] == '-'));
}

/* The valid traceparent, or data NULL. */
static struct slice given(const struct head *head)
{
	struct slice found = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < head->count; i++) {
		if (slice_equal(head_name(head, i), SLICE("traceparent"))) {
			found = head_value(head, i);
			count++;
		}
	}
	return count == 1 && is_valid(found) ? found : (struct slice){ 0 };
}

bool trace_is_given(const struct head *head)
{
	return given(head).data != NULL;
}

static int digit(char hex)
{
	return hex <= '9' ? hex - '0' : hex - 'a' + 10;
}

void trace_of(const struct head *head, const char *id, struct trace *trace)
{
	static const char blank[TRACE_PARENT_BYTES] =
	    "00-................................-................-00";
	struct slice before = given(head);
	struct slice text = slice_of(id);
	char *parent = trace->parent;

	memcpy(parent, blank, sizeof(blank));
	if (before.data != NULL) {
		memcpy(parent + ID_AT, before.data + ID_AT, ID_SIZE);
		parent[SIZE - 1] = (char)('0' +
		    (digit(before.data[SIZE - 1]) & SAMPLED));
	} else {
		text_put_hex(parent + ID_AT, hash_text(text, SEED_HIGH));
		/* Never of zeros. */
		text_put_hex(parent + ID_AT + PARENT_SIZE,
		    hash_text(text, SEED_LOW) | 1);
	}
	if (text.size == PARENT_SIZE && is_id(id, PARENT_SIZE)) {
		memcpy(parent + PARENT_AT, id, PARENT_SIZE);
	} else {
		text_put_hex(parent + PARENT_AT, hash_text(text, SEED_PARENT) | 1);
	}
	memcpy(trace->id, parent + ID_AT, ID_SIZE);
	trace->id[ID_SIZE] = '\0';
}

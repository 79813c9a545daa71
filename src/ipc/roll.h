/* SPDX-License-Identifier: MIT */
/*
 * A roll: a list of named things, in memory that several processes share and none of them
 * can be trusted with. It only grows. A thing is there when its place in the order is
 * written, with one compare-and-swap: whoever dies at whatever point, the others neither
 * wait nor see half of one. What is read is a copy, bounded, to be judged by who reads.
 */
#ifndef TINCAN_IPC_ROLL_H
#define TINCAN_IPC_ROLL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define ROLL_PLACES 1024
#define ROLL_NAME_BYTES 48	/* with its NUL */
#define ROLL_NOTE_BYTES 192

struct roll_entry {
	_Atomic uint32_t taken;		/* by who fills it in; for ever, once in order */
	uint32_t kind;
	uint64_t size;
	char name[ROLL_NAME_BYTES];	/* zeros behind its end */
	char note[ROLL_NOTE_BYTES];
};

/* All zero: empty. */
struct roll {
	_Atomic uint32_t order[ROLL_PLACES];	/* index of an entry, + 1; 0: the end */
	struct roll_entry entries[ROLL_PLACES];
};

/* Name and note as an entry has them; false: the name is empty, too long, or of more than
 * [a-z0-9_-]. The note is cut. */
bool roll_name(struct roll_entry *entry, const char *name, const char *note);

/*
 * Copies the entry at that place. Where the roll ends there, otherwise is put there
 * first; NULL: nothing is.
 *
 * @return 0; ERR_MISSING: it ends there; ERR_LIMIT: there are no more places; or
 * ERR_PROTOCOL: what is there makes no sense
 */
int roll_at(struct roll *roll, uint32_t place, const struct roll_entry *otherwise,
    struct roll_entry *entry) MUST_USE;

/* The same of a roll that is only read. */
int roll_get(const struct roll *roll, uint32_t place, struct roll_entry *entry) MUST_USE;

#endif

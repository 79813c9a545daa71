/* SPDX-License-Identifier: MIT */
/*
 * A reply's body on its way: a queue of pieces, each bytes in memory or a part of a file.
 * Files are never read whole; the taker reads as much as it can send. Copies are freed as
 * they are taken, so that a reply without an end needs no more memory than what waits of
 * it. Lifetime: request.
 */
#ifndef TINCAN_EXCHANGE_PIECES_H
#define TINCAN_EXCHANGE_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "base/tally.h"

#define PIECES_BLOCK 4096	/* what a copy takes at least, but a small first one */

struct piece {
	struct piece *next;
	const char *data;	/* NULL: a file's */
	int fd;			/* owned; -1: memory */
	int64_t offset;		/* of the next byte in the file */
	int64_t left;		/* bytes not yet taken */
	void (*release)(void *arg);	/* NULL: nothing is to be done */
	void *arg;
	bool copy;		/* its bytes are ours, behind it */
	bool own;		/* in memory of its own, not in the arena: */
	uint32_t memory;	/* so many bytes */
};

struct pieces {
	struct piece *first;
	struct piece *last;
	struct piece *spare;	/* taken: those of a long reply are used again */
	int64_t left;		/* bytes of all together */
	size_t copied;		/* those of copies */
	char *room;		/* where the next copy may go on: behind the last piece */
	size_t room_size;
	bool begun;		/* there was a copy: the first one may be in the arena */
	struct tally *tally;	/* borrowed; counts copies; NULL: nobody does */
};

void pieces_init(struct pieces *pieces);

/* Closes and releases what was not taken. The tally stays. */
void pieces_release(struct pieces *pieces);

/* Appends a copy; the first, if it is small, in arena, as most replies are no more than
 * that. Small copies in a row share a piece. ERR_LIMIT past INT64_MAX, ERR_NOMEM. */
int pieces_add_copy(struct pieces *pieces, struct arena *arena, const void *data,
    size_t size) MUST_USE;

/* Appends; data must stay until taken or, with release, until release(arg) is called,
 * once, whatever the result. */
int pieces_add_memory(struct pieces *pieces, struct arena *arena, const void *data,
    size_t size, void (*release)(void *), void *arg) MUST_USE;

/* size bytes of a file from offset on. Takes fd, whatever the result. */
int pieces_add_file(struct pieces *pieces, struct arena *arena, int fd, int64_t offset,
    int64_t size) MUST_USE;

/* Moves all of from behind what there is in pieces, and in return what from may use
 * again: both must stay until all is taken or released, and have the same tally.
 * ERR_LIMIT. */
int pieces_move(struct pieces *pieces, struct pieces *from) MUST_USE;

/*
 * The next up to max (not 0) bytes: *out is borrowed from the piece or, for a file, from
 * scratch (max bytes, which pread fills). Nothing is taken off until pieces_consume.
 *
 * @return 0; ERR_EOF if there is nothing left; ERR_SYSTEM if a file cannot be read;
 *	ERR_CLOSED if a file ends before its piece does.
 */
int pieces_peek(struct pieces *pieces, char *scratch, size_t max,
    struct slice *out) MUST_USE;

/* Takes all pieces, which nobody counts, out in a chain, as they are: whoever has them
 * does with each what its fields say. What is added later has memory of its own. */
struct piece *pieces_detach(struct pieces *pieces);

/* Pieces that were detached, and are not own, to be used again; a chain, or NULL. */
void pieces_give_spares(struct pieces *pieces, struct piece *spares);

/* Takes size bytes, of what pieces_peek gave, off the front. */
void pieces_consume(struct pieces *pieces, size_t size);

#endif

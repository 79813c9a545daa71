/* SPDX-License-Identifier: MIT */
/* A reply's body on its way: memory and parts of files, in order. */
#include "exchange/pieces.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECES_FIRST 2048	/* a first copy up to this size goes into the arena */

void pieces_init(struct pieces *pieces)
{
	*pieces = (struct pieces){ 0 };
}

static void let_go(void (*release)(void *), void *arg)
{
	if (release != NULL) {
		release(arg);
	}
}

static void close_file(int fd)
{
	if (fd >= 0) {
		close(fd);
	}
}

static void remove_first(struct pieces *pieces)
{
	struct piece *piece = pieces->first;

	pieces->first = piece->next;
	if (pieces->first == NULL) {
		pieces->last = NULL;
	}
	pieces->left -= piece->left;
	pieces->copied -= piece->copy ? (size_t)piece->left : 0;
	close_file(piece->fd);
	let_go(piece->release, piece->arg);
	if (!piece->own) {
		piece->next = pieces->spare;
		pieces->spare = piece;
		return;
	}
	if (pieces->first == NULL) {
		pieces->room_size = 0;
	}
	tally_take(pieces->tally, piece->memory);
	free(piece);
}

void pieces_release(struct pieces *pieces)
{
	while (pieces->first != NULL) {
		remove_first(pieces);
	}
	*pieces = (struct pieces){ .tally = pieces->tally };
}

/* Why the arena has no room for a piece. */
static int why_refused(const struct arena *arena)
{
	return arena->max - arena->used < sizeof(struct piece) ? ERR_LIMIT : ERR_NOMEM;
}

static bool fits(const struct pieces *pieces, uint64_t size)
{
	return size <= (uint64_t)(INT64_MAX - pieces->left);
}

static void link_last(struct pieces *pieces, struct piece *piece)
{
	if (pieces->last == NULL) {
		pieces->first = piece;
	} else {
		pieces->last->next = piece;
	}
	pieces->last = piece;
	pieces->left += piece->left;
	pieces->room_size = 0;
}

static struct piece *new_piece(struct pieces *pieces, struct arena *arena)
{
	struct piece *piece = pieces->spare;

	if (piece == NULL) {
		return arena_alloc(arena, sizeof(*piece));
	}
	pieces->spare = piece->next;
	return piece;
}

/* The piece is copied into arena and queued, size bytes long. */
static int append(struct pieces *pieces, struct arena *arena, struct piece piece,
    uint64_t size)
{
	struct piece *added;

	if (!fits(pieces, size)) {
		return ERR_LIMIT;
	}
	added = new_piece(pieces, arena);
	if (added == NULL) {
		return why_refused(arena);
	}
	piece.left = (int64_t)size;
	*added = piece;
	link_last(pieces, added);
	return 0;
}

int pieces_add_memory(struct pieces *pieces, struct arena *arena, const void *data,
    size_t size, void (*release)(void *), void *arg)
{
	struct piece piece = { .data = data, .fd = -1, .release = release, .arg = arg };
	int rc = 0;

	if (size > 0) {
		rc = append(pieces, arena, piece, size);
	}
	if (size == 0 || rc != 0) {
		let_go(release, arg);
	}
	return rc;
}

int pieces_add_file(struct pieces *pieces, struct arena *arena, int fd, int64_t offset,
    int64_t size)
{
	struct piece piece = { .fd = fd, .offset = offset };
	int rc = 0;

	if (fd < 0 || offset < 0 || size < 0 || offset > INT64_MAX - size) {
		rc = ERR_INVALID;
	} else if (size > 0) {
		rc = append(pieces, arena, piece, (uint64_t)size);
	}
	if (size == 0 || rc != 0) {
		close_file(fd);
	}
	return rc;
}

/* Makes room for a copy of size bytes, and more for those that follow, with an empty
 * piece in front of it. */
static int make_room(struct pieces *pieces, struct arena *arena, size_t size)
{
	bool first = !pieces->begun && size <= PIECES_FIRST;
	struct piece *piece = first ? arena_alloc(arena, sizeof(*piece) + size) : NULL;
	bool own = piece == NULL;
	size_t room = size;

	if (own) {
		room = size < PIECES_BLOCK - sizeof(*piece) ?
		    PIECES_BLOCK - sizeof(*piece) : size;
		piece = room > UINT32_MAX - sizeof(*piece) ? NULL :
		    malloc(sizeof(*piece) + room);
	}
	if (piece == NULL) {
		return ERR_NOMEM;
	}
	*piece = (struct piece){ .data = (char *)(piece + 1), .fd = -1, .copy = true,
		.own = own, .memory = own ? (uint32_t)(sizeof(*piece) + room) : 0 };
	tally_add(pieces->tally, piece->memory);
	link_last(pieces, piece);
	pieces->begun = true;
	pieces->room = (char *)(piece + 1);
	pieces->room_size = room;
	return 0;
}

int pieces_add_copy(struct pieces *pieces, struct arena *arena, const void *data,
    size_t size)
{
	int rc = 0;

	if (size == 0) {
		return 0;
	}
	if (!fits(pieces, size)) {
		return ERR_LIMIT;
	}
	if (size > pieces->room_size) {
		rc = make_room(pieces, arena, size);
	}
	if (rc != 0) {
		return rc;
	}
	memcpy(pieces->room, data, size);
	pieces->room += size;
	pieces->room_size -= size;
	pieces->last->left += (int64_t)size;
	pieces->left += (int64_t)size;
	pieces->copied += size;
	return 0;
}

/* Those that were taken from pieces go back where new ones are made. */
static void move_spare(struct pieces *pieces, struct pieces *from)
{
	struct piece *last = pieces->spare;

	if (last == NULL) {
		return;
	}
	while (last->next != NULL) {
		last = last->next;
	}
	last->next = from->spare;
	from->spare = pieces->spare;
	pieces->spare = NULL;
}

int pieces_move(struct pieces *pieces, struct pieces *from)
{
	if (!fits(pieces, (uint64_t)from->left)) {
		return ERR_LIMIT;
	}
	move_spare(pieces, from);
	if (from->first == NULL) {
		return 0;
	}
	if (pieces->last == NULL) {
		pieces->first = from->first;
	} else {
		pieces->last->next = from->first;
	}
	pieces->last = from->last;
	pieces->left += from->left;
	pieces->copied += from->copied;
	pieces->room_size = 0;
	from->first = NULL;
	from->last = NULL;
	from->left = 0;
	from->copied = 0;
	from->room_size = 0;
	return 0;
}

static int peek_file(const struct piece *piece, char *scratch, size_t size,
    struct slice *out)
{
	ssize_t got;

	do {
		got = pread(piece->fd, scratch, size, piece->offset);
	} while (got < 0 && errno == EINTR);
	if (got <= 0) {
		return got == 0 ? ERR_CLOSED : ERR_SYSTEM;
	}
	*out = (struct slice){ scratch, (size_t)got };
	return 0;
}

int pieces_peek(struct pieces *pieces, char *scratch, size_t max, struct slice *out)
{
	const struct piece *piece = pieces->first;
	size_t size;

	assert(max > 0);
	if (piece == NULL) {
		return ERR_EOF;
	}
	size = (uint64_t)piece->left < max ? (size_t)piece->left : max;
	if (piece->data == NULL) {
		return peek_file(piece, scratch, size, out);
	}
	*out = (struct slice){ piece->data, size };
	return 0;
}

void pieces_consume(struct pieces *pieces, size_t size)
{
	struct piece *piece = pieces->first;

	assert(piece != NULL && size <= (uint64_t)piece->left);
	if (piece->data != NULL) {
		piece->data += size;
	} else {
		piece->offset += (int64_t)size;
	}
	piece->left -= (int64_t)size;
	pieces->left -= (int64_t)size;
	pieces->copied -= piece->copy ? size : 0;
	if (piece->left == 0) {
		remove_first(pieces);
	}
}

struct piece *pieces_detach(struct pieces *pieces)
{
	struct piece *first = pieces->first;

	*pieces = (struct pieces){ .spare = pieces->spare, .begun = true };
	return first;
}

void pieces_give_spares(struct pieces *pieces, struct piece *spares)
{
	while (spares != NULL) {
		struct piece *next = spares->next;

		spares->next = pieces->spare;
		pieces->spare = spares;
		spares = next;
	}
}

/* SPDX-License-Identifier: MIT */
/* A reply's body on its way: memory and parts of files, in order. */
#include "exchange/pieces.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define PIECES_BLOCK 1024	/* bytes that a second small copy takes from the arena */

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
	close_file(piece->fd);
	let_go(piece->release, piece->arg);
	piece->next = pieces->spare;
	pieces->spare = piece;
}

void pieces_release(struct pieces *pieces)
{
	while (pieces->first != NULL) {
		remove_first(pieces);
	}
	pieces_init(pieces);
}

/* Why the arena has no size bytes and a piece. */
static int why_refused(const struct arena *arena, size_t size)
{
	size_t left = arena->max - arena->used;

	return size > left || left - size < sizeof(struct piece) ? ERR_LIMIT : ERR_NOMEM;
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
		return why_refused(arena, 0);
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

/* Is what is copied to pieces->room next a continuation of the last piece? */
static bool last_ends_at_room(const struct pieces *pieces)
{
	const struct piece *last = pieces->last;

	return last != NULL && last->data != NULL &&
	    last->data + last->left == pieces->room;
}

/*
 * Makes room for a copy of size bytes, with an empty piece in front of it. The first is
 * taken at its size, as most replies are one; those queued behind others are probably
 * written in small steps.
 */
static int make_room(struct pieces *pieces, struct arena *arena, size_t size)
{
	size_t room = pieces->first != NULL && size < PIECES_BLOCK ? PIECES_BLOCK : size;
	struct piece *piece = NULL;

	if (room <= SIZE_MAX - sizeof(*piece)) {
		piece = arena_alloc(arena, sizeof(*piece) + room);
	}
	if (piece == NULL) {
		return why_refused(arena, room);
	}
	pieces->room = (char *)(piece + 1);
	pieces->room_size = room;
	*piece = (struct piece){ .data = pieces->room, .fd = -1 };
	link_last(pieces, piece);
	return 0;
}

int pieces_add_copy(struct pieces *pieces, struct arena *arena, const void *data,
    size_t size)
{
	struct piece piece = { .data = pieces->room, .fd = -1 };
	int rc = 0;

	if (size == 0) {
		return 0;
	}
	if (!fits(pieces, size)) {
		return ERR_LIMIT;
	}
	if (size > pieces->room_size) {
		rc = make_room(pieces, arena, size);
	} else if (!last_ends_at_room(pieces)) {
		rc = append(pieces, arena, piece, 0);
	}
	if (rc != 0) {
		return rc;
	}
	memcpy(pieces->room, data, size);
	pieces->room += size;
	pieces->room_size -= size;
	pieces->last->left += (int64_t)size;
	pieces->left += (int64_t)size;
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
	if (piece->left == 0) {
		remove_first(pieces);
	}
}

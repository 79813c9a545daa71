/* SPDX-License-Identifier: MIT */
/* The scoreboard that master and workers share. */
#include "ipc/scoreboard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static size_t board_size(uint32_t workers)
{
	return sizeof(struct scoreboard) + workers * sizeof(struct scoreboard_worker);
}

struct scoreboard *scoreboard_new(uint32_t workers)
{
	struct scoreboard *board = mmap(NULL, board_size(workers), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (board == MAP_FAILED) {
		perror("tincan: mmap");
		abort();
	}
	board->workers = workers;
	scoreboard_handler_add(board, "tincan");
	return board;
}

void scoreboard_free(struct scoreboard *board)
{
	if (board != NULL) {
		munmap(board, board_size(board->workers));
	}
}

static uint32_t find(const struct scoreboard *board, const char *name)
{
	uint32_t count = atomic_load(&board->handlers);
	uint32_t i = 0;

	while (i < count && strcmp(board->names[i], name) != 0) {
		i++;
	}
	return i;
}

uint32_t scoreboard_handler_add(struct scoreboard *board, const char *name)
{
	uint32_t i = find(board, name);

	if (i == SCOREBOARD_HANDLERS) {
		return SCOREBOARD_SERVER;
	}
	if (i == atomic_load(&board->handlers)) {
		snprintf(board->names[i], SCOREBOARD_NAME_BYTES, "%s", name);
		atomic_store(&board->handlers, i + 1);
	}
	return i;
}

uint32_t scoreboard_handler_find(const struct scoreboard *board, const char *name)
{
	uint32_t i = find(board, name);

	return i < atomic_load(&board->handlers) ? i : SCOREBOARD_SERVER;
}

/* strlcpy, which glibc 2.36 does not have; snprintf is too slow for each request. */
static size_t copy_cut(char *out, size_t size, const char *text)
{
	size_t used = text == NULL ? 0 : strnlen(text, size - 1);

	if (used > 0) {
		memcpy(out, text, used);
	}
	out[used] = '\0';
	return used;
}

void blame_set(struct scoreboard_blame *blame, const char *handler, const char *callback,
    const char *request, const char *method, const char *target)
{
	size_t used;

	copy_cut(blame->request, sizeof(blame->request), request);
	used = copy_cut(blame->target, sizeof(blame->target) / 2, method);
	blame->target[used] = ' ';
	copy_cut(blame->target + used + 1, sizeof(blame->target) - used - 1, target);
	copy_cut(blame->callback, sizeof(blame->callback), callback);
	copy_cut(blame->handler, sizeof(blame->handler), handler);
	atomic_signal_fence(memory_order_seq_cst);
}

void blame_clear(struct scoreboard_blame *blame)
{
	atomic_signal_fence(memory_order_seq_cst);
	blame->handler[0] = '\0';
}

/* SPDX-License-Identifier: MIT */
/* The scoreboard that master and workers share. */
#include "ipc/scoreboard.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tincan/handler.h"

const char *const scoreboard_limits[LIMITS] = {
	[LIMIT_MAX_CONNECTIONS] = "limits.max_connections",
	[LIMIT_MAX_CONNECTIONS_PER_ADDRESS] = "limits.max_connections_per_address",
	[LIMIT_MAX_HANDSHAKES] = "limits.max_handshakes",
	[LIMIT_MAX_TARGET_BYTES] = "limits.max_target_bytes",
	[LIMIT_MAX_HEADER_BYTES] = "limits.max_header_bytes",
	[LIMIT_MAX_BODY_BYTES] = "limits.max_body_bytes",
	[LIMIT_MAX_STREAMS] = "limits.max_streams",
	[LIMIT_MAX_REQUESTS_PER_CONNECTION] = "limits.max_requests_per_connection",
	[LIMIT_MAX_CONNECTION_BYTES] = "limits.max_connection_bytes",
	[LIMIT_MAX_WORKER_BYTES] = "limits.max_worker_bytes",
	[LIMIT_MIN_BODY_BYTES_PER_S] = "limits.min_body_bytes_per_s",
	[LIMIT_MIN_SEND_BYTES_PER_S] = "limits.min_send_bytes_per_s",
	[LIMIT_HANDSHAKE_MS] = "timeouts.handshake_ms",
	[LIMIT_HEADER_MS] = "timeouts.header_ms",
	[LIMIT_BODY_MS] = "timeouts.body_ms",
	[LIMIT_WRITE_MS] = "timeouts.write_ms"
};

static void *checked(void *memory)
{
	if (memory == MAP_FAILED) {
		perror("tincan: mmap");
		abort();
	}
	return memory;
}

static int open_reader(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

struct scoreboard *scoreboard_new(uint32_t workers, int *reader_fd)
{
	size_t size = sizeof(struct scoreboard);
	int fd = memfd_create("tincan-scoreboard", MFD_CLOEXEC);
	struct scoreboard *board;

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0) {
		perror("tincan: memfd_create");
		abort();
	}
	board = checked(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	if (reader_fd != NULL) {
		*reader_fd = open_reader(fd);
	}
	close(fd);
	board->workers = workers;
	scoreboard_handler_add(board, "tincan");
	return board;
}

void scoreboard_free(struct scoreboard *board)
{
	if (board != NULL) {
		munmap(board, sizeof(*board));
	}
}

const struct scoreboard *scoreboard_map(int reader_fd)
{
	struct stat st;
	void *board;

	if (fstat(reader_fd, &st) != 0 || st.st_size < (off_t)sizeof(struct scoreboard)) {
		return NULL;
	}
	board = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, reader_fd, 0);
	return board == MAP_FAILED ? NULL : board;
}

static const char *end_of(const char *text, size_t size)
{
	size_t length = strlen(text);

	return length < size ? text : text + length - (size - 1);
}

static struct scoreboard_certificate *certificate_place(struct scoreboard *board,
    const char *names, const char *chain)
{
	uint32_t count = atomic_load(&board->certificates);
	struct scoreboard_certificate *place;

	for (uint32_t i = 0; i < count; i++) {
		place = &board->certificate[i];
		if (strncmp(place->names, names, sizeof(place->names) - 1) == 0 &&
		    strcmp(place->chain, chain) == 0) {
			return place;
		}
	}
	if (count == SCOREBOARD_CERTIFICATES) {
		return NULL;
	}
	place = &board->certificate[count];
	snprintf(place->names, sizeof(place->names), "%s", names);
	snprintf(place->chain, sizeof(place->chain), "%s", chain);
	atomic_store(&board->certificates, count + 1);
	return place;
}

void scoreboard_certificate_show(struct scoreboard *board, const char *names,
    const char *chain, int64_t ends_s)
{
	struct scoreboard_certificate *place = certificate_place(board, names,
	    end_of(chain, sizeof(place->chain)));

	if (place != NULL) {
		place->round = board->certificate_round + 1;
		atomic_store(&place->ends_s, ends_s);
	}
}

void scoreboard_certificates_end(struct scoreboard *board)
{
	board->certificate_round++;
	for (uint32_t i = 0; i < atomic_load(&board->certificates); i++) {
		if (board->certificate[i].round != board->certificate_round) {
			atomic_store(&board->certificate[i].ends_s, 0);
		}
	}
}

struct scoreboard_blames *blames_new(uint32_t workers)
{
	return checked(mmap(NULL, workers * sizeof(struct scoreboard_blames),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

void blames_free(struct scoreboard_blames *blames, uint32_t workers)
{
	if (blames != NULL) {
		munmap(blames, workers * sizeof(*blames));
	}
}

const struct scoreboard_blame *blames_settle(const struct scoreboard_blames *blames)
{
	return blames->crashed.handler[0] != '\0' ? &blames->crashed : &blames->running;
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

int scoreboard_figure_add(struct scoreboard *board, uint32_t handler,
    const struct figure_known *known, struct scoreboard_figure **out)
{
	uint32_t count = atomic_load(&board->figures);
	struct scoreboard_figure *figure = &board->figure[count];
	struct scoreboard_figure *before = NULL;

	for (uint32_t i = 0; i < count; i++) {
		if (strcmp(board->figure[i].name, known->name) == 0) {
			before = &board->figure[i];
		}
	}
	if (before != NULL && before->kind != known->kind) {
		return ERR_INVALID;
	}
	if (count == SCOREBOARD_FIGURES) {
		return ERR_LIMIT;
	}
	figure->handler = handler;
	figure->kind = known->kind;
	figure->first = before == NULL;
	memcpy(figure->name, known->name, sizeof(figure->name));
	memcpy(figure->help, known->help, sizeof(figure->help));
	atomic_store(&board->figures, count + 1);
	if (before != NULL) {
		atomic_store(&before->next, count);
	}
	*out = figure;
	return 0;
}

void scoreboard_figure_show(struct scoreboard_figure *figure,
    const double cells[FIGURE_CELLS])
{
	for (size_t i = 0; i < FIGURE_CELLS; i++) {
		double before = atomic_load_explicit(&figure->cells[i],
		    memory_order_relaxed);

		if (figure->kind == TC_GAUGE || cells[i] > before) {
			atomic_store_explicit(&figure->cells[i], cells[i],
			    memory_order_relaxed);
		}
	}
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

/* One thread writes it: that needs no locked instruction. */
static void next_turn(struct scoreboard_blame *blame)
{
	uint32_t turn = atomic_load_explicit(&blame->turn, memory_order_relaxed);

	atomic_store_explicit(&blame->turn, turn + 1, memory_order_release);
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
	next_turn(blame);
}

void blame_clear(struct scoreboard_blame *blame)
{
	atomic_signal_fence(memory_order_seq_cst);
	blame->handler[0] = '\0';
	next_turn(blame);
}

bool blame_stands(const struct scoreboard_blame *blame, uint32_t *turn)
{
	uint32_t before = *turn;

	*turn = atomic_load_explicit(&blame->turn, memory_order_acquire);
	return *turn == before && blame->handler[0] != '\0';
}

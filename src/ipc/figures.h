/* SPDX-License-Identifier: MIT */
/*
 * The figures of a handler, behind tc.metric: counters, gauges and histograms, in the
 * memory of the handler (ipc/shared.h). Each process counts in a block of its own, so
 * that none waits for another; the master adds the blocks up, and keeps what the dead
 * have counted. A process that runs a handler can so spoil nothing but its figures.
 */
#ifndef TINCAN_IPC_FIGURES_H
#define TINCAN_IPC_FIGURES_H

#include <stdatomic.h>
#include <stdint.h>

#include "ipc/shared.h"

#define FIGURES_MAX 64		/* of a handler */
#define FIGURE_BUCKETS 23	/* of a histogram; the last has no bound */
#define FIGURE_CELLS (FIGURE_BUCKETS + 1)

/* One of a process. A tc_metric is a pointer to one. */
struct figure {
	_Alignas(64) _Atomic uint32_t kind;	/* TC_COUNTER ..., as in handler.h */
	/* Of a histogram how many fell into each bucket, and the sum; of the others only
	 * the first. */
	_Atomic double cells[FIGURE_CELLS];
};

_Static_assert(sizeof(struct figure) * FIGURES_MAX == SHARED_BLOCK_BYTES,
    "fills a block");

/* The upper bounds of the buckets, as Prometheus has them: "0.001", ..., "+Inf". */
extern const char *const figure_bounds[FIGURE_BUCKETS];

/* Can a figure have that name: [a-z0-9_], and no name of the server's own? */
bool figure_name_is_good(const char *name);

/*
 * The figure of that name in this process, made if there is none; on one thread of it.
 * help is cut. It stays for as long as the process.
 *
 * @return 0; ERR_INVALID: a bad name or kind; ERR_MISSING: it is of another kind already;
 * ERR_LIMIT: more than FIGURES_MAX, or too many processes; ERR_PROTOCOL: the roll makes
 * no sense; ERR_SYSTEM: it cannot be mapped
 */
int figure_get(struct shared *shared, int kind, const char *name, const char *help,
    struct figure **figure) MUST_USE;

/* From any thread. What is NaN, infinite, or negative but for a gauge, is ignored; so is
 * a set of what is no gauge. */
void figure_add(struct figure *figure, double value);
void figure_set(struct figure *figure, double value);

struct scoreboard_figure;

/* One that the master knows. */
struct figure_known {
	uint32_t kind;			/* 0: it makes no sense */
	char name[ROLL_NAME_BYTES];
	char help[ROLL_NOTE_BYTES];	/* UTF-8 */
	struct scoreboard_figure *shown;	/* where; NULL: nowhere */
};

/* The master's view of the figures of a handler. */
struct figures_view {
	struct shared_front *front;
	uint32_t place;			/* in the roll: what is before it is known */
	uint32_t count;
	uint32_t live_count;
	uint16_t live[SHARED_BLOCKS];	/* blocks of processes that live */
	struct figure_known known[FIGURES_MAX];
};

/* Maps the memory behind fd; ERR_SYSTEM. */
int figures_view_init(struct figures_view *view, int fd) MUST_USE;
void figures_view_release(struct figures_view *view);

/* Gets to know what is new, and takes over what the dead have counted; view->count
 * grows. */
void figures_view_read(struct figures_view *view);

/* The sum over processes of the known figure of that index. A counter's or histogram's
 * may be less than before, for a moment, while another master takes over a block, or if
 * the handler has spoilt it. */
void figures_view_sum(struct figures_view *view, uint32_t index,
    double cells[FIGURE_CELLS]);

#endif

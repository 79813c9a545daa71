/* SPDX-License-Identifier: MIT */
/*
 * The figures of a handler. A block belongs to the process whose pid is its owner's; the
 * first block is nobody's, and holds what the dead have left.
 */
#include "ipc/figures.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "tincan/handler.h"

#define KEPT 0				/* the block of the dead */
#define SUM (FIGURE_CELLS - 1)		/* of a histogram: behind its buckets */
#define TAKEN_OVER (-1)			/* the owner of a block on its way there */

const char *const figure_bounds[FIGURE_BUCKETS] = { "0.001", "0.0025", "0.005", "0.01",
	"0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "25", "50", "100",
	"250", "500", "1000", "2500", "5000", "10000", "+Inf" };

/* The same as numbers, but the last. */
static const double bounds[FIGURE_BUCKETS - 1] = { 0.001, 0.0025, 0.005, 0.01, 0.025,
	0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000,
	10000 };

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text);
	size_t end_size = strlen(end);

	return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* What ends so is a series of a histogram; and the server has a count of its own. */
bool figure_name_is_good(const char *name)
{
	return name[0] != '\0' && strlen(name) < ROLL_NAME_BYTES &&
	    strchr(name, '-') == NULL && !ends_with(name, "_bucket") &&
	    !ends_with(name, "_sum") && !ends_with(name, "_count") &&
	    strcmp(name, "crashes_total") != 0;
}

static bool kind_is_good(uint32_t kind)
{
	return kind >= TC_COUNTER && kind <= TC_HISTOGRAM;
}

/* The block of this process, taken and mapped if it has none yet. */
static int need_block(struct shared *shared)
{
	int32_t self = (int32_t)getpid();

	for (uint32_t i = KEPT + 1; shared->block == NULL && i < SHARED_BLOCKS; i++) {
		int32_t nobody = 0;

		if (atomic_compare_exchange_strong(&shared->front->owners[i], &nobody,
			self) && shared_map_block(shared, i, &shared->block) != 0) {
			atomic_store(&shared->front->owners[i], 0);
			return ERR_SYSTEM;
		}
	}
	return shared->block == NULL ? ERR_LIMIT : 0;
}

/* The index of a figure is how many there are before it in the roll. */
static int find(struct shared *shared, const struct roll_entry *wanted, uint32_t *index)
{
	*index = 0;
	for (uint32_t place = 0;; place++) {
		bool fits = *index < FIGURES_MAX;
		struct roll_entry entry;
		int rc = roll_at(&shared->front->roll, place, fits ? wanted : NULL,
		    &entry);

		if (rc != 0) {
			return rc == ERR_MISSING ? ERR_LIMIT : rc;
		}
		if (entry.kind == SHARED_AREA) {
			continue;
		}
		if (*index == FIGURES_MAX) {
			return ERR_PROTOCOL;
		}
		if (memcmp(entry.name, wanted->name, sizeof(entry.name)) == 0) {
			return entry.kind == wanted->kind ? 0 : ERR_MISSING;
		}
		++*index;
	}
}

int figure_get(struct shared *shared, int kind, const char *name, const char *help,
    struct figure **figure)
{
	struct roll_entry wanted = { .kind = (uint32_t)kind };
	uint32_t index;
	int rc;

	if (!roll_name(&wanted, name, help) || !figure_name_is_good(name) ||
	    !kind_is_good(wanted.kind)) {
		return ERR_INVALID;
	}
	rc = shared_open(shared);
	rc = rc != 0 ? rc : need_block(shared);
	rc = rc != 0 ? rc : find(shared, &wanted, &index);
	if (rc == 0) {
		*figure = (struct figure *)shared->block + index;
		atomic_store(&(*figure)->kind, wanted.kind);
	}
	return rc;
}

static void add_to(_Atomic double *cell, double value)
{
	double before = atomic_load_explicit(cell, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(cell, &before, before + value,
	    memory_order_relaxed, memory_order_relaxed)) {
	}
}

static void observe(struct figure *figure, double value)
{
	size_t bucket = 0;

	while (bucket < FIGURE_BUCKETS - 1 && value > bounds[bucket]) {
		bucket++;
	}
	add_to(&figure->cells[bucket], 1);
	add_to(&figure->cells[SUM], value);
}

void figure_add(struct figure *figure, double value)
{
	uint32_t kind = atomic_load_explicit(&figure->kind, memory_order_relaxed);

	if (!isfinite(value) || (value < 0 && kind != TC_GAUGE)) {
		return;
	}
	if (kind == TC_HISTOGRAM) {
		observe(figure, value);
	} else {
		add_to(&figure->cells[0], value);
	}
}

void figure_set(struct figure *figure, double value)
{
	if (isfinite(value) &&
	    atomic_load_explicit(&figure->kind, memory_order_relaxed) == TC_GAUGE) {
		atomic_store_explicit(&figure->cells[0], value, memory_order_relaxed);
	}
}

int figures_view_init(struct figures_view *view, int fd)
{
	*view = (struct figures_view){ 0 };
	return shared_view_open(fd, &view->front);
}

void figures_view_release(struct figures_view *view)
{
	shared_view_close(view->front);
	view->front = NULL;
}

static struct figure *figure_at(const struct figures_view *view, uint32_t block,
    uint32_t index)
{
	return (struct figure *)shared_view_block(view->front, block) + index;
}

/* What can be counted; what a handler has spoilt cannot. */
static double judge(double value, uint32_t kind)
{
	return isfinite(value) && (value >= 0 || kind == TC_GAUGE) ? value : 0;
}

static void know(struct figure_known *known, const struct roll_entry *entry)
{
	memcpy(known->name, entry->name, sizeof(known->name) - 1);
	memcpy(known->help, entry->note, sizeof(known->help) - 1);
	known->kind = kind_is_good(entry->kind) &&
	    strspn(known->name, "abcdefghijklmnopqrstuvwxyz0123456789_") ==
		strlen(known->name) &&
	    figure_name_is_good(known->name) ? entry->kind : 0;
	if (!utf8_valid(slice_of(known->help))) {
		known->help[0] = '\0';
	}
}

static void read_roll(struct figures_view *view)
{
	struct roll_entry entry;

	while (view->count < FIGURES_MAX &&
	    roll_get(&view->front->roll, view->place, &entry) == 0) {
		view->place++;
		if (entry.kind != SHARED_AREA) {
			know(&view->known[view->count++], &entry);
		}
	}
}

/* Gauges of a process go with it. A cell is emptied before its content is kept: if
 * anything it counts for nothing for a moment, never twice. */
static void take_over(struct figures_view *view, uint32_t block)
{
	for (uint32_t i = 0; i < FIGURES_MAX; i++) {
		uint32_t kind = i < view->count ? view->known[i].kind : 0;
		struct figure *figure = figure_at(view, block, i);
		struct figure *kept = figure_at(view, KEPT, i);

		for (size_t k = 0; k < FIGURE_CELLS; k++) {
			double value = atomic_exchange(&figure->cells[k], 0);

			if (kind == TC_COUNTER || kind == TC_HISTOGRAM) {
				add_to(&kept->cells[k], judge(value, kind));
			}
		}
	}
}

static void look_at(struct figures_view *view, uint32_t block)
{
	_Atomic int32_t *owner = &view->front->owners[block];
	int32_t pid = atomic_load(owner);

	if (pid <= 0) {
		return;
	}
	if (kill(pid, 0) == 0 || errno != ESRCH) {
		view->live[view->live_count++] = (uint16_t)block;
		return;
	}
	/* In an upgrade there are two masters. */
	if (atomic_compare_exchange_strong(owner, &pid, TAKEN_OVER)) {
		read_roll(view);
		take_over(view, block);
		atomic_store(owner, 0);
	}
}

void figures_view_read(struct figures_view *view)
{
	read_roll(view);
	view->live_count = 0;
	for (uint32_t i = KEPT + 1; view->count > 0 && i < SHARED_BLOCKS; i++) {
		look_at(view, i);
	}
}

static void add_block(struct figures_view *view, uint32_t block, uint32_t index,
    double cells[FIGURE_CELLS])
{
	const struct figure *figure = figure_at(view, block, index);

	for (size_t i = 0; i < FIGURE_CELLS; i++) {
		cells[i] += judge(atomic_load_explicit(&figure->cells[i],
		    memory_order_relaxed), view->known[index].kind);
	}
}

void figures_view_sum(struct figures_view *view, uint32_t index,
    double cells[FIGURE_CELLS])
{
	memset(cells, 0, FIGURE_CELLS * sizeof(cells[0]));
	if (view->known[index].kind != TC_GAUGE) {
		add_block(view, KEPT, index, cells);
	}
	for (uint32_t i = 0; i < view->live_count; i++) {
		add_block(view, view->live[i], index, cells);
	}
	for (size_t i = 0; i < FIGURE_CELLS; i++) {
		cells[i] = judge(cells[i], view->known[index].kind);
	}
}

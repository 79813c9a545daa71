/* SPDX-License-Identifier: MIT */
/*
 * What a match costs with 10 to 100,000 routes: literal ones, and ones with a {name}.
 * Hot: the same few paths again and again, which is what the search itself costs. Cold:
 * all routes in random order, which adds the cache misses of a large table. Rounds go
 * through all tables in turn, so that a slow moment of the machine hits all.
 *
 *	make bench/routes && bench/routes
 */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "http/message.h"
#include "route/router.h"

enum { SIZES = 5, ROUNDS = 41, LOOKUPS = 1 << 16, HOT = 16, PATH_BYTES = 48 };

static const size_t sizes[SIZES] = { 10, 100, 1000, 10000, 100000 };

struct shape {
	const char *name;
	const char *pattern;	/* of the numbers of a group and of a route in it */
	const char *path;
};

static const struct shape shapes[] = {
	{ "literal", "/group%zu/orders/item%zu", "/group%zu/orders/item%zu" },
	{ "{name}", "/group%zu/{id}/item%zu", "/group%zu/4711/item%zu" },
};

struct table {
	struct router *router;
	char (*paths)[PATH_BYTES];	/* LOOKUPS of them, in the order of asking */
	size_t bytes_per_route;
	double hot_ns[ROUNDS];		/* per match */
	double cold_ns[ROUNDS];
};

static void fill_text(char *text, const char *format, size_t route)
{
	snprintf(text, PATH_BYTES, format, route / 10, route % 10);
}

static size_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void build_table(struct table *table, const struct shape *shape, size_t routes)
{
	size_t before = heap_bytes();
	char text[PATH_BYTES];
	void *clash;

	table->router = router_new();
	for (size_t i = 0; i < routes; i++) {
		fill_text(text, shape->pattern, i);
		if (router_add(table->router, text, HTTP_GET, NULL, table, &clash) != 0) {
			fprintf(stderr, "routes: cannot add %s\n", text);
			exit(1);
		}
	}
	table->bytes_per_route = (heap_bytes() - before) / routes;
	table->paths = memory_new(LOOKUPS, PATH_BYTES);
	for (size_t i = 0; i < LOOKUPS; i++) {
		fill_text(table->paths[i], shape->path, (size_t)random() % routes);
	}
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds per match, over the first paths of the table: distinct, a power of 2. */
static double time_table(const struct table *table, size_t distinct)
{
	double start = now_ns();

	for (size_t i = 0; i < LOOKUPS; i++) {
		const char *path = table->paths[i & (distinct - 1)];
		struct slice get = SLICE("GET");
		struct router_match match;

		router_match(table->router, slice_of(path), HTTP_GET, get, &match);
		if (match.value != table) {
			fprintf(stderr, "routes: %s is lost\n", path);
			exit(1);
		}
	}
	return (now_ns() - start) / LOOKUPS;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *ns)
{
	qsort(ns, ROUNDS, sizeof(*ns), compare);
	return ns[ROUNDS / 2];
}

static void measure_shape(const struct shape *shape)
{
	struct table tables[SIZES];
	double hot_first = 0;
	double cold_first = 0;

	for (size_t i = 0; i < SIZES; i++) {
		build_table(&tables[i], shape, sizes[i]);
	}
	for (size_t round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < SIZES; i++) {
			tables[i].hot_ns[round] = time_table(&tables[i], HOT);
			tables[i].cold_ns[round] = time_table(&tables[i], LOOKUPS);
		}
	}
	for (size_t i = 0; i < SIZES; i++) {
		double hot = median(tables[i].hot_ns);
		double cold = median(tables[i].cold_ns);

		hot_first = i == 0 ? hot : hot_first;
		cold_first = i == 0 ? cold : cold_first;
		printf("%-8s %7zu %8.1f %6.2f %8.1f %6.2f %8zu\n", shape->name, sizes[i],
		    hot, hot / hot_first, cold, cold / cold_first,
		    tables[i].bytes_per_route);
		router_free(tables[i].router);
		free(tables[i].paths);
	}
}

int main(void)
{
	printf("%-8s %7s %8s %6s %8s %6s %8s\n", "", "routes", "hot ns", "ratio",
	    "cold ns", "ratio", "bytes");
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		measure_shape(&shapes[i]);
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* How many connections each address has. */
#include "ipc/addresses.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "ipc/scoreboard.h"

#define ROWS 2
#define CELLS 65536		/* of a row */

struct counts {
	_Atomic uint32_t cells[ROWS][CELLS];
};

struct addresses {
	struct counts worker[SCOREBOARD_WORKERS];
	uint64_t seed;
};

struct addresses *addresses_new(void)
{
	struct addresses *addresses = mmap(NULL, sizeof(*addresses),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (addresses == MAP_FAILED) {
		perror("tincan: mmap");
		abort();
	}
	addresses->seed = hash_seed();
	return addresses;
}

void addresses_free(struct addresses *addresses)
{
	if (addresses != NULL) {
		munmap(addresses, sizeof(*addresses));
	}
}

static uint64_t hash_of(const struct addresses *addresses,
    const unsigned char address[NETWORK_ADDRESS_BYTES])
{
	struct slice text = { (const char *)address, NETWORK_ADDRESS_BYTES };

	return hash_text(text, addresses->seed);
}

/* Each row goes by bits of its own. */
static size_t cell_of(uint64_t hash, size_t row)
{
	return (hash >> (32 * row)) % CELLS;
}

void addresses_move(struct addresses *addresses, uint32_t worker,
    const unsigned char address[NETWORK_ADDRESS_BYTES], int change)
{
	uint64_t hash = hash_of(addresses, address);

	for (size_t row = 0; row < ROWS; row++) {
		_Atomic uint32_t *cell =
		    &addresses->worker[worker].cells[row][cell_of(hash, row)];

		/* Nobody else writes it. */
		atomic_store_explicit(cell,
		    atomic_load_explicit(cell, memory_order_relaxed) + (uint32_t)change,
		    memory_order_relaxed);
	}
}

uint32_t addresses_count(const struct addresses *addresses, uint32_t workers,
    const unsigned char address[NETWORK_ADDRESS_BYTES])
{
	uint64_t hash = hash_of(addresses, address);
	uint32_t least = UINT32_MAX;

	for (size_t row = 0; row < ROWS; row++) {
		size_t cell = cell_of(hash, row);
		uint32_t count = 0;

		for (uint32_t w = 0; w < workers; w++) {
			count += atomic_load_explicit(
			    &addresses->worker[w].cells[row][cell],
			    memory_order_relaxed);
		}
		least = count < least ? count : least;
	}
	return least;
}

void addresses_forget(struct addresses *addresses, uint32_t worker)
{
	struct counts *counts = &addresses->worker[worker];

	/* Gives the memory back, too; what is there instead is 0. */
	if (madvise(counts, sizeof(*counts), MADV_REMOVE) != 0) {
		memset((void *)counts, 0, sizeof(*counts));
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * How many connections each address has, with all workers together: memory that the
 * master makes and its workers share. Each worker counts in cells of its own, so that
 * nothing is locked, and what a worker leaves behind that dies is forgotten with them.
 *
 * An address has one cell in each of a few rows, by hashes that nobody can guess; its
 * count is the least of them. So it is never too low, and too high only for who shares a
 * cell of every row with others. Lifetime: boot.
 */
#ifndef TINCAN_IPC_ADDRESSES_H
#define TINCAN_IPC_ADDRESSES_H

#include <stdint.h>

#include "base/network.h"

struct addresses;

/* For as many workers as there can be; those that count nothing cost nothing. Aborts if
 * the kernel gives no memory. */
struct addresses *addresses_new(void);
void addresses_free(struct addresses *addresses);

/* The worker has one connection more, or less, of that address; for that worker. */
void addresses_move(struct addresses *addresses, uint32_t worker,
    const unsigned char address[NETWORK_ADDRESS_BYTES], int change);

/* Those of the first so many workers. */
uint32_t addresses_count(const struct addresses *addresses, uint32_t workers,
    const unsigned char address[NETWORK_ADDRESS_BYTES]);

/* The worker is dead; for the master. */
void addresses_forget(struct addresses *addresses, uint32_t worker);

#endif

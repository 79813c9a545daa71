/* SPDX-License-Identifier: MIT */
/* The CPUs that this process may run on. */
#ifndef TINCAN_OS_CPU_H
#define TINCAN_OS_CPU_H

#include <stdint.h>

/* How many there are; at least 1. */
uint32_t cpu_count(void);

/* The number of the index-th of them, or -1. */
int cpu_at(uint32_t index);

/* Stays on that CPU from now on; -1: no change. System calls only, as between fork and
 * exec. */
void cpu_pin(int cpu);

#endif

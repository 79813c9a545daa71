/* SPDX-License-Identifier: MIT */
/* The CPUs that this process may run on. */
#include "os/cpu.h"

#include <sched.h>

uint32_t cpu_count(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0) {
		return 1;
	}
	return (uint32_t)CPU_COUNT(&set);
}

int cpu_at(uint32_t index)
{
	cpu_set_t set;
	uint32_t seen = 0;

	if (sched_getaffinity(0, sizeof(set), &set) != 0) {
		return -1;
	}
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set) && seen++ == index) {
			return cpu;
		}
	}
	return -1;
}

void cpu_pin(int cpu)
{
	cpu_set_t set;

	if (cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		(void)sched_setaffinity(0, sizeof(set), &set);
	}
}

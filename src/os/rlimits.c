/* SPDX-License-Identifier: MIT */
/* What a process gives up by limits. */
#include "os/rlimits.h"

#include <sys/resource.h>

#include "os/sanitized.h"

void rlimits_zero(int resource)
{
	static const struct rlimit none = { 0, 0 };

	/* Less than there is may always be had. */
	(void)setrlimit((__rlimit_resource_t)resource, &none);
}

void rlimits_alone(void)
{
	if (!SANITIZED) {
		rlimits_zero(RLIMIT_NPROC);
	}
}

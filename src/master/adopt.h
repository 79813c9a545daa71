/* SPDX-License-Identifier: MIT */
/*
 * What becomes of the plugins that a scan has found, in the light of what is live: the
 * unchanged need no probe, the quarantined stay out, a bad new file leaves the version
 * before it in place, and of two claims to one path the older stays.
 */
#ifndef TINCAN_MASTER_ADOPT_H
#define TINCAN_MASTER_ADOPT_H

#include "master/boot.h"
#include "master/master.h"

/* Before the probe: a boot_adjust_fn; the boot's owner is the master. */
void adopt_known(struct boot *boot);

/* After it: good plugins become versions, refused ones are replaced by what is live (may
 * be NULL: nothing is), and what changes is logged. */
void adopt_finish(struct master *master, struct boot *boot, const struct boot *live);

/* Is what the two have to serve the same? What a look at the directory, or a stir in it,
 * brings when a file is as it was, or not good. */
bool adopt_serves_same(const struct plugin_set *live, const struct plugin_set *found);

#endif

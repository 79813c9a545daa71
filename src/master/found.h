/* SPDX-License-Identifier: MIT */
/* What the preflight has found in the files of a configuration, as it goes over to
 * another reading of it, or to the next one. Master. */
#ifndef TINCAN_MASTER_FOUND_H
#define TINCAN_MASTER_FOUND_H

#include <stdbool.h>

#include "config/config.h"

/* Both are of the same text: live has from now on what was found in the candidate's
 * files, but for which certificates are broken. Is any of it new? */
bool found_take(struct config *live, struct config *candidate);

/* The same, with which are broken. */
void found_take_verdicts(struct config *live, const struct config *candidate);

/* Is one of the candidate's certificates broken that is not yet known to be? */
bool found_has_broken(const struct config *live, const struct config *candidate);

/* Where files of config are broken, what was found in them for live goes on. */
void found_inherit(struct config *config, const struct config *live);

/* The two are of the same text: config has from now on all that live had. */
void found_move(struct config *config, struct config *live);

#endif

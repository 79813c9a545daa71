/* SPDX-License-Identifier: MIT */
/* When certificates expire: warnings and figures. Master. */
#ifndef TINCAN_MASTER_EXPIRY_H
#define TINCAN_MASTER_EXPIRY_H

#include "base/error.h"
#include "config/config.h"
#include "ipc/scoreboard.h"

/*
 * Adds a warning for each certificate that is shown and has expired, is not valid yet, or
 * ends in less than 30, 14, 7, 3 or 1 days; no more than a third of its life before, so
 * that short lives are not told of all along. The text is the same until the next of
 * these, so that who has told it knows.
 *
 * @param now_s	seconds since 1970
 */
void expiry_warn(const struct config *config, int64_t now_s, struct problems *problems);

/* Shows on the board when each expires. */
void expiry_show(const struct config *config, struct scoreboard *board);

#endif

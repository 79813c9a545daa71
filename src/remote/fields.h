/* SPDX-License-Identifier: MIT */
/* A header section in a frame: a count, then name and value of each. For this room
 * alone. */
#ifndef TINCAN_REMOTE_FIELDS_H
#define TINCAN_REMOTE_FIELDS_H

#include "base/buffer.h"
#include "http/head.h"

int fields_pack(struct buffer *out, const struct head *head) MUST_USE;

#endif

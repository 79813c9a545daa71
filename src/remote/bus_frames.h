/* SPDX-License-Identifier: MIT */
/*
 * Both ends of what a host and its worker tell one another of the bus. A topic is 1 to
 * BUS_TOPIC_MAX bytes without a NUL, data are at most BUS_DATA_MAX bytes. Packing:
 * ERR_LIMIT, ERR_NOMEM, and out is as it was. Unpacking: ERR_PROTOCOL; what is unpacked
 * borrows from the frame.
 */
#ifndef TINCAN_REMOTE_BUS_FRAMES_H
#define TINCAN_REMOTE_BUS_FRAMES_H

#include "base/buffer.h"
#include "ipc/frame.h"

/* SUBSCRIBE or UNSUBSCRIBE. */
int subscribe_pack(struct buffer *out, enum frame_type type, struct slice topic) MUST_USE;
int subscribe_unpack(const struct frame *frame, struct slice *topic) MUST_USE;

/* PUBLISH. */
int publish_pack(struct buffer *out, struct slice topic, struct slice data) MUST_USE;
int publish_unpack(const struct frame *frame, struct slice *topic, struct slice *data)
    MUST_USE;

/* EVENT. */
int event_pack(struct buffer *out, struct slice topic, struct slice data, uint64_t lost)
    MUST_USE;
int event_unpack(const struct frame *frame, struct slice *topic, struct slice *data,
    uint64_t *lost) MUST_USE;

#endif

/* SPDX-License-Identifier: MIT */
/* Frames of the bus. */
#include "remote/bus_frames.h"

#include "ipc/bus_ring.h"
#include "ipc/pack.h"

static bool is_topic(struct slice topic)
{
	return topic.size > 0 && topic.size <= BUS_TOPIC_MAX &&
	    memchr(topic.data, '\0', topic.size) == NULL;
}

int subscribe_pack(struct buffer *out, enum frame_type type, struct slice topic)
{
	return frame_append(out, type, 0, 0, 0, topic);
}

int subscribe_unpack(const struct frame *frame, struct slice *topic)
{
	*topic = frame->payload;
	return is_topic(*topic) ? 0 : ERR_PROTOCOL;
}

static int pack_message(struct buffer *out, struct slice topic, struct slice data)
{
	int rc = pack_text(out, topic);

	return rc != 0 ? rc : pack_text(out, data);
}

static int unpack_message(struct unpack *in, struct slice *topic, struct slice *data)
{
	*topic = unpack_text(in);
	*data = unpack_text(in);
	return unpack_done(in) && is_topic(*topic) && data->size <= BUS_DATA_MAX ?
	    0 : ERR_PROTOCOL;
}

int publish_pack(struct buffer *out, struct slice topic, struct slice data)
{
	size_t mark;
	int rc = frame_begin(out, FRAME_PUBLISH, 0, 0, &mark);

	rc = rc != 0 ? rc : pack_message(out, topic, data);
	return frame_finish(out, mark, rc, 0);
}

int publish_unpack(const struct frame *frame, struct slice *topic, struct slice *data)
{
	struct unpack in = { .rest = frame->payload };

	return unpack_message(&in, topic, data);
}

int event_pack(struct buffer *out, struct slice topic, struct slice data, uint64_t lost)
{
	size_t mark;
	int rc = frame_begin(out, FRAME_EVENT, 0, 0, &mark);

	rc = rc != 0 ? rc : pack_u64(out, lost);
	rc = rc != 0 ? rc : pack_message(out, topic, data);
	return frame_finish(out, mark, rc, 0);
}

int event_unpack(const struct frame *frame, struct slice *topic, struct slice *data,
    uint64_t *lost)
{
	struct unpack in = { .rest = frame->payload };

	*lost = unpack_u64(&in);
	return unpack_message(&in, topic, data);
}

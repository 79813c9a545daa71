/* SPDX-License-Identifier: MIT */
/* A raw stream: bytes as they are. Each side ends by itself, by a close_notify (RFC 8446
 * section 6.1). */
#include "worker/line.h"

#define OUT_MAX (DUPLEX_QUEUE_BYTES + DUPLEX_SEND_BYTES)

static void release(struct line *line)
{
	buffer_release(&line->out);
}

static int send(struct line *line, struct slice data, unsigned flags)
{
	int rc;

	line->out.max = OUT_MAX;
	line->out.tally = &line->worker->held;
	if (line->out.size > DUPLEX_QUEUE_BYTES) {
		return ERR_AGAIN;
	}
	rc = buffer_append(&line->out, data.data, data.size);
	if (rc == 0) {
		line->output_ended = (flags & DUPLEX_END) != 0;
	}
	return rc;
}

/* What a crash has cut short ends so that nobody takes it for the whole. */
static int close_stream(struct line *line, uint16_t code, struct slice reason)
{
	(void)reason;
	line->cut = code == DUPLEX_CODE_FAILED;
	line->output_ended = true;
	return 0;
}

static void input(struct line *line, struct slice *bytes)
{
	struct slice all = *bytes;

	slice_skip(bytes, all.size);
	line_touch(line);
	line_give(line, all, 0);
}

static void end_input(struct line *line)
{
	line_give(line, SLICE(""), DUPLEX_END);
}

static struct slice output(const struct line *line)
{
	return buffer_slice(&line->out);
}

static void taken(struct line *line, size_t size)
{
	line_touch(line);
	buffer_consume(&line->out, size);
	if (line->out.size == 0) {
		buffer_release(&line->out);
	}
}

static bool ended(const struct line *line, uint16_t *code)
{
	*code = 0;
	return line->output_ended && line->out.size == 0 &&
	    (line->closing || line->input_ended);
}

static uint32_t silence_ms(const struct line *line)
{
	return line->worker->config->timeouts.stream_idle_ms;
}

static void silent(struct line *line)
{
	line_finish(line, DUPLEX_CODE_LOST);
}

/* There is no word for it: it may go on until the time of the drain is over. */
static void drain(struct line *line)
{
	(void)line;
}

const struct line_protocol line_stream = { .kind = DUPLEX_STREAM,
	.release = release,
	.send = send,
	.close = close_stream,
	.input = input,
	.end_input = end_input,
	.output = output,
	.taken = taken,
	.ended = ended,
	.silence_ms = silence_ms,
	.silent = silent,
	.drain = drain };

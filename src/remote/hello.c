/* SPDX-License-Identifier: MIT */
/* What a host says of itself and its instances. */
#include "remote/hello.h"

#include "ipc/pack.h"

int hello_unpack(const struct frame *frame, struct hello *hello)
{
	struct unpack in = { .rest = frame->payload };

	/* Name and hash it has from us. */
	(void)unpack_string(&in);
	(void)unpack_string(&in);
	hello->version = unpack_string(&in);
	hello->about = unpack_string(&in);
	hello->route = unpack_string(&in);
	hello->can = unpack_u32(&in);
	return frame->header.code == FRAME_PROTOCOL && unpack_done(&in) && hello->can != 0
	    ? 0
	    : ERR_PROTOCOL;
}

int complaint_unpack(const struct frame *frame, struct complaint *complaint)
{
	struct unpack in = { .rest = frame->payload };
	const char *hint;

	complaint->level = frame->header.code == PROBLEM_ERROR ? PROBLEM_ERROR
							       : PROBLEM_WARNING;
	complaint->where = unpack_string(&in);
	complaint->what = unpack_string(&in);
	hint = unpack_string(&in);
	complaint->hint = hint[0] == '\0' ? NULL : hint;
	return unpack_done(&in) ? 0 : ERR_PROTOCOL;
}

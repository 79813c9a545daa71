/* SPDX-License-Identifier: MIT */
/*
 * The HTTP/1 reader: what it gives must not depend on how its input is cut, and all of
 * it must keep the promises of h1_reader.h, which the trace holds it to. The limits are
 * small, so that short inputs reach them.
 */
#include <stdint.h>

#include "../unit/h1_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte says where to cut, the rest is the input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct http_limits limits = { .max_target_bytes = 64,
		.max_header_bytes = 512, .max_header_fields = 16 };
	static const struct h1_cut whole = { SIZE_MAX, SIZE_MAX };
	struct slice input;
	struct h1_cut cut;
	struct buffer expected;
	struct buffer found;

	if (size == 0) {
		return 0;
	}
	input = (struct slice){ (const char *)data + 1, size - 1 };
	cut = (struct h1_cut){ data[0] % 64,
		data[0] / 64 == 0 ? SIZE_MAX : data[0] / 64u };
	expected = h1_trace(input, whole, &limits);
	found = h1_trace(input, cut, &limits);
	trace_check(slice_equal(buffer_slice(&expected), buffer_slice(&found)));
	buffer_release(&expected);
	buffer_release(&found);
	return 0;
}

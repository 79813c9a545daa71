/* SPDX-License-Identifier: MIT */
/* Numbers and texts into bytes and back. */
#include "ipc/pack.h"

#include <string.h>

int pack_u8(struct buffer *out, uint8_t value)
{
	return buffer_append(out, &value, sizeof(value));
}

int pack_u32(struct buffer *out, uint32_t value)
{
	return buffer_append(out, &value, sizeof(value));
}

int pack_u64(struct buffer *out, uint64_t value)
{
	return buffer_append(out, &value, sizeof(value));
}

int pack_text(struct buffer *out, struct slice text)
{
	uint32_t size = (uint32_t)text.size;
	char *space;
	int rc;

	if (text.size > UINT32_MAX - sizeof(size) - 1) {
		return ERR_LIMIT;
	}
	rc = buffer_reserve(out, sizeof(size) + text.size + 1, &space);
	if (rc != 0) {
		return rc;
	}
	memcpy(space, &size, sizeof(size));
	if (size > 0) {
		memcpy(space + sizeof(size), text.data, size);
	}
	space[sizeof(size) + size] = '\0';
	buffer_commit(out, sizeof(size) + text.size + 1);
	return 0;
}

static void take(struct unpack *in, void *out, size_t size)
{
	if (in->failed || in->rest.size < size) {
		in->failed = true;
		memset(out, 0, size);
		return;
	}
	memcpy(out, in->rest.data, size);
	slice_skip(&in->rest, size);
}

int pack_optional(struct buffer *out, const char *text)
{
	int rc = pack_u8(out, text != NULL);

	return rc != 0 || text == NULL ? rc : pack_text(out, slice_of(text));
}

uint8_t unpack_u8(struct unpack *in)
{
	uint8_t value;

	take(in, &value, sizeof(value));
	return value;
}

uint32_t unpack_u32(struct unpack *in)
{
	uint32_t value;

	take(in, &value, sizeof(value));
	return value;
}

uint64_t unpack_u64(struct unpack *in)
{
	uint64_t value;

	take(in, &value, sizeof(value));
	return value;
}

struct slice unpack_text(struct unpack *in)
{
	size_t size = unpack_u32(in);
	struct slice text = { in->rest.data, size };

	if (in->failed || size >= in->rest.size || in->rest.data[size] != '\0') {
		in->failed = true;
		return SLICE("");
	}
	slice_skip(&in->rest, size + 1);
	return text;
}

const char *unpack_string(struct unpack *in)
{
	struct slice text = unpack_text(in);

	if (memchr(text.data, '\0', text.size) != NULL) {
		in->failed = true;
		return "";
	}
	return text.data;
}

const char *unpack_optional(struct unpack *in)
{
	return unpack_u8(in) != 0 ? unpack_string(in) : NULL;
}

bool unpack_done(const struct unpack *in)
{
	return !in->failed && in->rest.size == 0;
}

/* SPDX-License-Identifier: MIT */
/* A header section in a frame. */
#include "remote/fields.h"

#include "ipc/pack.h"

int fields_pack(struct buffer *out, const struct head *head)
{
	int rc = pack_u32(out, head->count);

	for (size_t i = 0; rc == 0 && i < head->count; i++) {
		rc = pack_text(out, head_name(head, i));
		rc = rc != 0 ? rc : pack_text(out, head_value(head, i));
	}
	return rc;
}

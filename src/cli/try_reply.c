/* SPDX-License-Identifier: MIT */
/* A reply as a person or a script reads it. */
#include "cli/try_reply.h"

#include <errno.h>
#include <inttypes.h>

#define READ_BYTES 65536	/* of a file, at a time */

static void print_field(struct slice name, struct slice value, FILE *out)
{
	fprintf(out, "%.*s: %.*s\n", (int)name.size, name.data, (int)value.size,
	    value.data);
}

void try_reply_head(const struct exchange *exchange, FILE *out)
{
	const struct reply *reply = &exchange->reply;

	fprintf(out, "HTTP/1.1 %d %s\n", reply->status,
	    http_status_phrase(reply->status));
	for (uint32_t i = 0; i < reply->head.count; i++) {
		print_field(head_name(&reply->head, i), head_value(&reply->head, i), out);
	}
	if (reply->content_length >= 0 &&
	    http_reply_has_body(HTTP_GET, reply->status)) {
		fprintf(out, "content-length: %" PRId64 "\n", reply->content_length);
	}
	fputc('\n', out);
}

int try_reply_pieces(struct exchange *exchange, FILE *out)
{
	char scratch[READ_BYTES];
	struct slice bytes;
	int rc = 0;

	while (rc == 0 && exchange->pieces.left > 0) {
		rc = pieces_peek(&exchange->pieces, scratch, sizeof(scratch), &bytes);
		if (rc == 0 && fwrite(bytes.data, 1, bytes.size, out) != bytes.size) {
			rc = ERR_SYSTEM;
		}
		if (rc == 0) {
			pieces_consume(&exchange->pieces, bytes.size);
		}
	}
	if (rc == ERR_CLOSED) {
		errno = ENODATA;
	}
	return rc == 0 && fflush(out) != 0 ? ERR_SYSTEM : rc;
}

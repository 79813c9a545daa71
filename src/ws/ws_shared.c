/* SPDX-License-Identifier: MIT */
/* What the WebSockets of a worker lend one another. */
#include "ws/ws_shared.h"

#include <stdint.h>

int ws_shared_init(struct ws_shared *shared, struct tally *tally)
{
	*shared = (struct ws_shared){ .writer = ws_frames_new(),
		.zlib = ws_deflate_new(), .tally = tally };
	buffer_init(&shared->packed, SIZE_MAX);
	if (shared->writer == NULL || shared->zlib == NULL) {
		ws_shared_release(shared);
		return ERR_NOMEM;
	}
	return 0;
}

void ws_shared_release(struct ws_shared *shared)
{
	ws_frames_free(shared->writer);
	ws_deflate_free(shared->zlib);
	ws_reader_free(shared->spare);
	buffer_release(&shared->packed);
	*shared = (struct ws_shared){ 0 };
}

struct ws_reader *ws_shared_take(struct ws_shared *shared)
{
	struct ws_reader *reader = shared->spare;

	shared->spare = NULL;
	return reader != NULL ? reader : ws_reader_new(shared->tally);
}

void ws_shared_give(struct ws_shared *shared, struct ws_reader *reader)
{
	if (shared->spare != NULL) {
		ws_reader_free(reader);
		return;
	}
	ws_reader_trim(reader);
	shared->spare = reader;
}

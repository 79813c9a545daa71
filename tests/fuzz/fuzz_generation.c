/* SPDX-License-Identifier: MIT */
/* Any bytes as a generation from the master: whole and sensible, or refused. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "site/generation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void check_whole(const struct generation_message *message)
{
	require(message->config != NULL && message->listeners != NULL);
	for (size_t i = 0; i < message->plugins.count; i++) {
		const struct plugin *plugin = &message->plugins.items[i];

		require(plugin->file != NULL);
		require(strlen(plugin->hash) < sizeof(plugin->hash));
		require(strlen(plugin->note.name) < sizeof(plugin->note.name));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct generation_message message;
	int fd = memfd_create("tincan-fuzz", MFD_CLOEXEC);

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	if (generation_unpack(fd, &message) == 0) {
		check_whole(&message);
	}
	generation_release(&message);
	close(fd);
	return 0;
}

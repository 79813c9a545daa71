/* SPDX-License-Identifier: MIT */
/* Any bytes as a plugin file: the note is read without a byte too far, or refused. */
#include <stdlib.h>
#include <string.h>

#include "plugin/note.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void require(int truth)
{
	if (!truth) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char why[NOTE_WHY_BYTES];
	struct note note;

	memset(&note, 0x55, sizeof(note));
	memset(why, 0x55, sizeof(why));
	if (note_read(data, size, &note, why) == 0) {
		require(why[0] == '\0' && note.name[0] != '\0' && note.need == 1);
	} else {
		require(why[0] != '\0' && memchr(why, '\0', sizeof(why)) != NULL);
	}
	require(memchr(note.name, '\0', sizeof(note.name)) != NULL);
	return 0;
}

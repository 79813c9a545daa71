/* SPDX-License-Identifier: MIT */
/*
 * The ELF note of a handler file, read without mapping or running any of it. The bytes
 * are never trusted: every header, segment and note must lie inside the file.
 */
#ifndef TINCAN_PLUGIN_NOTE_H
#define TINCAN_PLUGIN_NOTE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct note {
	uint32_t abi;		/* of the exported symbol: 1 */
	uint32_t need;		/* lowest level it runs on */
	uint32_t use;
	uint32_t header;	/* level of the header it was built with */
	char name[48];		/* NUL-terminated, [a-z0-9_-]+ */
};

#define NOTE_WHY_BYTES 200

/*
 * Reads the note of the file content image.
 *
 * @return 0, or ERR_INVALID with why saying it for a person: "not an ELF file",
 *	"truncated: its sections end at byte 16384 but the file has 8192",
 *	"built for aarch64, this is x86-64", "not a tincan handler (no TINCAN_HANDLER)",
 *	"needs level 2, this tincan has level 1; a newer tincan will run it", ...
 */
int note_read(const unsigned char *image, size_t size, struct note *note,
    char why[NOTE_WHY_BYTES]) MUST_USE;

#endif

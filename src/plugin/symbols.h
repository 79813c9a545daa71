/* SPDX-License-Identifier: MIT */
/*
 * Names for the backtrace of a plugin that crashed, from the symbol table of its file.
 * For the master: the file is read, never mapped, and nothing in it is trusted.
 */
#ifndef TINCAN_PLUGIN_SYMBOLS_H
#define TINCAN_PLUGIN_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#define SYMBOLS_MAX 32	/* addresses of one backtrace */

/*
 * Describes addresses of a file (as its symbol table counts them; 0: elsewhere), the
 * innermost first, for people: "..., parse+0x1c, answer+0x63 (plugins/x.so)". What has no
 * name stays a number; what lies elsewhere is "...", and left out at the end.
 *
 * @param copy	the file to read
 * @param name	what to call it
 * @param out	size bytes, at least 1; "" if no address is one of the file
 */
void symbols_describe(const char *copy, const char *name, const uint64_t *addresses,
    size_t count, char *out, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A JSON text that is being read: jansson's tree, the places of its values, and where
 * problems go. Lives as long as config_parse runs.
 */
#ifndef TINCAN_CONFIG_DOCUMENT_H
#define TINCAN_CONFIG_DOCUMENT_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"
#include "config/locate.h"

#define DOCUMENT_MAX_BYTES (64u << 20)

struct document {
	const char *file;	/* borrowed, as are text, directory and problems */
	const char *directory;	/* relative file names are relative to it */
	const char *text;
	json_t *root;		/* owned */
	struct place *places;	/* owned */
	struct problems *problems;
};

/*
 * Parses the text; file, directory and problems are set by the caller before.
 * ERR_INVALID, with a problem that says line and column, if it is not JSON.
 */
int document_open(struct document *document, const char *text, size_t size) MUST_USE;

/* Also for a document that is all zero, or that did not open. */
void document_close(struct document *document);

#endif

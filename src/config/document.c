/* SPDX-License-Identifier: MIT */
/* Text to JSON tree, and jansson's errors in words for people. */
#include "config/document.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"

/* How jansson begins an error's text, what to say instead, and what helps. */
struct syntax_error {
	const char *begins;
	const char *what;
	const char *hint;
};

static const struct syntax_error syntax_errors[] = {
	{ "string or '}' expected", "expected a key in double quotes", NULL },
	{ "'}' expected", "expected ',' or '}'", "a comma is missing, or a bracket" },
	{ "']' expected", "expected ',' or ']'", "a comma is missing, or a bracket" },
	{ "':' expected", "expected ':' after the key", NULL },
	{ "unexpected token", "expected a value", NULL },
	{ "invalid token", "expected a value", NULL },
	{ "invalid escape", "unknown escape in a string",
	    "a backslash is written '\\\\'" },
	{ "invalid Unicode", "half a surrogate pair in a string", NULL },
	{ "end of file expected", "expected the end of the file", NULL },
	{ "premature end of input", "the file ends inside a string", NULL },
	{ "unexpected newline", "the line ends inside a string", NULL },
	{ "control character", "control character in a string", NULL },
	{ "unable to decode byte", "this is not UTF-8", NULL },
	{ "\\u0000 is not allowed", "'\\u0000' has no place in a string", NULL },
	{ "NUL byte in object key", "'\\u0000' has no place in a key", NULL },
	{ "too big", "the number is out of range", NULL },
	{ "real number overflow", "the number is out of range", NULL },
	{ "maximum parsing depth", "arrays and objects are nested too deeply", NULL },
	{ "duplicate object key", "the same key twice in one object", NULL },
};

/* What jansson could not read, and what people mean by it. */
static const struct {
	const char *found;
	const char *hint;
} token_hints[] = {
	{ "near '/'", "JSON has no comments" },
	{ "near '#'", "JSON has no comments" },
	{ "near '''", "JSON has double quotes only" },
	{ "near 'True'", "did you mean 'true'" },
	{ "near 'False'", "did you mean 'false'" },
	{ "near 'None'", "did you mean 'null'" },
	{ "near '\xef\xbb\xbf", "the file begins with a byte order mark" },
	{ "string or '}' expected near '}'", "the last member has no comma behind it" },
	{ "unexpected token near ']'", "the last element has no comma behind it" },
};

static const char *find_hint(const char *text, const char *hint)
{
	for (size_t i = 0; i < sizeof(token_hints) / sizeof(token_hints[0]); i++) {
		if (strstr(text, token_hints[i].found) != NULL) {
			return token_hints[i].hint;
		}
	}
	return hint;
}

/* jansson's "... near 'x'" as "found 'x'", fit for a terminal; "" if there is none. */
static void append_found(struct buffer *out, const char *text)
{
	const char *near = strstr(text, " near ");
	int rc = 0;

	if (near != NULL && strcmp(near, " near end of file") == 0) {
		rc = buffer_printf(out, ", found the end of the file");
	} else if (near != NULL) {
		rc = buffer_printf(out, ", found ");
		if (rc == 0) {
			near += strlen(" near ");
			rc = text_append_printable(out, slice_of(near));
		}
	}
	/* The buffer has room for all of jansson's text: only memory can be short. */
	if (rc != 0) {
		buffer_reset(out);
	}
}

static void add_syntax_problem(const struct document *document, const json_error_t *error)
{
	struct syntax_error shown = { "", error->text, NULL };
	struct buffer found;
	char *where;

	for (size_t i = 0; i < sizeof(syntax_errors) / sizeof(syntax_errors[0]); i++) {
		if (strncmp(error->text, syntax_errors[i].begins,
		    strlen(syntax_errors[i].begins)) == 0) {
			shown = syntax_errors[i];
			break;
		}
	}
	buffer_init(&found, 4 * JSON_ERROR_TEXT_LENGTH + 64);
	if (shown.begins[0] != '\0') {
		append_found(&found, error->text);
	}
	where = memory_printf("%s:%d:%d", document->file, error->line, error->column);
	problems_add(document->problems, where, find_hint(error->text, shown.hint),
	    "%s%.*s", shown.what, (int)found.size, buffer_slice(&found).data);
	free(where);
	buffer_release(&found);
}

static bool is_blank(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (strchr(" \t\r\n", text[i]) == NULL || text[i] == '\0') {
			return false;
		}
	}
	return true;
}

int document_open(struct document *document, const char *text, size_t size)
{
	json_error_t error;

	if (is_blank(text, size)) {
		problems_add(document->problems, document->file,
		    "'{}' is the smallest file that works", "the file is empty");
		return ERR_INVALID;
	}
	if (size > DOCUMENT_MAX_BYTES) {
		problems_add(document->problems, document->file, NULL,
		    "the file is larger than %u MiB", DOCUMENT_MAX_BYTES >> 20);
		return ERR_INVALID;
	}
	document->root = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
	    &error);
	if (document->root == NULL) {
		add_syntax_problem(document, &error);
		return ERR_INVALID;
	}
	document->text = text;
	document->places = locate_values(text, size);
	return 0;
}

void document_close(struct document *document)
{
	json_decref(document->root);
	free(document->places);
	document->root = NULL;
	document->places = NULL;
}

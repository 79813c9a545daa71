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
	bool shows_found;	/* the text it could not read says something */
	const char *hint;
};

static const struct syntax_error syntax_errors[] = {
	{ "string or '}' expected", "expected a key in double quotes", true, NULL },
	{ "'}' expected", "expected ',' or '}'", true, "is a comma missing" },
	{ "']' expected", "expected ',' or ']'", true, "is a comma missing" },
	{ "':' expected", "expected ':' after the key", true, NULL },
	{ "unexpected token", "expected a value", true, NULL },
	{ "invalid token", "expected a value", true, NULL },
	{ "invalid escape", "no such escape", true, "a backslash is written '\\\\'" },
	{ "invalid Unicode", "half a surrogate pair", true, NULL },
	{ "end of file expected", "expected the end of the file", true, NULL },
	{ "premature end of input", "the file ends inside a string", false, NULL },
	{ "unexpected newline", "the line ends inside a string", true, NULL },
	{ "control character", "a control character needs an escape", false, NULL },
	{ "unable to decode byte", "this is not UTF-8", false, NULL },
	{ "\\u0000 is not allowed", "'\\u0000' has no place in a string", false, NULL },
	{ "NUL byte in object key", "'\\u0000' has no place in a key", false, NULL },
	{ "too big", "the number is out of range", true, NULL },
	{ "real number overflow", "the number is out of range", true, NULL },
	{ "maximum parsing depth", "nested too deeply", false, NULL },
	{ "duplicate object key", "the same key twice in one object", true, NULL },
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
	struct syntax_error shown = { "", error->text, false, NULL };
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
	if (shown.shows_found) {
		append_found(&found, error->text);
	}
	where = memory_printf("%s:%d:%d", document->file, error->line,
	    error->column > 0 ? error->column : 1);
	problems_add(document->problems, where, find_hint(error->text, shown.hint),
	    "%s%.*s", shown.what, (int)found.size, buffer_slice(&found).data);
	free(where);
	buffer_release(&found);
}

/* jansson skips a NUL behind a number, which would put locate_values out of step. */
static bool has_nul(const struct document *document, const char *text, size_t size)
{
	const char *nul = memchr(text, '\0', size);
	unsigned line = 1;
	char *where;

	if (nul == NULL) {
		return false;
	}
	for (const char *at = text; at < nul; at++) {
		line += *at == '\n';
	}
	where = memory_printf("%s:%u", document->file, line);
	problems_add(document->problems, where, NULL, "the file has a NUL byte");
	free(where);
	return true;
}

static bool is_blank(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (strchr(" \t\r\n", text[i]) == NULL) {
			return false;
		}
	}
	return true;
}

int document_open(struct document *document, const char *text, size_t size)
{
	json_error_t error;

	if (has_nul(document, text, size)) {
		return ERR_INVALID;
	}
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

/* SPDX-License-Identifier: MIT */
/*
 * What clients take and handlers say of their replies, as the filter compress reads it:
 * five lines, the values of Accept-Encoding, If-None-Match, Content-Type, Cache-Control
 * and ETag. Whatever they are, reading ends, within them, and what is chosen was wanted.
 */
#include <stdint.h>
#include <stdlib.h>

#include "../../plugins/compress/judge.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ACCEPT, MATCH, TYPE, CACHE, TAG, FIELDS };

static const char *const names[FIELDS] = { "accept-encoding", "if-none-match",
	"content-type", "cache-control", "etag" };
static char *values[FIELDS];
static const struct coding gzip = { .name = "gzip" };
static const struct coding br = { .name = "br" };

tc_api tc;

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static const char *find(const tc_req *r, const char *name)
{
	(void)r;
	for (size_t i = 0; i < FIELDS; i++) {
		if (strcmp(names[i], name) == 0) {
			return values[i];
		}
	}
	return NULL;
}

static int find_at(const tc_req *r, size_t i, const char **name, const char **value)
{
	(void)r;
	if (i > MATCH || values[i] == NULL) {
		return 0;
	}
	*name = names[i];
	*value = values[i];
	return 1;
}

/* Takes a line, with no byte of memory behind its end. */
static char *take_line(const uint8_t **data, size_t *size)
{
	const uint8_t *end = memchr(*data, '\n', *size);
	size_t length = end != NULL ? (size_t)(end - *data) : *size;
	char *line = malloc(length + 1);

	check(line != NULL);
	memcpy(line, *data, length);
	line[length] = '\0';
	length += end != NULL;
	*data += length;
	*size -= length;
	return line;
}

static void try_judge(int status)
{
	static const char *types[] = { "text/*", "a*b*c/*d", "*/*+json" };
	const struct compress compress = { .choices = { { &br, 1 }, { &gzip, 1 } },
		.choice_count = 2, .types = types, .type_count = 3 };
	struct verdict verdict = judge(NULL, &compress, status);

	if (verdict.choice != NULL) {
		int weight = accept_coding(NULL, verdict.choice->coding->name);

		check(verdict.varies && weight > 0 && weight <= 1000);
		check(weight >= accept_coding(NULL, "gzip") &&
		    weight >= accept_coding(NULL, "br"));
	}
	(void)judge_etag(NULL, status, false);
	(void)judge_vary(NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	tc = (tc_api){ .header = find, .header_at = find_at, .reply_header = find };
	for (size_t i = 0; i < FIELDS; i++) {
		values[i] = take_line(&data, &size);
	}
	try_judge(200);
	try_judge(304);
	for (size_t i = 0; i < FIELDS; i++) {
		free(values[i]);
		values[i] = NULL;
	}
	return 0;
}

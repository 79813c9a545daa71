/* SPDX-License-Identifier: MIT */
/* Good: /bulk/{bytes} is that many bytes; ?head puts them in the header, ?crash dies. */
#include <stdlib.h>
#include <string.h>
#include <tincan/handler.h>

static int in_header(tc_req *r, char *text, size_t size)
{
	/* Parts, as one value may not be longer than a field can say. */
	while (size > 0) {
		size_t part = size < 8000 ? size : 8000;
		char *value = text + size - part;

		if (tc.add_header(r, "X-Bulk", value) != TC_OK) {
			return TC_FAIL;
		}
		*value = '\0';
		size -= part;
	}
	return tc.text(r, 200, "");
}

static int send_bulk(tc_req *r)
{
	size_t size = strtoul(tc.param(r, "bytes"), NULL, 10);
	char *text;
	int rc;

	if (strcmp(tc.query(r), "crash") == 0) {
		abort();
	}
	text = malloc(size + 1);
	if (text == NULL) {
		return TC_NOMEM;
	}
	memset(text, 'x', size);
	text[size] = '\0';
	if (strcmp(tc.query(r), "head") != 0) {
		return tc.reply_ref(r, 200, "text/plain", text, size, free, text);
	}
	rc = in_header(r, text, size);
	free(text);
	return rc;
}

TINCAN_HANDLER("bulk", .route = "/bulk/{bytes}", .on_request = send_bulk);

/* SPDX-License-Identifier: MIT */
/* Good: a reply of many bytes at /big, and at /size the number of the request's. */
#include <stdlib.h>
#include <string.h>
#include <tincan/handler.h>

#define BIG_BYTES 1000000

static int send_big(tc_req *r)
{
	unsigned char *data = malloc(BIG_BYTES);

	if (data == NULL) {
		return TC_NOMEM;
	}
	for (size_t i = 0; i < BIG_BYTES; i++) {
		data[i] = (unsigned char)(i % 251);
	}
	return tc.reply_ref(r, 200, "application/octet-stream", data, BIG_BYTES, free,
	    data);
}

static int send_size(tc_req *r)
{
	size_t size;

	tc.body(r, &size);
	return tc.text(r, 200, tc_printf(r, "%zu", size));
}

static int answer(tc_req *r)
{
	if (strcmp(tc.path(r), "/big") == 0) {
		return send_big(r);
	}
	return strcmp(tc.path(r), "/size") == 0 ? send_size(r) :
						  tc.text(r, 200, "small\n");
}

TINCAN_HANDLER("heavy", .on_request = answer);

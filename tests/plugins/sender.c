/* SPDX-License-Identifier: MIT */
/* Good: replies in each of the ways there are, one a path. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <tincan/handler.h>

static int in_pieces(tc_req *r)
{
	if (tc.set_header(r, "X-Made-By", "sender") != TC_OK ||
	    tc.start(r, 200, "text/plain") != TC_OK) {
		return TC_FAIL;
	}
	for (int i = 0; i < 100; i++) {
		if (tc.write(r, "0123456789", 10) != TC_OK) {
			return TC_FAIL;
		}
	}
	if (tc.add_trailer(r, "X-Sum", "1000") != TC_OK) {
		return TC_FAIL;
	}
	return tc.end(r);
}

static int by_reference(tc_req *r)
{
	char *text = strdup("owned by the handler\n");

	return tc.reply_ref(r, 200, "text/plain", text, strlen(text), free, text);
}

/* Reads its own code: a file that is surely there. */
static int from_file(tc_req *r)
{
	return tc.reply_file(r, 200, "application/octet-stream",
	    open("/proc/self/exe", O_RDONLY | O_CLOEXEC), 1, 3);
}

static int with_length(tc_req *r)
{
	if (tc.set_header(r, "Content-Length", "8") != TC_OK ||
	    tc.start(r, 200, NULL) != TC_OK || tc.write(r, "exactly", 7) != TC_OK ||
	    tc.write(r, "more", 4) != TC_INVALID || tc.write(r, "8", 1) != TC_OK) {
		return TC_FAIL;
	}
	return tc.end(r);
}

static int send_reply(tc_req *r)
{
	const char *path = tc.path(r);

	if (strcmp(path, "/pieces") == 0) {
		return in_pieces(r);
	}
	if (strcmp(path, "/reference") == 0) {
		return by_reference(r);
	}
	if (strcmp(path, "/file") == 0) {
		return from_file(r);
	}
	if (strcmp(path, "/length") == 0) {
		return with_length(r);
	}
	return tc.reply(r, 404, NULL, NULL, 0);
}

TINCAN_HANDLER("sender", .on_request = send_reply);

/* SPDX-License-Identifier: MIT */
/* Bad: breaks a rule while it answers, the one that the path names. */
#include <string.h>
#include <tincan/handler.h>

static int no_reply(tc_req *r)
{
	(void)r;
	return TC_OK;
}

static int fail(tc_req *r)
{
	(void)r;
	return TC_FAIL;
}

static int unknown_result(tc_req *r)
{
	tc.set_header(r, "X-Half-Done", "yes");
	return 77;
}

static int no_end(tc_req *r)
{
	return tc.start(r, 200, "text/plain");
}

static int too_short(tc_req *r)
{
	if (tc.set_header(r, "Content-Length", "10") == TC_OK &&
	    tc.start(r, 200, NULL) == TC_OK && tc.write(r, "short", 5) == TC_OK) {
		tc.end(r);
	}
	return TC_OK;
}

static int twice(tc_req *r)
{
	int first = tc.text(r, 200, "first\n");
	int second = tc.text(r, 200, "second\n");

	return first == TC_OK && second == TC_INVALID ? TC_OK : TC_FAIL;
}

static int not_later(tc_req *r)
{
	tc.text(r, 200, "now\n");
	return TC_LATER;
}

static int fail_after_reply(tc_req *r)
{
	tc.text(r, 200, "done\n");
	return TC_NOMEM;
}

static int no_memory(tc_req *r)
{
	return tc.reply(r, 200, "text/plain", tc.alloc(r, (size_t)1 << 40), 5);
}

static int all_memory(tc_req *r)
{
	while (tc.alloc(r, 1000) != NULL) {
	}
	while (tc.alloc(r, 1) != NULL) {
	}
	return tc.text(r, 200, "no room for this\n");
}

/* One character for each attempt: what was refused is "i". */
static int bad_headers(tc_req *r)
{
	static const char *const tries[][2] = { { "Connection", "close" },
		{ "Transfer-Encoding", "chunked" }, { "Upgrade", "x" },
		{ "Keep-Alive", "x" }, { "Trailer", "x" }, { "TE", "x" },
		{ "Proxy-Connection", "x" }, { "bad name", "x" }, { "", "x" },
		{ "x:", "x" }, { "x", "a\r\nSet-Cookie: b" }, { "x", "a\nb" },
		{ "x", " a" }, { "Content-Length", "-1" }, { "Content-Length", "+1" },
		{ "Content-Length", "9223372036854775808" }, { "Content-Length", "1,1" },
		{ "Content-Length", "" } };
	char seen[sizeof tries / sizeof tries[0] + 1] = "";

	for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		int set = tc.set_header(r, tries[i][0], tries[i][1]);
		int add = tc.add_header(r, tries[i][0], tries[i][1]);

		seen[i] = set == TC_INVALID && add == TC_INVALID ? 'i' : '?';
	}
	if (tc.set_header(r, NULL, "x") != TC_INVALID ||
	    tc.add_header(r, "x", NULL) != TC_INVALID) {
		return TC_FAIL;
	}
	return tc.text(r, 200, seen);
}

static int bad_status(tc_req *r)
{
	static const int statuses[] = { -1, 0, 100, 101, 199, 600, 999 };

	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		if (tc.text(r, statuses[i], "x") != TC_INVALID ||
		    tc.start(r, statuses[i], NULL) != TC_INVALID) {
			return TC_FAIL;
		}
	}
	return tc.reply(r, 204, NULL, "body", 4) == TC_INVALID ?
	    tc.reply(r, 204, NULL, NULL, 0) : TC_FAIL;
}

static int bad_file(tc_req *r)
{
	return tc.reply_file(r, 200, NULL, -1, 0, 10) == TC_INVALID ?
	    tc.text(r, 200, "refused") : TC_FAIL;
}

static int be_rude(tc_req *r)
{
	static const struct {
		const char *path;
		int (*fn)(tc_req *r);
	} ways[] = { { "/no-reply", no_reply }, { "/fail", fail },
		{ "/unknown", unknown_result }, { "/no-end", no_end },
		{ "/short", too_short }, { "/twice", twice },
		{ "/fail-after", fail_after_reply }, { "/no-memory", no_memory },
		{ "/all-memory", all_memory }, { "/headers", bad_headers },
		{ "/status", bad_status }, { "/file", bad_file },
		{ "/later", not_later } };

	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		if (strcmp(tc.path(r), ways[i].path) == 0) {
			return ways[i].fn(r);
		}
	}
	return TC_FAIL;
}

TINCAN_HANDLER("rude", .on_request = be_rude);

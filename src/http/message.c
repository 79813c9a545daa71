/* SPDX-License-Identifier: MIT */
/* Requests and replies; the registries of methods and status codes. */
#include "http/message.h"

#include <stddef.h>

static const struct {
	struct slice name;
	enum http_method id;
} methods[] = {
	{ { "GET", 3 }, HTTP_GET },
	{ { "HEAD", 4 }, HTTP_HEAD },
	{ { "POST", 4 }, HTTP_POST },
	{ { "PUT", 3 }, HTTP_PUT },
	{ { "DELETE", 6 }, HTTP_DELETE },
	{ { "CONNECT", 7 }, HTTP_CONNECT },
	{ { "OPTIONS", 7 }, HTTP_OPTIONS },
	{ { "TRACE", 5 }, HTTP_TRACE },
	{ { "PATCH", 5 }, HTTP_PATCH }
};

#define METHODS (sizeof(methods) / sizeof(methods[0]))

#define REPLY_MAX_BYTES 65536	/* of a reply's header: a handler's mistake beyond */

void request_init(struct request *request, struct arena *arena, uint32_t max_head_bytes,
    uint32_t max_fields)
{
	const struct slice none = SLICE("");

	*request = (struct request){ .version = HTTP_1_1, .method_id = HTTP_OTHER,
		.method = none, .target = none, .authority = none, .path = none,
		.query = none, .protocol = none, .content_length = -1 };
	head_init(&request->head, arena, max_head_bytes, max_fields);
	head_init(&request->trailer, arena, max_head_bytes, max_fields);
}

void reply_init(struct reply *reply, struct arena *arena)
{
	*reply = (struct reply){ .content_length = -1 };
	head_init(&reply->head, arena, REPLY_MAX_BYTES, REPLY_MAX_FIELDS);
	head_init(&reply->trailer, arena, REPLY_MAX_BYTES, REPLY_MAX_FIELDS);
}

enum http_method http_method_of(struct slice name)
{
	for (size_t i = 0; i < METHODS; i++) {
		if (slice_equal(methods[i].name, name)) {
			return methods[i].id;
		}
	}
	return HTTP_OTHER;
}

const char *http_method_name(enum http_method method)
{
	for (size_t i = 0; i < METHODS; i++) {
		if ((method & methods[i].id) != 0) {
			return methods[i].name.data;
		}
	}
	return "";
}

const char *http_status_phrase(int status)
{
	/* The IANA registry, with the phrases of RFC 9110 section 15. */
	static const char *const phrases[] = {
		[100] = "Continue", [101] = "Switching Protocols", [102] = "Processing",
		[103] = "Early Hints",
		[200] = "OK", [201] = "Created", [202] = "Accepted",
		[203] = "Non-Authoritative Information", [204] = "No Content",
		[205] = "Reset Content", [206] = "Partial Content",
		[207] = "Multi-Status",
		[208] = "Already Reported", [226] = "IM Used",
		[300] = "Multiple Choices", [301] = "Moved Permanently", [302] = "Found",
		[303] = "See Other", [304] = "Not Modified", [305] = "Use Proxy",
		[307] = "Temporary Redirect", [308] = "Permanent Redirect",
		[400] = "Bad Request", [401] = "Unauthorized", [402] = "Payment Required",
		[403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed",
		[406] = "Not Acceptable", [407] = "Proxy Authentication Required",
		[408] = "Request Timeout", [409] = "Conflict", [410] = "Gone",
		[411] = "Length Required", [412] = "Precondition Failed",
		[413] = "Content Too Large", [414] = "URI Too Long",
		[415] = "Unsupported Media Type", [416] = "Range Not Satisfiable",
		[417] = "Expectation Failed", [421] = "Misdirected Request",
		[422] = "Unprocessable Content", [423] = "Locked",
		[424] = "Failed Dependency", [425] = "Too Early",
		[426] = "Upgrade Required",
		[428] = "Precondition Required", [429] = "Too Many Requests",
		[431] = "Request Header Fields Too Large",
		[451] = "Unavailable For Legal Reasons",
		[500] = "Internal Server Error", [501] = "Not Implemented",
		[502] = "Bad Gateway", [503] = "Service Unavailable",
		[504] = "Gateway Timeout", [505] = "HTTP Version Not Supported",
		[506] = "Variant Also Negotiates", [507] = "Insufficient Storage",
		[508] = "Loop Detected", [511] = "Network Authentication Required"
	};
	const char *phrase = NULL;

	if (status >= 0 && (size_t)status < sizeof(phrases) / sizeof(phrases[0])) {
		phrase = phrases[status];
	}
	return phrase == NULL ? "" : phrase;
}

bool http_reply_has_body(enum http_method method, int status)
{
	if (status < 200 || status == 204 || status == 205 || status == 304) {
		return false;
	}
	return method != HTTP_HEAD && !(method == HTTP_CONNECT && status < 300);
}

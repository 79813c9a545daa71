/* SPDX-License-Identifier: MIT */
/* What a complete header means. */
#include "http/request_head.h"

#include <string.h>

#include "http/url.h"

/*
 * The fields that are looked at here, and those that may stand once only (RFC 9110
 * section 5.3) and mean something to servers: two of them are an attempt to make two
 * servers see two requests, so they are refused. Others, such as a second User-Agent,
 * harm nobody and are passed on.
 */
enum field {
	FIELD_CONNECTION, FIELD_EXPECT, FIELD_TRANSFER_ENCODING,
	FIELD_CONTENT_LENGTH, FIELD_HOST, FIELD_ONCE
};

#define NAME(name_) { name_, sizeof(name_) - 1 }
#define LIST(id_, name_) { NAME(name_), id_, NULL }
#define ONCE(id_, name_) { NAME(name_), id_, "more than one " name_ " field" }

static const struct known {
	struct slice name;
	enum field id;
	const char *twice;	/* why a second one is refused; NULL: it is not */
} known[] = {
	LIST(FIELD_CONNECTION, "connection"),
	LIST(FIELD_EXPECT, "expect"),
	LIST(FIELD_TRANSFER_ENCODING, "transfer-encoding"),
	ONCE(FIELD_CONTENT_LENGTH, "content-length"),
	ONCE(FIELD_HOST, "host"),
	ONCE(FIELD_ONCE, "authorization"),
	ONCE(FIELD_ONCE, "content-range"),
	ONCE(FIELD_ONCE, "content-type"),
	ONCE(FIELD_ONCE, "from"),
	ONCE(FIELD_ONCE, "if-modified-since"),
	ONCE(FIELD_ONCE, "if-range"),
	ONCE(FIELD_ONCE, "if-unmodified-since"),
	ONCE(FIELD_ONCE, "max-forwards"),
	ONCE(FIELD_ONCE, "proxy-authorization"),
	ONCE(FIELD_ONCE, "range"),
	ONCE(FIELD_ONCE, "referer")
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

/* What one pass over the fields finds. */
struct survey {
	uint32_t seen;		/* a bit per row of known */
	struct slice host;	/* data NULL: none */
	uint32_t codings;	/* of Transfer-Encoding */
	uint32_t chunked;	/* how many of them are chunked */
	bool chunked_last;
	bool has_transfer_encoding;
	bool close;
	bool keep_alive;
	bool expects_other;	/* something that is not 100-continue */
};

static int refuse(const char **reason, int status, const char *text)
{
	*reason = text;
	return status;
}

/* 1*DIGIT and nothing else; not a list, which RFC 9112 section 6.3 would allow. */
static int read_content_length(struct request *request, struct slice text,
    const char **reason)
{
	int64_t length = 0;

	for (size_t i = 0; i < text.size; i++) {
		int digit = text.data[i] - '0';

		if (digit < 0 || digit > 9) {
			return refuse(reason, 400, "invalid content-length");
		}
		if (length > (INT64_MAX - digit) / 10) {
			return refuse(reason, 413, "content-length too large");
		}
		length = length * 10 + digit;
	}
	if (text.size == 0) {
		return refuse(reason, 400, "empty content-length");
	}
	request->content_length = length;
	return 0;
}

static int read_transfer_encoding(struct survey *survey, struct slice list,
    const char **reason)
{
	struct slice coding;

	survey->has_transfer_encoding = true;
	while (head_next_element(&list, &coding)) {
		/* Parameters are not told apart: no coding that is known has any. */
		survey->chunked_last = slice_equal_nocase(coding, SLICE("chunked"));
		survey->chunked += survey->chunked_last;
		survey->codings++;
		if (coding.size == 0 ||
		    !head_name_valid((struct slice){ coding.data, 1 })) {
			return refuse(reason, 400, "invalid transfer-encoding");
		}
	}
	return 0;
}

static void read_connection(struct survey *survey, struct slice list)
{
	struct slice option;

	while (head_next_element(&list, &option)) {
		if (slice_equal_nocase(option, SLICE("close"))) {
			survey->close = true;
		} else if (slice_equal_nocase(option, SLICE("keep-alive"))) {
			survey->keep_alive = true;
		}
	}
}

static void read_expect(struct survey *survey, struct request *request, struct slice list)
{
	struct slice expectation;

	while (head_next_element(&list, &expectation)) {
		if (slice_equal_nocase(expectation, SLICE("100-continue"))) {
			request->expect_continue = true;
		} else if (expectation.size > 0) {
			survey->expects_other = true;
		}
	}
}

static const struct known *find_known(struct slice name)
{
	for (size_t i = 0; i < KNOWN; i++) {
		/* Most fields differ in size or first letter; it saves the call. */
		if (known[i].name.size == name.size &&
		    known[i].name.data[0] == name.data[0] &&
		    memcmp(known[i].name.data, name.data, name.size) == 0) {
			return &known[i];
		}
	}
	return NULL;
}

static int survey_field(struct survey *survey, struct request *request, size_t i,
    const char **reason)
{
	const struct known *field = find_known(head_name(&request->head, i));
	struct slice value = head_value(&request->head, i);
	uint32_t bit;

	if (field == NULL) {
		return 0;
	}
	bit = UINT32_C(1) << (field - known);
	if ((survey->seen & bit) != 0 && field->twice != NULL) {
		return refuse(reason, 400, field->twice);
	}
	survey->seen |= bit;
	switch (field->id) {
	case FIELD_CONNECTION:
		read_connection(survey, value);
		break;
	case FIELD_EXPECT:
		read_expect(survey, request, value);
		break;
	case FIELD_TRANSFER_ENCODING:
		return read_transfer_encoding(survey, value, reason);
	case FIELD_CONTENT_LENGTH:
		return read_content_length(request, value, reason);
	case FIELD_HOST:
		survey->host = value;
		break;
	case FIELD_ONCE:
		break;
	}
	return 0;
}

/* RFC 9112 section 6, without its tolerances: how long the body is, beyond doubt. */
static int judge_framing(const struct survey *survey, struct request *request,
    const char **reason)
{
	if (request->version == HTTP_2) {
		return 0;	/* its frames say */
	}
	if (!survey->has_transfer_encoding) {
		request->has_body = request->content_length >= 0;
		return 0;
	}
	if (request->version == HTTP_1_0) {
		return refuse(reason, 400, "transfer-encoding in HTTP/1.0");
	}
	if (request->content_length >= 0) {
		return refuse(reason, 400, "both content-length and transfer-encoding");
	}
	if (!survey->chunked_last) {
		return refuse(reason, 400, "transfer-encoding does not end in chunked");
	}
	if (survey->chunked > 1) {
		return refuse(reason, 400, "chunked more than once");
	}
	if (survey->codings > 1) {
		return refuse(reason, 501, "transfer coding not implemented");
	}
	request->has_body = true;
	return 0;
}

/* RFC 9112 section 3.2: an empty Host is valid, and no other value without a host. */
static int judge_host(const struct survey *survey, struct request *request,
    const char **reason)
{
	if (survey->host.data == NULL) {
		return request->version == HTTP_1_0 ? 0 :
			refuse(reason, 400, "no host field");
	}
	if (survey->host.size > 0 && !url_authority_valid(survey->host)) {
		return refuse(reason, 400, "invalid host field");
	}
	request->authority = survey->host;
	return 0;
}

/* CONNECT's target is a host and a port, neither left out (RFC 9110 section 9.3.6). */
static int judge_connect(struct request *request, const char **reason)
{
	const char *last = request->target.data + request->target.size - 1;

	if (!url_authority_valid(request->target) || *last < '0' || *last > '9' ||
	    memchr(request->target.data, ':', request->target.size) == NULL) {
		return refuse(reason, 400, "invalid target for CONNECT");
	}
	request->authority = request->target;
	return 0;
}

static int judge_asterisk(struct request *request, const char **reason)
{
	if (request->method_id != HTTP_OPTIONS) {
		return refuse(reason, 400, "target '*' is for OPTIONS only");
	}
	request->path = SLICE("*");
	return 0;
}

static int judge_path(struct request *request, struct slice raw, const char **reason)
{
	int rc = url_decode_path(raw, request->head.arena, &request->path);

	if (rc == ERR_NOMEM) {
		return refuse(reason, 503, "out of memory");
	}
	return rc == 0 ? 0 : refuse(reason, 400, "invalid path");
}

/* The target's authority wins over Host (RFC 9112 section 3.2.2). */
static int take_authority(struct request *request, struct slice authority,
    const char **reason)
{
	char *copy = arena_copy(request->head.arena, authority.data, authority.size);

	if (copy == NULL) {
		return refuse(reason, 503, "out of memory");
	}
	request->authority = (struct slice){ copy, authority.size };
	return 0;
}

static int judge_target(struct request *request, const char **reason)
{
	struct url_target parts;
	int status;

	/* With a protocol it has a target like any other (RFC 8441 section 4). */
	if (request->method_id == HTTP_CONNECT && request->protocol.size == 0) {
		return judge_connect(request, reason);
	}
	if (url_split_target(request->target, &parts) != 0) {
		return refuse(reason, 400, "invalid target");
	}
	if (parts.absolute) {
		status = take_authority(request, parts.authority, reason);
		if (status != 0) {
			return status;
		}
	}
	request->query = parts.query;
	if (parts.absolute && parts.path.size == 0) {
		/* For OPTIONS it is "*" in disguise (RFC 9112 section 3.2.4). */
		bool whole_server = request->method_id == HTTP_OPTIONS &&
		    parts.query.size == 0;

		parts.path = whole_server ? SLICE("*") : SLICE("/");
	}
	if (slice_equal(parts.path, SLICE("*"))) {
		return judge_asterisk(request, reason);
	}
	return judge_path(request, parts.path, reason);
}

/* An HTTP/1.0 client does not know 100-continue (RFC 9110 section 10.1.1), and one whose
 * body is empty does not wait. */
static int judge_expectation(const struct survey *survey, struct request *request,
    const char **reason)
{
	if (survey->expects_other) {
		return refuse(reason, 417, "unknown expectation");
	}
	if (request->version == HTTP_1_0 || !request->has_body ||
	    request->content_length == 0) {
		request->expect_continue = false;
	}
	return 0;
}

int request_head_judge(struct request *request, const char **reason)
{
	struct survey survey = { .host = { NULL, 0 } };
	int status = 0;

	for (size_t i = 0; i < request->head.count && status == 0; i++) {
		status = survey_field(&survey, request, i, reason);
	}
	if (status == 0) {
		status = judge_framing(&survey, request, reason);
	}
	if (status == 0) {
		status = judge_host(&survey, request, reason);
	}
	if (status == 0) {
		status = judge_target(request, reason);
	}
	if (status == 0) {
		status = judge_expectation(&survey, request, reason);
	}
	request->keep_alive = status == 0 && !survey.close &&
		(request->version != HTTP_1_0 || survey.keep_alive);
	return status;
}

bool request_head_trailer_allowed(struct slice name)
{
	/* What frames, routes, authenticates, modifies the request or says what its
	 * content is: it would come too late to be heeded, or be heeded by others. */
	static const struct slice forbidden[] = {
		NAME("authorization"), NAME("cache-control"), NAME("connection"),
		NAME("content-encoding"), NAME("content-length"), NAME("content-range"),
		NAME("content-type"), NAME("cookie"), NAME("expect"), NAME("host"),
		NAME("if-match"), NAME("if-modified-since"), NAME("if-none-match"),
		NAME("if-range"), NAME("if-unmodified-since"), NAME("keep-alive"),
		NAME("max-forwards"), NAME("pragma"), NAME("proxy-authorization"),
		NAME("proxy-connection"), NAME("range"), NAME("te"), NAME("trailer"),
		NAME("transfer-encoding"), NAME("upgrade")
	};

	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		if (slice_equal(forbidden[i], name)) {
			return false;
		}
	}
	return true;
}

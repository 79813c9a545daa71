/* SPDX-License-Identifier: MIT */
/*
 * The HTTP/1 reader.
 *
 *	IDLE -begin-> REQUEST_LINE -> FIELD_LINE* -+-> LENGTH_BODY --------------> DONE
 *	                                           +-> CHUNK_SIZE ... TRAILER_LINE -^
 *
 * A line is gathered in the text of the head it belongs to and parsed there, in place,
 * when its LF comes: so no rule can depend on how the input was split, and a field
 * costs no allocation. What may stand in any line at all is checked byte by byte as
 * it comes, so that garbage without an end is refused at once.
 */
#include "http/h1_reader.h"

#include <endian.h>
#include <string.h>

#include "http/chars.h"
#include "http/request_head.h"

#define EMPTY_LINES_MAX 4	/* before a request line (RFC 9112 section 2.2) */
#define SIZE_DIGITS_MAX 16	/* of a chunk, leading zeros included */
#define VERSION_BYTES 8		/* "HTTP/1.1" */

enum state {
	IDLE,
	REQUEST_LINE,
	FIELD_LINE,
	LENGTH_BODY,
	CHUNK_SIZE,		/* hexadecimal digits */
	CHUNK_BLANK,		/* white space that an extension must follow */
	CHUNK_EXTENSION,
	CHUNK_LINE_END,		/* the LF after the size or its extensions */
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	TRAILER_LINE,
	DONE,
	REFUSED
};

/* Beside the events, what a step may come to: state has changed, step again. */
#define GO_ON (-1)

enum line { LINE_PART, LINE_WHOLE, LINE_REFUSED };

void h1_reader_init(struct h1_reader *reader, const struct http_limits *limits)
{
	*reader = (struct h1_reader){ .limits = limits, .state = IDLE };
}

void h1_reader_begin(struct h1_reader *reader, struct request *request)
{
	h1_reader_init(reader, reader->limits);
	reader->request = request;
	reader->state = REQUEST_LINE;
}

bool h1_reader_started(const struct h1_reader *reader)
{
	if (reader->state == REQUEST_LINE) {
		return reader->request->head.size > 0;
	}
	return reader->state != IDLE;
}

/* The text has come to rest: what was known by its offset can be a slice. */
static void settle_request_line(struct h1_reader *reader)
{
	struct request *request = reader->request;
	const char *text = request->head.text;

	if (reader->method_size > 0) {
		request->method = (struct slice){ text, reader->method_size };
		request->target = (struct slice){ text + reader->method_size + 1,
			reader->target_size };
	}
}

static int refuse(struct h1_reader *reader, int status, const char *reason)
{
	settle_request_line(reader);
	reader->request->keep_alive = false;
	reader->status = status;
	reader->reason = reason;
	reader->state = REFUSED;
	return H1_REFUSED;
}

static enum line refuse_line(struct h1_reader *reader, int status, const char *reason)
{
	refuse(reader, status, reason);
	return LINE_REFUSED;
}

static enum line refuse_long(struct h1_reader *reader)
{
	if (reader->state == REQUEST_LINE) {
		return refuse_line(reader, 414, "request line too long");
	}
	return refuse_line(reader, 431, reader->state == TRAILER_LINE ?
	    "trailer too large" : "header too large");
}

/* Moves the first size bytes of input to the end of head. */
static enum line gather(struct h1_reader *reader, struct head *head, struct slice *input,
    size_t size)
{
	uint32_t offset;
	int rc;

	if (size > reader->limits->max_header_bytes - reader->overhead) {
		return refuse_long(reader);
	}
	rc = head_put(head, input->data, size, &offset);
	if (rc == ERR_LIMIT) {
		return refuse_long(reader);
	}
	if (rc != 0) {
		return refuse_line(reader, 503, "out of memory");
	}
	reader->overhead += (uint32_t)size;
	slice_skip(input, size);
	return LINE_PART;
}

/* Eight bytes at once: the lowest bit set is in the first byte, in memory's order, that
 * is a control; 0 if none is. A borrow can only mark bytes behind a real one. */
static uint64_t find_controls(const char *eight)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t word;
	uint64_t is_del;

	memcpy(&word, eight, sizeof(word));
	word = le64toh(word);
	is_del = word ^ (0x7f * ones);
	return (((word - 0x20 * ones) & ~word) | ((is_del - ones) & ~is_del)) &
	    (0x80 * ones);
}

/* How many of the first bytes may stand in a line. */
static size_t text_run(struct slice input)
{
	size_t i = 0;

	while (input.size - i >= sizeof(uint64_t)) {
		uint64_t controls = find_controls(input.data + i);

		if (controls == 0) {
			i += sizeof(uint64_t);
			continue;
		}
		i += (size_t)__builtin_ctzll(controls) / 8;
		if (input.data[i] != '\t') {
			return i;
		}
		i++;
	}
	while (i < input.size && char_is(input.data[i], CHAR_TEXT)) {
		i++;
	}
	return i;
}

/*
 * Reads on in the line that starts at line_start of head. LINE_WHOLE: the line is there
 * with its CR, and its LF is taken off the input.
 */
static enum line read_line(struct h1_reader *reader, struct head *head,
    struct slice *input)
{
	size_t size = text_run(*input);
	bool cr = size < input->size && input->data[size] == '\r';
	bool cr_before = head->size > reader->line_start &&
	    head->text[head->size - 1] == '\r';

	if (!cr_before) {
		if (size + cr > 0 &&
		    gather(reader, head, input, size + cr) != LINE_PART) {
			return LINE_REFUSED;
		}
		if (input->size == 0) {
			return LINE_PART;
		}
		if (!cr) {
			return refuse_line(reader, 400, input->data[0] == '\n' ?
			    "LF without CR" : "control character in a line");
		}
	}
	if (input->size == 0) {
		return LINE_PART;
	}
	if (input->data[0] != '\n') {
		return refuse_line(reader, 400, "CR without LF");
	}
	slice_skip(input, 1);
	return LINE_WHOLE;
}

/* "HTTP/" DIGIT "." DIGIT; a minor version we do not know counts as 1. */
static int read_version(struct h1_reader *reader, const char *text)
{
	if (memcmp(text, "HTTP/", 5) != 0 || text[5] < '0' || text[5] > '9' ||
	    text[6] != '.' || text[7] < '0' || text[7] > '9') {
		return refuse(reader, 400, "invalid version");
	}
	if (text[5] != '1') {
		return refuse(reader, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	}
	reader->request->version = text[7] == '0' ? HTTP_1_0 : HTTP_1_1;
	return GO_ON;
}

static uint32_t token_size(const char *text, uint32_t size)
{
	uint32_t i = 0;

	while (i < size && char_token_lower(text[i]) != 0) {
		i++;
	}
	return i;
}

static uint32_t visible_size(const char *text, uint32_t size)
{
	uint32_t i = 0;

	while (i < size && char_is(text[i], CHAR_VISIBLE)) {
		i++;
	}
	return i;
}

/* method SP request-target SP HTTP-version, and nothing but one SP in between (RFC 9112
 * section 3). Leaves "method\0target\0..." in the text. */
static int parse_request_line(struct h1_reader *reader)
{
	struct request *request = reader->request;
	char *text = request->head.text;
	uint32_t size = request->head.size - 1;		/* without the CR */
	uint32_t method = token_size(text, size);
	uint32_t target;
	char *version;

	if (method == 0 || text[method] != ' ') {
		return refuse(reader, 400, "invalid method");
	}
	request->method_id = http_method_of((struct slice){ text, method });
	target = visible_size(text + method + 1, size - method - 1);
	if (target > reader->limits->max_target_bytes) {
		return refuse(reader, 414, "target too long");
	}
	version = text + method + 1 + target;
	if (target == 0 || *version != ' ' ||
	    size - method - target - 2 != VERSION_BYTES) {
		return refuse(reader, 400, "invalid request line");
	}
	text[method] = '\0';
	*version = '\0';
	reader->method_size = method;
	reader->target_size = target;
	return read_version(reader, version + 1);
}

static int add_field(struct h1_reader *reader, struct head *head, struct head_field field)
{
	int rc = head->count < reader->limits->max_header_fields ?
		head_add_put(head, field) : ERR_LIMIT;

	if (rc == ERR_LIMIT) {
		return refuse(reader, 431, "too many fields");
	}
	if (rc != 0) {
		return refuse(reader, 503, "out of memory");
	}
	return GO_ON;
}

/* Lowers the token that starts at text; returns its end. */
static char *lower_token(char *text)
{
	char c;

	while ((c = char_token_lower(*text)) != 0) {
		*text++ = c;
	}
	return text;
}

/*
 * field-name ":" OWS field-value OWS (RFC 9112 section 5), the line being all that is
 * in head from line_start on. Lowers the name and puts a NUL behind name and value.
 * Fields that a trailer must not have are dropped (RFC 9110 section 6.5.1).
 */
static int parse_field(struct h1_reader *reader, struct head *head)
{
	char *name = head->text + reader->line_start;
	char *end = head->text + head->size - 1;	/* the CR */
	char *colon;
	char *value;

	if (char_is_blank(*name)) {
		return refuse(reader, 400, "line starts with white space");
	}
	colon = lower_token(name);
	if (colon == name || *colon != ':') {
		return refuse(reader, 400, "invalid field name");
	}
	*colon = '\0';
	value = colon + 1;
	while (value < end && char_is_blank(*value)) {
		value++;
	}
	while (end > value && char_is_blank(end[-1])) {
		end--;
	}
	*end = '\0';
	if (reader->state == TRAILER_LINE &&
	    !request_head_trailer_allowed(
		(struct slice){ name, (size_t)(colon - name) })) {
		return GO_ON;
	}
	return add_field(reader, head, (struct head_field){
		.name = reader->line_start, .name_size = (uint32_t)(colon - name),
		.value = (uint32_t)(value - head->text),
		.value_size = (uint32_t)(end - value) });
}

static int read_request_line(struct h1_reader *reader, struct slice *input)
{
	struct head *head = &reader->request->head;
	enum line line = read_line(reader, head, input);
	int rc;

	if (line != LINE_WHOLE) {
		return line == LINE_PART ? H1_NEED : H1_REFUSED;
	}
	if (head->size == 1) {
		head->size = 0;
		if (++reader->count > EMPTY_LINES_MAX) {
			return refuse(reader, 400, "empty lines instead of a request");
		}
		return GO_ON;
	}
	rc = parse_request_line(reader);
	if (rc == GO_ON) {
		reader->state = FIELD_LINE;
		reader->line_start = head->size;
	}
	return rc;
}

static int end_header(struct h1_reader *reader)
{
	struct request *request = reader->request;
	int status;

	settle_request_line(reader);
	status = request_head_judge(request, &reader->reason);
	if (status != 0) {
		return refuse(reader, status, reader->reason);
	}
	reader->overhead = 0;
	reader->count = 0;
	if (!request->has_body) {
		reader->state = DONE;
	} else if (request->content_length < 0) {
		reader->state = CHUNK_SIZE;
	} else {
		reader->left = (uint64_t)request->content_length;
		reader->state = reader->left == 0 ? DONE : LENGTH_BODY;
	}
	return H1_HEAD;
}

static int read_field_line(struct h1_reader *reader, struct slice *input)
{
	struct head *head = &reader->request->head;
	enum line line = read_line(reader, head, input);
	int rc;

	if (line != LINE_WHOLE) {
		return line == LINE_PART ? H1_NEED : H1_REFUSED;
	}
	if (head->size == reader->line_start + 1) {
		return end_header(reader);
	}
	rc = parse_field(reader, head);
	reader->line_start = head->size;
	return rc;
}

static int read_trailer_line(struct h1_reader *reader, struct slice *input)
{
	struct head *trailer = &reader->request->trailer;
	enum line line = read_line(reader, trailer, input);
	int rc;

	if (line != LINE_WHOLE) {
		return line == LINE_PART ? H1_NEED : H1_REFUSED;
	}
	if (trailer->size == reader->line_start + 1) {
		reader->state = DONE;
		return GO_ON;
	}
	rc = parse_field(reader, trailer);
	reader->line_start = trailer->size;
	return rc;
}

static int read_body(struct h1_reader *reader, struct slice *input, struct slice *body)
{
	size_t size = input->size < reader->left ? input->size : (size_t)reader->left;

	if (size == 0) {
		return H1_NEED;
	}
	*body = (struct slice){ input->data, size };
	slice_skip(input, size);
	reader->left -= size;
	if (reader->left == 0) {
		reader->state = reader->state == CHUNK_DATA ? CHUNK_DATA_CR : DONE;
	}
	return H1_BODY;
}

static int read_size_digit(struct h1_reader *reader, char c)
{
	if (++reader->count > SIZE_DIGITS_MAX || reader->left > (INT64_MAX >> 4)) {
		return refuse(reader, 400, "chunk size too large");
	}
	reader->left = reader->left << 4 | (unsigned)char_hex_value(c);
	return GO_ON;
}

/* What may follow the digits: white space counts only before an extension. */
static int end_size(struct h1_reader *reader, char c)
{
	if (c == ';') {
		reader->state = CHUNK_EXTENSION;
	} else if (c == '\r' && reader->state == CHUNK_SIZE && reader->count > 0) {
		reader->state = CHUNK_LINE_END;
	} else if (char_is_blank(c)) {
		reader->state = CHUNK_BLANK;
	} else {
		return refuse(reader, 400, "invalid chunk size");
	}
	if (reader->count == 0) {
		return refuse(reader, 400, "chunk without a size");
	}
	return GO_ON;
}

/* Nothing is taken from extensions, but together they are bounded: a body may have
 * millions of chunks. */
static int skip_extension(struct h1_reader *reader, char c)
{
	if (c == '\r') {
		reader->state = CHUNK_LINE_END;
		return GO_ON;
	}
	if (!char_is(c, CHAR_TEXT)) {
		return refuse(reader, 400, "control character in a chunk extension");
	}
	if (++reader->overhead > reader->limits->max_header_bytes) {
		return refuse(reader, 400, "chunk extensions too long");
	}
	return GO_ON;
}

static void begin_trailer(struct h1_reader *reader)
{
	reader->overhead = 0;
	reader->line_start = reader->request->trailer.size;
	reader->state = TRAILER_LINE;
}

static int read_chunk_byte(struct h1_reader *reader, char c)
{
	switch (reader->state) {
	case CHUNK_SIZE:
		return char_is(c, CHAR_HEX) ? read_size_digit(reader, c)
		    : end_size(reader, c);
	case CHUNK_BLANK:
		return char_is_blank(c) ? skip_extension(reader, c) : end_size(reader, c);
	case CHUNK_EXTENSION:
		return skip_extension(reader, c);
	case CHUNK_DATA_CR:
		reader->state = CHUNK_DATA_LF;
		return c == '\r' ? GO_ON : refuse(reader, 400, "wrong chunk size");
	}
	if (c != '\n') {
		return refuse(reader, 400, "CR without LF in chunked body");
	}
	if (reader->state == CHUNK_DATA_LF) {
		reader->count = 0;
		reader->state = CHUNK_SIZE;
	} else if (reader->left > 0) {
		reader->state = CHUNK_DATA;
	} else {
		begin_trailer(reader);
	}
	return GO_ON;
}

static int read_chunk_framing(struct h1_reader *reader, struct slice *input)
{
	char c;

	if (input->size == 0) {
		return H1_NEED;
	}
	c = input->data[0];
	slice_skip(input, 1);
	return read_chunk_byte(reader, c);
}

static int step(struct h1_reader *reader, struct slice *input, struct slice *body)
{
	switch (reader->state) {
	case IDLE:
		return H1_NEED;
	case REQUEST_LINE:
		return read_request_line(reader, input);
	case FIELD_LINE:
		return read_field_line(reader, input);
	case LENGTH_BODY:
	case CHUNK_DATA:
		return read_body(reader, input, body);
	case TRAILER_LINE:
		return read_trailer_line(reader, input);
	case DONE:
		h1_reader_init(reader, reader->limits);
		return H1_END;
	case REFUSED:
		return H1_REFUSED;
	}
	return read_chunk_framing(reader, input);
}

enum h1_event h1_reader_next(struct h1_reader *reader, struct slice *input,
    struct slice *body)
{
	int event;

	do {
		event = step(reader, input, body);
	} while (event == GO_ON);
	return event;
}

/* SPDX-License-Identifier: MIT */
/*
 * A file, or the parts of it that the client asks for (RFC 9110 section 14). One part is
 * the body itself, several are a multipart/byteranges. No byte of the file passes through
 * here: the server gets descriptors, offsets and sizes.
 */
#define _GNU_SOURCE 1	/* strncasecmp, getrandom */
#include "files.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

/* More parts than this and the client gets the whole: each part costs us a header and a
 * descriptor, and nobody who reads a file needs so many (section 17.15). */
#define MAX_RANGES 32

/* Parts closer together than a part's header are cheaper as one (section 15.3.7.2). */
#define MIN_GAP 80

struct range {
	int64_t first;
	int64_t last;	/* inclusive, as in HTTP */
};

struct ranges {
	struct range items[MAX_RANGES];
	size_t count;
	size_t asked;	/* before joining, and with those beyond the end */
};

static int64_t range_size(const struct range *range)
{
	return range->last - range->first + 1;
}

enum verdict { WHOLE, PARTS, UNSATISFIABLE };

/* Digits as a number, kept below INT64_MAX since no file is longer; false without any. */
static bool read_number(const char **at, int64_t *number)
{
	const char *s = *at;

	*number = 0;
	for (; isdigit((unsigned char)*s); s++) {
		int digit = *s - '0';

		*number = *number > (INT64_MAX - digit) / 10 ? INT64_MAX :
		    *number * 10 + digit;
	}
	if (s == *at) {
		return false;
	}
	*at = s;
	return true;
}

/* "5-9", "5-" or "-5" for the last five; range->first >= size if none of it is there. */
static bool read_range(const char **at, int64_t size, struct range *range)
{
	int64_t suffix;

	if (**at == '-') {
		++*at;
		if (!read_number(at, &suffix)) {
			return false;
		}
		range->first = suffix < size ? size - suffix : 0;
		range->last = size - 1;
		if (suffix == 0) {
			range->first = size;
		}
		return true;
	}
	if (!read_number(at, &range->first) || *(*at)++ != '-') {
		return false;
	}
	if (!read_number(at, &range->last)) {
		range->last = INT64_MAX;
	}
	if (range->last < range->first) {
		return false;
	}
	range->last = range->last < size ? range->last : size - 1;
	return true;
}

static bool close_together(const struct range *a, const struct range *b)
{
	return a->first - b->last <= MIN_GAP && b->first - a->last <= MIN_GAP;
}

/*
 * Adds a range, joined with all that it overlaps or nearly touches, in the place of the
 * first of them: what is left stays in the order asked (section 15.3.7.2).
 */
static void add_range(struct ranges *ranges, struct range range)
{
	struct range *items = ranges->items;
	size_t place = ranges->count;
	size_t i = 0;

	while (i < ranges->count) {
		if (!close_together(&items[i], &range)) {
			i++;
			continue;
		}
		range.first = items[i].first < range.first ? items[i].first : range.first;
		range.last = items[i].last > range.last ? items[i].last : range.last;
		ranges->count--;
		memmove(&items[i], &items[i + 1], (ranges->count - i) * sizeof *items);
		place = i < place ? i : place;
		i = 0;		/* it has grown: perhaps it now meets an earlier one */
	}
	place = place < ranges->count ? place : ranges->count;
	memmove(&items[place + 1], &items[place],
	    (ranges->count - place) * sizeof *items);
	items[place] = range;
	ranges->count++;
}

/* A field that is not understood, or asks too much, is as if it were not there. */
static enum verdict read_ranges(const char *field, int64_t size, struct ranges *ranges)
{
	const char *at = field;
	struct range range;

	ranges->count = 0;
	ranges->asked = 0;
	if (strncasecmp(at, "bytes=", 6) != 0) {
		return WHOLE;
	}
	for (at += 6 + strspn(at + 6, ", \t"); *at != '\0'; at += strspn(at, ", \t")) {
		if (++ranges->asked > MAX_RANGES || !read_range(&at, size, &range)) {
			return WHOLE;
		}
		if (range.first < size) {
			add_range(ranges, range);
		}
		at += strspn(at, " \t");
		if (*at != ',' && *at != '\0') {
			return WHOLE;
		}
	}
	if (ranges->asked == 0) {
		return WHOLE;
	}
	return ranges->count > 0 ? PARTS : UNSATISFIABLE;
}

static int reply_unsatisfiable(tc_req *r, struct file *file)
{
	char *range = tc_printf(r, "bytes */%" PRId64, (int64_t)file->st.st_size);

	close(file->fd);
	if (range == NULL || tc.set_header(r, "Content-Range", range) != TC_OK) {
		return TC_NOMEM;
	}
	return tc.text(r, 416, "416 Range Not Satisfiable\n");
}

static int reply_part(tc_req *r, struct file *file, const struct range *range)
{
	char *text = tc_printf(r, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, range->first,
	    range->last, (int64_t)file->st.st_size);

	if (text == NULL || tc.set_header(r, "Content-Range", text) != TC_OK) {
		close(file->fd);
		return TC_NOMEM;
	}
	return tc.reply_file(r, 206, file->type, file->fd, range->first,
	    range_size(range));
}

/* What stands before each part, and how long the whole body will be; false: no memory. */
static bool make_heads(tc_req *r, const struct file *file, const struct ranges *ranges,
    const char *boundary, char *heads[MAX_RANGES], int64_t *size)
{
	*size = (int64_t)strlen(boundary) + 8;	/* the last line, see reply_parts */
	for (size_t i = 0; i < ranges->count; i++) {
		const struct range *range = &ranges->items[i];

		heads[i] = tc_printf(r, "%s--%s\r\nContent-Type: %s\r\n"
		    "Content-Range: bytes %" PRId64 "-%" PRId64 "/%" PRId64 "\r\n\r\n",
		    i > 0 ? "\r\n" : "", boundary, file->type, range->first, range->last,
		    (int64_t)file->st.st_size);
		if (heads[i] == NULL) {
			return false;
		}
		*size += (int64_t)strlen(heads[i]) + range_size(range);
	}
	return true;
}

/* A failure in the middle leaves a broken reply, and the client sees that it is. */
static int write_parts(tc_req *r, const struct file *file, const struct ranges *ranges,
    char *heads[MAX_RANGES])
{
	for (size_t i = 0; i < ranges->count; i++) {
		const struct range *range = &ranges->items[i];
		int result = tc.write(r, heads[i], strlen(heads[i]));
		/* write_file takes a descriptor each time. */
		int fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);

		if (result != TC_OK || fd < 0) {
			if (fd >= 0) {
				close(fd);
			}
			return TC_FAIL;
		}
		result = tc.write_file(r, fd, range->first, range_size(range));
		if (result != TC_OK) {
			return result;
		}
	}
	return TC_OK;
}

/* A line that no file holds: whoever wrote the file could not know it. */
static bool make_boundary(char text[33])
{
	unsigned char random[16];

	if (getrandom(random, sizeof random, 0) != sizeof random) {
		return false;
	}
	for (size_t i = 0; i < sizeof random; i++) {
		snprintf(text + 2 * i, 3, "%02x", random[i]);
	}
	return true;
}

static int reply_parts(tc_req *r, struct file *file, const struct ranges *ranges)
{
	char boundary[33];
	char *heads[MAX_RANGES];
	char length[24];
	char *end;
	int64_t size;
	int result = TC_FAIL;

	if (!make_boundary(boundary) ||
	    !make_heads(r, file, ranges, boundary, heads, &size)) {
		goto out;
	}
	/* The length is known, so that HTTP/1.0 gets it too and no chunks are needed. */
	snprintf(length, sizeof length, "%" PRId64, size);
	if (tc.set_header(r, "Content-Length", length) != TC_OK ||
	    tc.start(r, 206, tc_printf(r, "multipart/byteranges; boundary=%s",
	    boundary)) != TC_OK || write_parts(r, file, ranges, heads) != TC_OK) {
		goto out;
	}
	end = tc_printf(r, "\r\n--%s--\r\n", boundary);
	if (end != NULL && tc.write(r, end, strlen(end)) == TC_OK) {
		result = tc.end(r);
	}
out:
	close(file->fd);
	return result;
}

int ranges_reply(tc_req *r, struct file *file, const struct validators *validators)
{
	int64_t size = file->st.st_size;
	const char *field = tc.header(r, "range");
	struct ranges ranges;
	enum verdict verdict = WHOLE;

	/* Only GET knows ranges (section 14.2), and an empty file has no part that a
	 * Content-Range could name. */
	if (field != NULL && size > 0 && strcmp(tc.method(r), "GET") == 0 &&
	    conditions_allow_range(r, validators)) {
		verdict = read_ranges(field, size, &ranges);
	}
	/* Encoded parts in a multipart would look like a multipart that is encoded. */
	if (verdict == PARTS && ranges.count > 1 && file->coding != NULL) {
		verdict = WHOLE;
	}
	if (verdict == UNSATISFIABLE) {
		return reply_unsatisfiable(r, file);
	}
	tc.set_header(r, "ETag", validators->etag);
	tc.set_header(r, "Last-Modified", validators->date);
	tc.set_header(r, "Accept-Ranges", "bytes");
	if (file->coding != NULL) {
		tc.set_header(r, "Content-Encoding", file->coding);
	}
	if (verdict == WHOLE) {
		return tc.reply_file(r, 200, file->type, file->fd, 0, size);
	}
	if (ranges.count == 1) {
		return reply_part(r, file, &ranges.items[0]);
	}
	return reply_parts(r, file, &ranges);
}

/* SPDX-License-Identifier: MIT */
/*
 * Validators and preconditions: has the client this version of the file already (304), or
 * does it insist on one that we no longer have (412)? RFC 9110 sections 8.8 and 13; the
 * order of the questions is section 13.2.2's.
 */
#define _GNU_SOURCE 1	/* CLOCK_REALTIME_COARSE */
#include "files.h"

#include <inttypes.h>
#include <string.h>

/*
 * Could the file change once more without its time of change showing it? Kernels stamp
 * files by the coarse clock, so that is so until its next tick.
 */
static bool just_changed(const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return st->st_mtim.tv_sec > now.tv_sec ||
	    (st->st_mtim.tv_sec == now.tv_sec && st->st_mtim.tv_nsec >= now.tv_nsec);
}

/*
 * The tag changes with the content: by size and time if it was written in place, by the
 * inode if a file of the same size and time was renamed over it.
 */
void validators_of(const struct file *file, struct validators *validators)
{
	const struct stat *st = &file->st;
	time_t now = time(NULL);

	snprintf(validators->etag, sizeof validators->etag,
	    "%s\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"", just_changed(st) ? "W/" : "",
	    (uint64_t)st->st_ino, (uint64_t)st->st_size,
	    (uint64_t)st->st_mtim.tv_sec * 1000000000 + (uint64_t)st->st_mtim.tv_nsec);
	/* Section 8.8.2.1: never later than the reply's Date. */
	validators->modified = st->st_mtime < now ? st->st_mtime : now;
	date_format(validators->date, validators->modified);
}

static bool is_weak(const char *etag)
{
	return etag[0] == 'W' && etag[1] == '/';
}

/* Is our tag in this list? To weak comparison "W/" is nothing, to strong no match. */
static bool in_list(const char *list, const char *etag, bool weak)
{
	const char *opaque = etag + (is_weak(etag) ? 2 : 0);
	size_t size = strlen(opaque);

	for (;;) {
		bool theirs_weak;
		const char *end;

		list += strspn(list, ", \t");
		theirs_weak = is_weak(list);
		list += theirs_weak ? 2 : 0;
		end = *list == '"' ? strchr(list + 1, '"') : NULL;
		if (end == NULL) {
			return false;
		}
		end++;
		if ((size_t)(end - list) == size && memcmp(list, opaque, size) == 0 &&
		    (weak || (!theirs_weak && opaque == etag))) {
			return true;
		}
		list = end;
	}
}

/* Does a field of that name, which may be there several times, name our tag, or any? */
static bool names_us(const tc_req *r, const char *field, const char *etag, bool weak)
{
	const char *name;
	const char *value;

	for (size_t i = 0; tc.header_at(r, i, &name, &value); i++) {
		if (strcmp(name, field) == 0 &&
		    (strcmp(value, "*") == 0 || in_list(value, etag, weak))) {
			return true;
		}
	}
	return false;
}

/* Reads the date in that field; what is no date is as if it were not there. */
static bool date_in(const tc_req *r, const char *field, time_t *date)
{
	const char *value = tc.header(r, field);

	return value != NULL && date_parse(value, date);
}

int conditions_check(const tc_req *r, const struct validators *validators)
{
	time_t date;

	if (tc.header(r, "if-match") != NULL) {
		if (!names_us(r, "if-match", validators->etag, false)) {
			return 412;
		}
	} else if (date_in(r, "if-unmodified-since", &date) &&
	    validators->modified > date) {
		return 412;
	}
	if (tc.header(r, "if-none-match") != NULL) {
		return names_us(r, "if-none-match", validators->etag, true) ? 304 : 0;
	}
	if (date_in(r, "if-modified-since", &date) && validators->modified <= date) {
		return 304;
	}
	return 0;
}

/*
 * A part may be joined with what the client has only if that is of the same bytes: strong
 * comparison. A date says so only when its second is over (sections 8.8.2.2 and 13.1.5).
 */
bool conditions_allow_range(const tc_req *r, const struct validators *validators)
{
	const char *value = tc.header(r, "if-range");

	if (value == NULL) {
		return true;
	}
	if (*value == '"') {
		return strcmp(value, validators->etag) == 0;
	}
	return strcmp(value, validators->date) == 0 && validators->modified < time(NULL);
}

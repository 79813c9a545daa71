/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the files handler share. One request walks through them in this
 * order: files.c, open.c, encodings.c, conditions.c, ranges.c; a directory goes to
 * directory.c. Texts of one request live in that request's memory.
 */
#ifndef TINCAN_PLUGINS_FILES_H
#define TINCAN_PLUGINS_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include <tincan/handler.h>

#include "../out.h"

/* A file name's extension and its media type. */
struct type {
	const char *extension;	/* lower case, without the dot */
	const char *type;
};

/* The state of one route; texts are the settings', borrowed until on_close. */
struct folder {
	const char *root;
	int root_fd;		/* owned */
	int64_t opened_ms;	/* when root_fd was, for opening it again */
	const char *index;
	bool listing;
	bool symlinks;
	bool precompressed;
	bool hidden;
	int64_t max_age;	/* seconds; -1: no Cache-Control */
	struct type *types;	/* owned; those of the settings */
	size_t type_count;
};

/* A regular file or a directory that is open. */
struct file {
	int fd;			/* owned, until a reply takes it */
	struct stat st;
	const char *type;	/* Content-Type, of the original */
	const char *coding;	/* Content-Encoding; NULL: as it is */
};

/* open.c: from a name to an open file, never outside the root. */

int folder_open(struct folder *folder);
/* May clients ask for this name? Not if a segment is empty, hidden or has a "%2F". */
bool name_allowed(const struct folder *folder, const char *name);
/* Opens for reading, or with O_PATH as extra flag just for looking. 0, or the status to
 * reply with, which is 404 for anything but a regular file or a directory. */
int file_open(struct folder *folder, const char *name, int flags, struct file *file);

/* types.c */

const char *type_of(const struct folder *folder, const char *name);
/* Reads the setting "types". TC_OK, TC_INVALID, TC_NOMEM. */
int types_open(struct folder *folder, tc_conf *cf);

/* encodings.c: puts a precompressed file in the place of file if the client wants one. */
void encoding_choose(tc_req *r, struct folder *folder, const char *name,
    struct file *file);

/* date.c: HTTP dates (RFC 9110 section 5.6.7). */

#define DATE_BYTES 64	/* more than any date that fits the format */

void date_format(char text[DATE_BYTES], time_t time);
/* Any of the three forms; false if it is none. */
bool date_parse(const char *text, time_t *time);

/* conditions.c: validators and preconditions (RFC 9110 sections 8.8 and 13). */

struct validators {
	char etag[64];
	time_t modified;
	char date[DATE_BYTES];	/* modified as text */
};

void validators_of(const struct file *file, struct validators *validators);
/* 0 to go on, 304 or 412. */
int conditions_check(const tc_req *r, const struct validators *validators);
/* Does the condition of a Range, If-Range, allow a part? */
bool conditions_allow_range(const tc_req *r, const struct validators *validators);

/* ranges.c: a file, or the parts of it that the client asks for (RFC 9110 section 14).
 * Takes file->fd. */
int ranges_reply(tc_req *r, struct file *file, const struct validators *validators);

/* directory.c */

/* To the same place with a slash behind, so that relative links in the index work. */
int directory_redirect(tc_req *r);
/* A page of what is in the directory. Takes fd. */
int directory_list(tc_req *r, struct folder *folder, const char *name, int fd);

#endif

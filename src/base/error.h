/* SPDX-License-Identifier: MIT */
/*
 * Results and problems.
 *
 * A function that can fail returns int: 0 is done, a positive ERR_ code is a
 * result that the caller expects, a negative one a failure; below ERR_FATAL
 * the connection or channel it came from is over. A failure that the operator
 * can cure also fills a struct problem at the place where it is first known.
 */
#ifndef TINCAN_BASE_ERROR_H
#define TINCAN_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
	ERR_AGAIN = 1,		/* not now: wait for an event */
	ERR_EOF = 2,		/* the other side has ended */
	ERR_NOMEM = -1,
	ERR_LIMIT = -2,		/* would pass a configured bound */
	ERR_INVALID = -3,	/* the input breaks a rule */
	ERR_SYSTEM = -4,	/* a system call failed; errno says why */
	ERR_MISSING = -5,	/* there is no such thing */
	ERR_FATAL = -100,
	ERR_CLOSED = -101,	/* connection reset or gone */
	ERR_PROTOCOL = -102	/* the peer broke the protocol */
};

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(text_, first_) __attribute__((format(printf, text_, first_)))

enum problem_level { PROBLEM_ERROR, PROBLEM_WARNING };

/*
 * One thing that is wrong, for a person: where ("server.json:12: routes[1].path"),
 * what ("expected ..., found 'x'") and, where there is one, a hint. Texts are owned.
 */
struct problem {
	enum problem_level level;
	char *where;
	char *what;
	char *hint;		/* NULL if none */
};

/* Problems in the order found. Embedded: init, release. */
struct problems {
	struct problem *items;
	size_t count;
	size_t capacity;
	size_t errors;		/* how many of them are PROBLEM_ERROR */
};

void problems_init(struct problems *list);
void problems_release(struct problems *list);

/* Adds an error. Aborts when out of memory, as it runs at boot or reload only. */
void problems_add(struct problems *list, const char *where, const char *hint,
    const char *what_format, ...) PRINTF(4, 5);

/* Adds a warning: said, but no reason to refuse. */
void problems_warn(struct problems *list, const char *where, const char *hint,
    const char *what_format, ...) PRINTF(4, 5);

/* Appends copies of all of from. */
void problems_copy(struct problems *list, const struct problems *from);

/* Appends all of from, which is empty afterwards. */
void problems_move(struct problems *list, struct problems *from);

/* Makes warnings of all: what is wrong stops nothing. */
void problems_tolerate(struct problems *list);

/* Prints one as "where: what", then "  hint: ..." on a line of its own. */
void problem_print(const struct problem *problem, FILE *out);

/* Prints every problem, one after the other. */
void problems_print(const struct problems *list, FILE *out);

#endif

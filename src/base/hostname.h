/* SPDX-License-Identifier: MIT */
/*
 * Host names (RFC 1123 section 2.1, with "_" as DNS has it) in the one way to write them
 * (small letters, no dot at the end) and a table from them to what is known of each.
 * Names of other alphabets are A-labels ("xn--..."), as clients send them.
 *
 * A name "*.example.org" stands for every name with exactly one label in front of
 * ".example.org", as in certificates (RFC 9525 section 6.3): what a name here covers, a
 * certificate can cover, too.
 */
#ifndef TINCAN_BASE_HOSTNAME_H
#define TINCAN_BASE_HOSTNAME_H

#include "base/error.h"
#include "base/slice.h"
#include "base/table.h"

#define HOSTNAME_BYTES 254	/* the longest there is, and NUL */

/*
 * Is the text a host name, or one behind "*."? If not, *what is a static text that goes
 * on after it ("has an empty label") and the result ERR_INVALID.
 */
int hostname_check(const char *text, const char **what) MUST_USE;

/* The name as it is looked up, in out; empty if it is too long to be one. What is no name
 * at all stays what it is: it is in no table. */
struct slice hostname_normal(struct slice name, char out[HOSTNAME_BYTES]);

/* The same for the host of an authority (RFC 3986 section 3.2), its port left out. */
struct slice hostname_of_authority(struct slice authority, char out[HOSTNAME_BYTES]);

/* From names, some with a wildcard, to values that are the caller's. Embedded: init,
 * release. */
struct hostnames {
	struct table table;	/* of a wildcard: what is behind the star, from its dot */
};

void hostnames_init(struct hostnames *names);
void hostnames_release(struct hostnames *names);

/* Adds a name, which is in its normal form and is borrowed. Aborts when out of memory. */
void hostnames_set(struct hostnames *names, const char *name, void *value);

/* What the very same name was set to, or NULL. */
void *hostnames_get(const struct hostnames *names, const char *name);

/* What a host (from hostname_normal) has: by its own name, else by a wildcard, else
 * NULL. At most two look-ups, however many names there are. */
void *hostnames_find(const struct hostnames *names, struct slice host);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Proactive negotiation (RFC 9110 section 12.5): how much a client wants a media type or
 * a coding, out of Accept and Accept-Encoding. Both are lists of names with a weight,
 * where the most specific name that fits decides, not the first or the heaviest.
 */
#ifndef TINCAN_PLUGINS_ACCEPT_H
#define TINCAN_PLUGINS_ACCEPT_H

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <tincan/handler.h>

struct accept_item {
	const char *name;	/* not NUL-terminated; without its parameters */
	size_t size;
	int weight;		/* q in thousandths */
};

/* How well a name fits what is wanted: 0 not at all, then the more the better. */
typedef int accept_fit_fn(const struct accept_item *item, const char *wanted);

/* "0.25" as 250; "1" if it is no weight at all, as if it were not there. */
static inline int accept_weight(const char *s)
{
	int weight = 0;

	if (*s != '0') {
		return 1000;
	}
	if (s[1] == '.') {
		s += 2;
		for (int unit = 100; unit > 0 && isdigit((unsigned char)*s); unit /= 10) {
			weight += (*s++ - '0') * unit;
		}
	}
	return weight;
}

/* The end of this element or parameter: a comma or semicolon that is not quoted. */
static inline const char *accept_part_end(const char *s)
{
	bool quoted = false;

	for (; *s != '\0' && (quoted || (*s != ',' && *s != ';')); s++) {
		if (quoted && *s == '\\' && s[1] != '\0') {
			s++;
		} else if (*s == '"') {
			quoted = !quoted;
		}
	}
	return s;
}

/* Takes the next element off the list at *at; false at its end. */
static inline bool accept_next(const char **at, struct accept_item *item)
{
	const char *s = *at + strspn(*at, ", \t");
	const char *end = accept_part_end(s);

	if (*s == '\0') {
		return false;
	}
	*item = (struct accept_item){ s, strcspn(s, ",; \t"), 1000 };
	while (*end == ';') {
		s = end + 1 + strspn(end + 1, " \t");
		if ((*s == 'q' || *s == 'Q') && s[1] == '=') {
			item->weight = accept_weight(s + 2);
		}
		end = accept_part_end(s);
	}
	*at = end;
	return true;
}

/*
 * The weight of what is wanted over all fields of that name (they may come in several
 * lines), in thousandths: 0 if it is refused or not there, -1 without such a field.
 * *fit, if not NULL, is how well the name that decided fits.
 */
static inline int accept_find(const tc_req *r, const char *field, accept_fit_fn *fits,
    const char *wanted, int *fit)
{
	struct accept_item item;
	const char *name;
	const char *value;
	int weight = -1;
	int best = 0;

	for (size_t i = 0; tc.header_at(r, i, &name, &value); i++) {
		if (strcmp(name, field) != 0) {
			continue;
		}
		weight = weight < 0 ? 0 : weight;
		while (accept_next(&value, &item)) {
			int rank = fits(&item, wanted);

			if (rank > best) {
				best = rank;
				weight = item.weight;
			}
		}
	}
	if (fit != NULL) {
		*fit = best;
	}
	return weight;
}

/* type/subtype, then type with a star, then a star for both. */
static inline int accept_fit_type(const struct accept_item *item, const char *wanted)
{
	size_t family = strcspn(wanted, "/") + 1;

	if (item->size == strlen(wanted) &&
	    strncasecmp(item->name, wanted, item->size) == 0) {
		return 3;
	}
	if (item->size == family + 1 && item->name[family] == '*' &&
	    strncasecmp(item->name, wanted, family) == 0) {
		return 2;
	}
	return item->size == 3 && strncmp(item->name, "*/*", 3) == 0;
}

/*
 * How much the client wants a media type, for comparing with another: by weight and, of
 * equal weights, by what it named more closely, so that JSON wins with a client that asks
 * for JSON and then, as many do, for anything. Negative without an Accept field: then
 * everything is equally welcome.
 */
static inline int accept_type(const tc_req *r, const char *type)
{
	int fit;
	int weight = accept_find(r, "accept", accept_fit_type, type, &fit);

	return weight <= 0 ? weight : weight * 4 + fit;
}

static inline int accept_fit_coding(const struct accept_item *item, const char *wanted)
{
	const char *name = item->name;
	size_t size = item->size;

	if (size == 6 && strncasecmp(name, "x-gzip", size) == 0) {
		name += 2;	/* an old name of gzip, RFC 9110 section 8.4.1.3 */
		size -= 2;
	}
	if (size == strlen(wanted) && strncasecmp(name, wanted, size) == 0) {
		return 2;
	}
	return size == 1 && *name == '*';
}

/* How much the client wants a coding of the content: its weight in thousandths; 0 or
 * less if it does not. */
static inline int accept_coding(const tc_req *r, const char *coding)
{
	return accept_find(r, "accept-encoding", accept_fit_coding, coding, NULL);
}

/* The weight below which the client would rather have the content as it is. That is
 * welcome even if not named (RFC 9110 section 12.5.3), but then less than any coding. */
static inline int accept_plain(const tc_req *r)
{
	int fit;
	int weight = accept_find(r, "accept-encoding", accept_fit_coding, "identity",
	    &fit);

	return fit == 2 && weight > 0 ? weight : 1;
}

#endif

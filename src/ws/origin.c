/* SPDX-License-Identifier: MIT */
/* Origins, compared (RFC 6454 section 5). */
#include "ws/origin.h"

/* Scheme, host and port, as written. */
struct origin {
	struct slice scheme;
	struct slice host;
	struct slice port;	/* the scheme's own: "" */
};

static bool is_default_port(struct slice scheme, struct slice port)
{
	return (slice_equal_nocase(scheme, SLICE("https")) &&
	    slice_equal(port, SLICE("443"))) ||
	    (slice_equal_nocase(scheme, SLICE("http")) && slice_equal(port, SLICE("80")));
}

static struct origin make_origin(struct slice scheme, struct slice authority)
{
	struct origin origin = { .scheme = scheme, .host = authority,
		.port = { "", 0 } };
	const char *colon = memrchr(authority.data, ':', authority.size);

	/* The colons of an IPv6 address stand in brackets. */
	if (colon != NULL && memchr(colon, ']',
	    authority.size - (size_t)(colon - authority.data)) == NULL) {
		origin.host.size = (size_t)(colon - authority.data);
		origin.port = authority;
		slice_skip(&origin.port, origin.host.size + 1);
	}
	if (is_default_port(scheme, origin.port)) {
		origin.port.size = 0;
	}
	return origin;
}

/* What has no scheme ("null") is all host, and like nothing but itself. */
static struct origin parse(struct slice text)
{
	const char *mark = memmem(text.data, text.size, "://", 3);
	struct slice scheme = { text.data, 0 };

	if (mark != NULL) {
		scheme.size = (size_t)(mark - text.data);
		slice_skip(&text, scheme.size + 3);
	}
	return make_origin(scheme, text);
}

static bool same(const struct origin *a, const struct origin *b)
{
	return slice_equal_nocase(a->scheme, b->scheme) &&
	    slice_equal_nocase(a->host, b->host) && slice_equal(a->port, b->port);
}

static bool is_listed(const struct origin *origin, char *const *allowed)
{
	for (; allowed != NULL && *allowed != NULL; allowed++) {
		struct slice text = slice_of(*allowed);
		struct origin one = parse(text);

		if (slice_equal(text, SLICE("*")) || same(origin, &one)) {
			return true;
		}
	}
	return false;
}

/* Every Origin field must be allowed: of two, nobody knows which one is true. */
bool ws_origin_allowed(const struct request *request, struct slice own_authority,
    char *const *allowed)
{
	struct origin own = make_origin(SLICE("https"), own_authority);

	for (uint32_t i = 0; i < request->head.count; i++) {
		struct origin origin;

		if (!slice_equal(head_name(&request->head, i), SLICE("origin"))) {
			continue;
		}
		origin = parse(head_value(&request->head, i));
		if (!same(&origin, &own) && !is_listed(&origin, allowed)) {
			return false;
		}
	}
	return true;
}

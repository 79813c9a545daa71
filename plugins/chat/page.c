/* SPDX-License-Identifier: MIT */
/*
 * The page. It is a file, page.html, that the build turns into a string; it needs nothing
 * from anywhere else, and the policy sent with it lets a browser load and run nothing
 * else: its one style and one script carry a number that nobody can know beforehand.
 */
#include <sys/random.h>

#include "chat.h"

#define NONCE_BYTES 16

static const char page[] =
#include "page.inc"
    ;

static bool make_nonce(char nonce[2 * NONCE_BYTES + 1])
{
	unsigned char bytes[NONCE_BYTES];

	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
		return false;
	}
	for (size_t i = 0; i < sizeof bytes; i++) {
		snprintf(nonce + 2 * i, 3, "%02x", bytes[i]);
	}
	return true;
}

/* The page with the nonce in each place that is kept for it. */
static void put_page(struct out *out, const char *nonce)
{
	static const char place[] = "@NONCE@";
	const char *rest = page;
	const char *found;

	while ((found = strstr(rest, place)) != NULL) {
		out_bytes(out, rest, (size_t)(found - rest));
		out_text(out, nonce);
		rest = found + sizeof place - 1;
	}
	out_text(out, rest);
}

int page_reply(tc_req *r)
{
	char nonce[2 * NONCE_BYTES + 1];
	struct out out = { 0 };

	if (!make_nonce(nonce)) {
		return tc.text(r, 500, "500 Internal Server Error\n");
	}
	put_page(&out, nonce);
	tc.set_header(r, "Content-Security-Policy", tc_printf(r,
	    "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; "
	    "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
	    "frame-ancestors 'none'", nonce, nonce));
	tc.set_header(r, "X-Content-Type-Options", "nosniff");
	tc.set_header(r, "Referrer-Policy", "no-referrer");
	tc.set_header(r, "Cache-Control", "no-store");	/* a nonce is for once */
	return out_reply(r, 200, "text/html; charset=utf-8", &out);
}

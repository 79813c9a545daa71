/* SPDX-License-Identifier: MIT */
/*
 * A filter that does what the request tells it, by fields "X-Sieve: <mark> <action>": the
 * mark is in its settings. It leaves its mark in "x-trail" of the request, in "x-set" of
 * the reply before that is there, and in "x-seen" when it is. As a handler it tells the
 * trail, or what it has counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tincan/handler.h>

#ifndef SIEVE_NAME
#define SIEVE_NAME "sieve"
#endif

#define BLOWN (1 << 20)

struct state {
	const char *mark;
	int seen, gone, done;
};

/* What is kept of a request. */
struct item {
	tc_req *r;
	char *kept;		/* of its reply */
	size_t size;
	int pieces;
	int lasts;
	int asked;
};

static int sieve_open(tc_conf *cf, void **state)
{
	struct state *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return TC_NOMEM;
	}
	s->mark = tc.conf_str(cf, "mark", "s");
	*state = s;
	return TC_OK;
}

static void sieve_close(void *state)
{
	free(state);
}

/* Does the request tell this instance to? */
static int told(tc_req *r, const char *action)
{
	const struct state *s = tc.state(r);
	const char *name, *value;

	for (size_t i = 0; tc.header_at(r, i, &name, &value); i++) {
		const char *space = strchr(value, ' ');

		if (strcmp(name, "x-sieve") == 0 && space != NULL &&
		    strlen(s->mark) == (size_t)(space - value) &&
		    strncmp(value, s->mark, strlen(s->mark)) == 0 &&
		    strcmp(space + 1, action) == 0) {
			return 1;
		}
	}
	return 0;
}

static void crash(tc_req *r, const char *action)
{
	if (told(r, action)) {
		abort();
	}
}

static void deny(void *arg)
{
	struct item *item = arg;

	tc.text(item->r, 403, "denied later\n");
}

static void let_on(void *arg)
{
	struct item *item = arg;
	int first = tc.next(item->r);

	tc_log(TC_INFO, "next: %d, again: %d", first, tc.next(item->r));
}

static int deny_in_pieces(tc_req *r)
{
	tc.start(r, 403, "text/plain");
	tc.write(r, "denied ", 7);
	tc.write(r, "slowly\n", 7);
	return tc.end(r);
}

static int mark(tc_req *r)
{
	const struct state *s = tc.state(r);
	const char *trail = tc.header(r, "x-trail");

	tc.set_request_header(r, "X-Trail",
	    tc_printf(r, "%s%s", trail == NULL ? "" : trail, s->mark));
	if (told(r, "hide")) {
		tc.set_request_header(r, "x-hidden", NULL);
	}
	if (told(r, "server")) {
		tc.set_header(r, "server", s->mark);
	}
	return tc.add_header(r, "X-Set", s->mark);
}

static int sieve_filter(tc_req *r)
{
	struct state *s = tc.state(r);
	struct item *item = calloc(1, sizeof(*item));

	if (item == NULL || mark(r) != TC_OK) {
		free(item);
		return TC_NOMEM;
	}
	s->seen++;
	item->r = r;
	tc.set_data(r, item);
	crash(r, "crash filter");
	if (told(r, "deny")) {
		return tc.text(r, 403, "denied\n");
	}
	if (told(r, "deny slowly")) {
		return deny_in_pieces(r);
	}
	if (told(r, "deny later")) {
		return tc.after(5, deny, item) == NULL ? TC_NOMEM : TC_LATER;
	}
	if (told(r, "later")) {
		return tc.after(5, let_on, item) == NULL ? TC_NOMEM : TC_LATER;
	}
	if (told(r, "at once")) {
		return tc.next(r) == TC_OK ? TC_LATER : TC_FAIL;
	}
	if (told(r, "never")) {
		return TC_LATER;
	}
	return told(r, "fail filter") ? TC_FAIL : told(r, "nothing") ? TC_OK : TC_NEXT;
}

static int sieve_reply(tc_req *r, int status)
{
	const struct state *s = tc.state(r);
	const char *length = tc.reply_header(r, "Content-Length");

	crash(r, "crash reply");
	tc.add_header(r, "x-seen", tc_printf(r, "%s %d", s->mark, status));
	tc.set_header(r, "x-length", length == NULL ? "none" : length);
	if (told(r, "untype")) {
		tc.set_header(r, "content-type", NULL);
	}
	if (told(r, "keep length")) {
		tc.set_header(r, "content-length", length);
	}
	if (told(r, "replace")) {
		return tc.text(r, 503, "replaced\n");
	}
	if (told(r, "fail reply")) {
		return TC_FAIL;
	}
	return told(r, "alone") ? TC_NEXT : TC_OK;
}

#ifndef SIEVE_NO_PIECES
static void keep(struct item *item, const char *data, size_t size)
{
	char *grown = realloc(item->kept, item->size + size + 1);

	if (grown != NULL) {
		memcpy(grown + item->size, data, size);
		item->kept = grown;
		item->size += size;
	}
}

/* Passes each byte as many times. */
static int pass_many(tc_req *r, const char *data, size_t size, size_t times, int last)
{
	char *many = malloc(size * times + 1);
	int rc;

	for (size_t i = 0; many != NULL && i < size * times; i++) {
		many[i] = data[i / times];
	}
	rc = many == NULL ? TC_NOMEM : tc.pass(r, many, size * times, last);
	free(many);
	return rc;
}

static int pass_upper(tc_req *r, const char *data, size_t size, int last)
{
	char *upper = malloc(size + 1);
	int rc;

	for (size_t i = 0; upper != NULL && i < size; i++) {
		upper[i] = data[i] >= 'a' && data[i] <= 'z' ? data[i] - 32 : data[i];
	}
	rc = upper == NULL ? TC_NOMEM : tc.pass(r, upper, size, last);
	free(upper);
	return rc;
}

static int hold_back(tc_req *r, struct item *item, const char *data, size_t size,
    int last)
{
	keep(item, data, size);
	return last ? tc.pass(r, item->kept, item->size, 1) : TC_OK;
}

static int sieve_piece(tc_req *r, const void *data, size_t size, int last)
{
	struct item *item = tc.data(r);

	item->pieces++;
	item->lasts += last;
	if (item->pieces == 1) {
		crash(r, "crash piece");
	}
	if (told(r, "fail piece")) {
		return TC_FAIL;
	}
	if (told(r, "upper")) {
		return pass_upper(r, data, size, last);
	}
	if (told(r, "double")) {
		return pass_many(r, data, size, 2, last);
	}
	if (told(r, "blow up")) {
		return pass_many(r, data, size, size == 0 ? 1 : BLOWN / size, last);
	}
	if (told(r, "too much")) {
		tc_log(TC_INFO, "too much: %d", tc.pass(r, data, BLOWN + 1, last));
	}
	if (told(r, "hold back")) {
		return hold_back(r, item, data, size, last);
	}
	if (told(r, "lose last")) {
		return TC_OK;
	}
	if (told(r, "abort piece")) {
		return tc.abort(r);
	}
	if (told(r, "misuse")) {
		tc_log(TC_INFO, "misuse: %d %d %d %d", tc.text(r, 200, "no"),
		    tc.write(r, "no", 2), tc.end(r), tc.set_header(r, "x-no", "no"));
	}
	return tc.pass(r, data, size, last);
}
#endif

static void sieve_gone(tc_req *r)
{
	struct state *s = tc.state(r);
	struct item *item = tc.data(r);

	s->gone++;
	tc_log(TC_INFO, "gone %s", tc.path(r));
	if (told(r, "never")) {
		tc_log(TC_INFO, "finish: %d", tc.abort(item->r));
	}
}

static void sieve_done(tc_req *r)
{
	struct state *s = tc.state(r);
	struct item *item = tc.data(r);

	s->done++;
	if (item != NULL) {
		tc_log(TC_INFO, "done %s: %d pieces, %d last", tc.path(r), item->pieces,
		    item->lasts);
		free(item->kept);
		free(item);
	}
	tc.set_data(r, NULL);
	crash(r, "crash done");
}

static int sieve_request(tc_req *r)
{
	const char *trail = tc.header(r, "x-trail");
	const char *hidden = tc.header(r, "x-hidden");
	size_t size;
	const char *body = tc.body(r, &size);

	return tc.text(r, 200, tc_printf(r, "trail %s hidden %s next %d body %s\n",
	    trail == NULL ? "-" : trail, hidden == NULL ? "-" : hidden, tc.next(r),
	    body));
}

TINCAN_HANDLER(SIEVE_NAME, .on_open = sieve_open, .on_close = sieve_close,
    .on_request = sieve_request, .on_filter = sieve_filter, .on_reply = sieve_reply,
#ifndef SIEVE_NO_PIECES
    .on_piece = sieve_piece,
#endif
    .on_gone = sieve_gone, .on_done = sieve_done);

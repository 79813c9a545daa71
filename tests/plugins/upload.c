/* SPDX-License-Identifier: MIT */
/*
 * Takes bodies in pieces, and does with them what the last part of the path names; the
 * query is a number: of bytes after which it is done, or that it sends.
 */
#include <stdlib.h>
#include <string.h>
#include <tincan/handler.h>

#define ADLER 65521u

struct state {
	struct upload *uploads;	/* requests that are not finished */
	int count;
	int gone;		/* requests whose peer has left so far */
	long long bytes;	/* of all bodies */
};

struct upload {
	struct upload *next;
	struct upload *before;
	struct state *state;
	tc_req *r;
	int (*take)(struct upload *upload, const char *data, size_t size, int last);
	long long at;		/* after so many bytes */
	long long size;		/* bytes so far */
	uint32_t a, b;		/* their Adler-32 */
	int paused;
	char *rest;		/* of an echo: what waits for its peer */
	size_t rest_size;
	int ended;
};

static void forget(struct upload *upload)
{
	if (upload->next != NULL) {
		upload->next->before = upload->before;
	}
	if (upload->before != NULL) {
		upload->before->next = upload->next;
	} else {
		upload->state->uploads = upload->next;
	}
	upload->state->count--;
	free(upload->rest);
	free(upload);
}

static void add_up(struct upload *upload, const char *data, size_t size)
{
	for (size_t i = 0; i < size;) {
		/* As many as cannot overflow. */
		size_t end = size - i < 5552 ? size : i + 5552;

		for (; i < end; i++) {
			upload->a += (unsigned char)data[i];
			upload->b += upload->a;
		}
		upload->a %= ADLER;
		upload->b %= ADLER;
	}
}

/* Size and sum, and the first field of the trailer. */
static void tell_sum(struct upload *upload)
{
	tc_req *r = upload->r;
	const char *name = "";
	const char *value = "";
	size_t whole = 1;

	tc.trailer_at(r, 0, &name, &value);
	tc.body(r, &whole);
	tc.text(r, 200, tc_printf(r, "%lld %u %zu%s%s\n", upload->size,
	    upload->b << 16 | upload->a, whole, name, value));
	forget(upload);
}

static int count(struct upload *upload, const char *data, size_t size, int last)
{
	add_up(upload, data, size);
	if (last) {
		tell_sum(upload);
	}
	return TC_OK;
}

/* Pauses once, until resume. */
static int pause_at(struct upload *upload, const char *data, size_t size, int last)
{
	if (!last && !upload->paused && upload->size >= upload->at) {
		upload->paused = 1;
		tc.pause(upload->r, 1);
	}
	return count(upload, data, size, last);
}

static int reply_early(struct upload *upload, const char *data, size_t size, int last)
{
	(void)data;
	(void)size;
	if (last || upload->size >= upload->at) {
		tc.text(upload->r, 200, "enough\n");
		forget(upload);
	}
	return TC_OK;
}

static int fail(struct upload *upload, const char *data, size_t size, int last)
{
	(void)data;
	(void)size;
	if (last || upload->size >= upload->at) {
		forget(upload);
		return TC_FAIL;
	}
	return TC_OK;
}

static int begin_and_fail(struct upload *upload, const char *data, size_t size, int last)
{
	if (upload->size == (long long)size) {
		tc.start(upload->r, 200, "text/plain");
		tc.write(upload->r, "begun\n", 6);
	}
	return fail(upload, data, size, last);
}

static int crash(struct upload *upload, const char *data, size_t size, int last)
{
	if (last || upload->size >= upload->at) {
		*(volatile int *)0 = data[0] + (int)size;
	}
	return TC_OK;
}

static int hang(struct upload *upload, const char *data, size_t size, int last)
{
	(void)data;
	(void)size;
	(void)last;
	while (upload->state != NULL) {
		__asm__ volatile("" ::: "memory");
	}
	return TC_OK;
}

/* What could not be written waits, and the sender with it. */
static int keep(struct upload *upload, const char *data, size_t size)
{
	upload->rest = malloc(size);
	if (upload->rest == NULL) {
		return TC_NOMEM;
	}
	memcpy(upload->rest, data, size);
	upload->rest_size = size;
	return tc.pause(upload->r, 1);
}

static void end_echo(struct upload *upload)
{
	tc.end(upload->r);
	forget(upload);
}

static int echo(struct upload *upload, const char *data, size_t size, int last)
{
	int rc = tc.write(upload->r, data, size);

	if (rc == TC_AGAIN) {
		upload->ended = last;
		rc = keep(upload, data, size);
	} else if (rc == TC_OK && last) {
		end_echo(upload);
	}
	if (rc == TC_NOMEM) {
		forget(upload);
		return rc;
	}
	return TC_OK;
}

/* Zeros, as fast as they are taken. */
static void send_on(struct upload *upload)
{
	static const char zeros[65536];
	int rc = TC_OK;

	while (rc == TC_OK && upload->size < upload->at) {
		size_t size = upload->at - upload->size < (long long)sizeof(zeros) ?
		    (size_t)(upload->at - upload->size) : sizeof(zeros);

		rc = tc.write(upload->r, zeros, size);
		upload->size += rc == TC_OK ? (long long)size : 0;
	}
	if (rc == TC_OK) {
		end_echo(upload);
	}
}

static int send_zeros(struct upload *upload, const char *data, size_t size, int last)
{
	(void)data;
	(void)size;
	if (last) {
		upload->size = 0;
		tc.start(upload->r, 200, "application/octet-stream");
		send_on(upload);
	}
	return TC_OK;
}

static void on_drain(tc_req *r)
{
	struct upload *upload = tc.data(r);
	int rc;

	if (upload->take == send_zeros) {
		send_on(upload);
		return;
	}
	rc = upload->rest == NULL ? TC_AGAIN :
	    tc.write(r, upload->rest, upload->rest_size);
	if (rc == TC_NOMEM) {
		(void)tc.abort(r);
		forget(upload);
	}
	if (rc != TC_OK) {
		return;
	}
	free(upload->rest);
	upload->rest = NULL;
	if (upload->ended) {
		end_echo(upload);
	} else {
		tc.pause(r, 0);
	}
}

static const struct {
	const char *name;
	int (*take)(struct upload *upload, const char *data, size_t size, int last);
} actions[] = { { "count", count }, { "pause", pause_at }, { "early", reply_early },
	{ "fail", fail }, { "fail-begun", begin_and_fail }, { "crash", crash },
	{ "hang", hang }, { "echo", echo }, { "hold", count }, { "send", send_zeros } };

static int begin(tc_req *r, const char *name,
    int (*take)(struct upload *upload, const char *data, size_t size, int last))
{
	struct state *state = tc.state(r);
	struct upload *upload = calloc(1, sizeof(*upload));

	if (upload == NULL) {
		return TC_NOMEM;
	}
	*upload = (struct upload){ .next = state->uploads, .state = state, .r = r,
		.take = take, .a = 1, .at = strtoll(tc.query(r), NULL, 10) };
	if (upload->next != NULL) {
		upload->next->before = upload;
	}
	state->uploads = upload;
	state->count++;
	tc.set_data(r, upload);
	if (take == echo) {
		tc.start(r, 200, "application/octet-stream");
	} else if (strcmp(name, "hold") == 0) {
		tc.pause(r, 1);
	}
	return TC_LATER;
}

/* All that wait go on. */
static int resume(tc_req *r)
{
	struct state *state = tc.state(r);
	int resumed = 0;

	for (struct upload *at = state->uploads; at != NULL; at = at->next) {
		resumed += tc.pause(at->r, 0) == TC_OK;
	}
	return tc.text(r, 200, tc_printf(r, "%d\n", resumed));
}

static int tell(tc_req *r)
{
	struct state *state = tc.state(r);

	return tc.text(r, 200, tc_printf(r, "%d open, %d gone, %lld bytes\n",
	    state->count, state->gone, state->bytes));
}

static int on_request(tc_req *r)
{
	const char *name = strrchr(tc.path(r), '/') + 1;

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(name, actions[i].name) == 0) {
			return begin(r, name, actions[i].take);
		}
	}
	if (strcmp(name, "resume") == 0) {
		return resume(r);
	}
	if (strcmp(name, "tell") == 0) {
		return tell(r);
	}
	if (strcmp(name, "nothing") == 0) {
		return TC_OK;
	}
	return tc.text(r, 404, "no such action\n");
}

static int on_body(tc_req *r, const void *data, size_t size, int last)
{
	struct upload *upload = tc.data(r);

	upload->size += (long long)size;
	upload->state->bytes += (long long)size;
	return upload->take(upload, data, size, last);
}

static void on_gone(tc_req *r)
{
	struct upload *upload = tc.data(r);

	upload->state->gone++;
	tc_log(TC_INFO, "gone after %lld bytes: pause says %d", upload->size,
	    tc.pause(r, 0));
	tc.abort(r);
	forget(upload);
}

static int on_open(tc_conf *cf, void **state)
{
	(void)cf;
	*state = calloc(1, sizeof(struct state));
	return *state == NULL ? TC_NOMEM : TC_OK;
}

static void on_close(void *arg)
{
	struct state *state = arg;

	tc_log(TC_INFO, "closing with %d uploads", state->count);
	while (state->uploads != NULL) {
		struct upload *upload = state->uploads;

		tc.abort(upload->r);
		forget(upload);
	}
	free(state);
}

TINCAN_HANDLER("upload", .route = "/upload/*", .flags = TC_BODY_STREAM,
    .on_open = on_open, .on_close = on_close, .on_request = on_request,
    .on_body = on_body, .on_drain = on_drain, .on_gone = on_gone,
    .check = "GET /upload/count 200");

/* SPDX-License-Identifier: MIT */
/*
 * @NAME@: a filter that lets those through who know a key, and tells how long they took.
 *
 *	curl -H 'x-key: sesame' https://localhost:8443/...
 *
 * One setting, "key"; without it everybody may pass. A filter sees requests before the
 * handler and replies after it; "filters" of server.json says for what. A place to start
 * from: what else it can ask and do is told in <tincan/handler.h>.
 */
#include <stdlib.h>
#include <string.h>

#include <tincan/handler.h>

/* What a filter needs. Each place that names it has its own, in each process. */
struct gate {
	const char *key;	/* NULL: it stands open */
};

/* One request, from on_filter to on_done. */
struct passage {
	int64_t began_ms;
};

static int on_open(tc_conf *cf, void **state)
{
	struct gate *gate = calloc(1, sizeof(*gate));

	if (gate == NULL) {
		return TC_NOMEM;
	}
	gate->key = tc.conf_str(cf, "key", NULL);
	*state = gate;
	return TC_OK;
}

static void on_close(void *state)
{
	free(state);
}

static int knows(const struct gate *gate, const tc_req *r)
{
	const char *key = tc.header(r, "X-Key");

	return gate->key == NULL || (key != NULL && strcmp(key, gate->key) == 0);
}

/* The header of a request; its body has not come yet. A negative result would be answered
 * 500: what a filter cannot judge does not pass. */
static int on_filter(tc_req *r)
{
	struct passage *passage = tc.alloc(r, sizeof(*passage));

	if (passage == NULL) {
		return TC_NOMEM;
	}
	passage->began_ms = tc.now();
	tc.set_data(r, passage);
	if (!knows(tc.state(r), r)) {
		tc_log(TC_INFO, "kept out of %s", tc.path(r));
		return tc.text(r, 403, "403 Forbidden: a key is needed\n");
	}
	/* The handler has no business with it. */
	tc.set_request_header(r, "X-Key", NULL);
	return TC_NEXT;
}

/* The header of the reply from behind. An on_piece would get its body piece by piece, and
 * hand on with tc.pass what is to be sent instead. */
static int on_reply(tc_req *r, int status)
{
	const struct passage *passage = tc.data(r);

	(void)status;
	tc.set_header(r, "X-Took",
	    tc_printf(r, "%lld ms", (long long)(tc.now() - passage->began_ms)));
	return TC_NEXT;		/* the body stays as it is */
}

/* The last word on a request, whatever became of it; its memory goes by itself. */
static void on_done(tc_req *r)
{
	const struct passage *passage = tc.data(r);

	if (passage != NULL) {
		tc_log(TC_DEBUG, "%s took %lld ms", tc.path(r),
		    (long long)(tc.now() - passage->began_ms));
	}
}

TINCAN_HANDLER("@NAME@",
	.version = "0.1",
	.about = "lets through who knows a key",
	.on_open = on_open,
	.on_close = on_close,
	.on_filter = on_filter,
	.on_reply = on_reply,
	.on_done = on_done);

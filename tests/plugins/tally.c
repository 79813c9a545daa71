/* SPDX-License-Identifier: MIT */
/*
 * Counts in shared memory: GET /tally/count adds one and tells the sum, /tally/tell only
 * tells it, /tally/die kills the process. The memory's size is a setting.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <tincan/handler.h>

struct tally {
	_Atomic uint64_t *count;
};

static int set_up(tc_conf *cf, void **state)
{
	struct tally *tally = calloc(1, sizeof *tally);
	int64_t size = tc.conf_int(cf, "size", 64, 0, INT64_C(1) << 40);

	if (tally == NULL) {
		return TC_NOMEM;
	}
	tally->count = tc.shared(cf, tc.conf_str(cf, "name", "count"), (size_t)size);
	if (tally->count == NULL && !tc.conf_bool(cf, "may_fail", 0)) {
		free(tally);
		return tc.conf_error(cf, "size", "there is no such memory");
	}
	*state = tally;
	return TC_OK;
}

static int answer(tc_req *r)
{
	const struct tally *tally = tc.state(r);
	uint64_t count = 0;

	if (strcmp(tc.tail(r), "die") == 0) {
		raise(SIGKILL);
	}
	if (tally->count == NULL) {
		return tc.text(r, 200, "none");
	}
	if (strcmp(tc.tail(r), "count") == 0) {
		count = atomic_fetch_add(tally->count, 1) + 1;
	} else {
		count = atomic_load(tally->count);
	}
	return tc.text(r, 200, tc_printf(r, "%llu", (unsigned long long)count));
}

static void tear_down(void *state)
{
	free(state);
}

TINCAN_HANDLER("tally", .on_open = set_up, .on_close = tear_down, .on_request = answer,
    .route = "/tally/*");

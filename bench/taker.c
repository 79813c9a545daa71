/* SPDX-License-Identifier: MIT */
/*
 * A handler for bench/run: takes a body in pieces and throws it away.
 */
#include <tincan/handler.h>

static int answer(tc_req *r)
{
	return tc.text(r, 200, "taken\n");
}

/* With the header: the reply waits for the end of the body. */
static int begin(tc_req *r)
{
	(void)r;
	return TC_LATER;
}

static int take(tc_req *r, const void *data, size_t size, int last)
{
	(void)data;
	(void)size;
	return last ? answer(r) : TC_OK;
}

/* The peer has left: the request is finished all the same. */
static void give_up(tc_req *r)
{
	answer(r);
}

TINCAN_HANDLER("taker", .flags = TC_BODY_STREAM, .on_request = begin, .on_body = take,
    .on_gone = give_up);

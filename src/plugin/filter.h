/* SPDX-License-Identifier: MIT */
/* A plugin as a filter, and its part of the function table; instance_filter is in
 * plugin/instance.h. For this room alone. */
#ifndef TINCAN_PLUGIN_FILTER_H
#define TINCAN_PLUGIN_FILTER_H

#include <stdbool.h>

#include "exchange/stage.h"
#include "tincan/handler.h"

/* May the code that has the request speak now? A filter may not between its callbacks,
 * once it has let the request go on. */
static inline bool filter_may_reply(const struct exchange *exchange)
{
	return exchange->stage == NULL || stage_may_reply(exchange->stage);
}

/* Likewise: abort, or say what follows the body. */
static inline bool filter_may_end(const struct exchange *exchange)
{
	return filter_may_reply(exchange) || exchange->stage->in_piece;
}

int filter_next(tc_req *r);
int filter_pass(tc_req *r, const void *data, size_t size, int last);
const char *filter_reply_header(const tc_req *r, const char *name);
int filter_set_request_header(tc_req *r, const char *name, const char *value);

#endif

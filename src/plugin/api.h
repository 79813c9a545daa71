/* SPDX-License-Identifier: MIT */
/*
 * The function table of a plugin that runs in this process: tc_api straight over the
 * exchange. A tc_req is a struct exchange, a tc_conn a struct duplex, a tc_conf a struct
 * conf.
 */
#ifndef TINCAN_PLUGIN_API_H
#define TINCAN_PLUGIN_API_H

#include "exchange/duplex.h"
#include "exchange/exchange.h"
#include "plugin/conf.h"
#include "plugin/plugin.h"

static inline struct exchange *api_exchange(tc_req *request)
{
	return (struct exchange *)request;
}

static inline tc_req *api_request(struct exchange *exchange)
{
	return (tc_req *)exchange;
}

static inline tc_conn *api_conn(struct duplex *duplex)
{
	return (tc_conn *)duplex;
}

/* Our results as a plugin knows them. */
int api_result(int rc);

/*
 * Fills the plugin's table of size bytes: what both sides know, then (if the plugin was
 * built with a newer header) a stub that ends the process with a message. Services are
 * those of every plugin of the process; borrowed for ever.
 */
void api_fill(tc_api *api, size_t size, const struct plugin_services *services);

struct instance;

/* Whose callback this thread runs. Borrowed until it ends. */
struct api_call {
	struct instance *instance;	/* NULL: none */
	const char *request;	/* its id, for log lines; NULL: a callback without one */
};

/* Says that a callback begins; the result goes back to api_leave when it has ended. */
struct api_call api_enter(struct instance *instance, const char *request);
void api_leave(struct api_call before);

/* The instance whose callback this thread runs, or NULL. */
struct instance *api_instance(void);

/* A line in the log, of the call that runs, in the server's own words. */
void api_log(int level, const char *format, ...) PRINTF(2, 3);

#endif

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
#include "ipc/page.h"
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

/* The services of every plugin of the process; borrowed for ever. */
void api_serve(const struct plugin_services *services);

/* Those that were given; never NULL while a plugin's code runs. */
const struct plugin_services *api_services(void);

/* The settings behind cf; after on_open they are gone, which the log is told. */
struct conf *api_conf(tc_conf *cf);

/*
 * Fills the plugin's table of size bytes: what both sides know, as a plugin on threads
 * needs it or as others do, then (if the plugin was built with a newer header) a stub
 * that ends the process with a message.
 */
void api_fill(tc_api *api, size_t size, bool threaded);

struct instance;

/* A callback into a plugin's code, while it runs. Everything is borrowed until then. */
struct api_call {
	enum page_callback callback;	/* PAGE_NONE: no code of a plugin runs */
	const char *handler;		/* its name; NULL: none runs */
	const char *request;		/* the id of what it is about; NULL: nothing */
	struct instance *instance;	/* NULL: none runs, or the plugin is loaded */
	const struct exchange *exchange;	/* the request it is about; NULL: none */
	const struct duplex *duplex;	/* the conversation; NULL: none */
	/* It runs on a thread of a crew: what belongs to the loop is not its to touch. */
	bool threaded;
};

/* Says that a callback begins in this thread, and, if that is the loop, tells
 * services->running; the result goes back to api_leave when it has ended. */
struct api_call api_enter(struct api_call call);
void api_leave(struct api_call before);

/* The instance whose callback this thread, the loop, runs, or NULL. */
struct instance *api_instance(void);

/* What this thread runs, if it is one of a crew, else NULL. Async-signal-safe. */
const struct api_call *api_thread(void);

/* What every plugin has in its table but for what is replaced in it. */
const tc_api *api_table(void);

/* Tells services->hold. */
void api_hold(void *owner, int change);

/* A line in the log, of the call that runs, in the server's own words. */
void api_log(int level, const char *format, ...) PRINTF(2, 3);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * One route's use of a plugin in one process: its settings and its state. on_open first,
 * on_close last, requests between. Lifetime: generation.
 */
#ifndef TINCAN_PLUGIN_INSTANCE_H
#define TINCAN_PLUGIN_INSTANCE_H

#include "base/error.h"
#include "base/settings.h"
#include "exchange/exchange.h"
#include "plugin/conf.h"
#include "plugin/plugin.h"

struct instance {
	struct plugin *plugin;		/* borrowed */
	void *state;			/* the handler's own */
	struct conf conf;		/* the strings that on_open got live in it */
};

/*
 * Calls on_open with the settings. directory is that of server.json, where is the route's
 * place in it, for messages. Settings of the wrong type or range, those nobody asked for
 * (with "did you mean" among those asked for) and what conf_error said become problems.
 *
 * @return the instance, owned by the caller, or NULL with at least one problem.
 */
struct instance *instance_open(struct plugin *plugin, struct settings *settings,
    const char *directory, const char *where, struct problems *problems);

/* on_close and free. NULL is accepted. */
void instance_close(struct instance *instance);

/*
 * Runs on_request for the exchange, whose request is complete. Afterwards its reply has
 * ended: a handler that returned an error, or TC_OK without a reply, makes a 500 (or a
 * broken one, if it had started), with a line in the log that says so.
 */
void instance_request(struct instance *instance, struct exchange *exchange);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * One route's use of a plugin in one process: its settings and its state. on_open first,
 * on_close last, requests between. Lifetime: its owner's, a mount of a site or of a host.
 */
#ifndef TINCAN_PLUGIN_INSTANCE_H
#define TINCAN_PLUGIN_INSTANCE_H

#include "base/error.h"
#include "base/list.h"
#include "base/settings.h"
#include "exchange/duplex.h"
#include "exchange/exchange.h"
#include "plugin/api.h"
#include "plugin/conf.h"
#include "plugin/plugin.h"

struct instance {
	struct plugin *plugin;		/* borrowed */
	void *state;			/* the handler's own */
	struct list alarms;		/* its timers */
	struct list watches;		/* of descriptors */
	tc_loop *mailbox;		/* what is posted to it; NULL: none yet */
	struct list subscriptions;	/* to topics of the bus */
	int stopped;			/* why on_stop was called; 0: it was not */
	void *owner;			/* the opener's own; borrowed */
	uint32_t busy;			/* jobs and requests on threads */
	bool refused;			/* to be freed when it is not busy any more; */
	bool leaving;			/* to be closed then */
	struct conf conf;		/* the strings that on_open got live in it */
};

/* One route's use of a plugin, as its process has it. All borrowed by the instance. */
struct instance_setup {
	struct settings *settings;
	const char *directory;	/* of server.json */
	const char *where;	/* the route's place in it, for messages */
	void *owner;		/* who opens it, for services->hold */
};

/*
 * Calls on_open with the settings. Those of the wrong type or range, those nobody asked
 * for (with "did you mean" among those asked for) and what conf_error said become
 * problems.
 *
 * @return the instance, owned by the caller, or NULL with at least one problem.
 */
struct instance *instance_open(struct plugin *plugin,
    const struct instance_setup *setup, struct problems *problems);

/* Says that a callback of the instance begins, about that exchange (NULL: none);
 * api_leave ends it. */
struct api_call instance_enter(struct instance *instance, enum page_callback callback,
    const struct exchange *exchange);

/* on_stop, with TC_RELOAD or TC_SHUTDOWN, once for each, not TC_RELOAD after the other.
 * NULL is accepted. */
void instance_stop(struct instance *instance, int why);

/*
 * on_stop, if that was not called, on_close and free. NULL is accepted. One that is busy
 * is left as it is, for ever: only a process that cannot wait any longer closes such.
 */
void instance_close(struct instance *instance);

/* Something of it begins to run on another thread, or has come back from there; on the
 * loop. Its owner does not close it in between. */
void instance_hold(struct instance *instance);
void instance_let_go(struct instance *instance);

static inline bool instance_is_busy(const struct instance *instance)
{
	return instance != NULL && instance->busy > 0;
}

/*
 * Runs on_request for the exchange, whose request is complete but for a body that
 * streams. Afterwards its reply has ended or, if the handler returned TC_LATER, the
 * exchange is held by it; the body of a handler that takes it in pieces is then to be fed
 * or, if it is there, handed on by upload_go_on. A handler that
 * returned an error, or TC_OK without a reply, makes a 500 (or a broken one, if it had
 * started), with a line in the log that says so. A handler without
 * on_request has nothing there: 404.
 */
void instance_request(struct instance *instance, struct exchange *exchange);

/* What a callback of that name has left undone: a reply that is missing is 500, one
 * without its end is broken. A handler's mistake is for the log, not for the client. */
void instance_settle(struct exchange *exchange, const char *callback, int result);

/*
 * Runs on_filter for the stage, whose outer exchange's request has its header, and no
 * body yet; on_reply, on_piece, on_gone and on_done follow from what the stage does.
 * Afterwards it has replied, or holds the exchange (TC_LATER), or the stage is STAGE_NEXT
 * (TC_NEXT; also if there is no on_filter). What it may not return is 500.
 */
void instance_filter(struct instance *instance, struct stage *stage);

/*
 * Runs on_connect for a duplex that is OPENING; upgrade is the request of a WebSocket,
 * NULL for a stream. The handler's decision goes to peer_ops->opened before this returns:
 * 0, or the status that it refuses with; then the upgrade has a reply, the handler's own
 * or one with the fields that it has set. What it may not return is 500, with a line in
 * the log and no reply yet. From then on handler_ops run on_data, on_send and on_end, as
 * far as the handler has them; a negative result of on_data closes.
 */
void instance_connect(struct instance *instance, struct duplex *duplex,
    struct exchange *upgrade);

/* Runs on_request for an exchange whose call has been entered. True: it answers later.
 * Else what it has left undone is done. */
bool instance_answer(struct instance *instance, struct exchange *exchange);

/* What a handler that answers later is told. */
extern const struct exchange_handler_ops instance_later_ops;

/* "TC_FAIL", ..., for the log. */
const char *instance_result_name(int result);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A plugin that runs in a host, seen from a worker: the same handler whatever process it
 * is in at the moment. Calls wait here while there is no host (it has died and the next
 * one is on its way), go out in batches, one write a round, and come back as replies of
 * their exchanges. What a host sends is never trusted.
 *
 *	call:  WAITING --attached--> SENT --LATER--> LATER --START--> STARTED --> gone
 *	          ^-- the host died before it had begun --/            END
 *
 * LATER is left out by a handler that answers at once, and a REPLY is START and END. One
 * that blocks can come from SENT to STARTED while it still runs.
 *
 * Lifetime: from the first generation that needs this version of the plugin to the last
 * exchange of the last one.
 */
#ifndef TINCAN_REMOTE_REMOTE_H
#define TINCAN_REMOTE_REMOTE_H

#include <stdint.h>

#include "exchange/duplex.h"
#include "exchange/exchange.h"
#include "os/loop.h"
#include "remote/request.h"

struct remote;

/* What a remote asks of its worker. */
struct remote_ops {
	/* The host of that pid does not come back from a call: have the master kill
	 * it. */
	void (*kill)(void *arg, uint32_t pid);
	/* Its socket has ended, or brings nonsense: its process is dead, or should be
	 * soon. */
	void (*lost)(void *arg, uint32_t pid);
	/* A line from the plugin. */
	void (*log)(int level, const char *handler, const char *request, const char *text,
	    size_t size);
	/* Its last instance is shut and its last call is over: it can be freed, but not
	 * within this call. */
	void (*idle)(void *arg, struct remote *remote);
	/* Its host subscribes on the bus, does so no more, says something there. Names
	 * are as in ipc/bus_ring.h, of its own handler. Anything but 0 ends the host. */
	int (*subscribe)(void *arg, struct slice name);
	void (*unsubscribe)(void *arg, struct slice name);
	int (*publish)(void *arg, struct slice name, struct slice data);
	/* The host is no more: nobody subscribes. */
	void (*silent)(void *arg);
	/* Of one that blocks: its host can take a call, if it has one. And that a call
	 * was not begun by the host that had it, and is the remote's no more. */
	void (*free)(void *arg);
	void (*again)(void *arg, uint32_t instance, struct exchange *exchange,
	    uint32_t timeout_ms);
	/* What a host says of itself and its instances: HELLO, PROBLEM, OPENED, OPENEND.
	 * Anything but 0 ends the host. NULL: the probe has said it all before. */
	int (*told)(void *arg, const struct frame *frame);
	void *arg;
	struct tally *held;	/* borrowed; of what waits for its hosts; or NULL */
};

/* Texts are copied. */
struct remote *remote_new(struct loop *loop, const struct remote_ops *ops,
    const char *name);
void remote_free(struct remote *remote);	/* NULL is accepted; fails open calls */

/* Is there one that can be spoken to? Is there none that is alive, or just dying? */
bool remote_has_host(const struct remote *remote);
bool remote_is_vacant(const struct remote *remote);

/* Has it neither instances (which do not count when it is to leave) nor calls nor
 * duplexes? */
bool remote_idle(const struct remote *remote);

/* It is used no more than for what it has; then it is idle. */
void remote_leave(struct remote *remote);

/* A host is there, of that pid: takes both descriptors. Opens all instances in it, then
 * sends all calls that wait. The host before it is dead. */
void remote_attach(struct remote *remote, uint32_t pid, int socket_fd, int page_fd);

/* The process of that pid is no more: what it was doing is lost, what it had finished is
 * delivered. Harmless if it is not the host at hand. */
void remote_died(struct remote *remote, uint32_t pid);

/* No host will come for now: calls that wait, and new ones, get 503 until one is
 * attached. */
void remote_break(struct remote *remote, uint32_t retry_after_s);

/* Who started hosts is gone, and with it, by now or soon, the host: nobody will tell. The
 * break that there is by then is for good. */
void remote_orphan(struct remote *remote);

/* A route's use of the plugin: on_open with these settings in this host and every later
 * one, until shut. The message is packed now, not kept. *instance is its number. */
int remote_open(struct remote *remote, const struct open_message *message,
    uint32_t *instance) MUST_USE;

/* on_stop, why as handler.h has it: it is about to be shut, and may have calls to finish
 * first. Harmless twice. */
void remote_retire(struct remote *remote, uint32_t instance, int why);
void remote_shut(struct remote *remote, uint32_t instance);

/*
 * Runs the handler for an exchange whose request is complete but for a body that streams,
 * which is to be fed. The reply comes later, or
 * at once for a queue that is full (503). An exchange whose client leaves meanwhile says
 * so by its handler_ops. A handler that takes longer than timeout_ms: 504.
 */
void remote_call(struct remote *remote, uint32_t instance, struct exchange *exchange,
    uint32_t timeout_ms);

/* The host there is is to finish what it has, run on_close and end. */
void remote_stop(struct remote *remote);

/* A message on the bus, for the host; lost: how many before it were. ERR_LIMIT: so many
 * bytes wait for the host that this message is lost, too; ERR_NOMEM; ERR_CLOSED: there is
 * no host. */
int remote_event(struct remote *remote, struct slice name, struct slice data,
    uint64_t lost) MUST_USE;

/*
 * Connects a duplex that is OPENING to the handler; upgrade is the WebSocket's request,
 * NULL for a stream, borrowed until it has opened or ended. The handler's answer comes by
 * peer_ops->opened: later, or at once (503) if none can be had. It waits for a host as
 * calls do, and an on_connect that takes longer than timeout_ms is 504. When the host
 * dies, handler_ops are gone and the duplex is closed with DUPLEX_CODE_FAILED.
 */
void remote_connect(struct remote *remote, uint32_t instance, struct duplex *duplex,
    struct exchange *upgrade, uint32_t timeout_ms);

#endif

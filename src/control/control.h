/* SPDX-License-Identifier: MIT */
/*
 * The control socket of the master: commands as JSON lines, answered by JSON lines, now
 * or later. Only the same user, or root, is answered. Lifetime: boot.
 *
 *	{"command":"reload"}			{"ok":true,"generation":7}
 *	{"command":"reset","name":"hello"}	{"ok":false,"error":"...","hint":"..."}
 *
 * What is no command of that form is refused here; the rest is the owner's. A client has
 * one command carried out at a time, and is dropped when it is silent for a minute.
 */
#ifndef TINCAN_CONTROL_CONTROL_H
#define TINCAN_CONTROL_CONTROL_H

#include <jansson.h>

#include "base/error.h"
#include "os/loop.h"

struct control;
struct control_client;

/* A command has come: "status", "plugins", "reload", "stop", "upgrade" or "reset". It is
 * answered by control_reply, once, now or later. Name is "" for a command without one.
 * Both are borrowed during the call. */
typedef void control_fn(void *arg, struct control_client *client, const char *command,
    const char *name);

/*
 * Listens at path, with mode 0600; makes its folder if need be. What a server that is no
 * more has left there is replaced. NULL, with a problem, if it cannot.
 */
struct control *control_open(struct loop *loop, const char *path, control_fn *fn,
    void *arg, struct problems *problems);

/* Lets go of the path at once, of memory at the end of the round (loop_run_deferred, if
 * no round comes any more). A client that waits for its answer still gets it, and must.
 * NULL is accepted. */
void control_close(struct control *control);

/* Answers and lets go of the client, who may have left meanwhile. Takes reply, an object
 * with "ok"; NULL (jansson makes that of texts that are not UTF-8) says so. */
void control_reply(struct control_client *client, json_t *reply);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Plugins: files of the plugin directory, their private copies, and (in the processes
 * that run them) the code. Three steps, by different processes:
 *
 *	plugin_scan	any process: look, judge, copy; nothing of a file is mapped or run
 *	plugin_load	worker, probe: dlopen the copy, check what it exports
 *	instance_*	worker, probe: one route's on_open, requests, on_close
 *
 * A private copy is named by content hash and never written again, so that nothing that
 * happens to the file in the plugin directory can hurt code that is mapped. Nothing is
 * ever dlclosed.
 */
#ifndef TINCAN_PLUGIN_PLUGIN_H
#define TINCAN_PLUGIN_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/log_pace.h"
#include "plugin/note.h"
#include "tincan/handler.h"

#define PLUGIN_HASH_BYTES 17	/* 16 hexadecimal digits of its SHA-256, and NUL */

#define PLUGIN_THREADS 8	/* of a plugin in a process, where nobody says */

/* What a handler can do, as a mask: what of tc_handler it fills in. */
enum plugin_can {
	PLUGIN_REQUESTS = 1,	/* on_request */
	PLUGIN_CONNECTS = 2,	/* on_connect: WebSockets and streams */
	PLUGIN_FILTERS = 4,	/* any of the last three */
	PLUGIN_BODY_STREAM = 8,	/* on_body: requests' bodies in pieces */
	PLUGIN_BLOCKING = 16,	/* its on_request may block */
	PLUGIN_ON_FILTER = 32,
	PLUGIN_ON_REPLY = 64,
	PLUGIN_ON_PIECE = 128
};

struct plugin {
	char *file;		/* owned; "plugins/hello.so", for messages */
	char *copy;		/* owned; "run/plugins/hello-<hash>.so", or NULL */
	char hash[PLUGIN_HASH_BYTES];
	struct note note;	/* name "" if it could not be read */
	char *refusal;		/* owned; why it is not served; NULL: it is */
	uint32_t version;	/* the master's number for this content; 0: none yet */
	bool isolated;		/* runs in hosts, not in workers */
	bool probed;		/* with these settings, before: no need to again */
	char refused_hash
	    [PLUGIN_HASH_BYTES]; /* of its file, which is not what is served */
	char *kept_for;		/* owned; why that is not; NULL: it is */
	char *probe_refusal;	/* owned; what its probe has against the file, or NULL */
	char *own_route;	/* owned; where it answers without a configured route */
	char *release;		/* owned; what it calls its version; for people */
	char *about;		/* owned; what it says that it is; for people */
	uint32_t can;		/* mask of enum plugin_can; 0: nobody has loaded it yet */
	tc_handler descriptor;	/* a copy; fields that its header did not know are 0 */
	const tc_handler *handler; /* that one; NULL until plugin_load; the process's */
	/* Of its code that blocks, in this process: how many threads it may have, 0 for
	 * PLUGIN_THREADS; and they themselves, owned, NULL until they are needed. */
	uint32_t threads;
	struct crew *crew;
	bool threaded;		/* on_request runs on them */
	uint32_t max_queue;	/* requests that may wait for one */
	struct log_pace turned_away;	/* those that found no place there */
	uint32_t count_as;	/* the worker's: index on its scoreboard */
};

/* The plugins of one generation, sorted by file name. */
struct plugin_set {
	struct plugin *items;
	size_t count;
};

struct api_call;
struct loop;
struct crew;
struct shared;

/* What the process that runs handlers gives them beside their request. */
struct plugin_services {
	/* A line of tc_log. Handler and request id are NULL outside a callback. */
	void (*log)(int level, const char *handler, const char *request, const char *text,
	    size_t size);
	/* The table behind tc.ext, or NULL. */
	const void *(*ext)(const char *id);
	/* Told before every callback into a plugin's code what will run, and after it
	 * what ran before, so that a crash or a hang has somebody to blame. NULL: nobody
	 * asks. */
	void (*running)(void *arg, const struct api_call *call);
	/* The memory of the handler of that name, or NULL. NULL: nobody has any. */
	struct shared *(*shared)(void *arg, const char *handler);
	void *arg;
	struct loop *loop;	/* of timers; NULL: there are none */
	/* on_request of a plugin that may block is run on threads, as there is more to do
	 * here than that. */
	bool threads;
	/* Something of the instance that this owner has opened has begun (1) to run on
	 * another thread, or has come back (-1): the owner must not close it in between.
	 * NULL: nothing is run on threads. */
	void (*hold)(void *arg, void *owner, int change);
	/* So many requests more, or less, of a plugin that blocks wait for a thread. [any
	 * thread] NULL: nobody counts them. */
	void (*waiting)(void *arg, const struct plugin *plugin, int change);
	/* One was turned away, as too many wait. NULL: nobody counts. */
	void (*turned_away)(void *arg, const struct plugin *plugin);
};

/*
 * Takes every *.so (but ".*") of directory: judges it (regular file, owned by root or
 * this user, not writable for others, ELF bounds, note) and copies it below
 * state_directory. A file that is refused stays in the set, with its refusal. Only a
 * directory that cannot be read, or a state directory that cannot be made or written, is
 * a problem. Initialises set.
 */
void plugin_scan(struct plugin_set *set, const char *directory,
    const char *state_directory, struct problems *problems);

/* The same for that one file, whose name ends in ".so". */
void plugin_scan_file(struct plugin_set *set, const char *file,
    const char *state_directory, struct problems *problems);

/* Adds one of that file, which it takes; borrowed until the next is added. */
struct plugin *plugin_set_add(struct plugin_set *set, char *file);

/* Puts a file that is not there into the set, refused for that. */
void plugin_set_miss(struct plugin_set *set, const char *file);

void plugin_set_release(struct plugin_set *set);

/* Of those with the same handler name all but the first good one are refused. */
void plugin_set_settle_names(struct plugin_set *set);

/* The plugin of that handler name (its note's; for a refused one without a readable note
 * its file's stem), or NULL. */
struct plugin *plugin_find(const struct plugin_set *set, const char *name);

/* The same; where there is none it becomes a problem of that place in the configuration,
 * as the set is that of the directory. */
struct plugin *plugin_need(const struct plugin_set *set, const char *name,
    const char *where, const char *directory, struct problems *problems);

/* What its code has said of itself: own_route, can, release, about. Copied from another
 * of the same content. */
void plugin_learn(struct plugin *plugin, const struct plugin *from);
void plugin_forget(struct plugin *plugin);

/* Sets the refusal, from a format. An earlier one stays. */
void plugin_refuse(struct plugin *plugin, const char *format, ...) PRINTF(2, 3);

/* The threads of the plugin in this process; NULL: out of memory. */
struct crew *plugin_threads(struct plugin *plugin);

/*
 * Maps the private copy (RTLD_NOW | RTLD_LOCAL), checks the descriptor against the note
 * and the levels, and fills in its function table. services is borrowed for ever. Nothing
 * is ever unmapped: a copy that was loaded before is the same again, state and all.
 *
 * @return 0, or ERR_INVALID and the plugin is refused (its refusal says why).
 */
int plugin_load(struct plugin *plugin, const struct plugin_services *services);

#endif

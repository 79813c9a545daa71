/* SPDX-License-Identifier: MIT */
/*
 * tincan/handler.h - everything a tincan handler plugin needs. Level 1.
 *
 *	#include <tincan/handler.h>
 *
 *	static int hello(tc_req *r)
 *	{
 *		return tc.text(r, 200, "Hello, world\n");
 *	}
 *
 *	TINCAN_HANDLER("hello", .on_request = hello);
 *
 *	cc -shared -fPIC -fvisibility=hidden -Iinclude -o plugins/hello.so hello.c
 *
 * It answers under /hello; server.json can move it and give it settings.
 *
 * RULES
 * Strings are UTF-8 and end in NUL. Times are milliseconds, sizes are bytes.
 * Pointers you get live until the callback returns, those of a request until
 * you finish it. Pointers you pass are copied unless the text says otherwise.
 * What one side allocates that side frees. Never throw through a callback.
 *
 * THREADS
 * Every callback of one instance (one route in one worker) comes on one
 * thread, its loop, one at a time; never block there. Call tc functions only
 * from a callback, except those marked [any thread]. With TC_BLOCKING,
 * on_request may block: it runs on threads of its own, many at once, where the
 * plugin is in the workers, and one at a time in each of several processes
 * where it is isolated. So its state needs locks, and what several requests
 * share belongs into tc.shared. A request is used by one thread at a time.
 * Timers, watches, posts and connections of an isolated one wait while its
 * process is at a request.
 *
 * VERSIONS
 * A plugin runs on every server of its level or newer, for ever: the structs
 * only grow at the end, numbers keep their meaning, and a change that breaks
 * this gets a new symbol (tincan_handler_2) next to the old. You see level 1
 * unless you say, before the include:
 *	#define TC_USE  3	show what came up to level 3, and need it
 *	#define TC_NEED 1	but load on level 1 too: ask TC_HAS(f) first
 * Level 1 is frozen with the first release; until then it grows, at the end too.
 */
#ifndef TINCAN_HANDLER_H
#define TINCAN_HANDLER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TC_LEVEL 1		/* what this header describes */
#ifndef TC_USE
#define TC_USE 1
#endif
#ifndef TC_NEED
#define TC_NEED TC_USE
#endif

typedef struct tc_req tc_req;		/* an HTTP request and its reply */
typedef struct tc_conn tc_conn;		/* a WebSocket or a raw TLS stream */
typedef struct tc_conf tc_conf;		/* the settings of one route */
typedef struct tc_timer tc_timer;
typedef struct tc_watch tc_watch;	/* of a descriptor */
typedef struct tc_loop tc_loop;		/* the loop of an instance, to post to */
typedef struct tc_metric tc_metric;

/* Results. Callbacks return them too; a negative one is logged, and sends
 * 500 if nothing was sent yet. Treat unknown negative values as TC_FAIL. */
enum {
	TC_OK = 0,		/* done; of on_request: the reply is complete */
	TC_LATER = 1,		/* the request is mine, I finish it later */
	TC_NEXT = 2,		/* of a filter: let the request go on */
	TC_AGAIN = -1,		/* too much is queued: nothing was taken, wait
				   for on_drain or on_send */
	TC_GONE = -2,		/* the peer has left: finish when you can */
	TC_FAIL = -3,
	TC_INVALID = -4,	/* an argument breaks a rule; nothing was done */
	TC_LIMIT = -5,		/* past a configured bound; nothing was done */
	TC_NOMEM = -6,
	TC_UNKNOWN = -7		/* this server does not have that */
};
enum { TC_DEBUG = 1, TC_INFO, TC_WARN, TC_ERROR };	/* log levels */
enum { TC_WEBSOCKET = 1, TC_STREAM = 2 };		/* kinds of tc_conn */
enum { TC_RELOAD = 1, TC_SHUTDOWN = 2 };		/* why on_stop is called */
enum { TC_READ = 1, TC_WRITE = 2 };		/* what a descriptor is ready for */
enum { TC_COUNTER = 1, TC_GAUGE = 2, TC_HISTOGRAM = 3 };	/* metrics */

/* Flags of a handler. */
#define TC_BLOCKING	1u	/* on_request may block; see THREADS */
#define TC_BODY_STREAM	2u	/* on_request comes with the header, on_body with
				   each piece of the body; else it comes whole */

/* Of what is sent or comes on a tc_conn. */
enum {
	TC_TEXT = 1,		/* a WebSocket's message: UTF-8 text, or */
	TC_BINARY = 2,		/* bytes */
	TC_MORE = 4,		/* sent: the message goes on with the next send */
	TC_END = 8		/* a stream's: that side says no more */
};

/*
 * What the server gives. It fills in the plugin's copy, named tc, before the
 * first callback. An entry this server does not have ends the process with a
 * message that names the plugin; TC_HAS tells beforehand.
 */
typedef struct tc_api {
	uint32_t size, level;	/* of the server: bytes filled in, its level */

	/* The request. NULL where there is no such thing. */
	const char *(*method)(const tc_req *r);
	/* As the client sent it, query included. */
	const char *(*target)(const tc_req *r);
	/* Decoded, no "..", from "/". An encoded slash stays "%2F". */
	const char *(*path)(const tc_req *r);
	/* What the route's "*" matched, decoded, without a "/" in front;
	 * "" for a route without one. */
	const char *(*tail)(const tc_req *r);
	const char *(*query)(const tc_req *r);	/* as sent, "" if none */
	const char *(*param)(const tc_req *r, const char *name); /* {name} */
	/* The first field of that name; case does not count. A tracestate is
	 * NULL without a valid traceparent, as it means nothing then. */
	const char *(*header)(const tc_req *r, const char *name);
	/* The i-th field, from 0, its name in lower case; returns 0 after the
	 * last. The trailer is what follows a chunked body. */
	int (*header_at)(const tc_req *r, size_t i, const char **name,
	    const char **value);
	int (*trailer_at)(const tc_req *r, size_t i, const char **name,
	    const char **value);
	/* A fact by name: "client.address", "client.port", "server.port",
	 * "tls.version", "tls.cipher", "tls.group", "tls.alpn", "tls.sni",
	 * "tls.resumed", "http.version", "request.id", "route", "handler".
	 * "route.host" is the name of "hosts" in server.json, maybe with a
	 * "*", by which the request is served; NULL on the default host.
	 * "trace.id" is the id of the trace (W3C Trace Context) that the
	 * request is part of: the client's, or a new one if it sent no valid
	 * traceparent; "trace.parent" the traceparent to send on to other
	 * services, with request.id in it for our part. Both of a request
	 * only. NULL for a name this server does not know.
	 * Where clients are asked for a certificate ("client_auth" in
	 * server.json) "client.certificate.verify" is "ok" if it is good,
	 * "none" if they have shown none, else why it is not: "expired",
	 * "not_yet_valid", "revoked", "unknown_ca", "self_signed",
	 * "wrong_purpose", "failed" (with "client_auth": "any" only: by then
	 * the rest is what a stranger claims). What it says: ".subject",
	 * ".issuer" (RFC 4514: "CN=ada,O=Test"), ".serial", ".fingerprint"
	 * (SHA-256; both small hex digits), ".not_before", ".not_after"
	 * ("2026-01-31T23:59:59Z"), ".san": with a space between them, as in
	 * "DNS:a.test email:a@b.test URI:spiffe://c/d IP:192.0.2.1", without
	 * those of other kinds. NULL if it has none, or beyond 2 KiB (4 KiB
	 * of san): never a part of it. */
	const char *(*info)(const tc_req *r, const char *key);
	/* The whole body, also NUL-terminated; "" of size 0 if none, or with
	 * TC_BODY_STREAM. */
	const void *(*body)(const tc_req *r, size_t *size);
	/* What on_open put in *state. */
	void *(*state)(const tc_req *r);
	/* Memory that is freed with the request; 16-aligned, not cleared;
	 * NULL beyond the request's bound (1 MiB). */
	void *(*alloc)(tc_req *r, size_t size);

	/* A reply at once. Each of these finishes the request, if it returns
	 * TC_OK. Type NULL: the Content-Type you have set, if any; text sends
	 * that too, else text/plain in UTF-8. Data NULL with a size, as from
	 * an alloc that failed, sends 500. To a HEAD, reply as to a GET: the
	 * server keeps the body back.
	 * TC_INVALID: finished before, a status outside 200..599, or bytes
	 * for one that has no body (204, 205, 304). TC_LIMIT: more than
	 * 1 MiB is to be copied. */
	int (*text)(tc_req *r, int status, const char *text);
	int (*reply)(tc_req *r, int status, const char *type,
	    const void *data, size_t size);
	/* Without a copy: release(arg) is called once, on the loop, when the
	 * bytes are sent or dropped, whatever the result. */
	int (*reply_ref)(tc_req *r, int status, const char *type,
	    const void *data, size_t size, void (*release)(void *), void *arg);
	/* size bytes of a file from offset on, never read whole into memory.
	 * Takes fd: the server closes it, whatever the result. A file that
	 * has become shorter meanwhile ends the connection. */
	int (*reply_file)(tc_req *r, int status, const char *type, int fd,
	    int64_t offset, int64_t size);

	/* Fields of the reply, before it starts. NULL value: take it out.
	 * Framing is the server's: Connection, Transfer-Encoding, Upgrade and
	 * the like are TC_INVALID, as are bytes that no field may have. A
	 * Content-Length is taken and held against what you write. */
	int (*set_header)(tc_req *r, const char *name, const char *value);
	int (*add_header)(tc_req *r, const char *name, const char *value);
	/* Before end: a field behind the body. Reaches only clients that say
	 * "TE: trailers"; dropped for others. */
	int (*add_trailer)(tc_req *r, const char *name, const char *value);

	/* A reply in pieces. end finishes the request; without it, or with
	 * less than a Content-Length said (then end finishes with TC_INVALID),
	 * the client sees a broken reply. write copies all, up to 1 MiB at a
	 * time (else TC_LIMIT), or, with TC_AGAIN, nothing: 256 KiB wait for
	 * the client already, and on_drain says when to go on. While
	 * on_request runs it takes up to 1 MiB, as a handler that answers at
	 * once cannot wait; one with TC_BLOCKING can: there write itself waits
	 * for room, and returns TC_GONE if nobody is left. write_file takes fd
	 * as reply_file does, and any size. */
	int (*start)(tc_req *r, int status, const char *type);
	int (*write)(tc_req *r, const void *data, size_t size);
	int (*write_file)(tc_req *r, int fd, int64_t offset, int64_t size);
	int (*end)(tc_req *r);

	/* Monotonic, in milliseconds. [any thread] */
	int64_t (*now)(void);

	/* Settings; in on_open only, but the strings live until on_close. A
	 * key is a path: "limits.0.rate". One in the config that the plugin
	 * never asked for is reported as a mistake, and so is a value of the
	 * wrong type or outside min..max: the server then refuses the config,
	 * and what these return does not matter. */
	const char *(*conf_str)(tc_conf *cf, const char *key, const char *def);
	int64_t (*conf_int)(tc_conf *cf, const char *key, int64_t def,
	    int64_t min, int64_t max);
	int (*conf_bool)(tc_conf *cf, const char *key, int def);
	/* Entries of an array or object, -1 if it is neither; the i-th name. */
	int (*conf_len)(tc_conf *cf, const char *key);
	const char *(*conf_name)(tc_conf *cf, const char *key, int i);
	/* JSON text, for a parser of your own. Key "" is everything. NULL if
	 * there is no such key. */
	const char *(*conf_json)(tc_conf *cf, const char *key, size_t *size);
	/* A file name of the settings, absolute: a relative one, also a
	 * relative def, is relative to the folder of server.json. */
	const char *(*conf_path)(tc_conf *cf, const char *key, const char *def);
	/* Refuse: say what is wrong with the key; returns TC_INVALID. */
	int (*conf_error)(tc_conf *cf, const char *key, const char *message);

	/* [any thread] One line, see tc_log below. */
	void (*log)(int level, const char *text, size_t size);

	/* A table of more functions by name and revision, "tincan.metrics/1"
	 * (metrics.h) or "tincan.bus/1" (bus.h: messages between instances,
	 * whatever process they are in). NULL: this server does not have it.
	 * Every such table starts with its uint32_t size. */
	const void *(*ext)(const char *id);

	/* Later: after TC_LATER the request is yours until you finish it,
	 * once, by a reply, end, or abort; also if the peer has left meanwhile
	 * or has got its 504: what you say then is TC_GONE, but what finishes
	 * it is TC_OK and goes nowhere, and info knows no more of the peer.
	 * Once finished, r is not yours any more. data is a slot of your own
	 * in it, NULL at first. */
	void *(*data)(const tc_req *r);
	void (*set_data)(tc_req *r, void *data);
	/* Time left until the server answers 504 for you; 0 once it has, or
	 * the reply has started. With TC_BODY_STREAM it starts anew with each
	 * piece, and the time that the client takes does not count. */
	int64_t (*deadline)(const tc_req *r);
	/* No reply, or no more of it. Of a filter on_done comes still. */
	int (*abort)(tc_req *r);

	/* Calls fn(arg) once, in ms. A timer ends with its instance at the
	 * latest; cancel is for one that has not fired, or fires just now, or
	 * NULL. NULL: out of memory, or called outside a callback. */
	tc_timer *(*after)(int64_t ms, void (*fn)(void *arg), void *arg);
	void (*cancel)(tc_timer *t);

	/* WebSockets and streams. send copies all or, with TC_AGAIN, nothing:
	 * 256 KiB wait for the peer already, and on_send says when to go on.
	 * A WebSocket wants TC_TEXT or TC_BINARY, and TC_MORE if the message
	 * goes on; of a stream's flags TC_END counts: these bytes, if any,
	 * are the last, and what the peer still says is heard. TC_GONE: it
	 * is closed, or closing; TC_LIMIT: more than 16 MiB at once. */
	int (*conn_kind)(const tc_conn *c);
	int (*send)(tc_conn *c, const void *data, size_t size, uint32_t flags);
	/* Ends both sides behind what was sent. code and reason (NULL: none)
	 * are for the peer of a WebSocket: 1000, 1001, 1003, 1007..1014 or
	 * 3000..4999 (RFC 6455 section 7.4); 0 means 1000. on_end follows. */
	int (*close)(tc_conn *c, int code, const char *reason);
	/* Hold the peer up: on_data comes no more until it is taken back.
	 * What had arrived is lost if the peer leaves meanwhile. */
	int (*conn_pause)(tc_conn *c, int on);
	/* As info, and "websocket.protocol", the subprotocol in use. */
	const char *(*conn_info)(const tc_conn *c, const char *key);
	void *(*conn_state)(const tc_conn *c);	/* what on_open put there */
	void *(*conn_data)(const tc_conn *c);	/* a slot of your own */
	void (*conn_set_data)(tc_conn *c, void *data);

	/* With TC_BODY_STREAM: hold the sender of the body up (on), or have it
	 * go on. What has arrived already, up to 256 KiB, waits here, and
	 * on_body comes no more until it is taken back. A client that waits to
	 * be told (Expect: 100-continue) is told only when you take. */
	int (*pause)(tc_req *r, int on);

	/* Filters. next lets the request go on after TC_LATER. pass hands on
	 * a piece of the body, in place of the one that on_piece got; last as
	 * on_piece has it: a filter that keeps bytes back must pass them, and
	 * last, then. From on_piece only. TC_LIMIT: more than 1 MiB for one
	 * piece. */
	int (*next)(tc_req *r);
	int (*pass)(tc_req *r, const void *data, size_t size, int last);
	/* A field of the reply as it stands: in on_reply, or what you have
	 * set yourself. "content-length" if the length is known. */
	const char *(*reply_header)(const tc_req *r, const char *name);
	/* In on_filter, or before next: changes a field of the request for
	 * all who come later. NULL value: takes it out. Framing is TC_INVALID,
	 * as in set_header. */
	int (*set_request_header)(tc_req *r, const char *name,
	    const char *value);

	/* The loop of this instance. post [any thread] calls fn(arg) on it,
	 * soon, in the order of the posts of one thread, and before on_close at
	 * the latest. TC_GONE: the instance is closed, fn will not be called;
	 * TC_LIMIT: 65,536 wait. The pointer stays good to post to for as long
	 * as the process lives. loop is NULL outside a callback. */
	tc_loop *(*loop)(void);
	int (*post)(tc_loop *l, void (*fn)(void *arg), void *arg);
	/* Calls work(arg), which may block, on a thread of this handler's in
	 * this process, then done(arg), or nothing if that is NULL, on the
	 * loop: also when the instance is to be closed meanwhile; closing
	 * waits. Work may call what is [any thread]. TC_LIMIT: 1,024 wait for
	 * a thread already; TC_INVALID: not on the loop. */
	int (*run)(void (*work)(void *arg), void (*done)(void *arg), void *arg);
	/* Calls fn each time fd is ready, with those of events (TC_READ,
	 * TC_WRITE; level-triggered) that it is ready for; errors and hang-ups
	 * count as both. The fd stays yours: unwatch before you close it.
	 * Watches end with their instance at the latest. NULL: out of memory,
	 * a bad or watched fd, or called outside a callback. */
	tc_watch *(*watch)(int fd, uint32_t events,
	    void (*fn)(void *arg, uint32_t events), void *arg);
	void (*unwatch)(tc_watch *w);	/* NULL is accepted */

	/* Zeroed memory, 64-aligned, that all instances of this handler share
	 * under that name, whatever process and version they are in; use
	 * atomics. It outlives reloads, crashes and upgrades of the server.
	 * Another size under that name is another memory, and the first is
	 * kept for who asks for it again: what the bytes mean may only change
	 * with the size or the name. In on_open only, it stays until on_close.
	 * It counts in whole pages, here and against max_memory_bytes. NULL,
	 * with a line in the log: size 0, a bad name ([a-z0-9_-], up to 47),
	 * past the bound of 64 MiB and 1,024 memories a handler, or out of
	 * memory. */
	void *(*shared)(tc_conf *cf, const char *name, size_t size);
	/* A figure in /metrics: tincan_handler_<name>, with the handler's name
	 * as a label. All instances that ask for a name share it; what was
	 * counted outlives reloads, crashes and upgrades of the server. In
	 * on_open only; the pointer is good as long as the process. Name:
	 * [a-z0-9_], up to 47, not ending in "_bucket", "_sum" or "_count"; a
	 * counter's should end in "_total". help: one sentence, up to 191
	 * bytes. The upper bounds of a histogram's buckets are 1, 2.5 and 5
	 * times 0.001, 0.01, ..., 1,000, and 10,000. NULL, which add and set
	 * accept, with a line in the log: a bad name or kind, another kind
	 * before, or more than 64 names since the server started. */
	tc_metric *(*metric)(tc_conf *cf, int kind, const char *name,
	    const char *help);
	/* [any thread] both. add counts up (a counter: not down), moves a
	 * gauge, or is one observation (not below 0) of a histogram; set is of
	 * a gauge, and of this process: /metrics shows the sum over processes
	 * that live. What is NaN, infinite or not allowed is ignored. */
	void (*add)(tc_metric *m, double value);
	void (*set)(tc_metric *m, double value);
#if TC_USE >= 2
	/* Level 2 goes here. */
#endif
} tc_api;

/*
 * What the plugin gives. Fields you leave out are 0.
 * The server calls on_open first and on_close last, once per instance.
 */
typedef struct tc_handler {
	uint32_t size, need;	/* TINCAN_HANDLER sets the first five */
	tc_api *api;
	size_t api_size;
	const char *name;
	const char *version, *about;	/* for people: tincan plugins tells */
	const char *route;	/* where to answer if the config does not say;
				   default "/<name>" */
	uint32_t flags, reserved;	/* TC_BLOCKING, TC_BODY_STREAM; 0 */

	/* Read settings, set up; put what you need in *state. Anything but
	 * TC_OK refuses the route; on_close is then not called. The instance
	 * goes on over reloads that leave its file, its settings and its
	 * place in server.json as they are. */
	int (*on_open)(tc_conf *cf, void **state);
	void (*on_close)(void *state);

	/* Answer, then return TC_OK; or TC_LATER, and answer later. */
	int (*on_request)(tc_req *r);

	/* Tried before a new file goes live: lines "GET /path 200", divided
	 * by "\n". A path that is not routed here is passed over, and so is
	 * an answer that comes later. */
	const char *check;

	/* Nothing new comes to this instance: one of those has changed, and
	 * another has taken its place (TC_RELOAD), or the server is about to
	 * end (TC_SHUTDOWN, maybe after the other). What is open may go on, up
	 * to drain_ms: finish it, stop timers. It waits for requests and
	 * connections. */
	void (*on_stop)(void *state, int why);

	/* Of a request that is answered later. A write was refused, and takes
	 * again: 64 KiB or less wait. */
	void (*on_drain)(tc_req *r);
	/* The peer has left, or time ran out: once, and the last callback.
	 * Finish it all the same, here or later. Who closes a connection has
	 * left when nothing was sent to it for 250 ms then, at once if it
	 * resets it; who is cut off is known only when something is written.
	 * A close_notify of TLS alone ends the peer's side: it still reads. */
	void (*on_gone)(tc_req *r);

	/* WebSockets and streams. upgrade is the WebSocket's request, gone
	 * after the call: set_header and add_header on it go into the answer,
	 * a subprotocol is chosen by set_header "Sec-WebSocket-Protocol"
	 * among those it asks for. It is NULL for a stream. Return TC_OK, or
	 * an HTTP status to refuse, from 300 on (a stream is then just
	 * ended); a reply of your own to the upgrade refuses too. You may
	 * send and close right here. */
	int (*on_connect)(tc_conn *c, tc_req *upgrade);
	/* A WebSocket's message comes whole, up to the handler's
	 * max_message_bytes, with TC_TEXT (valid UTF-8) or TC_BINARY; a
	 * stream's bytes as they arrive, and once, of size 0 with TC_END,
	 * their end: you may go on sending, then close. A negative result
	 * closes (1011). */
	int (*on_data)(tc_conn *c, const void *data, size_t size,
	    uint32_t flags);
	void (*on_send)(tc_conn *c);	/* send takes again */
	/* The last call for c. code: a WebSocket's close code from the peer
	 * (1005: it gave none), or 1006: it was lost; 0 for a stream that
	 * ended in order, 1006 for one that was lost. */
	void (*on_end)(tc_conn *c, int code);

	/* With TC_BODY_STREAM: the body, piece by piece, behind an on_request
	 * that returned TC_LATER; last, maybe of size 0, once. You may reply
	 * at any time; what comes of the body after that is dropped. A body
	 * that breaks off, is too large or too slow is on_gone. A negative
	 * result is 500 (or a broken reply) and finishes the request: nothing
	 * is called for it any more. A request without a body has one piece,
	 * of size 0. */
	int (*on_body)(tc_req *r, const void *data, size_t size, int last);

	/* A filter, named in "filters" of server.json, sees requests before
	 * the handler and replies after it; a plugin may be filter and handler
	 * in one. on_filter comes with the header of the request, the body not
	 * there yet: reply (deny), or return TC_NEXT, or TC_LATER and then
	 * reply or call next. Fields that it sets go into whatever reply
	 * comes. on_reply comes when the header of the reply from behind is
	 * ready: change its fields; or reply in its place. Then on_piece gets
	 * its body, if there is one, in pieces of up to 64 KiB, and hands on
	 * what it likes (pass). If on_reply has returned TC_NEXT it does not:
	 * a body that is left alone, a big file say, goes the quick way. A
	 * negative result of any of them, or a crash, ends the request (500,
	 * 502): a filter fails closed. on_gone is the last call if the
	 * exchange ends before its last piece. A NULL on_filter, on_reply or
	 * on_piece lets everything through. */
	int (*on_filter)(tc_req *r);
	int (*on_reply)(tc_req *r, int status);
	int (*on_piece)(tc_req *r, const void *data, size_t size, int last);
	/* A filter's last word on a request that it has seen, reply complete
	 * or not: free what data points to. */
	void (*on_done)(tc_req *r);
#if TC_USE >= 2
	/* Level 2 goes here. */
#endif
} tc_handler;

/* An ELF note, so that a file can be judged before any of it runs. */
typedef struct tc_note {
	uint32_t namesz, descsz, type;
	char owner[8];
	uint32_t abi, need, use, header;
	char name[48];
} tc_note;

#define TC_NOTE	__attribute__((section(".note.tincan"), used, aligned(4)))
#define TC_FORMAT(f)	__attribute__((format(printf, f, f + 1)))

extern tc_api tc __attribute__((visibility("hidden")));
extern const tc_handler tincan_handler_1
    __attribute__((visibility("default")));

/* Does this server have the entry? For what is above TC_NEED. */
#define TC_HAS(entry) \
	(offsetof(tc_api, entry) + sizeof(tc.entry) <= tc.size)

/* In C++ a field that is left out is a warning of g++ -Wextra; here it means 0. */
#ifdef __cplusplus
#define TC_QUIET _Pragma("GCC diagnostic push")				\
	_Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"")
#define TC_LOUD	_Pragma("GCC diagnostic pop")
#else
#define TC_QUIET
#define TC_LOUD
#endif

/* Once per plugin: its name ([a-z0-9_-], up to 47), then fields. */
#define TINCAN_HANDLER(name_, ...)					\
	TC_NOTE static const tc_note tc_note_ = { 7,			\
	    sizeof(tc_note) - offsetof(tc_note, abi), 1, "TINCAN", 1,	\
	    TC_NEED, TC_USE, TC_LEVEL, name_ };				\
	TC_QUIET const tc_handler tincan_handler_1 = {			\
	    .size = sizeof(tc_handler), .need = TC_NEED, .api = &tc,	\
	    .api_size = sizeof(tc_api), .name = name_, __VA_ARGS__ };	\
	TC_LOUD tc_api tc

/* [any thread] One line, without "\n"; the server adds time, handler, request. */
TC_FORMAT(2) static inline void tc_log(int level, const char *fmt, ...)
{
	char b[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(b, sizeof b, fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof b)
		n = sizeof b - 1;
	if (n > 0)
		tc.log(level, b, (size_t)n);
}

/* printf into the request's memory; NULL when it is full. */
TC_FORMAT(2) static inline char *tc_printf(tc_req *r, const char *fmt, ...)
{
	char b[256];	/* most texts fit, and are formatted once */
	va_list ap, aq;
	char *p = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(aq, ap);
	n = vsnprintf(b, sizeof b, fmt, ap);
	if (n >= 0 && (p = (char *)tc.alloc(r, (size_t)n + 1)) != NULL) {
		if (n < (int)sizeof b)
			memcpy(p, b, (size_t)n + 1);
		else
			vsnprintf(p, (size_t)n + 1, fmt, aq);
	}
	va_end(aq);
	va_end(ap);
	return p;
}

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/*
 * server.json as an immutable struct. Parsing is a pure function of the text: it opens
 * nothing that the file names and reports every problem it can see in one run. Lifetime:
 * generation. All texts are owned by the config; paths in it are absolute or relative to
 * the working directory, already joined with the folder of the file that names them.
 */
#ifndef TINCAN_CONFIG_CONFIG_H
#define TINCAN_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/network.h"
#include "base/settings.h"

/* "where" everywhere: "server.json:12: routes[1].path", for messages. */

/* Are clients asked for a certificate in the handshake (RFC 8446 section 4.3.2)? */
enum config_clients {
	CONFIG_CLIENTS_INHERIT,	/* as on the outside: the listener, then the server */
	CONFIG_CLIENTS_NONE,
	CONFIG_CLIENTS_OPTIONAL, /* none, or one that is good */
	CONFIG_CLIENTS_REQUIRED,
	CONFIG_CLIENTS_ANY	/* none, or any: who is asked for it judges it */
};

/* What the preflight has found in files of CAs and what they have revoked, when all was
 * good. */
struct config_trust {
	char *cas;		/* owned, PEM; NULL: none, or one before has the same */
	char *lists;		/* owned, PEM; NULL likewise, or there is no such file */
};

/* What is demanded of clients: by the server, by a listener, by a vhost. */
struct config_client_auth {
	char *where;
	enum config_clients mode;	/* the server's never CONFIG_CLIENTS_INHERIT */
	char *ca;		/* PEM file: who is trusted; else the server's, or NULL */
	char *crl;		/* PEM file: what those have revoked; NULL: nothing */
	bool tolerated;		/* as of a certificate */
	bool broken;
	struct config_trust trust;
};

struct config_listener {
	char *where;
	char *address;		/* as written: "127.0.0.1:8443", "[::1]:8443", "*:8443" */
	/* "127.0.0.1", "::1"; "" for every address; "unix:" and a path, see
	 * config_unix_path. */
	char *host;
	uint16_t port;		/* 0: any free one, told in the log; none of a path */
	char *mode_text;	/* as written; NULL: not given */
	uint32_t mode;		/* of the file at the path */
	char *owner;		/* "user", "user:group", ":group"; NULL: whose it is */
	char *stream;		/* the handler of its raw streams; NULL: HTTPS */
	char *stream_where;	/* NULL likewise */
	struct settings stream_settings; /* of that handler; count 0 if none were given */
	bool tls;		/* false: it only redirects */
	bool acme_challenge;	/* but what ACME's authorities ask for */
	char *redirect;		/* as written: "https", "https:8443"; NULL with TLS */
	uint16_t redirect_port;	/* 0: that of the first listener that speaks HTTPS */
	bool proxied;		/* connections begin with a PROXY header, and come from */
	struct network *proxies;	/* these, */
	size_t proxy_count;
	bool proxies_unix;		/* or by a Unix socket */
	struct config_client_auth clients;
};

/* A protocol by its ALPN name (RFC 7301): raw streams, on every listener. */
struct config_alpn {
	char *where;		/* of the handler's name */
	char *name;		/* 1 to 255 visible ASCII characters; none of HTTP's */
	char *handler;
	struct settings settings;	/* of the handler; count 0 if none were given */
};

/* One mention of a filter. */
struct config_filter {
	char *where;		/* of the handler's name */
	char *handler;
	struct settings settings;	/* of the handler; count 0 if none were given */
};

/* Filters in the order in which a request meets them. */
struct config_filters {
	struct config_filter *items;
	size_t count;
};

/*
 * A virtual host: names, and what is served under them. The first of a config is the
 * default host: it has no names, but all requests that no other has; what server.json
 * says outside of "hosts" is its.
 */
struct config_vhost {
	char *where;
	char **names;		/* NULL-ended; as base/hostname.h writes them */
	struct config_filters filters;	/* behind the server's */
	struct config_client_auth clients;	/* INHERIT in the first */
};

#define CONFIG_KEY_NAME_BYTES 32

/* What the preflight has found in the files of a certificate when both were good. */
struct config_shown {
	char *pem;		/* owned; chain's content, which clients are shown; NULL:
				 * nothing is, or one before has the same files */
	char *names;		/* owned; "a.test, *.a.test", cut; NULL likewise */
	unsigned char key_name[CONFIG_KEY_NAME_BYTES];	/* see tls/key_name.h */
	bool lost;		/* there was one, whose key is gone; pem is NULL */
	int64_t begins_s;	/* when it is valid, in seconds since 1970 */
	int64_t ends_s;
};

struct config_certificate {
	char *where;
	size_t vhost;		/* index: whose it is */
	char *chain;		/* PEM file: certificate, then intermediates */
	char *key;		/* PEM file */
	/* Program and arguments, NULL-ended, that print the key's passphrase; or NULL */
	char **passphrase_command;
	/* The master's word: what is wrong with its files stops nothing but its names. */
	bool tolerated;
	bool broken;		/* the preflight's word: its files cannot be used */
	struct config_shown shown;
	/* In the preflight's process only, owned: what the command has printed, or why
	 * that is of no use. */
	char *passphrase;
	char *no_passphrase;
};

#define CONFIG_HANDLER_TIMEOUT_MS 30000
#define CONFIG_MESSAGE_MAX_BYTES (1 << 20)
#define CONFIG_HANDLER_PROCESSES 4
#define CONFIG_HANDLER_QUEUE 256
#define CONFIG_HANDLER_THREADS 8
#define CONFIG_BODY_LIMITS UINT64_MAX

/* The only files and folders that processes of a handler may open, beside the system's
 * libraries; NULL-ended, or NULL: none. */
struct config_paths {
	char *where;		/* NULL: nothing is said */
	char **read;
	char **write;		/* these to be read, too */
};

struct config_handler {
	char *where;
	char *name;
	bool in_worker; /* "isolation": "worker"; else it has a process of its own */
	uint32_t timeout_ms;	/* to answer a request; past it 504 */
	uint64_t max_memory_bytes;	/* of its process; 0: no limit */
	uint32_t max_message_bytes;	/* of one WebSocket message that it is sent */
	/* Of one that blocks: how many processes run it, in all workers together, but at
	 * least one for each; and in a worker, how many requests may wait for one. */
	uint32_t processes;
	uint32_t max_queue;
	uint32_t threads;	/* that it has in each worker it runs in */
	/* Where the file says the last three, as not every handler has a use for them;
	 * NULL: it does not. */
	char *processes_where;
	char *max_queue_where;
	char *threads_where;
	struct config_paths paths;
	uint64_t max_body_bytes; /* of a request; CONFIG_BODY_LIMITS: as limits say */
};

struct config_route {
	char *where;
	size_t vhost;		/* index: whose it is */
	char *pattern;
	uint32_t methods;	/* mask of enum http_method; 0 and no others: all */
	char **other_methods;	/* NULL-ended, or NULL */
	char *handler;		/* NULL: a redirect */
	char *redirect;		/* target as written; NULL: a handler */
	int status;		/* of the redirect: 301, 302, 303, 307, 308 */
	struct settings settings;	/* of the handler; count 0 if none were given */
	/*
	 * Whose pages may open a WebSocket here, beside the server's own: as browsers
	 * write it in Origin (RFC 6454 section 6.2), "https://example.org:8443", or "*"
	 * for all. NULL-ended, or NULL: none.
	 */
	char **origins;
	struct config_filters filters;	/* behind those of its vhost */
	bool needs_client;	/* 403 for who has shown no good certificate */
};

struct config_limits {
	uint32_t max_connections;	/* of all workers together */
	uint32_t max_connections_per_address;	/* likewise; 0: no limit */
	uint32_t max_handshakes;	/* under way at once, in each worker */
	uint32_t max_target_bytes;
	uint32_t max_header_bytes;
	uint32_t max_header_fields;
	uint64_t max_body_bytes;
	uint32_t max_streams;	/* HTTP/2 streams at once on one connection */
	uint32_t max_requests_per_connection;	/* 0: no limit */
	uint64_t max_connection_bytes;	/* of unfinished requests, over HTTP/2 */
	uint64_t max_worker_bytes;	/* of buffers for clients, in each worker */
	uint32_t min_body_bytes_per_s;	/* of requests that are waited for; 0: any */
	uint32_t min_send_bytes_per_s;	/* that a client must take; 0: any */
};

struct config_timeouts {
	uint32_t handshake_ms;	/* accept to the end of the TLS handshake */
	uint32_t header_ms;	/* first byte of a request to the end of its header */
	uint32_t body_ms;	/* between two pieces of a request's body */
	uint32_t write_ms;	/* without progress while the client does not read */
	uint32_t slow_ms;	/* over which limits.min_* are measured */
	uint32_t idle_ms;	/* a keep-alive connection between requests */
	uint32_t stream_idle_ms; /* a raw stream on which nothing moves */
	/* A WebSocket that is silent as long gets a ping; as long again without an
	 * answer, and it is closed. */
	uint32_t ping_ms;
	uint32_t drain_ms;	/* stop: what is in flight may take this long */
};

enum config_log_format { CONFIG_LOG_AUTO, CONFIG_LOG_JSON, CONFIG_LOG_TEXT };

struct config_log {
	char *access;		/* "-", "off" or a path */
	char *error;
	int level;		/* TC_DEBUG .. TC_ERROR's numbers: 1 debug .. 4 error */
	enum config_log_format format;	/* auto: text on a terminal, else JSON */
};

struct config_group {
	char *where;		/* for problems */
	char *name;
};

enum config_tls_version { CONFIG_TLS_1_2, CONFIG_TLS_1_3 };

enum config_tickets_source {
	CONFIG_TICKETS_OWN,	/* random keys, of this server alone */
	CONFIG_TICKETS_FILE,
	CONFIG_TICKETS_SECRET,
	CONFIG_TICKETS_OFF
};

#define CONFIG_TICKETS_LIFETIME_S (12 * 60 * 60)

/* Session tickets: by which a client resumes its TLS session. */
struct config_tickets {
	enum config_tickets_source source;
	uint32_t lifetime_s;
	char *where;		/* of the file's name; NULL if there is none */
	char *file;		/* the keys, or the secret; NULL likewise */
};

struct config {
	char *file;		/* as named on the command line */
	char *directory;	/* of the file; "." if it has none */
	char *state;		/* folder for private copies and generated files: "run" */
	struct config_listener *listeners;
	size_t listener_count;
	struct config_alpn *alpns;	/* in the order of the file: of preference */
	size_t alpn_count;
	struct config_vhost *vhosts;	/* one at least */
	size_t vhost_count;
	struct config_certificate *certificates; /* of all vhosts, each one's together */
	size_t certificate_count;
	bool development_certificate;	/* none was given: to be made in state */
	enum config_tls_version tls_min_version;
	struct config_tickets tickets;
	struct config_group *tls_groups;	/* in the order of preference */
	size_t tls_group_count;	/* 0: the server's own choice */
	char *tls_key_log;	/* NULL: none */
	struct config_client_auth clients;	/* of the server */
	char *plugin_directory;
	bool plugins_confined;	/* handlers without "paths" may open no files */
	bool plugin_watch;	/* serve what changes there at once */
	bool serve_unrouted;	/* plugins without a route answer at their own */
	struct config_handler *handlers;
	size_t handler_count;
	struct config_route *routes;	/* of all vhosts */
	size_t route_count;
	struct config_filters filters;	/* of whatever is asked of the server */
	struct config_limits limits;
	struct config_timeouts timeouts;
	struct config_log log;
	char *control;		/* path of the control socket */
	uint32_t workers;	/* 0: one per CPU */
	/* "USER" or "USER:GROUP": whom workers and hosts become; NULL: nobody else */
	char *user;
	char *user_where;	/* NULL likewise */
};

/*
 * Parses text (size bytes) as the content of the file of that name.
 *
 * @return the config, owned by the caller, also if there were problems, so that later
 *	checks can report theirs too; NULL only if the text is not JSON or not an
 *	object. Never serve a config whose parse added an error to problems.
 */
struct config *config_parse(const char *file, const char *text, size_t size,
    struct problems *problems);

/* Forgets what the preflight has found. */
void config_shown_release(struct config_shown *shown);

/* The content of the file, owned by the caller; or not 0, with a problem. */
int config_read(const char *file, char **text, size_t *size, struct problems *problems)
    MUST_USE;

/* Reads the file and parses it. NULL, with a problem, if it cannot be read. */
struct config *config_load(const char *file, struct problems *problems);

/*
 * A settings object by itself, as what stands behind "settings" of a route. Initialises
 * settings, which are the caller's to release.
 *
 * @return 0, or ERR_INVALID with problems
 */
int config_parse_settings(const char *file, const char *text, size_t size,
    struct settings *settings, struct problems *problems) MUST_USE;

/* Does any route name that handler? */
bool config_routes_to(const struct config *config, const char *handler);

/* Does anything that it serves: a route, a filter, a listener's "stream", a name of
 * "alpn"? */
bool config_uses(const struct config *config, const char *handler);

/* One use of a handler for raw streams; borrowed from the config. */
struct config_stream {
	const char *where;	/* of the handler's name */
	const char *kind;	/* "stream" of a listener, or "alpn" */
	const char *name;	/* the listener's address, or the protocol's name */
	const char *handler;
	struct settings *settings;
};

/* The index-th of them: those of listeners, then those of ALPN names. False: there are
 * no more. */
bool config_stream_at(const struct config *config, size_t index,
    struct config_stream *stream);

/* The index-th mention of a filter: the server's, those of the vhosts, then those of the
 * routes. NULL: there are no more. */
struct config_filter *config_filter_at(const struct config *config, size_t index);

/* Copies of the names of all vhosts, in order, NULL-ended; for memory_free_texts. */
char **config_host_names(const struct config *config);

/* The path of a Unix socket in a listener's host, "@name" for one without a file; NULL if
 * it is another host. */
const char *config_unix_path(const char *host);

/* What is spoken there: "https", "tls" for raw streams, "http" for redirects. */
const char *config_scheme(const struct config_listener *listener);

/* The index-th demand on clients that is not inherited: the server's, those of listeners,
 * then those of vhosts. NULL: there are no more. */
struct config_client_auth *config_clients_at(const struct config *config, size_t index);

void config_trust_release(struct config_trust *trust);

/* Which of them is for clients of that listener (past the last: of one that is gone) and
 * vhost. */
const struct config_client_auth *config_clients_of(const struct config *config,
    size_t listener, size_t vhost);

/* What "handlers" says of that one, or NULL. */
const struct config_handler *config_find_handler(const struct config *config,
    const char *name);

/* What the processes of that handler may open; NULL: whatever their user may. */
const struct config_paths *config_paths_of(const struct config *config, const char *name);

/* Do the two, either of which may be NULL, let it open the same? */
bool config_paths_same(const struct config_paths *left, const struct config_paths *right);

/* Is any handler to run in the workers? */
bool config_any_in_worker(const struct config *config);

/* NULL is accepted. */
void config_free(struct config *config);

#endif

/* SPDX-License-Identifier: MIT */
/* The listening sockets, and how many files there may be open of all. */
#include "master/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "ipc/channel.h"
#include "master/children.h"
#include "os/socket.h"
#include "os/unix_socket.h"

/* Of a worker, beside its connections: logs, listeners, hosts, files being sent. */
#define SPARE_FILES 64

struct listener {
	struct list link;	/* in master.listeners, by id */
	uint32_t id;
	char *host;		/* owned; as configured */
	uint16_t configured;	/* port; 0: any */
	uint16_t port;		/* that it has */
	bool announced;
	struct unix_file file;	/* of a Unix socket */
	bool lent;		/* another master has it, too: its file is that one's */
	int *fds;		/* owned; one per worker */
};

/* Of the config's listeners before that one, how many want any port of its host, too? */
static size_t count_alike(const struct config *config, size_t index)
{
	const struct config_listener *wanted = &config->listeners[index];
	size_t count = 0;

	for (size_t i = 0; i < index && wanted->port == 0; i++) {
		const struct config_listener *other = &config->listeners[i];

		count += other->port == 0 && strcmp(other->host, wanted->host) == 0;
	}
	return count;
}

/* That of the config's listener of that index, or NULL. */
static struct listener *find(const struct master *master, const struct config *config,
    size_t index)
{
	const struct config_listener *wanted = &config->listeners[index];
	size_t others = count_alike(config, index);

	for (struct list *link = master->listeners.next; link != &master->listeners;
	     link = link->next) {
		struct listener *listener = LIST_OWNER(link, struct listener, link);

		if (strcmp(listener->host, wanted->host) == 0 &&
		    (listener->configured == wanted->port ||
			listener->port == wanted->port) && others-- == 0) {
			return listener;
		}
	}
	return NULL;
}

/* Why a port cannot be had. */
static void explain(const struct config_listener *listener, int error,
    char why[UNIX_SOCKET_WHY_BYTES])
{
	char name[32];
	int owner = error == EADDRINUSE ?
	    socket_port_owner(listener->port, name, sizeof(name)) :
	    0;

	if (owner > 0) {
		snprintf(why, UNIX_SOCKET_WHY_BYTES, "in use by process %d (%s)", owner,
		    name);
	} else {
		snprintf(why, UNIX_SOCKET_WHY_BYTES, "%s%s", strerror(error),
		    error == EACCES ?
		    ": low ports want root or CAP_NET_BIND_SERVICE" :
		    error == EADDRNOTAVAIL ? ": no interface of this machine has it" :
		    "");
	}
}

static void complain(const struct config_listener *listener, const char *why,
    struct problems *problems)
{
	if (problems != NULL) {
		problems_add(problems, listener->where, NULL, "cannot listen on '%s': %s",
		    listener->address, why);
	} else {
		log_say(LOG_ERROR, "%s: cannot listen on '%s': %s", listener->where,
		    listener->address, why);
	}
}

/* Closes those of places from count on. */
static void trim(struct listener *listener, uint32_t count)
{
	for (uint32_t i = count; i < SCOREBOARD_WORKERS; i++) {
		if (listener->fds[i] >= 0) {
			close(listener->fds[i]);
			listener->fds[i] = -1;
		}
	}
}

static void close_listener(struct listener *listener)
{
	const char *path = config_unix_path(listener->host);

	trim(listener, 0);
	if (path != NULL && !listener->lent) {
		unix_socket_remove(path, &listener->file);
	}
	list_remove(&listener->link);
	free(listener->fds);
	free(listener->host);
	free(listener);
}

static struct listener *new_listener(struct master *master, const char *host,
    uint16_t port)
{
	struct list *last = master->listeners.prev;
	struct listener *listener = memory_new(1, sizeof(*listener));

	listener->id = last == &master->listeners ? 1
	    : LIST_OWNER(last, struct listener, link)->id + 1;
	listener->host = memory_text(host);
	listener->configured = port;
	listener->fds = memory_new(SCOREBOARD_WORKERS, sizeof(*listener->fds));
	memset(listener->fds, -1, SCOREBOARD_WORKERS * sizeof(*listener->fds));
	list_append(&master->listeners, &listener->link);
	return listener;
}

/* One socket for all workers, as SO_REUSEPORT is not for these. */
static int bind_unix(struct listener *listener, const struct config_listener *wanted,
    uint32_t workers, char why[UNIX_SOCKET_WHY_BYTES])
{
	const char *path = config_unix_path(wanted->host);
	const struct unix_access access = { wanted->mode, wanted->owner };
	int rc = listener->fds[0] >= 0 ?
	    unix_socket_admit(path, &access, &listener->file, why) :
	    unix_socket_listen(path, &access, &listener->fds[0], &listener->file, why);

	for (uint32_t i = 1; rc == 0 && i < workers; i++) {
		if (listener->fds[i] < 0) {
			listener->fds[i] = fcntl(listener->fds[0], F_DUPFD_CLOEXEC, 0);
		}
		if (listener->fds[i] < 0) {
			snprintf(why, UNIX_SOCKET_WHY_BYTES, "%s", strerror(errno));
			rc = ERR_SYSTEM;
		}
	}
	return rc;
}

static int bind_port(struct listener *listener, uint32_t workers)
{
	union socket_address address;
	uint16_t port = listener->port == 0 ? listener->configured : listener->port;

	if (socket_address_set(&address, listener->host, port) != 0) {
		errno = EINVAL;
		return ERR_SYSTEM;
	}
	/* One that was taken over is ours already. */
	if (listener->port == 0 && socket_claim(&address) != 0) {
		return ERR_SYSTEM;
	}
	listener->port = socket_address_port(&address);
	for (uint32_t i = 0; i < workers; i++) {
		if (listener->fds[i] < 0 &&
		    socket_listen(&address, &listener->fds[i]) != 0) {
			return ERR_SYSTEM;
		}
	}
	return 0;
}

static int bind_all(struct listener *listener, const struct config_listener *wanted,
    uint32_t workers, char why[UNIX_SOCKET_WHY_BYTES])
{
	if (config_unix_path(wanted->host) != NULL) {
		return bind_unix(listener, wanted, workers, why);
	}
	if (bind_port(listener, workers) != 0) {
		explain(wanted, errno, why);
		return ERR_SYSTEM;
	}
	return 0;
}

static void send_socket(struct child *child, const struct listener *listener)
{
	struct channel_message message = { .type = CHANNEL_LISTENER,
		.number = listener->id,
		.fds = { listener->fds[child->index], -1 } };

	if (child->pid > 0 && child_tell(child, &message) != 0) {
		log_say(LOG_ERROR, "worker %u takes no socket", child->index);
	}
}

/* All or none: what was made for a configuration that cannot be served goes. */
static void take_back(struct master *master, struct list *last)
{
	while (last->next != &master->listeners) {
		close_listener(LIST_OWNER(last->next, struct listener, link));
	}
	for (struct list *link = master->listeners.next; link != &master->listeners;
	     link = link->next) {
		trim(LIST_OWNER(link, struct listener, link), master->worker_count);
	}
}

int sockets_open(struct master *master, const struct config *config, uint32_t workers,
    struct problems *problems)
{
	struct list *last = master->listeners.prev;
	int rc = 0;

	for (size_t i = 0; i < config->listener_count; i++) {
		const struct config_listener *wanted = &config->listeners[i];
		struct listener *listener = find(master, config, i);
		char why[UNIX_SOCKET_WHY_BYTES];

		if (listener == NULL) {
			listener = new_listener(master, wanted->host, wanted->port);
		}
		if (bind_all(listener, wanted, workers, why) != 0) {
			complain(wanted, why, problems);
			rc = ERR_SYSTEM;
		}
	}
	if (rc != 0) {
		take_back(master, last);
	}
	for (struct list *link = last->next; link != &master->listeners;
	     link = link->next) {
		for (uint32_t i = 0; i < master->worker_count; i++) {
			send_socket(&master->children[i],
			    LIST_OWNER(link, struct listener, link));
		}
	}
	return rc;
}

static bool is_used(const struct master *master, const struct listener *listener,
    const struct config *config)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		if (find(master, config, i) == listener) {
			return true;
		}
	}
	return false;
}

void sockets_close_unused(struct master *master, const struct config *config)
{
	for (struct list *link = master->listeners.next; link != &master->listeners;) {
		struct listener *listener = LIST_OWNER(link, struct listener, link);

		link = link->next;
		if (!listener->lent && !is_used(master, listener, config)) {
			close_listener(listener);
		}
	}
}

void sockets_close(struct master *master)
{
	while (!list_empty(&master->listeners)) {
		close_listener(LIST_OWNER(master->listeners.next, struct listener, link));
	}
}

void sockets_close_of(const struct child *child)
{
	const struct list *listeners = &child->master->listeners;

	for (struct list *link = listeners->next; link != listeners; link = link->next) {
		int *fd = &LIST_OWNER(link, struct listener, link)->fds[child->index];

		if (*fd >= 0) {
			close(*fd);
			*fd = -1;
		}
	}
}

void sockets_send(struct child *child)
{
	const struct list *listeners = &child->master->listeners;

	for (struct list *link = listeners->next; link != listeners; link = link->next) {
		send_socket(child, LIST_OWNER(link, struct listener, link));
	}
}

/* A listener in one message a worker: its host as text, "configured port" in number's
 * upper and the real one in its lower half, the worker's index as value. */
static int hand_over(const struct listener *listener, uint32_t worker, int channel_fd)
{
	struct channel_message message = { .type = CHANNEL_LISTENER,
		.number = (uint32_t)listener->configured << 16 | listener->port,
		.value = worker, .fds = { listener->fds[worker], -1 } };

	snprintf(message.text, sizeof(message.text), "%s", listener->host);
	return channel_send(channel_fd, &message);
}

int sockets_hand_over(const struct master *master, int channel_fd)
{
	int rc = 0;

	for (struct list *link = master->listeners.next;
	     rc == 0 && link != &master->listeners; link = link->next) {
		const struct listener *listener = LIST_OWNER(link, struct listener, link);

		for (uint32_t i = 0; rc == 0 && i < master->worker_count; i++) {
			rc = hand_over(listener, i, channel_fd);
		}
	}
	return rc;
}

void sockets_lend(struct master *master, bool lent)
{
	for (struct list *link = master->listeners.next; link != &master->listeners;
	     link = link->next) {
		LIST_OWNER(link, struct listener, link)->lent = lent;
	}
}

static struct listener *find_port(const struct master *master, const char *host,
    uint16_t port)
{
	for (struct list *link = master->listeners.next; link != &master->listeners;
	     link = link->next) {
		struct listener *listener = LIST_OWNER(link, struct listener, link);

		if (listener->port == port && strcmp(listener->host, host) == 0) {
			return listener;
		}
	}
	return NULL;
}

void sockets_take(struct master *master, struct channel_message *message)
{
	uint16_t configured = (uint16_t)(message->number >> 16);
	uint16_t port = (uint16_t)message->number;
	struct listener *listener = find_port(master, message->text, port);

	if (listener == NULL) {
		const char *path = config_unix_path(message->text);

		listener = new_listener(master, message->text, configured);
		listener->port = port;
		listener->lent = true;
		if (path != NULL) {
			unix_socket_find(path, &listener->file);
		}
	}
	if (message->value < SCOREBOARD_WORKERS && listener->fds[message->value] < 0) {
		listener->fds[message->value] = message->fds[0];
		message->fds[0] = -1;
	}
	channel_close_fds(message);
}

/* "https://127.0.0.1:8443", "unix:/run/web.sock (https)". */
static void announce(const struct listener *listener, const char *scheme)
{
	union socket_address address;
	char name[SOCKET_NAME_BYTES];

	if (config_unix_path(listener->host) != NULL) {
		log_say(LOG_INFO, "listening on %s (%s)", listener->host, scheme);
	} else if (socket_address_set(&address, listener->host, listener->port) == 0) {
		socket_address_name(&address, name);
		log_say(LOG_INFO, "listening on %s://%s", scheme, name);
	}
}

void sockets_announce(const struct master *master, const struct config *config)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		struct listener *listener = find(master, config, i);

		if (listener != NULL && !listener->announced) {
			listener->announced = true;
			announce(listener, config_scheme(&config->listeners[i]));
		}
	}
}

struct generation_listener *sockets_of(const struct master *master,
    const struct config *config)
{
	struct generation_listener *all = memory_new(config->listener_count,
	    sizeof(*all));

	for (size_t i = 0; i < config->listener_count; i++) {
		const struct listener *listener = find(master, config, i);

		if (listener != NULL) {
			all[i] = (struct generation_listener){ listener->id,
				listener->port };
		}
	}
	return all;
}

void sockets_raise_limit(const struct config *config, uint32_t workers)
{
	struct rlimit limit;
	rlim_t needed = config->limits.max_connections / workers + SPARE_FILES;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		return;
	}
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur < needed) {
		log_say(LOG_WARN,
		    "limits.max_connections is %u, for which each of %u workers needs "
		    "%llu open files, but the limit is %llu (ulimit -n)",
		    config->limits.max_connections, workers, (unsigned long long)needed,
		    (unsigned long long)limit.rlim_cur);
	}
}

/* SPDX-License-Identifier: MIT */
/* The listening sockets, and how many there may be of all. */
#include "master/sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "os/socket.h"

/* Of a worker, beside its connections: logs, listeners, plugins' own, files being
 * sent. */
#define SPARE_FILES 64

static void explain(const struct config_listener *listener, int error)
{
	char name[32];
	int owner = error == EADDRINUSE
	    ? socket_port_owner(listener->port, name, sizeof(name)) : 0;

	if (owner > 0) {
		log_say(LOG_ERROR, "%s: cannot listen on '%s': in use by process %d (%s)",
		    listener->where, listener->address, owner, name);
	} else {
		log_say(LOG_ERROR, "%s: cannot listen on '%s': %s", listener->where,
		    listener->address, strerror(error));
	}
}

static int open_listener(struct master *master, size_t i)
{
	struct config_listener *listener = &master->boot.config->listeners[i];
	union socket_address address;

	if (socket_address_set(&address, listener->host, listener->port) != 0) {
		explain(listener, EINVAL);
		return ERR_SYSTEM;
	}
	if (socket_claim(&address) != 0) {
		explain(listener, errno);
		return ERR_SYSTEM;
	}
	listener->port = socket_address_port(&address);
	for (uint32_t w = 0; w < master->worker_count; w++) {
		if (socket_listen(&address, &master->children[w].listen_fds[i]) != 0) {
			explain(listener, errno);
			return ERR_SYSTEM;
		}
	}
	return 0;
}

int sockets_open(struct master *master)
{
	size_t count = master->boot.config->listener_count;
	int rc = 0;

	for (uint32_t w = 0; w < master->worker_count; w++) {
		int *fds = memory_new(count, sizeof(*fds));

		memset(fds, -1, count * sizeof(*fds));
		master->children[w].listen_fds = fds;
	}
	for (size_t i = 0; i < count && rc == 0; i++) {
		rc = open_listener(master, i);
	}
	return rc;
}

void sockets_close(struct master *master)
{
	for (uint32_t w = 0; w < master->worker_count; w++) {
		int *fds = master->children[w].listen_fds;

		for (size_t i = 0; fds != NULL && i < master->boot.config->listener_count;
		     i++) {
			if (fds[i] >= 0) {
				close(fds[i]);
			}
		}
		free(fds);
		master->children[w].listen_fds = NULL;
	}
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

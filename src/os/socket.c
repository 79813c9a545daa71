/* SPDX-License-Identifier: MIT */
/* Sockets. */
#include "os/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SOCKET_BACKLOG 4096	/* the kernel cuts it to net.core.somaxconn */

int socket_address_set(union socket_address *address, const char *host, uint16_t port)
{
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1) {
		address->v4.sin_family = AF_INET;
		socket_address_set_port(address, port);
		return 0;
	}
	if (host[0] == '\0' || inet_pton(AF_INET6, host, &address->v6.sin6_addr) == 1) {
		address->v6.sin6_family = AF_INET6;
		socket_address_set_port(address, port);
		return 0;
	}
	return ERR_INVALID;
}

void socket_address_host(const union socket_address *address, char out[SOCKET_HOST_BYTES])
{
	const struct in6_addr *v6 = &address->v6.sin6_addr;

	if (address->any.sa_family == AF_UNIX) {
		snprintf(out, SOCKET_HOST_BYTES, "unix:");
	} else if (address->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &address->v4.sin_addr, out, SOCKET_HOST_BYTES);
	} else if (IN6_IS_ADDR_V4MAPPED(v6)) {
		inet_ntop(AF_INET, v6->s6_addr + 12, out, SOCKET_HOST_BYTES);
	} else {
		inet_ntop(AF_INET6, v6, out, SOCKET_HOST_BYTES);
	}
}

uint16_t socket_address_port(const union socket_address *address)
{
	switch (address->any.sa_family) {
	case AF_INET:
		return ntohs(address->v4.sin_port);
	case AF_INET6:
		return ntohs(address->v6.sin6_port);
	default:
		return 0;
	}
}

void socket_address_set_port(union socket_address *address, uint16_t port)
{
	if (address->any.sa_family == AF_INET) {
		address->v4.sin_port = htons(port);
	} else if (address->any.sa_family == AF_INET6) {
		address->v6.sin6_port = htons(port);
	}
}

bool socket_address_v6(const union socket_address *address,
    unsigned char out[NETWORK_ADDRESS_BYTES])
{
	if (address->any.sa_family == AF_INET) {
		network_map((const unsigned char *)&address->v4.sin_addr, out);
	} else {
		memcpy(out, &address->v6.sin6_addr, NETWORK_ADDRESS_BYTES);
	}
	return address->any.sa_family != AF_UNIX;
}

void socket_address_name(const union socket_address *address, char out[SOCKET_NAME_BYTES])
{
	char host[SOCKET_HOST_BYTES];

	socket_address_host(address, host);
	if (address->any.sa_family == AF_UNIX) {
		memcpy(out, host, sizeof(host));
		return;
	}
	snprintf(out, SOCKET_NAME_BYTES, strchr(host, ':') == NULL ? "%s:%u" : "[%s]:%u",
	    host, (unsigned)socket_address_port(address));
}

static socklen_t address_size(const union socket_address *address)
{
	return address->any.sa_family == AF_INET ? sizeof(address->v4) :
	    sizeof(address->v6);
}

static int new_bound(const union socket_address *address, bool shared, int *fd)
{
	int on = 1;
	int off = 0;
	int saved;
	int s = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);

	if (s < 0) {
		return ERR_SYSTEM;
	}
	/* "" listens for IPv4 too; a given IPv6 address can only get its own kind. */
	if (address->any.sa_family == AF_INET6) {
		(void)setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	}
	/* SO_REUSEADDR on both: connections that a server before us has closed, or still
	 * drains, would hold the port against us unless it and we have set it. */
	if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    (!shared || setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
	    bind(s, &address->any, address_size(address)) == 0) {
		*fd = s;
		return 0;
	}
	saved = errno;
	close(s);
	errno = saved;
	return ERR_SYSTEM;
}

int socket_claim(union socket_address *address)
{
	socklen_t size = sizeof(*address);
	int fd;
	int rc = new_bound(address, false, &fd);

	if (rc != 0) {
		return rc;
	}
	rc = getsockname(fd, &address->any, &size) == 0 ? 0 : ERR_SYSTEM;
	/* bind alone succeeds beside a listener that has set SO_REUSEADDR; listen does
	 * not. */
	if (rc == 0 && listen(fd, 1) != 0) {
		rc = ERR_SYSTEM;
	}
	close(fd);
	return rc;
}

int socket_listen(const union socket_address *address, int *fd)
{
	int rc = new_bound(address, true, fd);

	if (rc == 0 && listen(*fd, SOCKET_BACKLOG) != 0) {
		close(*fd);
		*fd = -1;
		return ERR_SYSTEM;
	}
	return rc;
}

int socket_accept(int listen_fd, int *fd, union socket_address *peer)
{
	int on = 1;
	socklen_t size = sizeof(*peer);

	do {
		*fd = accept4(listen_fd, &peer->any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (*fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (*fd >= 0) {
		(void)setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		return 0;
	}
	switch (errno) {
	case EAGAIN:
		return ERR_AGAIN;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return ERR_LIMIT;
	default:
		return ERR_SYSTEM;
	}
}

/* SPDX-License-Identifier: MIT */
/* Sockets: listening ones, accepted ones, and their addresses as text. */
#ifndef TINCAN_OS_SOCKET_H
#define TINCAN_OS_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/network.h"

/* An IPv4 or IPv6 address with its port; or AF_UNIX: of some Unix socket, whose path
 * nobody needs. */
union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

#define SOCKET_HOST_BYTES 46	/* INET6_ADDRSTRLEN */
#define SOCKET_NAME_BYTES 56	/* "[host]:port" and NUL */

/* Fills in address from a numeric host ("" for every address, both families) and a port.
 * ERR_INVALID if host is not numeric. */
int socket_address_set(union socket_address *address, const char *host, uint16_t port)
    MUST_USE;

/* The host alone ("127.0.0.1"; an IPv4-mapped one as IPv4; "unix:") and the port, which
 * is 0 for a Unix socket. */
void socket_address_host(const union socket_address *address,
    char out[SOCKET_HOST_BYTES]);
uint16_t socket_address_port(const union socket_address *address);
void socket_address_set_port(union socket_address *address, uint16_t port);

/* The host as IPv6 has it, an IPv4 one mapped. False for a Unix socket. */
bool socket_address_v6(const union socket_address *address,
    unsigned char out[NETWORK_ADDRESS_BYTES]);

/* "127.0.0.1:8443", "[::1]:8443", "unix:". */
void socket_address_name(const union socket_address *address,
    char out[SOCKET_NAME_BYTES]);

/*
 * Is address free to listen on? SO_REUSEPORT would let a second server of the same user
 * bind it too, and the kernel would then share connections between the two; so ask with a
 * socket that does not set it. A port of 0 becomes the one that the kernel chose.
 *
 * @return 0, or ERR_SYSTEM with errno (EADDRINUSE, EACCES, EADDRNOTAVAIL)
 */
int socket_claim(union socket_address *address) MUST_USE;

/* A listening, non-blocking socket with SO_REUSEPORT, or ERR_SYSTEM with errno. */
int socket_listen(const union socket_address *address, int *fd) MUST_USE;

/*
 * The next connection of a listening socket, non-blocking, TCP_NODELAY set.
 *
 * @return 0; ERR_AGAIN if there is none; ERR_LIMIT when out of descriptors or memory;
 *	ERR_SYSTEM with errno otherwise
 */
int socket_accept(int listen_fd, int *fd, union socket_address *peer) MUST_USE;

/* The process that listens on port: its pid, with its name in name; 0 if not to be
 * known. */
int socket_port_owner(uint16_t port, char *name, size_t name_size);

/* What the process calls itself; "" if there is none of that pid. */
void socket_process_name(int pid, char *name, size_t size);

#endif

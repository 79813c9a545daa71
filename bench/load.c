/* SPDX-License-Identifier: MIT */
/*
 * A light client: one thread, keep-alive HTTP/1.1 over TLS 1.3, one request at a time on
 * each connection. It counts replies and connections that the server ended, and opens
 * those anew. With 0 seconds it asks once on each connection, says "open", and holds them
 * until its standard input ends.
 *
 *	make bench/load && bench/load PORT TARGET CONNECTIONS SECONDS
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

enum {
	REPLY_BYTES = 4096,	/* the largest reply that is understood */
	SLOTS = 100000,		/* of latencies, 10 us each */
	SLOT_US = 10,
};

struct connection {
	SSL *ssl;
	double asked_us;
	size_t got;		/* of the reply */
	char reply[REPLY_BYTES];
};

struct load {
	SSL_CTX *context;
	int epoll;
	struct sockaddr_in server;
	char request[512];
	int request_size;
	unsigned long replies, broken, failed;
	unsigned long slots[SLOTS];	/* replies by latency */
};

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* The connect and the handshake block: they are not what is measured. */
static bool open_connection(struct load *load, struct connection *c)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
	struct timeval patience = { .tv_sec = 10 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	c->ssl = SSL_new(load->context);
	if (fd < 0 || c->ssl == NULL ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
	    connect(fd, (struct sockaddr *)&load->server, sizeof(load->server)) != 0 ||
	    SSL_set_fd(c->ssl, fd) != 1 || SSL_connect(c->ssl) != 1) {
		return false;
	}
	return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
	    epoll_ctl(load->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void close_connection(struct connection *c)
{
	int fd = c->ssl != NULL ? SSL_get_fd(c->ssl) : -1;

	SSL_free(c->ssl);
	c->ssl = NULL;
	if (fd >= 0) {
		close(fd);
	}
}

static bool ask(struct load *load, struct connection *c)
{
	c->got = 0;
	c->asked_us = now_us();
	return SSL_write(c->ssl, load->request, load->request_size) > 0;
}

/* True if the reply is whole: its header says how long, and so much is there. */
static bool reply_is_whole(const struct connection *c)
{
	const char *end = memmem(c->reply, c->got, "\r\n\r\n", 4);
	const char *length;

	if (end == NULL) {
		return false;
	}
	length = strcasestr(c->reply, "\r\ncontent-length:");
	return length != NULL && length < end &&
	    c->got >= (size_t)(end + 4 - c->reply) + strtoul(length + 17, NULL, 10);
}

static void count_reply(struct load *load, const struct connection *c)
{
	double slot = (now_us() - c->asked_us) / SLOT_US;

	load->slots[slot < SLOTS ? (int)slot : SLOTS - 1]++;
	load->replies++;
	load->failed += strncmp(c->reply, "HTTP/1.1 200 ", 13) != 0;
}

/* 1: a reply is there; 0: not yet; -1: the connection has ended. */
static int read_reply(struct connection *c)
{
	int got;

	while ((got = SSL_read(c->ssl, c->reply + c->got,
	    (int)(sizeof(c->reply) - 1 - c->got))) > 0) {
		c->got += (size_t)got;
		c->reply[c->got] = '\0';
		if (reply_is_whole(c)) {
			return 1;
		}
	}
	return SSL_get_error(c->ssl, got) == SSL_ERROR_WANT_READ ? 0 : -1;
}

/* A connection that ends costs the request on it, and is opened anew. */
static bool turn(struct load *load, struct connection *c)
{
	int done = read_reply(c);

	if (done == 0) {
		return true;
	}
	if (done == 1) {
		count_reply(load, c);
		if (ask(load, c)) {
			return true;
		}
	}
	load->broken++;
	close_connection(c);
	return open_connection(load, c) && ask(load, c);
}

static bool run(struct load *load, double seconds)
{
	double end_us = now_us() + seconds * 1e6;
	struct epoll_event events[64];

	while (now_us() < end_us) {
		int count = epoll_wait(load->epoll, events, 64, 100);

		for (int i = 0; i < count; i++) {
			if (!turn(load, events[i].data.ptr)) {
				return false;
			}
		}
	}
	return true;
}

static double percentile_us(const struct load *load, double share)
{
	unsigned long wanted = (unsigned long)(share * (double)load->replies), seen = 0;

	for (int i = 0; i < SLOTS; i++) {
		seen += load->slots[i];
		if (seen > wanted) {
			return (i + 0.5) * SLOT_US;
		}
	}
	return 0;
}

static bool ask_once(struct load *load, struct connection *c)
{
	int done = 0;

	if (!open_connection(load, c) || !ask(load, c)) {
		return false;
	}
	while (done == 0) {
		done = read_reply(c);
	}
	return done == 1;
}

/* Connections that have had a reply and now only are there. */
static bool hold(struct load *load, struct connection *connections, int count)
{
	for (int i = 0; i < count; i++) {
		if (!ask_once(load, &connections[i])) {
			fprintf(stderr, "connection %d failed: %s\n", i, strerror(errno));
			return false;
		}
	}
	puts("open");
	fflush(stdout);
	return getchar() == EOF;
}

static bool load_all(struct load *load, struct connection *connections, int count,
    double seconds)
{
	double began_us = now_us();

	for (int i = 0; i < count; i++) {
		if (!open_connection(load, &connections[i]) ||
		    !ask(load, &connections[i])) {
			return false;
		}
	}
	if (!run(load, seconds)) {
		return false;
	}
	printf("{\"replies\": %lu, \"failed\": %lu, \"broken\": %lu, \"seconds\": %.3f, "
	    "\"p50_us\": %.0f, \"p99_us\": %.0f}\n",
	    load->replies, load->failed, load->broken, (now_us() - began_us) / 1e6,
	    percentile_us(load, 0.50), percentile_us(load, 0.99));
	return true;
}

int main(int argc, char **argv)
{
	static struct load load;
	struct connection *connections;
	int count;
	double seconds;
	bool ok;

	if (argc != 5) {
		fputs("usage: load PORT TARGET CONNECTIONS SECONDS\n", stderr);
		return 2;
	}
	count = (int)strtol(argv[3], NULL, 10);
	seconds = strtod(argv[4], NULL);
	load.context = SSL_CTX_new(TLS_client_method());
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	load.server.sin_family = AF_INET;
	load.server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	load.server.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	load.request_size = snprintf(load.request, sizeof(load.request),
	    "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[2]);
	connections = calloc((size_t)count, sizeof(*connections));
	if (load.context == NULL || load.epoll < 0 || connections == NULL ||
	    (size_t)load.request_size >= sizeof(load.request)) {
		return 1;
	}
	SSL_CTX_set_mode(load.context, SSL_MODE_RELEASE_BUFFERS);
	ok = seconds > 0 ? load_all(&load, connections, count, seconds)
	    : hold(&load, connections, count);
	for (int i = 0; i < count; i++) {
		close_connection(&connections[i]);
	}
	free(connections);
	SSL_CTX_free(load.context);
	return ok ? 0 : 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * New connections, one after the other, each with one request: full handshakes, or ones
 * that resume the session before. Says how many a second were answered with 200, and
 * how long they took.
 *
 *	make bench/connect && bench/connect PORT COUNT full|resumed [TARGET]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

struct client {
	SSL_CTX *context;
	SSL_SESSION *session;	/* to resume; NULL: a full handshake */
	char request[512];
	int request_size;
	struct sockaddr_in server;
	bool resumes;
	unsigned long resumed;
	double *took_s;		/* by each connection, its request included */
};

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Reads to the end; the ticket comes on the way. True if the reply is a 200. */
static bool read_reply(SSL *ssl)
{
	static const char good[] = "HTTP/1.1 200 ";
	char reply[4096];
	size_t size = 0;
	int got;

	while (size < sizeof(reply) &&
	       (got = SSL_read(ssl, reply + size, (int)(sizeof(reply) - size))) > 0) {
		size += (size_t)got;
	}
	return size >= sizeof(good) && memcmp(reply, good, sizeof(good) - 1) == 0;
}

static bool talk(struct client *client, SSL *ssl)
{
	if (client->session != NULL) {
		SSL_set_session(ssl, client->session);
	}
	if (SSL_connect(ssl) != 1 ||
	    SSL_write(ssl, client->request, client->request_size) <= 0 ||
	    !read_reply(ssl)) {
		return false;
	}
	client->resumed += SSL_session_reused(ssl) == 1;
	SSL_shutdown(ssl);
	if (client->resumes) {
		SSL_SESSION_free(client->session);
		client->session = SSL_get1_session(ssl);
	}
	return true;
}

static bool connect_once(struct client *client)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *ssl = SSL_new(client->context);
	bool done = fd >= 0 && ssl != NULL &&
	    connect(fd, (struct sockaddr *)&client->server,
		sizeof(client->server)) == 0 &&
	    SSL_set_fd(ssl, fd) == 1 && talk(client, ssl);

	SSL_free(ssl);
	if (fd >= 0) {
		close(fd);
	}
	return done;
}

static int compare_times(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

int main(int argc, char **argv)
{
	struct client client = { .context = SSL_CTX_new(TLS_client_method()) };
	unsigned long count;
	double began_s = now_s();

	if (argc < 4 || argc > 5 || client.context == NULL ||
	    strtoul(argv[2], NULL, 10) == 0) {
		fputs("usage: connect PORT COUNT full|resumed [TARGET]\n", stderr);
		return 2;
	}
	client.request_size = snprintf(client.request, sizeof(client.request),
	    "GET %.400s HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
	    argc == 5 ? argv[4] : "/hello/x");
	client.server.sin_family = AF_INET;
	client.server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client.server.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	count = strtoul(argv[2], NULL, 10);
	client.resumes = strcmp(argv[3], "resumed") == 0;
	client.took_s = calloc(count, sizeof(*client.took_s));
	for (unsigned long i = 0; i < count; i++) {
		double opened_s = now_s();

		if (client.took_s == NULL || !connect_once(&client)) {
			fprintf(stderr, "connection %lu failed: %s\n", i,
			    strerror(errno));
			return 1;
		}
		client.took_s[i] = now_s() - opened_s;
	}
	printf("%lu connections, %lu resumed, %.0f a second, ", count, client.resumed,
	    (double)count / (now_s() - began_s));
	qsort(client.took_s, count, sizeof(*client.took_s), compare_times);
	printf("p50 %.0f us, p99 %.0f us\n", client.took_s[count / 2] * 1e6,
	    client.took_s[count * 99 / 100] * 1e6);
	free(client.took_s);
	SSL_SESSION_free(client.session);
	SSL_CTX_free(client.context);
	return 0;
}

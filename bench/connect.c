/* SPDX-License-Identifier: MIT */
/*
 * New connections, each with one request: full handshakes, or ones that resume the
 * session before. So many clients, one if not said, each a process that makes one
 * connection after the other. Says how many a second were answered with 200, and how
 * long they took.
 *
 *	make bench/connect && bench/connect PORT COUNT full|resumed [TARGET [CLIENTS]]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
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
};

/* What the clients found: memory that they share. */
struct findings {
	unsigned long resumed;	/* all of them add to it */
	double took_s[];	/* by each connection, its request included */
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

/* Connections from..to; the exit code. */
static int run_client(struct client *client, struct findings *findings,
    unsigned long from, unsigned long to)
{
	for (unsigned long i = from; i < to; i++) {
		double opened_s = now_s();

		if (!connect_once(client)) {
			fprintf(stderr, "connection %lu failed: %s\n", i,
			    strerror(errno));
			return 1;
		}
		findings->took_s[i] = now_s() - opened_s;
	}
	__atomic_add_fetch(&findings->resumed, client->resumed, __ATOMIC_RELAXED);
	SSL_SESSION_free(client->session);
	SSL_CTX_free(client->context);
	return 0;
}

/* True if all of them were answered. */
static bool run_clients(struct client *client, struct findings *findings,
    unsigned long count, unsigned long clients)
{
	bool good = true;
	int status;

	for (unsigned long i = 0; i < clients; i++) {
		pid_t child = fork();

		if (child == 0) {
			exit(run_client(client, findings, count * i / clients,
			    count * (i + 1) / clients));
		}
		good = good && child > 0;
	}
	while (wait(&status) > 0) {
		good = good && status == 0;
	}
	return good;
}

static void report(struct findings *findings, unsigned long count, double took_s)
{
	qsort(findings->took_s, count, sizeof(findings->took_s[0]), compare_times);
	printf("%lu connections, %lu resumed, %.0f a second, ", count,
	    findings->resumed, (double)count / took_s);
	printf("p50 %.0f us, p99 %.0f us\n", findings->took_s[count / 2] * 1e6,
	    findings->took_s[count * 99 / 100] * 1e6);
}

static unsigned long number(int argc, char **argv, int i)
{
	return i < argc ? strtoul(argv[i], NULL, 10) : 1;
}

int main(int argc, char **argv)
{
	struct client client = { .context = SSL_CTX_new(TLS_client_method()) };
	unsigned long count = number(argc, argv, 2);
	unsigned long clients = number(argc, argv, 5);
	struct findings *findings;
	double began_s = now_s();

	if (argc < 4 || argc > 6 || client.context == NULL || count == 0 ||
	    clients == 0) {
		fputs("usage: connect PORT COUNT full|resumed [TARGET [CLIENTS]]\n",
		    stderr);
		return 2;
	}
	client.request_size = snprintf(client.request, sizeof(client.request),
	    "GET %.400s HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
	    argc > 4 ? argv[4] : "/hello/x");
	client.server.sin_family = AF_INET;
	client.server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client.server.sin_port = htons((uint16_t)number(argc, argv, 1));
	client.resumes = strcmp(argv[3], "resumed") == 0;
	findings = mmap(NULL, sizeof(*findings) + count * sizeof(findings->took_s[0]),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (findings == MAP_FAILED || !run_clients(&client, findings, count, clients)) {
		return 1;
	}
	report(findings, count, now_s() - began_s);
	SSL_CTX_free(client.context);
	return 0;
}

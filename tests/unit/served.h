/* SPDX-License-Identifier: MIT */
/*
 * A worker that serves, in a process of its own, and a TLS client for it: what the tests
 * of the worker room share. Every wait has a deadline: a socket's timeout.
 */
#ifndef TINCAN_TESTS_SERVED_H
#define TINCAN_TESTS_SERVED_H

#include <signal.h>
#include <sys/wait.h>

#include <openssl/ssl.h>

#include "base/memory.h"
#include "os/socket.h"
#include "rig.h"
#include "tls/devcert.h"
#include "worker/worker.h"

#define SERVED_DEADLINE_S 10

struct served {
	struct rig rig;
	struct config *config;
	struct scoreboard *board;
	struct tls_tickets tickets;
	union socket_address address;
	int listen_fd;
	pid_t pid;
};

/* The configuration; members is JSON to go on with, ", ..." or "". */
static inline struct config *served_config(struct rig *rig, const char *members)
{
	char *file = memory_printf("%s/server.json", rig->root);
	char *text = memory_printf(
	    "{\"certificates\":[{\"chain\":\"dev.crt\",\"key\":"
	    "\"dev.key\"}],\"workers\":1,"
	    "\"log\":{\"access\":\"access.log\",\"error\":\"-\"}%s}",
	    members);
	struct config *config = config_parse(file, text, strlen(text), &rig->problems);

	ck_assert_msg(rig->problems.errors == 0, "%s: %s", text,
	    rig->problems.count == 0 ? "" : rig->problems.items[0].what);
	tls_devcert_ensure(config, config->certificates[0].chain,
	    config->certificates[0].key, &rig->problems);
	ck_assert_uint_eq(rig->problems.errors, 0);
	free(file);
	free(text);
	return config;
}

static inline void served_run(struct served *served)
{
	struct worker_setup setup = { .config = served->config,
		.plugins = &served->rig.set,
		.board = served->board,
		.tickets = &served->tickets,
		.listen_fds = &served->listen_fd };

	/* exit, not _exit: a sanitizer looks for leaks there. */
	exit(worker_run(&setup));
}

/* The handlers are those that rig_add has put there. */
static inline void served_start(struct served *served, const char *members)
{
	sigset_t blocked;
	sigset_t before;

	served->config = served_config(&served->rig, members);
	rig_scan(&served->rig);
	served->board = scoreboard_new(1);
	for (size_t i = 0; i < served->rig.set.count; i++) {
		scoreboard_handler_add(served->board, served->rig.set.items[i].note.name);
	}
	ck_assert_int_eq(tls_tickets_make(&served->tickets), 0);
	ck_assert_int_eq(socket_address_set(&served->address, "127.0.0.1", 0), 0);
	ck_assert_int_eq(socket_claim(&served->address), 0);
	ck_assert_int_eq(socket_listen(&served->address, &served->listen_fd), 0);
	fflush(NULL);
	/* As the master does: what comes before the worker can take it must wait. */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	served->pid = fork();
	ck_assert_int_ge(served->pid, 0);
	if (served->pid == 0) {
		served_run(served);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(served->listen_fd);
}

static inline int served_wait(struct served *served)
{
	int status;

	ck_assert_int_eq(waitpid(served->pid, &status, 0), served->pid);
	served->pid = 0;
	return status;
}

/* Stops the worker, which must end in order. */
static inline void served_stop(struct served *served)
{
	if (served->pid > 0) {
		int status;

		kill(served->pid, SIGTERM);
		status = served_wait(served);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x",
		    status);
	}
	config_free(served->config);
	scoreboard_free(served->board);
	rig_close(&served->rig);
}

struct client {
	int fd;
	SSL_CTX *context;
	SSL *ssl;
	char *text;		/* all that was read; NUL-terminated */
	size_t size;
	size_t capacity;
};

/* A TCP connection; receive_bytes other than 0 makes its window small. */
static inline void client_connect(struct client *client, const struct served *served,
    int receive_bytes)
{
	struct timeval deadline = { .tv_sec = SERVED_DEADLINE_S };

	memset(client, 0, sizeof(*client));
	client->text = memory_text("");
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(client->fd, 0);
	if (receive_bytes > 0) {
		setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes,
		    sizeof(receive_bytes));
	}
	setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
	ck_assert_int_eq(connect(client->fd, &served->address.any,
			     sizeof(served->address.v4)),
	    0);
}

static inline void client_handshake(struct client *client)
{
	/* The worker resets at times; that must not end the test. */
	signal(SIGPIPE, SIG_IGN);
	client->context = SSL_CTX_new(TLS_client_method());
	client->ssl = SSL_new(client->context);
	ck_assert_ptr_nonnull(client->ssl);
	SSL_set_fd(client->ssl, client->fd);
	ck_assert_int_eq(SSL_connect(client->ssl), 1);
}

static inline void client_open(struct client *client, const struct served *served)
{
	client_connect(client, served, 0);
	client_handshake(client);
}

static inline void client_send(struct client *client, const char *text)
{
	ck_assert_int_eq(SSL_write(client->ssl, text, (int)strlen(text)),
	    (int)strlen(text));
}

/* Reads once; false at the end, which SSL_get_error then explains in *why. */
static inline bool client_read(struct client *client, int *why)
{
	int got;

	if (client->capacity - client->size < 65536) {
		client->capacity = client->capacity * 2 + 131072;
		client->text = memory_grow(client->text, client->capacity, 1);
	}
	got = SSL_read(client->ssl, client->text + client->size, 65535);
	*why = got > 0 ? 0 : SSL_get_error(client->ssl, got);
	client->size += got > 0 ? (size_t)got : 0;
	client->text[client->size] = '\0';
	return got > 0;
}

/* Reads until the text is there. */
static inline const char *client_await(struct client *client, const char *text)
{
	const char *found;
	int why;

	while ((found = strstr(client->text, text)) == NULL) {
		ck_assert_msg(client_read(client, &why), "no '%s' in '%.300s' (%d)", text,
		    client->text, why);
	}
	return found;
}

/* Reads to the end; how it ended: SSL_ERROR_ZERO_RETURN for a close_notify. */
static inline int client_await_end(struct client *client)
{
	int why;

	while (client_read(client, &why)) {
	}
	return why;
}

/* How often text is in what was read. */
static inline size_t client_count(const struct client *client, const char *text)
{
	const char *at = client->text;
	size_t count = 0;

	while ((at = strstr(at, text)) != NULL) {
		at += strlen(text);
		count++;
	}
	return count;
}

/* Reads until text is there that many times. */
static inline void client_await_count(struct client *client, const char *text,
    size_t count)
{
	int why;

	while (client_count(client, text) < count) {
		ck_assert_msg(client_read(client, &why), "'%s' %zu times, not %zu (%d)",
		    text, client_count(client, text), count, why);
	}
}

static inline void client_close(struct client *client)
{
	SSL_free(client->ssl);
	SSL_CTX_free(client->context);
	close(client->fd);
	free(client->text);
}

/* What a client that resets does: what it has not read is gone. */
static inline void client_reset(struct client *client)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	client_close(client);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A worker that serves, in a process of its own, and a TLS client for it: what the tests
 * of the worker room share. Every wait has a deadline: a socket's timeout.
 */
#ifndef TINCAN_TESTS_SERVED_H
#define TINCAN_TESTS_SERVED_H

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <openssl/ssl.h>

#include "base/memory.h"
#include "base/sink.h"
#include "ipc/channel.h"
#include "ipc/sign.h"
#include "keeper/keys.h"
#include "os/socket.h"
#include "rig.h"
#include "site/generation.h"
#include "tls/devcert.h"
#include "tls/pem_file.h"
#include "worker/worker.h"

#define SERVED_DEADLINE_S 30

struct served {
	struct rig rig;
	struct config *config;
	struct scoreboard *board;
	struct scoreboard_blames *blames;
	struct addresses *addresses;
	struct bus_rings *bus;
	int bell_fd;
	struct ticket_page *tickets;
	union socket_address address;
	int channel_fd;
	pid_t pid;
	pid_t keeper_pid;
};

/* A file's text; members is JSON to go on with, ", ..." or "". The caller frees. */
static inline char *served_text(const char *members)
{
	return memory_printf("{\"certificates\":[{\"chain\":\"dev.crt\",\"key\":"
	    "\"dev.key\"}],\"workers\":1,"
	    "\"log\":{\"access\":\"access.log\",\"error\":\"-\"}%s}", members);
}

static inline struct config *served_config(struct rig *rig, const char *members)
{
	char *file = memory_printf("%s/server.json", rig->root);
	char *text = served_text(members);
	const char *why;
	size_t size;
	struct config *config = config_parse(file, text, strlen(text), &rig->problems);

	ck_assert_msg(rig->problems.errors == 0, "%s: %s", text,
	    rig->problems.count == 0 ? "" : rig->problems.items[0].what);
	tls_devcert_ensure(config, config->certificates[0].chain,
	    config->certificates[0].key, &rig->problems);
	ck_assert_uint_eq(rig->problems.errors, 0);
	/* As the preflight does it. */
	config->certificates[0].shown.pem = pem_file_read(config->certificates[0].chain,
	    PEM_CHAIN_MAX, &size, &why);
	ck_assert_ptr_nonnull(config->certificates[0].shown.pem);
	free(file);
	free(text);
	return config;
}

/* exit, not _exit: a sanitizer looks for leaks there. */
static inline _Noreturn void served_run(struct served *served, int channel_fd)
{
	struct worker_setup setup = { .board = served->board,
		.blames = served->blames, .tickets = served->tickets,
		.addresses = served->addresses, .bus = served->bus,
		.bell_fd = served->bell_fd, .channel_fd = channel_fd,
		.handlers = true };

	exit(worker_run(&setup));
}

static inline void served_prepare(struct served *served, const char *members)
{
	served->config = served_config(&served->rig, members);
	rig_scan(&served->rig);
	served->board = scoreboard_new(1, NULL);
	served->blames = blames_new(1);
	served->addresses = addresses_new();
	served->bus = bus_rings_new(&served->bell_fd);
	for (size_t i = 0; i < served->rig.set.count; i++) {
		scoreboard_handler_add(served->board, served->rig.set.items[i].note.name);
	}
	served->tickets = ticket_page_new();
	ck_assert_int_eq(socket_address_set(&served->address, "127.0.0.1", 0), 0);
	ck_assert_int_eq(socket_claim(&served->address), 0);
}

/* Signs what has been asked for in one packet. */
static inline int served_sign(struct keys *keys, int fd)
{
	struct sign_packet requests;
	struct sign_packet answers = { .size = 0 };
	struct sign_request request;
	struct sign_answer answer;
	int rc = sign_receive(fd, &requests);

	while (rc == 0 && (rc = sign_take_request(&requests, &request)) == 0) {
		keys_sign(keys, &request, &answer);
		rc = sign_put_answer(&answers, &answer);
	}
	return rc == ERR_AGAIN && answers.size > 0 ? sign_send(fd, &answers) : rc;
}

/* Signs for the worker until that has ended. */
static inline _Noreturn void served_keep(const char *file, int fd)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	struct keys keys = { 0 };
	int key_fd = open(file, O_RDONLY | O_CLOEXEC);
	int rc = keys_read(&keys, key_fd, NULL, NULL);

	close(key_fd);
	while (rc == 0 || rc == ERR_AGAIN) {
		(void)poll(&readable, 1, -1);
		rc = served_sign(&keys, fd);
	}
	keys_release(&keys);
	_exit(EXIT_SUCCESS);
}

/* A keeper for the worker to come; the worker's end of the socket to it. */
static inline int served_hire_keeper(struct served *served)
{
	int fds[2];

	ck_assert_int_eq(sign_pair(fds), 0);
	served->keeper_pid = fork();
	ck_assert_int_ge(served->keeper_pid, 0);
	if (served->keeper_pid == 0) {
		close(fds[0]);
		served_keep(served->config->certificates[0].key, fds[1]);
	}
	close(fds[1]);
	return fds[0];
}

static inline void served_order(struct served *served, enum channel_type type, int fd)
{
	struct channel_message message = { .type = type, .number = 1, .fds = { fd, -1 } };

	ck_assert_int_eq(channel_send(served->channel_fd, &message), 0);
	close(fd);
}

/* A worker that has nothing to serve yet. */
static inline void served_fork(struct served *served)
{
	int keeper_fd = served_hire_keeper(served);
	sigset_t blocked;
	sigset_t before;
	int fds[2];

	ck_assert_int_eq(channel_pair(fds), 0);
	/* As the master does: what comes before the worker can take it must wait. */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	fflush(NULL);
	served->pid = fork();
	ck_assert_int_ge(served->pid, 0);
	if (served->pid == 0) {
		close(fds[0]);
		close(keeper_fd);
		served_run(served, fds[1]);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(fds[1]);
	served->channel_fd = fds[0];
	served_order(served, CHANNEL_KEEPER, keeper_fd);
}

/* The file of the access log, if there is one. */
static inline void served_send_log(struct served *served)
{
	struct channel_message message = { .type = CHANNEL_LOG,
		.number = CHANNEL_LOG_ACCESS, .fds = { -1, -1 } };
	struct sink sink;

	ck_assert_int_eq(sink_open(&sink, served->config->log.access, -1), 0);
	message.fds[0] = sink.fd;
	ck_assert_int_eq(channel_send(served->channel_fd, &message), 0);
	sink_close(&sink);
}

/* The log, the one listener and the one generation that it gets. */
static inline void served_send(struct served *served, const char *members)
{
	char *text = served_text(members);
	struct generation_listener listener = { .id = 1,
		.port = socket_address_port(&served->address) };
	struct generation_message generation = { .number = 1, .config = served->config,
		.plugins = served->rig.set, .listeners = &listener };
	int fd;

	served_send_log(served);
	ck_assert_uint_eq(served->config->listener_count, 1);
	ck_assert_int_eq(socket_listen(&served->address, &fd), 0);
	served_order(served, CHANNEL_LISTENER, fd);
	ck_assert_int_eq(generation_pack(&generation, slice_of(text), &fd), 0);
	served_order(served, CHANNEL_GENERATION, fd);
	free(text);
}

static inline void served_await_ready(struct served *served)
{
	struct pollfd readable = { .fd = served->channel_fd, .events = POLLIN };
	struct channel_message message;

	ck_assert_int_eq(poll(&readable, 1, SERVED_DEADLINE_S * 1000), 1);
	ck_assert_int_eq(channel_receive(served->channel_fd, &message), 0);
	ck_assert_msg(message.type == CHANNEL_READY, "%s", message.text);
}

/* The handlers are those that rig_add has put there; they run in the worker. */
static inline void served_start(struct served *served, const char *members)
{
	served_prepare(served, members);
	served_fork(served);
	served_send(served, members);
	served_await_ready(served);
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
	close(served->channel_fd);
	ck_assert_int_eq(waitpid(served->keeper_pid, NULL, 0), served->keeper_pid);
	config_free(served->config);
	ticket_page_free(served->tickets);
	scoreboard_free(served->board);
	blames_free(served->blames, 1);
	addresses_free(served->addresses);
	bus_rings_free(served->bus);
	close(served->bell_fd);
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

/* With the context that was put there, else a new one. */
static inline void client_handshake(struct client *client)
{
	/* The worker resets at times; that must not end the test. */
	signal(SIGPIPE, SIG_IGN);
	if (client->context == NULL) {
		client->context = SSL_CTX_new(TLS_client_method());
	}
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

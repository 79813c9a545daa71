/* SPDX-License-Identifier: MIT */
/* The keeper: orders of the master, requests of the workers. */
#include "keeper/keeper.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/list.h"
#include "base/log.h"
#include "ipc/channel.h"
#include "ipc/sign.h"
#include "keeper/keys.h"
#include "keeper/sandbox.h"
#include "os/loop.h"
#include "tls/passphrase.h"

/* Answers wait for those behind them in the same packet, but no longer. */
#define GATHER_US 200

struct keeper {
	struct loop *loop;
	struct watch orders;	/* the channel to the master */
	struct keys keys;
	struct timer forget;
	struct list peers;
	bool missed;		/* one of the KEYs since the last KEYS */
	bool lost;		/* the master is gone, or makes no sense */
};

/* A worker. */
struct peer {
	struct list link;
	struct keeper *keeper;
	struct watch watch;
	struct deferred freed;
	struct sign_packet requests;
	struct sign_packet answers;
	int64_t since_us;	/* of the first of them */
	bool stuck;		/* they wait for room in its socket */
};

static void say(struct keeper *keeper, enum log_level level, const char *format, ...)
    PRINTF(3, 4);

static void say(struct keeper *keeper, enum log_level level, const char *format, ...)
{
	struct channel_message message = { .type = CHANNEL_SAY, .number = level,
		.fds = { -1, -1 } };
	va_list ap;

	va_start(ap, format);
	vsnprintf(message.text, sizeof(message.text), format, ap);
	va_end(ap);
	keeper->lost = channel_send(keeper->orders.fd, &message) != 0;
}

static void free_peer(struct deferred *freed)
{
	free(LIST_OWNER(freed, struct peer, freed));
}

static void drop_peer(struct peer *peer)
{
	loop_remove(peer->keeper->loop, &peer->watch);
	close(peer->watch.fd);
	peer->watch.fd = -1;
	list_remove(&peer->link);
	deferred_init(&peer->freed, free_peer);
	loop_defer(peer->keeper->loop, &peer->freed);
}

/* Sends the answers: ERR_AGAIN, and no request is looked at until they are sent. */
static int answer(struct peer *peer)
{
	int rc = peer->answers.size == 0 ? 0 :
	    sign_send(peer->watch.fd, &peer->answers);
	bool stuck = rc == ERR_AGAIN;

	if (stuck != peer->stuck) {
		peer->stuck = stuck;
		loop_modify(peer->keeper->loop, &peer->watch, stuck ? EPOLLOUT : EPOLLIN);
	}
	return rc;
}

static bool is_due(const struct peer *peer)
{
	return peer->answers.size > SIGN_PACKET_BYTES - sizeof(struct sign_answer) ||
	    clock_us() - peer->since_us >= GATHER_US;
}

static int serve_one(struct peer *peer)
{
	struct sign_request request;
	struct sign_answer fresh;
	int rc = sign_take_request(&peer->requests, &request);

	if (rc != 0) {
		return rc;
	}
	if (peer->answers.size == 0) {
		peer->since_us = clock_us();
	}
	keys_sign(&peer->keeper->keys, &request, &fresh);
	rc = sign_put_answer(&peer->answers, &fresh);
	return rc == 0 && is_due(peer) ? answer(peer) : rc;
}

static int serve(struct peer *peer)
{
	int rc = 0;

	while (rc == 0) {
		rc = serve_one(peer);
	}
	return rc == ERR_AGAIN && !peer->stuck ? answer(peer) : rc;
}

/* One packet, then others have their turn. */
static void on_request(struct watch *watch, uint32_t events)
{
	struct peer *peer = LIST_OWNER(watch, struct peer, watch);
	int rc;

	(void)events;
	if (watch->fd < 0) {
		return;
	}
	rc = answer(peer);
	if (rc == 0 && peer->requests.taken == peer->requests.size) {
		rc = sign_receive(watch->fd, &peer->requests);
	}
	if (rc == 0) {
		rc = serve(peer);
	}
	if (rc == ERR_PROTOCOL) {
		say(peer->keeper, LOG_ERROR, "a worker sends nonsense: it is cut off");
	}
	if (rc != 0 && rc != ERR_AGAIN) {
		drop_peer(peer);
	}
}

/* Takes fd. */
static void add_peer(struct keeper *keeper, int fd)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL) {
		close(fd);
		return;
	}
	peer->keeper = keeper;
	peer->watch = (struct watch){ .fd = fd, .fn = on_request };
	list_append(&keeper->peers, &peer->link);
	if (loop_add(keeper->loop, &peer->watch, EPOLLIN) != 0) {
		drop_peer(peer);
	}
}

static const char *why_unkept(int rc)
{
	return rc == ERR_INVALID ? "it is no key that can be used" :
	    rc == ERR_MISSING ? "it has changed since it was checked" :
	    rc == ERR_LIMIT ? "its file is too large" : "it cannot be read";
}

static int decrypt_key(struct keeper *keeper, const struct channel_message *message,
    const unsigned char *name)
{
	char passphrase[TLS_PASSPHRASE_BYTES];
	int rc = tls_passphrase_read(message->fds[1], passphrase);

	rc = rc != 0 ? rc : keys_read(&keeper->keys, message->fds[0], name, passphrase);
	OPENSSL_cleanse(passphrase, sizeof(passphrase));
	return rc;
}

static void read_key(struct keeper *keeper, const struct channel_message *message)
{
	struct channel_message unkept = { .type = CHANNEL_UNKEPT,
		.number = message->number, .fds = { -1, -1 } };
	unsigned char name[SIGN_KEY_BYTES] = { 0 };
	size_t size;
	int rc = ERR_SYSTEM;

	if (message->fds[0] >= 0 && OPENSSL_hexstr2buf_ex(name, sizeof(name), &size,
	    message->text, '\0') == 1 && size == sizeof(name)) {
		rc = message->fds[1] >= 0 ? decrypt_key(keeper, message, name) :
		    keys_read(&keeper->keys, message->fds[0], name, NULL);
	}
	if (rc != 0) {
		unkept.value = keys_want(&keeper->keys, name);
		/* What was there before may go on in its place. */
		keeper->missed = keeper->missed || unkept.value == 0;
		snprintf(unkept.text, sizeof(unkept.text), "%s", why_unkept(rc));
		keeper->lost = channel_send(keeper->orders.fd, &unkept) != 0;
	}
}

static void settle(struct keeper *keeper, uint32_t number, bool all)
{
	struct channel_message message = { .type = CHANNEL_KEPT, .number = number,
		.fds = { -1, -1 } };

	message.value = (uint32_t)(all && !keeper->missed ?
	    keys_settle(&keeper->keys, keeper->loop->now_ms) : keeper->keys.count);
	keeper->missed = false;
	keys_forget(&keeper->keys, keeper->loop->now_ms);
	timer_set(&keeper->loop->timers, &keeper->forget,
	    keeper->loop->now_ms + KEYS_LEAVE_MS);
	if (channel_send(keeper->orders.fd, &message) != 0) {
		keeper->lost = true;
	}
}

static void tell_well(struct keeper *keeper)
{
	struct channel_message message = { .type = CHANNEL_WELL, .fds = { -1, -1 } };

	if (channel_send(keeper->orders.fd, &message) != 0) {
		keeper->lost = true;
	}
}

static void on_forget(struct timer *timer)
{
	struct keeper *keeper = LIST_OWNER(timer, struct keeper, forget);

	keys_forget(&keeper->keys, keeper->loop->now_ms);
}

static void take(struct keeper *keeper, struct channel_message *message)
{
	switch (message->type) {
	case CHANNEL_KEY:
		read_key(keeper, message);
		break;
	case CHANNEL_KEYS:
		settle(keeper, message->number, message->value == 0);
		break;
	case CHANNEL_WORKER:
		if (message->fds[0] >= 0) {
			add_peer(keeper, message->fds[0]);
			message->fds[0] = -1;
		}
		break;
	case CHANNEL_CHECK:
		tell_well(keeper);
		break;
	default:
		say(keeper, LOG_ERROR, "an order of unknown type %u", message->type);
		break;
	}
	channel_close_fds(message);
}

static void on_order(struct watch *watch, uint32_t events)
{
	struct keeper *keeper = LIST_OWNER(watch, struct keeper, orders);
	struct channel_message message;
	int rc = 0;

	(void)events;
	while (!keeper->lost && (rc = channel_receive(watch->fd, &message)) == 0) {
		take(keeper, &message);
	}
	if (keeper->lost || rc != ERR_AGAIN) {
		loop_stop(keeper->loop);
	}
}

int keeper_run(int channel_fd)
{
	struct keeper keeper = { .orders = { .fd = channel_fd, .fn = on_order } };

	if (sandbox_memory() != 0) {
		say(&keeper, LOG_WARN,
		    "it runs as root: the kernel does not let it become another user");
	}
	keeper.loop = loop_new();
	list_init(&keeper.peers);
	timer_init(&keeper.forget, on_forget);
	if (loop_add(keeper.loop, &keeper.orders, EPOLLIN) != 0) {
		return EXIT_FAILURE;
	}
	if (sandbox_calls() != 0) {
		say(&keeper, LOG_WARN, "the kernel does not have seccomp: the keeper may "
		    "make any system call");
	}
	loop_run(keeper.loop);
	while (!list_empty(&keeper.peers)) {
		drop_peer(LIST_OWNER(keeper.peers.next, struct peer, link));
	}
	loop_run_deferred(keeper.loop);
	loop_free(keeper.loop);
	keys_release(&keeper.keys);
	return EXIT_SUCCESS;
}

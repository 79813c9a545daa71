/* SPDX-License-Identifier: MIT */
/* The worker's end of the channel to the master. */
#include "worker/orders.h"

#include "base/log.h"
#include "worker/access.h"
#include "worker/generation.h"
#include "worker/listener.h"
#include "worker/remotes.h"
#include "worker/shares.h"
#include "worker/worker.h"

void orders_tell(struct worker *worker, enum channel_type type, uint32_t number,
    uint32_t value, const char *text)
{
	struct channel_message message = { .type = type, .number = number,
		.value = value, .fds = { -1, -1 } };

	snprintf(message.text, sizeof(message.text), "%s", text);
	if (channel_send(worker->orders.fd, &message) != 0) {
		log_say(LOG_ERROR, "the master does not listen");
	}
}

/* Out with the old, as far as it is not in use: limits, logs and listeners are those of
 * the newest generation for every connection. */
static void serve(struct worker *worker, struct generation *generation)
{
	struct generation *before = worker->generation;

	worker->generation = generation;
	worker->config = generation->message.config;
	worker_apply_limits(worker);
	access_set_format(worker);
	listeners_serve(worker, &generation->message);
	if (before != NULL) {
		generation_retire(before, generation);
	}
}

static void take_generation(struct worker *worker, const struct channel_message *message)
{
	char why[CHANNEL_TEXT] = "";
	struct generation *generation;

	/* A drain ends with the generations that there are. */
	if (worker->draining) {
		return;
	}
	generation = generation_open(worker, message->fds[0], why, sizeof(why));
	if (generation == NULL) {
		orders_tell(worker, CHANNEL_FAILED, message->number, 0, why);
		return;
	}
	serve(worker, generation);
	remotes_serve(worker, &generation->message.plugins, worker->config);
	site_mounts_serve(&worker->mounts, &generation->message.plugins);
	atomic_store(&worker->self->state, SCOREBOARD_READY);
	orders_tell(worker, CHANNEL_READY, message->number, 0, "");
}

/* Takes the descriptor. */
static void take_log(struct worker *worker, struct channel_message *message)
{
	int fd = message->fds[0];

	message->fds[0] = -1;
	switch (message->number) {
	case CHANNEL_LOG_ACCESS:
		access_take(worker, fd);
		break;
	case CHANNEL_LOG_ERROR:
		log_take(fd);
		break;
	case CHANNEL_LOG_KEYS:
		generation_log_keys(worker, fd);
		break;
	default:
		message->fds[0] = fd;
		break;
	}
}

static void take(struct worker *worker, struct channel_message *message)
{
	switch (message->type) {
	case CHANNEL_LISTENER:
		listener_take(worker, message);
		break;
	case CHANNEL_PROCESSES:
		remotes_resize(worker, message);
		break;
	case CHANNEL_HOST:
		remotes_attach(worker, message);
		break;
	case CHANNEL_DIED:
		remotes_died(worker, message);
		break;
	case CHANNEL_BREAK:
		remotes_break(worker, message);
		break;
	case CHANNEL_MEMORY:
		shares_take(worker, message);
		break;
	case CHANNEL_KEEPER:
		signer_attach(worker->signer, message->fds[0]);
		message->fds[0] = -1;
		break;
	case CHANNEL_LOG:
		take_log(worker, message);
		break;
	case CHANNEL_GENERATION:
		take_generation(worker, message);
		break;
	case CHANNEL_CERTIFICATES:
		generation_renew_tls(worker->generation, message->fds[0]);
		break;
	default:
		log_say(LOG_ERROR, "an order of unknown type %u", message->type);
		break;
	}
	channel_close_fds(message);
}

static void on_order(struct watch *watch, uint32_t events)
{
	struct worker *worker = LIST_OWNER(watch, struct worker, orders);
	struct channel_message message;
	int rc;

	(void)events;
	while ((rc = channel_receive(watch->fd, &message)) == 0) {
		take(worker, &message);
	}
	if (rc != ERR_AGAIN) {
		/* The master is dead; nobody will ever tell us to stop. */
		loop_remove(worker->loop, watch);
		remotes_orphan(worker);
		worker_drain(worker);
	}
}

int orders_open(struct worker *worker, int fd)
{
	worker->orders = (struct watch){ .fd = fd, .fn = on_order };
	return loop_add(worker->loop, &worker->orders, EPOLLIN);
}

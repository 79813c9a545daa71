/* SPDX-License-Identifier: MIT */
/* Keys on their way to the keeper. */
#include "master/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "master/rollout.h"

/* For the keeper's answer; what decrypts a key may be made to take its time. */
#define WAIT_MS 5000
#define WAIT_EACH_MS 100

void handover_init(struct handover *handover,
    void (*done)(struct handover *handover, const char *failure))
{
	*handover = (struct handover){ .done = done };
	list_init(&handover->link);
}

void handovers_init(struct handovers *handovers, struct master *master)
{
	handovers->master = master;
	list_init(&handovers->waiting);
}

static struct config *config_of(const struct handovers *handovers)
{
	struct config *config = handovers->begun->config;

	return config != NULL ? config : rollout_live(handovers->master)->config;
}

void handovers_drop(struct handovers *handovers, struct handover *handover)
{
	if (handovers->begun == handover) {
		/* What is said of it late is of no other. */
		handovers->first += (uint32_t)config_of(handovers)->certificate_count;
		handovers->begun = NULL;
		timer_cancel(&handovers->deadline);
	}
	list_remove(&handover->link);
}

void handovers_add(struct handovers *handovers, struct handover *handover)
{
	handovers_drop(handovers, handover);
	list_append(&handovers->waiting, &handover->link);
}

void handovers_add_first(struct handovers *handovers, struct handover *handover)
{
	handovers_drop(handovers, handover);
	list_append(handovers->waiting.next, &handover->link);
}

void handovers_forget(struct handovers *handovers)
{
	while (!handovers_idle(handovers)) {
		handovers_drop(handovers,
		    LIST_OWNER(handovers->waiting.next, struct handover, link));
	}
}

bool handovers_idle(const struct handovers *handovers)
{
	return list_empty(&handovers->waiting);
}

static void begin(struct handovers *handovers)
{
	handovers->begun =
	    LIST_OWNER(handovers->waiting.next, struct handover, link);
	handovers->next = 0;
	handovers->all = true;
	timer_set(&handovers->master->loop->timers, &handovers->deadline,
	    clock_us() / 1000 + WAIT_MS +
	    (int64_t)config_of(handovers)->certificate_count * WAIT_EACH_MS);
}

static void leave_out(struct config_certificate *certificate, const char *why)
{
	log_say(LOG_WARN, "%s: the keeper does not take the key '%s': %s",
	    certificate->where, certificate->key, why);
	certificate->broken = true;
	config_shown_release(&certificate->shown);
}

static int send_key(struct handovers *handovers, int channel_fd,
    struct config_certificate *certificate, int passphrase_fd)
{
	struct channel_message message = { .type = CHANNEL_KEY,
		.number = handovers->first + (uint32_t)handovers->next,
		.fds = { open(certificate->key, O_RDONLY | O_CLOEXEC | O_NOCTTY |
		    O_NONBLOCK), passphrase_fd } };
	int rc;

	if (message.fds[0] < 0) {
		leave_out(certificate, strerror(errno));
		return 0;
	}
	for (size_t i = 0; i < CONFIG_KEY_NAME_BYTES; i++) {
		snprintf(message.text + 2 * i, 3, "%02x", certificate->shown.key_name[i]);
	}
	rc = channel_offer(channel_fd, &message);
	close(message.fds[0]);
	return rc;
}

/* Of a certificate that goes on in place of a broken one the key may still be there, and
 * stays with a keeper that has it; so do those that cannot be decrypted now. */
static int send_next_key(struct handovers *handovers, int channel_fd,
    struct config_certificate *certificate)
{
	int fd = passphrases_fd(handovers->begun->passphrases, handovers->next);
	bool closed = certificate->passphrase_command != NULL && fd < 0;

	handovers->all = handovers->all && !certificate->broken && !closed;
	return certificate->shown.pem != NULL && !closed ?
	    send_key(handovers, channel_fd, certificate, fd) : 0;
}

static int send_end(struct handovers *handovers, int channel_fd)
{
	struct channel_message message = { .type = CHANNEL_KEYS,
		.number = handovers->asked + 1, .value = !handovers->all,
		.fds = { -1, -1 } };
	int rc = channel_offer(channel_fd, &message);

	handovers->asked += rc == 0;
	return rc;
}

int handovers_send(struct handovers *handovers, int channel_fd)
{
	struct config *config;
	int rc;

	if (handovers->begun == NULL && handovers_idle(handovers)) {
		return ERR_EOF;
	}
	if (handovers->begun == NULL) {
		begin(handovers);
	}
	config = config_of(handovers);
	if (handovers->next > config->certificate_count) {
		return ERR_EOF;
	}
	rc = handovers->next == config->certificate_count ?
	    send_end(handovers, channel_fd) :
	    send_next_key(handovers, channel_fd,
		&config->certificates[handovers->next]);
	handovers->next += rc == 0;
	return rc;
}

static void finish(struct handovers *handovers, const char *failure)
{
	struct handover *handover = handovers->begun;

	handovers_drop(handovers, handover);
	handover->done(handover, failure);
}

void handovers_take(struct handovers *handovers, const struct channel_message *message)
{
	struct config *config;
	uint32_t place = message->number - handovers->first;

	if (handovers->begun == NULL) {
		return;
	}
	config = config_of(handovers);
	if (message->type == CHANNEL_UNKEPT && place < handovers->next &&
	    place < config->certificate_count) {
		leave_out(&config->certificates[place], message->text);
	} else if (message->type == CHANNEL_KEPT && message->number == handovers->asked &&
	    handovers->next > config->certificate_count) {
		finish(handovers, NULL);
	}
}

void handovers_fail(struct handovers *handovers, const char *failure)
{
	if (handovers->begun != NULL) {
		finish(handovers, failure);
	}
}

void handovers_fail_all(struct handovers *handovers, const char *failure)
{
	while (!handovers_idle(handovers)) {
		if (handovers->begun == NULL) {
			begin(handovers);
		}
		finish(handovers, failure);
	}
}

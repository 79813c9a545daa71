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
	key_files_init(&handovers->files);
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
		handovers->first += (uint32_t)handovers->next;
		handovers->begun = NULL;
		key_files_settle(&handovers->files, false);
		timer_cancel(&handovers->deadline);
	}
	list_remove(&handover->link);
}

/* What it was told before is of no account. */
static void renew(struct handover *handover)
{
	handover->lost = false;
	handover->again = false;
}

void handovers_add(struct handovers *handovers, struct handover *handover)
{
	handovers_drop(handovers, handover);
	list_append(&handovers->waiting, &handover->link);
	renew(handover);
}

static void move_first(struct handovers *handovers, struct handover *handover)
{
	handovers_drop(handovers, handover);
	list_append(handovers->waiting.next, &handover->link);
}

void handovers_add_first(struct handovers *handovers, struct handover *handover)
{
	move_first(handovers, handover);
	renew(handover);
}

void handovers_release(struct handovers *handovers)
{
	while (!handovers_idle(handovers)) {
		handovers_drop(handovers,
		    LIST_OWNER(handovers->waiting.next, struct handover, link));
	}
	key_files_release(&handovers->files);
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

/* Was it shown before? Then not its file counts, but the one that was taken last. */
static bool goes_on(const struct handovers *handovers,
    const struct config_certificate *certificate)
{
	return handovers->begun->config == NULL || certificate->broken;
}

static void leave_out(struct handovers *handovers,
    struct config_certificate *certificate, const char *why)
{
	bool lost = goes_on(handovers, certificate);

	log_say(LOG_WARN, "%s: the keeper does not take the key '%s': %s",
	    certificate->where, certificate->key, why);
	certificate->broken = true;
	config_shown_release(&certificate->shown);
	certificate->shown.lost = lost;
	handovers->begun->lost = handovers->begun->lost || lost;
}

static int send_file(struct handovers *handovers, int channel_fd,
    const struct config_certificate *certificate, int file_fd)
{
	struct channel_message message = { .type = CHANNEL_KEY,
		.number = handovers->first + (uint32_t)handovers->next,
		.fds = { file_fd, passphrases_fd(handovers->begun->passphrases,
		    handovers->next) } };

	for (size_t i = 0; i < CONFIG_KEY_NAME_BYTES; i++) {
		snprintf(message.text + 2 * i, 3, "%02x", certificate->shown.key_name[i]);
	}
	return channel_offer(channel_fd, &message);
}

static int send_taken(struct handovers *handovers, int channel_fd,
    const struct config_certificate *certificate, int fd)
{
	int rc = send_file(handovers, channel_fd, certificate, fd);

	if (rc == 0 && handovers->begun->config == NULL &&
	    key_files_moved(fd, certificate->key)) {
		log_say(LOG_WARN, "%s: '%s' is another file now, or gone: the next "
		    "keeper gets the key from the one that it was", certificate->where,
		    certificate->key);
	}
	return rc;
}

static int send_fresh(struct handovers *handovers, int channel_fd,
    struct config_certificate *certificate)
{
	int fd = open(certificate->key, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int rc;

	if (fd < 0) {
		leave_out(handovers, certificate, strerror(errno));
		return 0;
	}
	rc = send_file(handovers, channel_fd, certificate, fd);
	if (rc == 0) {
		key_files_offer(&handovers->files, certificate->shown.key_name, fd);
	} else {
		close(fd);
	}
	return rc;
}

static int send_next_key(struct handovers *handovers, int channel_fd,
    struct config_certificate *certificate)
{
	int taken;

	if (certificate->shown.pem == NULL) {
		return 0;
	}
	/* Its passphrase is soon there. */
	if (certificate->passphrase_command != NULL &&
	    handovers->begun->config == NULL) {
		handovers->all = false;
		return 0;
	}
	taken = goes_on(handovers, certificate) ?
	    key_files_find(&handovers->files, certificate->shown.key_name) : -1;
	return taken >= 0 ? send_taken(handovers, channel_fd, certificate, taken) :
	    send_fresh(handovers, channel_fd, certificate);
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

	key_files_settle(&handovers->files, failure == NULL);
	handovers_drop(handovers, handover);
	handover->done(handover, failure);
	key_files_forget(&handovers->files, rollout_live(handovers->master)->config);
}

/* One that the keeper has all the same may have changed a moment ago: that is seen when
 * files are looked at again, and until then the file before is the better one. */
static void take_unkept(struct handovers *handovers,
    struct config_certificate *certificate, const struct channel_message *message)
{
	if (certificate->shown.pem == NULL) {
		return;
	}
	key_files_refuse(&handovers->files, certificate->shown.key_name);
	if (message->value == 0) {
		leave_out(handovers, certificate, message->text);
	}
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
		take_unkept(handovers, &config->certificates[place], message);
	} else if (message->type == CHANNEL_KEPT && message->number == handovers->asked &&
	    handovers->next > config->certificate_count) {
		finish(handovers, NULL);
	}
}

void handovers_lose(struct handovers *handovers, const char *failure)
{
	struct handover *handover = handovers->begun;

	if (handover == NULL || handover->again) {
		handovers_fail(handovers, failure);
		return;
	}
	move_first(handovers, handover);
	handover->again = true;
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

/* SPDX-License-Identifier: MIT */
/* The keeper, seen from the master. */
#include "master/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "ipc/channel.h"
#include "ipc/sign.h"
#include "master/children.h"
#include "master/obituary.h"
#include "master/program.h"
#include "master/renewals.h"
#include "master/rollout.h"

#define CHANNEL_NUMBER 3	/* of its end of the channel */
#define KEYS_WAIT_MS 5000
/* One that lived this long was well: the next starts without delay. */
#define WELL_MS 1000
#define DELAY_MS 1000

struct keeper_link {
	struct master *master;
	int program_fd;
	pid_t pid;		/* 0: none runs */
	struct watch channel;	/* fd -1: none */
	struct config *giving;	/* borrowed; whose keys it is being given; or NULL */
	uint32_t asked;		/* number of the last KEYS */
	uint32_t kept;		/* of the last KEPT */
	int64_t started_ms;
	struct timer restart;
};

pid_t keeper_pid(const struct master *master)
{
	return master->keeper->pid;
}

static void leave_out(struct config *config, const struct channel_message *message)
{
	struct config_certificate *certificate;

	if (config == NULL || message->number >= config->certificate_count) {
		return;
	}
	certificate = &config->certificates[message->number];
	log_say(LOG_WARN, "%s: the keeper does not take the key '%s': %s",
	    certificate->where, certificate->key, message->text);
	certificate->broken = true;
	config_shown_release(&certificate->shown);
}

static void take(struct keeper_link *keeper, struct channel_message *message)
{
	switch (message->type) {
	case CHANNEL_UNKEPT:
		leave_out(keeper->giving, message);
		break;
	case CHANNEL_KEPT:
		keeper->kept = message->number;
		break;
	case CHANNEL_SAY:
		log_say(message->number <= LOG_ERROR ? (enum log_level)message->number :
		    LOG_ERROR, "keeper: %s", message->text);
		break;
	default:
		log_say(LOG_ERROR, "the keeper sent a message of unknown type %u",
		    message->type);
		break;
	}
	channel_close_fds(message);
}

static void leave_channel(struct keeper_link *keeper)
{
	if (keeper->channel.fd >= 0) {
		loop_remove(keeper->master->loop, &keeper->channel);
		close(keeper->channel.fd);
		keeper->channel.fd = -1;
	}
}

static void on_channel(struct watch *watch, uint32_t events)
{
	struct keeper_link *keeper = LIST_OWNER(watch, struct keeper_link, channel);
	struct channel_message message;
	int rc = 0;

	(void)events;
	while (watch->fd >= 0 && (rc = channel_receive(watch->fd, &message)) == 0) {
		take(keeper, &message);
	}
	/* Its end is told by SIGCHLD. */
	if (rc != ERR_AGAIN) {
		leave_channel(keeper);
	}
}

static _Noreturn void become_keeper(int program_fd, int channel_fd)
{
	char *const arguments[] = { "tincan-keeper", NULL };

	channel_fd = fcntl(channel_fd, F_DUPFD, 10);
	if (dup2(channel_fd, CHANNEL_NUMBER) < 0) {
		_exit(EXIT_FAILURE);
	}
	program_close_others(CHANNEL_NUMBER, program_fd);
	fexecve(program_fd, arguments, environ);
	_exit(EXIT_FAILURE);
}

static int start(struct keeper_link *keeper)
{
	int fds[2];

	if (channel_pair(fds) != 0) {
		return ERR_SYSTEM;
	}
	fflush(NULL);
	keeper->started_ms = clock_us() / 1000;
	keeper->pid = fork();
	if (keeper->pid == 0) {
		become_keeper(keeper->program_fd, fds[1]);
	}
	close(fds[1]);
	keeper->channel = (struct watch){ .fd = fds[0], .fn = on_channel };
	if (keeper->pid < 0 ||
	    loop_add(keeper->master->loop, &keeper->channel, EPOLLIN) != 0) {
		close(fds[0]);
		keeper->channel.fd = -1;
		keeper->pid = keeper->pid < 0 ? 0 : keeper->pid;
		return ERR_SYSTEM;
	}
	return 0;
}

/* It begins anew, with the keys of what is served, for the workers that there are. */
static void start_again(struct keeper_link *keeper)
{
	struct master *master = keeper->master;

	if (start(keeper) != 0) {
		log_say(LOG_ERROR, "cannot start the keeper: %s", strerror(errno));
		timer_set(&master->loop->timers, &keeper->restart,
		    clock_us() / 1000 + DELAY_MS);
		return;
	}
	keeper_give_keys(master, rollout_live(master)->config, NULL);
	renewals_again(master);
	for (uint32_t i = 0; i < SCOREBOARD_WORKERS; i++) {
		keeper_serve(&master->children[i]);
	}
}

static void on_restart(struct timer *timer)
{
	start_again(LIST_OWNER(timer, struct keeper_link, restart));
}

int keeper_start(struct master *master)
{
	struct keeper_link *keeper = memory_new(1, sizeof(*keeper));
	struct problems problems;

	master->keeper = keeper;
	keeper->master = master;
	keeper->channel.fd = -1;
	timer_init(&keeper->restart, on_restart);
	problems_init(&problems);
	keeper->program_fd = program_open("tincan-keeper", TINCAN_KEEPER,
	    "holds the private keys", &problems);
	if (keeper->program_fd < 0) {
		log_say(LOG_ERROR, "%s: %s", problems.items[0].where,
		    problems.items[0].what);
	}
	problems_release(&problems);
	if (keeper->program_fd >= 0 && start(keeper) == 0) {
		return 0;
	}
	log_say(LOG_ERROR, "cannot start the keeper: %s", strerror(errno));
	return ERR_SYSTEM;
}

static void send_key(struct keeper_link *keeper, uint32_t index, int passphrase_fd)
{
	struct config_certificate *certificate = &keeper->giving->certificates[index];
	struct channel_message message = { .type = CHANNEL_KEY, .number = index,
		.fds = { open(certificate->key, O_RDONLY | O_CLOEXEC | O_NOCTTY |
		    O_NONBLOCK), passphrase_fd } };

	for (size_t i = 0; i < CONFIG_KEY_NAME_BYTES; i++) {
		snprintf(message.text + 2 * i, 3, "%02x", certificate->shown.key_name[i]);
	}
	if (message.fds[0] < 0) {
		snprintf(message.text, sizeof(message.text), "%s", strerror(errno));
		leave_out(keeper->giving, &message);
		return;
	}
	(void)!channel_send(keeper->channel.fd, &message);
	close(message.fds[0]);
}

/* The next generation needs them: it is handed out when they are there. */
static void wait_for_keys(struct keeper_link *keeper)
{
	int64_t until_ms = clock_us() / 1000 + KEYS_WAIT_MS;

	while (keeper->channel.fd >= 0 && keeper->kept != keeper->asked) {
		struct pollfd readable = { .fd = keeper->channel.fd, .events = POLLIN };
		int64_t left_ms = until_ms - clock_us() / 1000;

		if (left_ms <= 0) {
			log_say(LOG_ERROR, "the keeper does not answer: it is replaced");
			kill(keeper->pid, SIGKILL);
			return;
		}
		if (poll(&readable, 1, (int)left_ms) == 1) {
			on_channel(&keeper->channel, 0);
		}
	}
}

/* Of a certificate that goes on in place of a broken one the key may still be there, and
 * stays with a keeper that has it; so do those that cannot be decrypted now. */
static bool send_keys(struct keeper_link *keeper, const struct passphrases *passphrases)
{
	bool all = true;

	for (size_t i = 0; keeper->channel.fd >= 0 &&
	     i < keeper->giving->certificate_count; i++) {
		struct config_certificate *certificate = &keeper->giving->certificates[i];
		int fd = passphrases_fd(passphrases, i);
		bool closed = certificate->passphrase_command != NULL && fd < 0;

		all = all && !certificate->broken && !closed;
		if (certificate->shown.pem != NULL && !closed) {
			send_key(keeper, (uint32_t)i, fd);
			/* Neither waits for the other to read. */
			on_channel(&keeper->channel, 0);
		}
	}
	return all;
}

void keeper_give_keys(struct master *master, struct config *config,
    const struct passphrases *passphrases)
{
	struct keeper_link *keeper = master->keeper;
	struct channel_message message = { .type = CHANNEL_KEYS, .fds = { -1, -1 } };

	if (keeper->channel.fd < 0) {
		return;
	}
	keeper->giving = config;
	message.value = !send_keys(keeper, passphrases);
	message.number = ++keeper->asked;
	if (keeper->channel.fd >= 0 &&
	    channel_send(keeper->channel.fd, &message) == 0) {
		wait_for_keys(keeper);
	}
	keeper->giving = NULL;
}

void keeper_serve(struct child *child)
{
	struct keeper_link *keeper = child->master->keeper;
	struct channel_message to_worker = { .type = CHANNEL_KEEPER, .fds = { -1, -1 } };
	struct channel_message to_keeper = { .type = CHANNEL_WORKER,
		.number = child->index, .fds = { -1, -1 } };
	int fds[2];

	if (child->pid == 0 || keeper->channel.fd < 0) {
		return;
	}
	if (sign_pair(fds) != 0) {
		log_say(LOG_ERROR, "cannot connect worker %u with the keeper: %s",
		    child->index, strerror(errno));
		return;
	}
	to_worker.fds[0] = fds[0];
	to_keeper.fds[0] = fds[1];
	if (channel_send(keeper->channel.fd, &to_keeper) != 0 ||
	    channel_send(child->channel.fd, &to_worker) != 0) {
		log_say(LOG_ERROR, "cannot connect worker %u with the keeper",
		    child->index);
	}
	close(fds[0]);
	close(fds[1]);
}

static void tell_death(pid_t pid, int status)
{
	char how[OBITUARY_CAUSE_BYTES];

	obituary_cause(status, how);
	log_say(LOG_ERROR, "the keeper (pid %d) died: %s", (int)pid, how);
}

void keeper_reap(struct master *master)
{
	struct keeper_link *keeper = master->keeper;
	int64_t now_ms = clock_us() / 1000;
	int status;

	if (keeper->pid == 0 || waitpid(keeper->pid, &status, WNOHANG) != keeper->pid) {
		return;
	}
	tell_death(keeper->pid, status);
	keeper->pid = 0;
	leave_channel(keeper);
	if (now_ms - keeper->started_ms >= WELL_MS) {
		start_again(keeper);
	} else {
		timer_set(&master->loop->timers, &keeper->restart, now_ms + DELAY_MS);
	}
}

void keeper_stop(struct keeper_link *keeper)
{
	if (keeper == NULL) {
		return;
	}
	timer_cancel(&keeper->restart);
	leave_channel(keeper);
	while (keeper->pid > 0 && waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR) {
	}
	if (keeper->program_fd >= 0) {
		close(keeper->program_fd);
	}
	free(keeper);
}

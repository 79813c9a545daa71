/* SPDX-License-Identifier: MIT */
/* The keeper, seen from the master. */
#include "master/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_pace.h"
#include "base/memory.h"
#include "ipc/channel.h"
#include "ipc/sign.h"
#include "master/children.h"
#include "master/obituary.h"
#include "master/program.h"
#include "master/renewals.h"

#define CHANNEL_NUMBER 3	/* of its end of the channel */
/* One that lived this long was well: the next starts without delay. */
#define WELL_MS 1000
#define DELAY_MS 1000
/* It is asked this often whether it is there, and replaced when so many questions are not
 * answered: in time for handshakes that wait. Keys have a deadline of their own. */
#define CHECK_MS 2000
#define CHECKS_MISSED 3
/* For its own end. */
#define STOP_MS 2000

struct keeper_link {
	struct master *master;
	int program_fd;
	pid_t pid;		/* 0: none runs */
	struct watch channel;	/* fd -1: none */
	bool stuck;		/* what there is to be said waits for room in it */
	struct handovers handovers;
	struct handover served;	/* what each that starts needs */
	int64_t started_ms;
	struct timer restart;
	struct timer check;
	unsigned unanswered;	/* CHECKs since it was heard of */
	struct log_pace unconnected;	/* that a worker could not be */
};

static void take(struct keeper_link *keeper, struct channel_message *message)
{
	switch (message->type) {
	case CHANNEL_UNKEPT:
	case CHANNEL_KEPT:
		handovers_take(&keeper->handovers, message);
		break;
	case CHANNEL_WELL:
		keeper->unanswered = 0;
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

/* The worker that waits for it, or NULL. */
static struct child *next_unserved(const struct master *master)
{
	for (uint32_t i = 0; i < SCOREBOARD_WORKERS; i++) {
		if (master->children[i].keeperless && master->children[i].pid > 0) {
			return &master->children[i];
		}
	}
	return NULL;
}

static void say_unconnected(struct keeper_link *keeper, const struct child *child)
{
	if (log_pace_due(&keeper->unconnected, clock_us() / 1000, NULL)) {
		log_say(LOG_ERROR, "cannot connect worker %u with the keeper: %s",
		    child->index, strerror(errno));
	}
}

/* Without descriptors it is tried again at the next turn, on_check's if no other. */
static int connect_worker(struct keeper_link *keeper, struct child *child)
{
	struct channel_message to_worker = { .type = CHANNEL_KEEPER, .fds = { -1, -1 } };
	struct channel_message to_keeper = { .type = CHANNEL_WORKER,
		.number = child->index, .fds = { -1, -1 } };
	int fds[2];
	int rc;

	if (sign_pair(fds) != 0) {
		say_unconnected(keeper, child);
		return ERR_SYSTEM;
	}
	to_worker.fds[0] = fds[0];
	to_keeper.fds[0] = fds[1];
	rc = channel_offer(keeper->channel.fd, &to_keeper);
	if (rc == 0) {
		child->keeperless = false;
		if (child_tell(child, &to_worker) != 0) {
			log_say(LOG_ERROR, "cannot connect worker %u with the keeper",
			    child->index);
		}
	}
	close(fds[0]);
	close(fds[1]);
	return rc;
}

/* The keys are said before a worker is connected, which would ask for one of them. */
static int say_next(struct keeper_link *keeper)
{
	int rc = handovers_send(&keeper->handovers, keeper->channel.fd);
	struct child *child;

	if (rc != ERR_EOF) {
		return rc;
	}
	child = next_unserved(keeper->master);
	return child == NULL ? ERR_EOF : connect_worker(keeper, child);
}

/* Says what there is to be said, as far as the channel has room for it. */
static void talk(struct keeper_link *keeper)
{
	bool stuck;
	int rc = 0;

	if (keeper->channel.fd < 0) {
		return;
	}
	while (rc == 0) {
		rc = say_next(keeper);
	}
	stuck = rc == ERR_AGAIN;
	if (stuck != keeper->stuck) {
		keeper->stuck = stuck;
		loop_modify(keeper->master->loop, &keeper->channel,
		    stuck ? EPOLLIN | EPOLLOUT : EPOLLIN);
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
	talk(keeper);
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
	keeper->stuck = false;
	keeper->unanswered = 0;
	timer_set(&keeper->master->loop->timers, &keeper->check,
	    keeper->started_ms + CHECK_MS);
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
		handovers_fail_all(&keeper->handovers, "the keeper cannot be started");
		return;
	}
	for (uint32_t i = 0; i < SCOREBOARD_WORKERS; i++) {
		master->children[i].keeperless = true;
	}
	handovers_add_first(&keeper->handovers, &keeper->served);
	talk(keeper);
	renewals_again(master);
}

static void on_restart(struct timer *timer)
{
	start_again(LIST_OWNER(timer, struct keeper_link, restart));
}

static void replace(struct keeper_link *keeper)
{
	log_say(LOG_ERROR, "the keeper does not answer: it is replaced");
	if (keeper->pid > 0) {
		kill(keeper->pid, SIGKILL);
	}
	leave_channel(keeper);
	handovers_fail(&keeper->handovers, "the keeper does not answer");
}

/* Ends one that has had keys for a while and does not say that it has taken them. */
static void on_late(struct timer *timer)
{
	replace(LIST_OWNER(timer, struct keeper_link, handovers.deadline));
}

/* Is it there? It has no time for that while it takes keys. */
static void check(struct keeper_link *keeper)
{
	struct channel_message message = { .type = CHANNEL_CHECK, .fds = { -1, -1 } };

	if (keeper->channel.fd < 0 || !handovers_idle(&keeper->handovers)) {
		keeper->unanswered = 0;
	} else if (keeper->unanswered == CHECKS_MISSED) {
		replace(keeper);
	} else {
		/* A channel that is full is no answer. */
		(void)!channel_offer(keeper->channel.fd, &message);
		keeper->unanswered++;
	}
}

/* What it has said may not have been looked at: it may be the master that was held up. */
static void on_check(struct timer *timer)
{
	struct keeper_link *keeper = LIST_OWNER(timer, struct keeper_link, check);

	on_channel(&keeper->channel, 0);
	check(keeper);
	timer_set(&keeper->master->loop->timers, timer, clock_us() / 1000 + CHECK_MS);
}

/* What fails is done again by the next. */
static void on_served(struct handover *handover, const char *failure)
{
	struct keeper_link *keeper = LIST_OWNER(handover, struct keeper_link, served);

	(void)failure;
	if (handover->lost) {
		renewals_lost(keeper->master);
	}
}

int keeper_start(struct master *master)
{
	struct keeper_link *keeper = memory_new(1, sizeof(*keeper));
	struct problems problems;

	master->keeper = keeper;
	keeper->master = master;
	keeper->channel.fd = -1;
	timer_init(&keeper->restart, on_restart);
	timer_init(&keeper->check, on_check);
	handovers_init(&keeper->handovers, master);
	timer_init(&keeper->handovers.deadline, on_late);
	handover_init(&keeper->served, on_served);
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

void keeper_give_keys(struct master *master, struct handover *handover,
    struct config *config, const struct passphrases *passphrases)
{
	struct keeper_link *keeper = master->keeper;

	handover->config = config;
	handover->passphrases = passphrases;
	handovers_add(&keeper->handovers, handover);
	talk(keeper);
}

void keeper_give_served(struct master *master)
{
	keeper_give_keys(master, &master->keeper->served, NULL, NULL);
}

void keeper_forget(struct master *master, struct handover *handover)
{
	if (master->keeper != NULL) {
		handovers_drop(&master->keeper->handovers, handover);
		talk(master->keeper);
	}
}

void keeper_wait(struct master *master)
{
	struct keeper_link *keeper = master->keeper;

	while (keeper->channel.fd >= 0 && !handovers_idle(&keeper->handovers)) {
		struct pollfd moved = { keeper->channel.fd,
			keeper->stuck ? POLLIN | POLLOUT : POLLIN, 0 };
		int64_t left_ms = keeper->handovers.deadline.due_ms - clock_us() / 1000;

		if (left_ms <= 0) {
			on_late(&keeper->handovers.deadline);
		} else if (poll(&moved, 1, (int)left_ms) == 1) {
			on_channel(&keeper->channel, 0);
		}
	}
	handovers_fail_all(&keeper->handovers, "the keeper has died");
}

void keeper_serve(struct child *child)
{
	child->keeperless = true;
	talk(child->master->keeper);
}

static void tell_death(pid_t pid, int status)
{
	char how[OBITUARY_CAUSE_BYTES];

	obituary_cause(status, 0, how);
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
	handovers_lose(&keeper->handovers, "the keeper has died");
	if (now_ms - keeper->started_ms >= WELL_MS) {
		start_again(keeper);
	} else {
		timer_set(&master->loop->timers, &keeper->restart, now_ms + DELAY_MS);
	}
}

/* It ends by itself when its channel does, unless it hangs. */
static bool ends_in_time(int pid_fd)
{
	struct pollfd ended = { pid_fd, POLLIN, 0 };
	int64_t until_ms = clock_us() / 1000 + STOP_MS;
	int rc;

	do {
		int64_t left_ms = until_ms - clock_us() / 1000;

		rc = poll(&ended, 1, left_ms < 0 ? 0 : (int)left_ms);
	} while (rc < 0 && errno == EINTR);
	return rc == 1;
}

static void await_end(pid_t pid)
{
	int pid_fd = pidfd_open(pid, 0);

	if (pid_fd < 0 || !ends_in_time(pid_fd)) {
		kill(pid, SIGKILL);
	}
	if (pid_fd >= 0) {
		close(pid_fd);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
	}
}

void keeper_stop(struct master *master)
{
	struct keeper_link *keeper = master->keeper;

	if (keeper == NULL) {
		return;
	}
	master->keeper = NULL;
	timer_cancel(&keeper->restart);
	timer_cancel(&keeper->check);
	handovers_release(&keeper->handovers);
	leave_channel(keeper);
	if (keeper->pid > 0) {
		await_end(keeper->pid);
	}
	if (keeper->program_fd >= 0) {
		close(keeper->program_fd);
	}
	free(keeper);
}

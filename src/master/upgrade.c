/* SPDX-License-Identifier: MIT */
/* A new binary in place of this one. */
#include "master/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "ipc/channel.h"
#include "master/memories.h"
#include "master/rollout.h"
#include "master/sockets.h"
#include "master/tickets.h"

/* The channel's descriptor, in the environment of the new one. */
#define CHANNEL_VARIABLE "TINCAN_UPGRADE"
#define CHANNEL_NUMBER 3
/* For the new one to serve. */
#define START_MS 60000
/* For the next message of the old one, which sends them all at once. */
#define TAKE_OVER_MS 5000

struct upgrade {
	struct master *master;
	struct watch channel;
	struct timer deadline;		/* of the new program */
	struct deferred later;		/* its end */
	pid_t pid;			/* of the new program; 0 in the new one itself */
	bool handed_over;		/* the new one serves */
	struct control_client *client;	/* that asked for it, or NULL */
};

/* Where this program was when it started; what lies there later is the new one. */
static char program[PATH_MAX];

void upgrade_remember(void)
{
	ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 1);

	program[size < 0 ? 0 : size] = '\0';
}

static void answer(struct upgrade *upgrade, json_t *reply)
{
	if (upgrade->client != NULL) {
		control_reply(upgrade->client, reply);
	} else {
		json_decref(reply);
	}
	upgrade->client = NULL;
}

/* Its workers and hosts end with it. */
static void kill_new(struct timer *timer)
{
	struct upgrade *upgrade = LIST_OWNER(timer, struct upgrade, deadline);

	log_say(LOG_ERROR, "process %d does not serve in time: killing it",
	    (int)upgrade->pid);
	kill(upgrade->pid, SIGKILL);
}

static void free_upgrade(struct deferred *later)
{
	free(LIST_OWNER(later, struct upgrade, later));
}

static struct upgrade *new_upgrade(struct master *master, int fd,
    void (*fn)(struct watch *watch, uint32_t events))
{
	struct upgrade *upgrade = memory_new(1, sizeof(*upgrade));

	upgrade->master = master;
	upgrade->channel = (struct watch){ .fd = fd, .fn = fn };
	timer_init(&upgrade->deadline, kill_new);
	deferred_init(&upgrade->later, free_upgrade);
	if (loop_add(master->loop, &upgrade->channel, EPOLLIN) != 0) {
		log_say(LOG_ERROR, "cannot watch the channel of the upgrade: %s",
		    strerror(errno));
	}
	master->upgrade = upgrade;
	return upgrade;
}

static void ignore_event(struct watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
}

/* Freed at the end of the round: an event of the channel may be among those of it. */
static void end_upgrade(struct upgrade *upgrade)
{
	struct master *master = upgrade->master;

	timer_cancel(&upgrade->deadline);
	loop_remove(master->loop, &upgrade->channel);
	close(upgrade->channel.fd);
	upgrade->channel = (struct watch){ .fd = -1, .fn = ignore_event };
	loop_defer(master->loop, &upgrade->later);
	master->upgrade = NULL;
}

/* The old master's side. */

static void fail(struct upgrade *upgrade)
{
	static const char text[] = "the new program did not start; this one goes on";

	log_say(LOG_ERROR, "%s", text);
	answer(upgrade, json_pack("{s:b, s:s, s:s}", "ok", 0, "error", text, "hint",
	    "it has said why in the error log, or on the server's standard error"));
	end_upgrade(upgrade);
}

/* Leaves what the new one needs, then drains. */
static void hand_over(struct upgrade *upgrade)
{
	struct master *master = upgrade->master;
	struct channel_message go = { .type = CHANNEL_READY, .fds = { -1, -1 } };

	log_say(LOG_INFO, "process %d serves in place of this one", (int)upgrade->pid);
	upgrade->handed_over = true;
	sockets_lend(master, true);
	timer_cancel(&upgrade->deadline);
	master_leave_control(master);
	if (channel_send(upgrade->channel.fd, &go) != 0) {
		log_say(LOG_WARN, "process %d does not listen", (int)upgrade->pid);
	}
	master_stop(master);
}

/* The new one has the control socket: whoever asked for it can ask it now. */
static void finish(struct upgrade *upgrade)
{
	answer(upgrade, json_pack("{s:b, s:i}", "ok", 1, "pid", (int)upgrade->pid));
	end_upgrade(upgrade);
}

/* What the new one goes on with. It is there to read: a queue that nobody reads is full
 * after some ten messages. */
static void give_all(struct upgrade *upgrade)
{
	struct channel_message end = { .type = CHANNEL_GENERATION, .fds = { -1, -1 } };
	const struct master *master = upgrade->master;
	int fd = upgrade->channel.fd;
	int rc = sockets_hand_over(master, fd);

	rc = rc != 0 ? rc : memories_hand_over(master, fd);
	rc = rc != 0 ? rc : tickets_hand_over(master, fd);
	rc = rc != 0 ? rc : channel_send(fd, &end);
	if (rc != 0) {
		log_say(LOG_ERROR, "process %d does not take what it is given: "
		    "killing it", (int)upgrade->pid);
		kill(upgrade->pid, SIGKILL);
	}
}

static void on_new(struct watch *watch, uint32_t events)
{
	struct upgrade *upgrade = LIST_OWNER(watch, struct upgrade, channel);
	struct channel_message message;
	int rc = channel_receive(watch->fd, &message);

	(void)events;
	if (rc == 0 && message.type == CHANNEL_TAKE && !upgrade->handed_over) {
		give_all(upgrade);
	} else if (rc == 0 && message.type == CHANNEL_READY && !upgrade->handed_over) {
		hand_over(upgrade);
	} else if (rc != 0 && rc != ERR_AGAIN && upgrade->handed_over) {
		finish(upgrade);
	} else if (rc != 0 && rc != ERR_AGAIN) {
		/* Why, is told by SIGCHLD. */
		loop_remove(upgrade->master->loop, watch);
	}
	if (rc == 0) {
		channel_close_fds(&message);
	}
}

static _Noreturn void become_new(const struct master *master, int fd)
{
	char level[16];
	char *const arguments[] = { "tincan", "--config", (char *)master->file,
		master->log_level == 0 ? NULL : "--log-level", level, NULL };
	static const char *const levels[] = { "", "debug", "info", "warn", "error" };
	sigset_t none;

	snprintf(level, sizeof(level), "%s", levels[master->log_level]);
	if (dup2(fd, CHANNEL_NUMBER) < 0) {
		_exit(EXIT_FAILURE);
	}
	(void)fcntl(CHANNEL_NUMBER, F_SETFD, 0);
	(void)close_range(CHANNEL_NUMBER + 1, UINT_MAX, 0);
	setenv(CHANNEL_VARIABLE, "3", 1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(program, arguments);
	_exit(EXIT_FAILURE);
}


static void refuse(struct control_client *client, const char *why)
{
	log_say(LOG_ERROR, "cannot upgrade: %s", why);
	if (client != NULL) {
		control_reply(client, json_pack("{s:b, s:s}", "ok", 0, "error", why));
	}
}

void upgrade_begin(struct master *master, struct control_client *client)
{
	struct upgrade *upgrade;
	int fds[2];
	pid_t pid;

	if (master->upgrade != NULL || master->stopping) {
		refuse(client, "an upgrade or a stop is under way");
		return;
	}
	if (channel_pair(fds) != 0) {
		refuse(client, strerror(errno));
		return;
	}
	log_say(LOG_INFO, "starting '%s' in place of this program", program);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		become_new(master, fds[1]);
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		refuse(client, strerror(errno));
		return;
	}
	upgrade = new_upgrade(master, fds[0], on_new);
	upgrade->pid = pid;
	upgrade->client = client;
	timer_set(&master->loop->timers, &upgrade->deadline,
	    master->loop->now_ms + START_MS);
}

void upgrade_reap(struct master *master)
{
	struct upgrade *upgrade = master->upgrade;

	if (upgrade != NULL && upgrade->pid > 0 && !upgrade->handed_over &&
	    waitpid(upgrade->pid, NULL, WNOHANG) == upgrade->pid) {
		fail(upgrade);
	}
}

void upgrade_release(struct master *master)
{
	struct upgrade *upgrade = master->upgrade;

	if (upgrade == NULL) {
		return;
	}
	if (upgrade->handed_over) {
		finish(upgrade);
	} else {
		/* Told to stop before the new one serves: it would go on as if it had not
		 * been told. */
		if (upgrade->pid > 0) {
			kill(upgrade->pid, SIGKILL);
			(void)waitpid(upgrade->pid, NULL, 0);
		}
		answer(upgrade, json_pack("{s:b, s:s}", "ok", 0, "error",
		    "the server has stopped"));
		end_upgrade(upgrade);
	}
	loop_run_deferred(master->loop);
}

/* The new master's side. */

static void on_old(struct watch *watch, uint32_t events)
{
	struct upgrade *upgrade = LIST_OWNER(watch, struct upgrade, channel);
	struct master *master = upgrade->master;
	struct channel_message message;
	int rc = channel_receive(watch->fd, &message);

	(void)events;
	if (rc == ERR_AGAIN) {
		return;
	}
	if (rc == 0) {
		channel_close_fds(&message);
	}
	/* READY, or the old one has gone: either way its control socket is free. That
	 * ours is open is told by the end of the channel. */
	(void)master_take_control(master);
	sockets_lend(master, false);
	sockets_close_unused(master, rollout_live(master)->config);
	end_upgrade(upgrade);
}

/* Until there is no more, or something else comes. */
static void take_all(struct master *master)
{
	struct pollfd readable = { .fd = CHANNEL_NUMBER, .events = POLLIN };
	struct channel_message message = { .type = CHANNEL_TAKE, .fds = { -1, -1 } };

	(void)!channel_send(CHANNEL_NUMBER, &message);
	while (poll(&readable, 1, TAKE_OVER_MS) == 1 &&
	    channel_receive(CHANNEL_NUMBER, &message) == 0) {
		if (message.type == CHANNEL_LISTENER) {
			sockets_take(master, &message);
		} else if (message.type == CHANNEL_MEMORY) {
			memories_take(master, &message);
		} else if (message.type == CHANNEL_TICKET) {
			tickets_take(master, &message);
			channel_close_fds(&message);
		} else {
			channel_close_fds(&message);
			break;
		}
	}
	explicit_bzero(&message, sizeof(message));
}

void upgrade_accept(struct master *master)
{
	const char *number = getenv(CHANNEL_VARIABLE);

	if (number == NULL) {
		return;
	}
	unsetenv(CHANNEL_VARIABLE);
	(void)fcntl(CHANNEL_NUMBER, F_SETFD, FD_CLOEXEC);
	take_all(master);
	(void)new_upgrade(master, CHANNEL_NUMBER, on_old);
}

void upgrade_serves(struct master *master)
{
	struct channel_message ready = { .type = CHANNEL_READY, .fds = { -1, -1 } };

	/* One of our own may be under way already: its program waits for other words. */
	if (master->upgrade != NULL && master->upgrade->pid == 0 &&
	    channel_send(master->upgrade->channel.fd, &ready) != 0) {
		log_say(LOG_WARN, "the old master does not listen");
	}
}

/* SPDX-License-Identifier: MIT */
/* The files that workers write to. */
#include "master/logs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/channel.h"
#include "master/children.h"
#include "master/rollout.h"
#include "tls/key_log.h"

void logs_init(struct master *master)
{
	master->key_log_fd = -1;
	(void)!sink_open(&master->access, "off", -1);
}

static void open_access(struct master *master, const char *path)
{
	struct sink sink;

	if (sink_open(&sink, path, STDOUT_FILENO) != 0) {
		log_say(LOG_ERROR, "cannot open '%s': %s", path, strerror(errno));
		return;
	}
	sink_close(&master->access);
	master->access = sink;
}

/* What is wrong with it has been said by the preflight. */
static void open_key_log(struct master *master, const struct config *config)
{
	struct problems said;

	if (master->key_log_fd >= 0) {
		close(master->key_log_fd);
	}
	problems_init(&said);
	master->key_log_fd = tls_key_log_open(config, &said);
	problems_release(&said);
}

static void send_log(struct child *child, enum channel_log which, int fd)
{
	struct channel_message message = { .type = CHANNEL_LOG, .number = which,
		.fds = { fd, -1 } };

	if (child_tell(child, &message) != 0) {
		log_say(LOG_ERROR, "worker %u does not take a log", child->index);
	}
}

void logs_send(struct child *child)
{
	const struct master *master = child->master;

	send_log(child, CHANNEL_LOG_ACCESS, master->access.fd);
	send_log(child, CHANNEL_LOG_ERROR, log_fd());
	send_log(child, CHANNEL_LOG_KEYS, master->key_log_fd);
}

void logs_open(struct master *master)
{
	const struct config *config = rollout_live(master)->config;

	open_access(master, config->log.access);
	open_key_log(master, config);
	for (uint32_t i = 0; i < SCOREBOARD_WORKERS; i++) {
		if (master->children[i].pid > 0) {
			logs_send(&master->children[i]);
		}
	}
}

void logs_release(struct master *master)
{
	sink_close(&master->access);
	if (master->key_log_fd >= 0) {
		close(master->key_log_fd);
	}
}

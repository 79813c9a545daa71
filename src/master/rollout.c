/* SPDX-License-Identifier: MIT */
/* Generations: from a wish to every worker serving it. */
#include "master/rollout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "control/answers.h"
#include "ipc/channel.h"
#include "master/adopt.h"
#include "master/found.h"
#include "master/renewals.h"
#include "master/children.h"
#include "master/commands.h"
#include "master/hosts.h"
#include "master/keeper.h"
#include "master/logs.h"
#include "master/memories.h"
#include "master/sockets.h"
#include "master/tickets.h"
#include "master/versions.h"

struct rollout {
	struct master *master;
	uint32_t number;		/* of what is served, or being handed out */
	struct boot live;
	uint32_t served;		/* the newest that all workers have had */
	int memfd; /* live, packed; for workers that start later; -1 */
	struct boot *building;		/* owned; NULL: nothing is */
	struct handover keys;		/* of it */
	bool for_file;			/* building follows a reload */
	bool again_file;		/* wishes that came meanwhile */
	bool again_plugins;
	struct waiters building_for;	/* clients: of what is being built, */
	struct waiters again_for;	/* of the next, */
	struct waiters handing_out;	/* and those that wait for the workers */
};

static void on_kept(struct handover *keys, const char *failure);

struct rollout *rollout_new(struct master *master, struct boot *boot)
{
	struct rollout *rollout = memory_new(1, sizeof(*rollout));

	rollout->master = master;
	rollout->memfd = -1;
	handover_init(&rollout->keys, on_kept);
	rollout->live = *boot;
	memset(boot, 0, sizeof(*boot));
	return rollout;
}

void rollout_free(struct rollout *rollout)
{
	if (rollout == NULL) {
		return;
	}
	if (rollout->building != NULL) {
		boot_release(rollout->building);
		free(rollout->building);
	}
	if (rollout->memfd >= 0) {
		close(rollout->memfd);
	}
	waiters_release(&rollout->building_for);
	waiters_release(&rollout->again_for);
	waiters_release(&rollout->handing_out);
	boot_release(&rollout->live);
	free(rollout);
}

uint32_t rollout_number(const struct master *master)
{
	return master->rollout->number;
}

const struct boot *rollout_live(const struct master *master)
{
	return &master->rollout->live;
}

/* One that answers at once has one process for each worker; those of one that blocks are
 * divided among the workers that are to be. */
static struct hosts_want hosts_wanted(const struct config *config,
    const struct plugin *plugin)
{
	const struct config_handler *handler =
	    config_find_handler(config, plugin->note.name);
	uint32_t workers = children_wanted(config);
	uint32_t processes = handler == NULL ? CONFIG_HANDLER_PROCESSES :
	    handler->processes;

	return (struct hosts_want){
		.count = plugin->can & PLUGIN_BLOCKING ?
		    (processes + workers - 1) / workers : 1,
		.max_memory = handler == NULL ? 0 : handler->max_memory_bytes
	};
}

static void need_hosts(struct rollout *rollout)
{
	struct master *master = rollout->master;
	const struct boot *live = &rollout->live;

	for (size_t i = 0; i < live->plugins.count; i++) {
		const struct plugin *plugin = &live->plugins.items[i];

		if (plugin->refusal == NULL) {
			scoreboard_handler_add(master->board, plugin->note.name);
		}
		if (plugin->refusal == NULL && plugin->isolated &&
		    (live->config->serve_unrouted ||
			config_uses(live->config, plugin->note.name))) {
			struct hosts_want want = hosts_wanted(live->config, plugin);

			hosts_need(master, versions_by_number(master, plugin->version),
			    &want);
		}
	}
}

static int pack(struct rollout *rollout, uint32_t number)
{
	struct boot *live = &rollout->live;
	struct generation_message message = { .number = number,
		.config = live->config, .plugins = live->plugins };
	int fd;
	int rc;

	message.listeners = sockets_of(rollout->master, live->config);
	rc = generation_pack(&message, (struct slice){ live->text, live->text_size },
	    &fd);
	free(message.listeners);
	if (rc != 0) {
		return rc;
	}
	if (rollout->memfd >= 0) {
		close(rollout->memfd);
	}
	rollout->memfd = fd;
	rollout->number = number;
	return 0;
}

static void send_memfd(struct child *child, enum channel_type type)
{
	const struct rollout *rollout = child->master->rollout;
	struct channel_message message = { .type = type,
		.number = rollout->number, .fds = { rollout->memfd, -1 } };

	if (child->pid <= 0) {
		return;
	}
	memories_send(child);
	if (child_tell(child, &message) != 0) {
		log_say(LOG_ERROR, "worker %u does not take a generation", child->index);
	}
}

void rollout_certificates(struct master *master)
{
	struct rollout *rollout = master->rollout;

	if (pack(rollout, rollout->number) != 0) {
		log_say(LOG_ERROR, "cannot pack the configuration: %s", strerror(errno));
		return;
	}
	for (uint32_t i = 0; i < master->worker_count; i++) {
		send_memfd(&master->children[i], CHANNEL_CERTIFICATES);
	}
}

static void hand_out(struct rollout *rollout)
{
	struct master *master = rollout->master;

	need_hosts(rollout);
	for (uint32_t i = 0; i < master->worker_count; i++) {
		send_memfd(&master->children[i], CHANNEL_GENERATION);
	}
}

int rollout_start(struct master *master)
{
	struct rollout *rollout = master->rollout;

	if (sockets_open(master, rollout->live.config, master->worker_count, NULL) != 0) {
		return ERR_SYSTEM;
	}
	keeper_give_keys(master, &rollout->keys, rollout->live.config,
	    rollout->live.passphrases);
	keeper_wait(master);
	boot_forget_passphrases(&rollout->live);
	adopt_finish(master, &rollout->live, NULL);
	if (pack(rollout, rollout->number + 1) != 0) {
		log_say(LOG_ERROR, "cannot pack the configuration: %s", strerror(errno));
		return ERR_SYSTEM;
	}
	return 0;
}

static void next_wish(struct rollout *rollout);

static void end_build(struct rollout *rollout)
{
	boot_release(rollout->building);
	free(rollout->building);
	rollout->building = NULL;
	next_wish(rollout);
}

static void refuse(struct rollout *rollout)
{
	const struct problems *problems = &rollout->building->problems;

	log_say(LOG_ERROR, "%s is not taken over: %zu problems, generation %u goes on",
	    rollout->master->file, problems->errors, rollout->number);
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->items[i];

		log_say(problem->level == PROBLEM_WARNING ? LOG_WARN : LOG_ERROR,
		    "%s: %s", problem->where, problem->what);
	}
	answer_problems(&rollout->building_for, problems);
	end_build(rollout);
}

static void open_log(const struct config *config)
{
	const struct config_log *log = &config->log;

	if (log_open(log->error, (enum log_level)log->level,
		log->format == CONFIG_LOG_JSON, log->format == CONFIG_LOG_TEXT) != 0) {
		log_say(LOG_ERROR, "cannot open '%s': %s", log->error, strerror(errno));
	}
}

/* All that the configuration needs outside of the workers, or nothing of it. */
static void open_sockets(struct rollout *rollout, struct boot *boot)
{
	struct master *master = rollout->master;
	const char *path = boot->config->control;
	struct control *control = NULL;

	if (master->control != NULL &&
	    strcmp(path, rollout->live.config->control) != 0) {
		control = control_open(master->loop, path, command_run, master,
		    &boot->problems);
	}
	if (boot->problems.errors == 0) {
		(void)!sockets_open(master, boot->config,
		    children_wanted(boot->config), &boot->problems);
	}
	if (boot->problems.errors > 0) {
		control_close(control);
	} else if (control != NULL) {
		master_leave_control(master);
		master->control = control;
	}
}

/* Files that are not served are for the log and the status alone. */
static void learn_refusals(struct rollout *rollout)
{
	struct plugin_set before = rollout->live.plugins;

	rollout->live.plugins = rollout->building->plugins;
	rollout->building->plugins = before;
}

static void take_over(struct rollout *rollout, struct boot *boot)
{
	struct master *master = rollout->master;

	if (rollout->for_file) {
		found_inherit(boot->config, rollout->live.config);
	} else {
		found_move(boot->config, rollout->live.config);
	}
	boot_swap(&rollout->live, boot);
	if (rollout->for_file) {
		open_log(rollout->live.config);
		logs_open(master);
	}
	tickets_serve(master);
	if (pack(rollout, rollout->number + 1) == 0) {
		waiters_move(&rollout->handing_out, &rollout->building_for);
		hand_out(rollout);
		children_resize(master, children_wanted(rollout->live.config));
		sockets_close_unused(master, rollout->live.config);
	} else {
		log_say(LOG_ERROR, "cannot pack the configuration: %s", strerror(errno));
	}
	master_watch_plugins(master);
	if (rollout->for_file) {
		renewals_serve(master, true);
	}
}

/* All that it needs is there but for what may still be refused. */
static void try_to_serve(struct rollout *rollout)
{
	struct boot *boot = rollout->building;

	open_sockets(rollout, boot);
	if (boot->problems.errors > 0) {
		if (rollout->for_file) {
			keeper_give_served(rollout->master);
		}
		refuse(rollout);
		return;
	}
	adopt_finish(rollout->master, boot, &rollout->live);
	if (!rollout->for_file &&
	    adopt_serves_same(&rollout->live.plugins, &boot->plugins)) {
		learn_refusals(rollout);
	} else {
		take_over(rollout, boot);
	}
	end_build(rollout);
}

/* At the start there is nothing to be served instead, and the next keeper gets them. */
static void on_kept(struct handover *keys, const char *failure)
{
	struct rollout *rollout = LIST_OWNER(keys, struct rollout, keys);
	struct boot *boot = rollout->building;

	if (boot == NULL) {
		return;
	}
	boot_forget_passphrases(boot);
	if (failure == NULL) {
		try_to_serve(rollout);
	} else {
		problems_add(&boot->problems, boot->config->file, NULL,
		    "its keys cannot be taken over: %s", failure);
		refuse(rollout);
	}
}

/* The keeper has the keys before a worker shows what they are for. */
static void on_built(struct boot *boot)
{
	struct master *master = boot->owner;
	struct rollout *rollout = master->rollout;

	if (master->log_level != 0 && boot->config != NULL) {
		boot->config->log.level = master->log_level;
	}
	if (boot->problems.errors > 0) {
		refuse(rollout);
	} else if (rollout->for_file) {
		found_inherit(boot->config, rollout->live.config);
		keeper_give_keys(master, &rollout->keys, boot->config, boot->passphrases);
	} else {
		try_to_serve(rollout);
	}
}

/* Workers and hosts that run stay who they are. */
static void check_user(struct boot *boot, const struct boot *live)
{
	const struct config *config = boot->config;

	if (!text_same(config->user, live->config->user)) {
		problems_add(&boot->problems,
		    config->user == NULL ? config->file : config->user_where,
		    "'tincan upgrade' takes it over, too",
		    "'user' cannot change while the server runs");
	}
}

static void adjust(struct boot *boot)
{
	const struct master *master = boot->owner;

	check_user(boot, rollout_live(master));
	adopt_known(boot);
	renewals_tolerate(boot, rollout_live(master));
}

static void begin(struct rollout *rollout, bool for_file)
{
	struct master *master = rollout->master;
	struct slice text = { rollout->live.text, rollout->live.text_size };

	rollout->for_file = for_file;
	rollout->building = memory_new(1, sizeof(*rollout->building));
	boot_begin(rollout->building, master->loop, master->file, for_file ? NULL : &text,
	    master, adjust, on_built);
}

static void next_wish(struct rollout *rollout)
{
	bool for_file = rollout->again_file;

	if (!for_file && !rollout->again_plugins) {
		return;
	}
	rollout->again_file = false;
	rollout->again_plugins = false;
	waiters_move(&rollout->building_for, &rollout->again_for);
	begin(rollout, for_file);
}

void rollout_reload(struct master *master, struct control_client *client)
{
	struct rollout *rollout = master->rollout;

	waiters_add(rollout->building == NULL ? &rollout->building_for :
						&rollout->again_for,
	    client);
	if (rollout->building == NULL) {
		begin(rollout, true);
	} else {
		rollout->again_file = true;
	}
}

void rollout_plugins(struct master *master)
{
	struct rollout *rollout = master->rollout;

	if (master->stopping) {
		return;
	}
	if (rollout->building == NULL) {
		begin(rollout, false);
	} else {
		rollout->again_plugins = true;
	}
}

void rollout_worker_started(struct child *child)
{
	struct rollout *rollout = child->master->rollout;

	child->generation = 0;
	logs_send(child);
	keeper_serve(child);
	sockets_send(child);
	need_hosts(rollout);
	send_memfd(child, CHANNEL_GENERATION);
}

static bool all_serve(const struct rollout *rollout)
{
	const struct master *master = rollout->master;

	for (uint32_t i = 0; i < master->worker_count; i++) {
		if (master->children[i].pid > 0 &&
		    master->children[i].generation < rollout->number) {
			return false;
		}
	}
	return true;
}

void rollout_ready(struct child *child, uint32_t number)
{
	struct rollout *rollout = child->master->rollout;

	child->generation = number;
	if (number != rollout->number || number == rollout->served ||
	    !all_serve(rollout)) {
		return;
	}
	rollout->served = number;
	log_say(number == 1 ? LOG_DEBUG : LOG_INFO, "generation %u serves", number);
	answer_generation(&rollout->handing_out, number,
	    renewals_problems(rollout->master));
	master_serves(child->master);
}

void rollout_failed(struct child *child, uint32_t number, const char *why)
{
	struct rollout *rollout = child->master->rollout;
	struct problems problems;

	log_say(LOG_ERROR, "worker %u cannot serve generation %u: %s", child->index,
	    number, why);
	problems_init(&problems);
	problems_add(&problems, child->master->file, NULL, "%s", why);
	answer_problems(&rollout->handing_out, &problems);
	problems_release(&problems);
}

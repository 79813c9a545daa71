/* SPDX-License-Identifier: MIT */
/* What the master does at the word of the control socket. */
#include "master/commands.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/answers.h"
#include "master/renewals.h"
#include "master/children.h"
#include "master/hosts.h"
#include "master/rollout.h"
#include "master/sockets.h"
#include "master/tickets.h"
#include "master/upgrade.h"
#include "master/versions.h"
#include "os/landlock.h"
#include "os/seccomp.h"
#include "os/socket.h"

static uint64_t requests_of(const struct scoreboard_worker *worker, uint32_t handler)
{
	uint64_t sum = 0;

	for (size_t class = 0; class < SCOREBOARD_CLASSES; class++) {
		sum += counter_get(&worker->handlers[handler].requests[class]);
	}
	return sum;
}

static json_t *describe_worker(const struct master *master, uint32_t index)
{
	static const char *const states[] = { "down", "starting", "serving", "draining" };
	const struct scoreboard_worker *worker = &master->board->worker[index];
	uint64_t requests = 0;

	for (uint32_t h = 0; h < atomic_load(&master->board->handlers); h++) {
		requests += requests_of(worker, h);
	}
	return json_pack("{s:i, s:i, s:s, s:I, s:I, s:I}", "index", (int)index, "pid",
	    (int)master->children[index].pid, "state",
	    states[atomic_load(&worker->state) & 3], "connections",
	    (json_int_t)counter_get(&worker->connections), "requests",
	    (json_int_t)requests, "generation",
	    (json_int_t)master->children[index].generation);
}

struct host_list {
	json_t *list;
	uint32_t version;
	int running;
	bool broken;
};

static void add_host(void *arg, const struct host_facts *facts)
{
	struct host_list *hosts = arg;

	if (facts->version == hosts->version) {
		hosts->broken = hosts->broken || facts->broken;
		hosts->running += facts->pid > 0;
		json_array_append_new(hosts->list,
		    json_pack("{s:i, s:i, s:i, s:I, s:b}", "worker", (int)facts->worker,
			"pid", (int)facts->pid, "crashes", (int)facts->crashes, "answers",
			(json_int_t)facts->answers, "broken", facts->broken));
	}
}

static const char *state_of(const struct master *master, const struct plugin *plugin,
    bool broken)
{
	const struct version *version = versions_by_number(master, plugin->version);

	if (plugin->refusal != NULL) {
		return "refused";
	}
	if (broken) {
		return "broken";
	}
	if (plugin->refused_hash[0] != '\0') {
		return "kept";
	}
	return version != NULL && version_on_probation(master, version) ? "probation"
									: "serving";
}

struct handler_sums {
	uint64_t requests;
	uint64_t waiting;
	uint64_t turned_away;
};

static struct handler_sums sum_up(const struct master *master, const char *name)
{
	uint32_t handler = scoreboard_handler_find(master->board, name);
	struct handler_sums sums = { 0 };

	for (uint32_t w = 0; handler != SCOREBOARD_SERVER && w < master->worker_count;
	     w++) {
		const struct scoreboard_worker *worker = &master->board->worker[w];

		sums.requests += requests_of(worker, handler);
		sums.waiting += counter_get(&worker->handlers[handler].waiting);
		sums.turned_away += counter_get(&worker->handlers[handler].turned_away);
	}
	return sums;
}

static json_t *describe_plugin(const struct master *master, const struct plugin *plugin)
{
	struct host_list hosts = { .list = json_array(), .version = plugin->version };
	struct handler_sums sums = sum_up(master, plugin->note.name);

	if (plugin->refusal == NULL && plugin->isolated) {
		hosts_each(master, add_host, &hosts);
	}
	return json_pack("{s:s, s:s?, s:s?, s:s, s:s, s:i, s:s, s:s, s:s?, s:I, s:i, "
	    "s:I, s:I, s:o}",
	    "name", plugin->note.name, "version", plugin->release, "about",
	    plugin->about, "file", plugin->file, "hash", plugin->hash, "level",
	    (int)plugin->note.need, "isolation", plugin->isolated ? "host" : "worker",
	    "state", state_of(master, plugin, hosts.broken), "reason",
	    plugin->refusal == NULL ? plugin->kept_for : plugin->refusal,
	    "requests", (json_int_t)sums.requests, "processes", hosts.running, "queue",
	    (json_int_t)sums.waiting, "turned_away", (json_int_t)sums.turned_away,
	    "hosts", hosts.list);
}

static json_t *describe_plugins(const struct master *master)
{
	const struct boot *live = rollout_live(master);
	json_t *list = json_array();

	for (size_t i = 0; i < live->plugins.count; i++) {
		json_array_append_new(list,
		    describe_plugin(master, &live->plugins.items[i]));
	}
	return list;
}

static json_t *describe_listeners(const struct master *master)
{
	const struct config *config = rollout_live(master)->config;
	struct generation_listener *ports = sockets_of(master, config);
	json_t *list = json_array();

	for (size_t i = 0; i < config->listener_count; i++) {
		json_array_append_new(list, json_pack("{s:s, s:i, s:s}", "address",
		    config->listeners[i].address, "port", (int)ports[i].port,
		    "scheme", config_scheme(&config->listeners[i])));
	}
	free(ports);
	return list;
}

static const char *certificate_state(const struct config_certificate *certificate)
{
	if (certificate->broken) {
		return certificate->shown.lost ? "lost" :
		    certificate->shown.pem == NULL ? "broken" : "kept";
	}
	return certificate->shown.ends_s <= (int64_t)time(NULL) ? "expired" : "good";
}

/* Those that others have the files of, too, are there once. */
static json_t *describe_certificates(const struct master *master)
{
	const struct config *config = rollout_live(master)->config;
	json_t *list = json_array();

	for (size_t i = 0; i < config->certificate_count; i++) {
		const struct config_certificate *certificate = &config->certificates[i];
		const struct config_shown *shown = &certificate->shown;

		if (shown->pem != NULL || certificate->broken) {
			json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I}",
			    "names", shown->names == NULL ? "" : shown->names, "chain",
			    certificate->chain, "state", certificate_state(certificate),
			    "expires_s", (json_int_t)shown->ends_s));
		}
	}
	return list;
}

/* How often each was met, in all workers. */
static json_t *describe_limits(const struct master *master)
{
	json_t *limits = json_object();

	for (size_t i = 0; i < LIMITS; i++) {
		uint64_t met = 0;

		for (uint32_t w = 0; w < master->worker_count; w++) {
			met += counter_get(&master->board->worker[w].limits[i]);
		}
		json_object_set_new(limits, scoreboard_limits[i],
		    json_integer((json_int_t)met));
	}
	return limits;
}

/* What the processes have given up. */
static json_t *describe_sandbox(const struct master *master)
{
	const struct config *config = rollout_live(master)->config;

	return json_pack("{s:s, s:b, s:i, s:b}", "user",
	    config->user == NULL ? "" : config->user, "seccomp", seccomp_available(),
	    "landlock", landlock_version(), "handlers_in_workers",
	    master->handlers_in_workers);
}

static json_t *describe_all(const struct master *master)
{
	json_t *workers = json_array();
	int64_t now_s = (int64_t)time(NULL);

	for (uint32_t i = 0; i < master->worker_count; i++) {
		json_array_append_new(workers, describe_worker(master, i));
	}
	return json_pack("{s:b, s:s, s:i, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, "
	    "s:o, s:o}",
	    "ok", 1, "version", PACKAGE_VERSION, "pid", (int)getpid(), "generation",
	    (json_int_t)rollout_number(master), "started_s",
	    (json_int_t)master->started_s, "uptime_s",
	    (json_int_t)(now_s - master->started_s), "workers", workers, "plugins",
	    describe_plugins(master), "listeners", describe_listeners(master),
	    "certificates", describe_certificates(master), "tickets",
	    tickets_describe(master), "limits", describe_limits(master), "problems",
	    answer_list(renewals_problems(master)), "sandbox",
	    describe_sandbox(master));
}

static json_t *reset(struct master *master, const char *name)
{
	uint32_t count = hosts_reset(master, name);

	return count > 0 ? json_pack("{s:b, s:i}", "ok", 1, "hosts", (int)count)
			 : json_pack("{s:b, s:s, s:s}", "ok", 0, "error",
			       "no handler of that name runs in processes of its own",
			       "hint", "'tincan plugins' tells which there are, and why "
			       "one is not served");
}

void command_run(void *arg, struct control_client *client, const char *command,
    const char *name)
{
	struct master *master = arg;

	if (strcmp(command, "reload") == 0) {
		rollout_reload(master, client);
	} else if (strcmp(command, "status") == 0) {
		control_reply(client, describe_all(master));
	} else if (strcmp(command, "plugins") == 0) {
		control_reply(client, json_pack("{s:b, s:o}", "ok", 1, "plugins",
		    describe_plugins(master)));
	} else if (strcmp(command, "reset") == 0) {
		control_reply(client, reset(master, name));
	} else if (strcmp(command, "upgrade") == 0) {
		upgrade_begin(master, client);
	} else if (strcmp(command, "stop") == 0) {
		control_reply(client, json_pack("{s:b}", "ok", 1));
		master_stop(master);
	} else {
		control_reply(client, json_pack("{s:b, s:s}", "ok", 0, "error",
		    "this server does not know that command"));
	}
}

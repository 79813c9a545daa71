/* SPDX-License-Identifier: MIT */
/* A generation in a worker. */
#include "worker/generation.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "ipc/metrics.h"
#include "worker/remotes.h"
#include "worker/worker.h"

static struct pool *find_pool(void *arg, const struct plugin *plugin,
    const struct config *config)
{
	return remotes_get(arg, plugin, config);
}

static void set_counters(const struct scoreboard *board, struct site_route *routes,
    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct plugin *plugin = routes[i].plugin;

		routes[i].count_as = plugin == NULL ? SCOREBOARD_SERVER
		    : scoreboard_handler_find(board, plugin->note.name);
	}
}

static void set_plugin_counters(const struct scoreboard *board, struct plugin_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		set->items[i].count_as = scoreboard_handler_find(board,
		    set->items[i].note.name);
	}
}

/* A thread that does not come back may still look at the request that it runs for, and
 * this process ends without it. */
static bool is_left(const struct worker *worker)
{
	return worker->ending && worker->busy > 0;
}

static void close_generation(struct deferred *later)
{
	struct generation *generation = LIST_OWNER(later, struct generation, later);

	tls_context_unref(generation->tls);
	site_leave(&generation->site);
	if (is_left(generation->worker)) {
		return;
	}
	site_release(&generation->site);
	generation_release(&generation->message);
	free(generation);
}

void generation_retire(struct generation *generation, const struct generation *newer)
{
	site_retire(&generation->site, &newer->site);
	tls_context_unref(generation->tls);
	generation->tls = NULL;
	generation_unref(generation);
}

/* The master has given a version to what it found good. */
static void tell_refused(const struct generation *generation)
{
	const struct plugin_set *plugins = &generation->message.plugins;

	for (size_t i = 0; i < plugins->count; i++) {
		const struct plugin *plugin = &plugins->items[i];

		if (plugin->refusal != NULL && plugin->version != 0) {
			log_say(LOG_ERROR, "%s is not served by this worker: %s",
			    plugin->file, plugin->refusal);
		}
	}
}

/* The preflight has found them good, or they are not here. The context has them then, and
 * what they were made of is not needed again. */
static struct tls_context *read_certificates(const struct generation *generation,
    const struct tls_context *before, struct problems *problems)
{
	struct config *config = generation->message.config;
	struct config_client_auth *clients;
	struct problems found;
	struct tls_context *tls;

	problems_init(&found);
	tls = tls_context_new(config, TLS_KEYS_KEPT,
	    generation->worker->tickets, before, &found);
	if (tls == NULL) {
		problems_move(problems, &found);
	} else {
		tls_context_log_keys(tls, generation->worker->key_log_fd);
	}
	for (size_t i = 0; i < found.count; i++) {
		if (found.items[i].level == PROBLEM_ERROR) {
			log_say(LOG_ERROR, "%s: %s", found.items[i].where,
			    found.items[i].what);
		}
	}
	problems_release(&found);
	for (size_t i = 0; i < config->certificate_count; i++) {
		config_shown_release(&config->certificates[i].shown);
	}
	for (size_t i = 0; (clients = config_clients_at(config, i)) != NULL; i++) {
		config_trust_release(&clients->trust);
	}
	return tls;
}

static void build(struct generation *generation, struct problems *problems)
{
	struct worker *worker = generation->worker;
	struct site_process process = { .mounts = &worker->mounts, .pool = find_pool,
		.arg = worker };
	struct config *config = generation->message.config;
	struct site *site = &generation->site;

	set_plugin_counters(worker->board, &generation->message.plugins);
	site_open(site, config, &generation->message.plugins, &process,
	    problems);
	tell_refused(generation);
	set_counters(worker->board, site->routes, site->route_count);
	set_counters(worker->board, site->streams, site->stream_count);
	set_counters(worker->board, site->filters, site->filter_count);
	generation->tls = read_certificates(generation,
	    worker->generation == NULL ? NULL : worker->generation->tls, problems);
}

static bool take_shown(struct generation *generation, int fd)
{
	struct config *config = generation->message.config;
	struct config_client_auth *clients;
	struct config_client_auth *found;
	struct generation_message message;
	bool taken = generation_unpack(fd, &message) == 0 &&
	    message.number == generation->message.number &&
	    message.config->certificate_count == config->certificate_count;

	for (size_t i = 0; taken && i < config->certificate_count; i++) {
		config->certificates[i].shown = message.config->certificates[i].shown;
		message.config->certificates[i].shown = (struct config_shown){ 0 };
	}
	for (size_t i = 0; taken && (clients = config_clients_at(config, i)) != NULL &&
	    (found = config_clients_at(message.config, i)) != NULL; i++) {
		clients->trust = found->trust;
		found->trust = (struct config_trust){ 0 };
	}
	generation_release(&message);
	return taken;
}

void generation_renew_tls(struct generation *generation, int fd)
{
	struct problems problems;
	struct tls_context *tls;

	if (generation == NULL || !take_shown(generation, fd)) {
		return;
	}
	problems_init(&problems);
	tls = read_certificates(generation, generation->tls, &problems);
	if (tls != NULL) {
		tls_context_unref(generation->tls);
		generation->tls = tls;
	}
	problems_release(&problems);
}

void generation_log_keys(struct worker *worker, int fd)
{
	if (worker->key_log_fd >= 0) {
		close(worker->key_log_fd);
	}
	worker->key_log_fd = fd;
	if (worker->generation != NULL && worker->generation->tls != NULL) {
		tls_context_log_keys(worker->generation->tls, fd);
	}
}

struct generation *generation_open(struct worker *worker, int fd, char *why,
    size_t why_size)
{
	struct generation *generation = memory_new(1, sizeof(*generation));
	struct problems problems;

	generation->worker = worker;
	generation->references = 1;
	deferred_init(&generation->later, close_generation);
	problems_init(&problems);
	if (generation_unpack(fd, &generation->message) != 0) {
		snprintf(why, why_size, "the master's message cannot be understood");
		generation_release(&generation->message);
		free(generation);
		return NULL;
	}
	build(generation, &problems);
	for (size_t i = 0; i < problems.count; i++) {
		if (problems.items[i].level == PROBLEM_ERROR) {
			snprintf(why, why_size, "%s: %s", problems.items[i].where,
			    problems.items[i].what);
			generation_unref(generation);
			generation = NULL;
			break;
		}
	}
	problems_release(&problems);
	return generation;
}

struct generation *generation_ref(struct generation *generation)
{
	generation->references++;
	return generation;
}

void generation_unref(struct generation *generation)
{
	if (generation != NULL && --generation->references == 0) {
		loop_defer(generation->worker->loop, &generation->later);
	}
}

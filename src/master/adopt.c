/* SPDX-License-Identifier: MIT */
/* What becomes of the plugins that a scan has found. */
#include "master/adopt.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "master/rollout.h"
#include "master/versions.h"
#include "route/router.h"

/* The good plugin of that file in the set, or NULL. */
static const struct plugin *served_from(const struct boot *live, const char *file)
{
	for (size_t i = 0; live != NULL && i < live->plugins.count; i++) {
		const struct plugin *plugin = &live->plugins.items[i];

		if (plugin->refusal == NULL && strcmp(plugin->file, file) == 0) {
			return plugin;
		}
	}
	return NULL;
}

static const struct plugin *served_as(const struct boot *live, const char *name)
{
	for (size_t i = 0; live != NULL && i < live->plugins.count; i++) {
		const struct plugin *plugin = &live->plugins.items[i];

		if (plugin->refusal == NULL && strcmp(plugin->note.name, name) == 0) {
			return plugin;
		}
	}
	return NULL;
}

static struct plugin *from_file(const struct plugin_set *set, const char *file)
{
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->items[i].file, file) == 0) {
			return &set->items[i];
		}
	}
	return NULL;
}

/* Those that are live come first, in their order: they are older than what is new. */
static void order_by_age(struct plugin_set *set, const struct boot *live)
{
	size_t next = 0;

	for (size_t i = 0; i < live->plugins.count; i++) {
		for (size_t k = next; k < set->count; k++) {
			if (strcmp(set->items[k].file, live->plugins.items[i].file) ==
			    0) {
				struct plugin found = set->items[k];

				memmove(&set->items[next + 1], &set->items[next],
				    (k - next) * sizeof(found));
				set->items[next++] = found;
				break;
			}
		}
	}
}

/* What the probe has said of this content before, or NULL. */
static const char *known_fault(const struct boot *live, const struct plugin *plugin)
{
	for (size_t i = 0; i < live->plugins.count; i++) {
		const struct plugin *before = &live->plugins.items[i];
		const char *hash = before->refused_hash[0] == '\0' ? before->hash
								   : before->refused_hash;

		if (strcmp(before->file, plugin->file) == 0) {
			return strcmp(hash, plugin->hash) == 0 ? before->probe_refusal
							       : NULL;
		}
	}
	return NULL;
}

/* One that hangs in its probe would hold up every change of the others. */
static void refuse_again(struct plugin *plugin, const char *fault)
{
	if (fault != NULL) {
		plugin_refuse(plugin, "%s", fault);
		plugin->probe_refusal = memory_text(fault);
	}
}

static void judge(const struct master *master, const struct boot *live,
    bool same_settings, struct plugin *plugin)
{
	const struct version *version = versions_find(master, plugin->note.name,
	    plugin->hash);
	const struct plugin *served = served_as(live, plugin->note.name);

	if (version == NULL) {
		return;
	}
	if (version->quarantined) {
		plugin_refuse(plugin,
		    "it crashed when it was new, and is in quarantine until "
		    "its file changes");
	}
	if (version->demoted) {
		plugin->isolated = true;
	}
	if (same_settings && served != NULL && strcmp(served->hash, plugin->hash) == 0) {
		plugin->probed = true;
		plugin_learn(plugin, served);
	}
}

/* Workers that were started without handlers have given up what the code of one needs
 * (worker/sandbox.h), and cannot get it back. */
static void keep_out(const struct boot *boot, struct plugin *plugin)
{
	const struct config_handler *handler =
	    config_find_handler(boot->config, plugin->note.name);

	plugin->isolated = true;
	if (boot->reread) {
		log_say(LOG_WARN, "%s: the workers take in no code while they run: "
		    "handler '%s' has processes of its own until 'tincan upgrade'",
		    handler->where, plugin->note.name);
	}
}

static void miss(struct boot *boot, const struct plugin *plugin)
{
	struct plugin *found = from_file(&boot->plugins, plugin->file);

	if (found == NULL) {
		plugin_set_miss(&boot->plugins, plugin->file);
	} else {
		plugin_refuse(found, "it is handler '%s' now, and server.json has a use "
		    "for '%s'", found->note.name, plugin->note.name);
	}
}

/* Whose file is gone, or another handler's, while server.json has a use for it stays, as
 * where a file is not good: the others may come and go without it. */
static void miss_used(struct boot *boot, const struct boot *live)
{
	for (size_t i = 0; i < live->plugins.count; i++) {
		const struct plugin *plugin = &live->plugins.items[i];

		if (plugin->refusal == NULL &&
		    served_as(boot, plugin->note.name) == NULL &&
		    config_uses(boot->config, plugin->note.name)) {
			miss(boot, plugin);
		}
	}
}

void adopt_known(struct boot *boot)
{
	const struct master *master = boot->owner;
	const struct boot *live = rollout_live(master);
	bool same_settings = boot->text_size == live->text_size &&
	    memcmp(boot->text, live->text, boot->text_size) == 0;

	if (!boot->reread) {
		miss_used(boot, live);
	}
	order_by_age(&boot->plugins, live);
	for (size_t i = 0; i < boot->plugins.count; i++) {
		struct plugin *plugin = &boot->plugins.items[i];

		if (!master->handlers_in_workers && !plugin->isolated) {
			keep_out(boot, plugin);
		}
		if (plugin->refusal == NULL && same_settings && !boot->reread) {
			refuse_again(plugin, known_fault(live, plugin));
		}
		if (plugin->refusal == NULL) {
			judge(master, live, same_settings, plugin);
		}
	}
}

/* The version that is live takes the place of the file that is not good. */
static void keep_served(struct plugin *plugin, const struct plugin *served)
{
	snprintf(plugin->refused_hash, sizeof(plugin->refused_hash), "%s", plugin->hash);
	free(plugin->kept_for);
	plugin->kept_for = plugin->refusal;
	free(plugin->copy);
	plugin->refusal = NULL;
	plugin->copy = memory_optional(served->copy);
	plugin_learn(plugin, served);
	memcpy(plugin->hash, served->hash, sizeof(plugin->hash));
	plugin->note = served->note;
	plugin->isolated = served->isolated;
}

/* What is served instead: what quarantine sends back to, else what the file was. */
static const struct plugin *fallback(const struct master *master, const struct boot *live,
    const struct plugin *plugin)
{
	const struct version *version = versions_find(master, plugin->note.name,
	    plugin->hash);
	const struct version *good = NULL;

	if (version != NULL && version->quarantined) {
		good = version_fallback(version);
	}
	return good != NULL ? &good->plugin : served_from(live, plugin->file);
}

static void tell_refused(const struct plugin *plugin, const struct plugin *good)
{
	log_say(LOG_ERROR, "%s is not served: %s%s%s", plugin->file, plugin->refusal,
	    good == NULL ? "" : "; version before goes on: ",
	    good == NULL ? "" : good->hash);
}

/* Has it been said of this content before? */
static bool is_told(const struct boot *live, const struct plugin *plugin)
{
	for (size_t i = 0; live != NULL && i < live->plugins.count; i++) {
		const struct plugin *before = &live->plugins.items[i];

		if (strcmp(before->file, plugin->file) != 0) {
			continue;
		}
		return before->refusal == NULL
		    ? strcmp(before->refused_hash, plugin->hash) == 0
		    : strcmp(before->refusal, plugin->refusal) == 0 &&
			strcmp(before->hash, plugin->hash) == 0;
	}
	return false;
}

static void settle_refused(const struct master *master, const struct boot *live,
    const struct boot *boot, struct plugin *plugin)
{
	const struct plugin *served = served_from(live, plugin->file);
	const struct plugin *good = fallback(master, live, plugin);

	/* Of one name there is one, and another file may have it by now. */
	if (good != NULL && served_as(boot, good->note.name) != NULL) {
		good = NULL;
	}
	if (!is_told(live, plugin)) {
		tell_refused(plugin, good);
	}
	if (good != NULL) {
		bool isolated = served == NULL ? plugin->isolated : served->isolated;

		keep_served(plugin, good);
		plugin->isolated = isolated;
	}
}

static struct router *configured_routes(const struct config *config)
{
	struct router *router = router_new();

	for (size_t i = 0; i < config->route_count; i++) {
		const struct config_route *route = &config->routes[i];
		void *clash;

		(void)!router_add(router, route->pattern, route->methods,
		    (const char *const *)route->other_methods, (void *)route, &clash);
	}
	return router;
}

/* Refuses the plugin if another has its path: false. A configured route has precedence,
 * but is no reason to refuse it. */
static bool claim(struct router *router, const struct boot *boot, struct plugin *plugin)
{
	const struct plugin_set *set = &boot->plugins;
	const struct plugin *older;
	void *clash = NULL;

	if (plugin->own_route == NULL ||
	    config_routes_to(boot->config, plugin->note.name) ||
	    router_add(router, plugin->own_route, 0, NULL, plugin, &clash) != ERR_LIMIT) {
		return true;
	}
	older = clash;
	if (older < set->items || older >= set->items + set->count) {
		return true;
	}
	plugin_refuse(plugin, "its own route '%s' is taken by '%s'", plugin->own_route,
	    older->file);
	return false;
}

static bool is_live(const struct boot *live, const struct plugin *plugin)
{
	const struct plugin *served = served_as(live, plugin->note.name);

	return plugin->refusal == NULL && served != NULL &&
	    strcmp(served->hash, plugin->hash) == 0;
}

/* Two plugins, one path, and no configured route to settle it: the older keeps it. First
 * come those that have theirs already; a newer version that wants too much goes back. */
static void settle_claims(const struct master *master, struct boot *boot,
    const struct boot *live)
{
	struct router *router = configured_routes(boot->config);

	for (size_t i = 0; i < boot->plugins.count; i++) {
		struct plugin *plugin = &boot->plugins.items[i];

		if (is_live(live, plugin) && !claim(router, boot, plugin)) {
			tell_refused(plugin, NULL);
		}
	}
	for (size_t i = 0; i < boot->plugins.count; i++) {
		struct plugin *plugin = &boot->plugins.items[i];

		if (plugin->refusal != NULL || is_live(live, plugin) ||
		    claim(router, boot, plugin)) {
			continue;
		}
		settle_refused(master, live, boot, plugin);
		if (plugin->refusal == NULL && !claim(router, boot, plugin)) {
			tell_refused(plugin, NULL);
		}
	}
	router_free(router);
}

static void take_version(struct master *master, const struct boot *live,
    struct plugin *plugin)
{
	const struct plugin *served = served_as(live, plugin->note.name);
	struct version *before = served == NULL ?
	    NULL :
	    versions_find(master, served->note.name, served->hash);
	struct version *version = versions_take(master, plugin, before);

	plugin->version = version->plugin.version;
	if (live == NULL || version == before) {
		return;
	}
	if (before == NULL) {
		log_say(LOG_INFO, "handler '%s', version %s, is live", plugin->note.name,
		    plugin->hash);
	} else {
		log_say(LOG_INFO, "handler '%s', version %s, is live in place of %s",
		    plugin->note.name, plugin->hash, before->plugin.hash);
	}
}

static void tell_gone(const struct boot *boot, const struct boot *live)
{
	for (size_t i = 0; live != NULL && i < live->plugins.count; i++) {
		const struct plugin *plugin = &live->plugins.items[i];

		if (plugin->refusal == NULL &&
		    served_as(boot, plugin->note.name) == NULL) {
			log_say(LOG_INFO, "handler '%s' is retired", plugin->note.name);
		}
	}
}

/* What a process has given up it does not get back, nor can it be made to give up more;
 * and to end it would cost what it is doing. */
static void tell_paths(const struct boot *boot, const struct boot *live)
{
	for (size_t i = 0; live != NULL && i < boot->plugins.count; i++) {
		const struct plugin *plugin = &boot->plugins.items[i];
		const struct config_paths *paths =
		    config_paths_of(boot->config, plugin->note.name);

		if (is_live(live, plugin) && plugin->isolated &&
		    !config_paths_same(paths,
			config_paths_of(live->config, plugin->note.name))) {
			log_say(LOG_WARN, "%s: processes of handler '%s' that run keep "
			    "the paths that they were given; the next ones have these",
			    paths != NULL && paths->where != NULL ? paths->where :
			    boot->config->file, plugin->note.name);
		}
	}
}

void adopt_finish(struct master *master, struct boot *boot, const struct boot *live)
{
	for (size_t i = 0; i < boot->plugins.count; i++) {
		if (boot->plugins.items[i].refusal != NULL) {
			settle_refused(master, live, boot, &boot->plugins.items[i]);
		}
	}
	settle_claims(master, boot, live);
	for (size_t i = 0; i < boot->plugins.count; i++) {
		if (boot->plugins.items[i].refusal == NULL) {
			take_version(master, live, &boot->plugins.items[i]);
		}
	}
	tell_gone(boot, live);
	tell_paths(boot, live);
}

static bool same_service(const struct plugin *live, const struct plugin *found)
{
	if (live->refusal != NULL || found->refusal != NULL) {
		return live->refusal != NULL && found->refusal != NULL;
	}
	return strcmp(live->note.name, found->note.name) == 0 &&
	    strcmp(live->hash, found->hash) == 0 && live->isolated == found->isolated &&
	    live->can == found->can && text_same(live->own_route, found->own_route);
}

bool adopt_serves_same(const struct plugin_set *live, const struct plugin_set *found)
{
	size_t known = 0;

	for (size_t i = 0; i < found->count; i++) {
		const struct plugin *plugin = &found->items[i];
		const struct plugin *before = from_file(live, plugin->file);

		if (before == NULL && plugin->refusal != NULL) {
			continue;
		}
		if (before == NULL || !same_service(before, plugin)) {
			return false;
		}
		known++;
	}
	return known == live->count;
}

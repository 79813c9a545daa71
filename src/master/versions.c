/* SPDX-License-Identifier: MIT */
/* What the master knows of plugin contents. */
#include "master/versions.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "master/master.h"

#define TRUSTED_ANSWERS 100	/* a version that has given as many may die once */

struct version *versions_find(const struct master *master, const char *name,
    const char *hash)
{
	for (struct list *link = master->versions.next; link != &master->versions;
	     link = link->next) {
		struct version *version = LIST_OWNER(link, struct version, link);

		if (strcmp(version->plugin.note.name, name) == 0 &&
		    strcmp(version->plugin.hash, hash) == 0) {
			return version;
		}
	}
	return NULL;
}

struct version *versions_by_number(const struct master *master, uint32_t number)
{
	for (struct list *link = master->versions.next; link != &master->versions;
	     link = link->next) {
		struct version *version = LIST_OWNER(link, struct version, link);

		if (version->plugin.version == number) {
			return version;
		}
	}
	return NULL;
}

static uint32_t next_number(const struct master *master)
{
	struct list *last = master->versions.prev;

	return last == &master->versions ? 1
	    : LIST_OWNER(last, struct version, link)->plugin.version + 1;
}

/* One that comes back leaves its old place, so that going back never goes in a ring. */
static void put_after(const struct master *master, struct version *version,
    struct version *before)
{
	for (struct list *link = master->versions.next; link != &master->versions;
	     link = link->next) {
		struct version *newer = LIST_OWNER(link, struct version, link);

		if (newer->before == version) {
			newer->before = version->before;
		}
	}
	version->before = before;
}

struct version *versions_take(struct master *master, const struct plugin *plugin,
    struct version *before)
{
	struct version *version = versions_find(master, plugin->note.name, plugin->hash);
	uint32_t number = next_number(master);

	if (version == NULL) {
		version = memory_new(1, sizeof(*version));
		version->plugin.version = number;
		version->plugin.note = plugin->note;
		memcpy(version->plugin.hash, plugin->hash, sizeof(plugin->hash));
		version->plugin.copy = memory_text(plugin->copy);
		version->plugin.file = memory_text(plugin->file);
		list_append(&master->versions, &version->link);
	}
	if (before != version) {
		put_after(master, version, before);
		version->live_since_ms = master->loop->now_ms;
		version->deaths = 0;
	}
	plugin_learn(&version->plugin, plugin);
	return version;
}

struct version *version_fallback(const struct version *version)
{
	struct version *good = version->before;

	while (good != NULL && good->quarantined) {
		good = good->before;
	}
	return good;
}

bool version_on_probation(const struct master *master, const struct version *version)
{
	return !version->quarantined && version_fallback(version) != NULL &&
	    master->loop->now_ms - version->live_since_ms < PROBATION_MS;
}

bool version_died(struct master *master, struct version *version, uint64_t answers)
{
	if (!version_on_probation(master, version)) {
		return false;
	}
	version->deaths++;
	if (version->deaths < 2 && answers >= TRUSTED_ANSWERS) {
		return false;
	}
	version->quarantined = true;
	log_say(LOG_WARN,
	    "handler '%s', version %s, is in quarantine until its file changes: going "
	    "back to version %s",
	    version->plugin.note.name, version->plugin.hash,
	    version_fallback(version)->plugin.hash);
	return true;
}

void versions_release(struct master *master)
{
	while (!list_empty(&master->versions)) {
		struct version *version =
		    LIST_OWNER(master->versions.next, struct version, link);

		list_remove(&version->link);
		free(version->plugin.file);
		free(version->plugin.copy);
		plugin_forget(&version->plugin);
		free(version);
	}
}

/* SPDX-License-Identifier: MIT */
/* A handler at its place in the configuration. */
#include "site/site_mount.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "os/crew.h"
#include "site/place.h"

/* A plugin whose code runs in this process, for all mounts of it. */
struct loaded {
	struct list link;	/* in site_mounts.loaded */
	struct plugin plugin;
	uint32_t references;
};

void site_mounts_init(struct site_mounts *mounts, const struct plugin_services *services)
{
	*mounts = (struct site_mounts){ .services = services };
	list_init(&mounts->all);
	list_init(&mounts->loaded);
	table_init(&mounts->by_key);
}

/* Those with the same key stay in order: the first of them is found first. */
static void add_by_key(struct site_mounts *mounts, struct site_mount *mount)
{
	struct slice key = slice_of(mount->key);
	struct site_mount *last = table_get(&mounts->by_key, key);

	mount->same = NULL;
	if (last == NULL) {
		table_set(&mounts->by_key, key, mount);
		return;
	}
	while (last->same != NULL) {
		last = last->same;
	}
	last->same = mount;
}

uint64_t site_mounts_begin(struct site_mounts *mounts)
{
	for (struct list *link = mounts->all.next; link != &mounts->all;
	     link = link->next) {
		struct site_mount *mount = LIST_OWNER(link, struct site_mount, link);

		if (mount->references > 0 && mount->stopped == 0) {
			add_by_key(mounts, mount);
		}
	}
	return ++mounts->openings;
}

void site_mounts_end(struct site_mounts *mounts)
{
	table_release(&mounts->by_key);
}

static struct loaded *find_loaded(const struct site_mounts *mounts,
    const struct plugin *plugin)
{
	for (struct list *link = mounts->loaded.next; link != &mounts->loaded;
	     link = link->next) {
		struct loaded *loaded = LIST_OWNER(link, struct loaded, link);

		if (strcmp(loaded->plugin.copy, plugin->copy) == 0) {
			return loaded;
		}
	}
	return NULL;
}

/* What plugin_load has found out. */
static void copy_loaded(struct plugin *to, const struct plugin *from)
{
	to->descriptor = from->descriptor;
	to->handler = &to->descriptor;
	to->can = from->can;
	to->threaded = from->threaded;
}

static void set_threads(struct plugin *to, const struct plugin *from)
{
	to->threads = from->threads;
	to->max_queue = from->max_queue;
	if (to->crew != NULL) {
		crew_resize(to->crew, to->threads);
	}
}

int site_mounts_load(struct site_mounts *mounts, struct plugin *plugin)
{
	struct loaded *loaded = find_loaded(mounts, plugin);

	if (loaded == NULL) {
		return plugin_load(plugin, mounts->services);
	}
	copy_loaded(plugin, &loaded->plugin);
	return 0;
}

void site_mounts_serve(struct site_mounts *mounts, const struct plugin_set *plugins)
{
	for (size_t i = 0; i < plugins->count; i++) {
		const struct plugin *plugin = &plugins->items[i];
		struct loaded *loaded = plugin->handler == NULL ? NULL :
		    find_loaded(mounts, plugin);

		if (loaded != NULL) {
			set_threads(&loaded->plugin, plugin);
		}
	}
}

static struct loaded *take_loaded(struct site_mounts *mounts, const struct plugin *plugin)
{
	struct loaded *loaded = find_loaded(mounts, plugin);

	if (loaded == NULL) {
		loaded = memory_new(1, sizeof(*loaded));
		loaded->plugin.file = memory_text(plugin->file);
		loaded->plugin.copy = memory_text(plugin->copy);
		memcpy(loaded->plugin.hash, plugin->hash, sizeof(plugin->hash));
		loaded->plugin.note = plugin->note;
		loaded->plugin.count_as = plugin->count_as;
		copy_loaded(&loaded->plugin, plugin);
		set_threads(&loaded->plugin, plugin);
		list_append(&mounts->loaded, &loaded->link);
	}
	loaded->references++;
	return loaded;
}

static void give_loaded(struct loaded *loaded)
{
	if (loaded != NULL && --loaded->references == 0) {
		list_remove(&loaded->link);
		crew_free(loaded->plugin.crew);
		free(loaded->plugin.file);
		free(loaded->plugin.copy);
		free(loaded);
	}
}

static void free_mount(struct site_mount *mount)
{
	timer_cancel(&mount->expiry);
	list_remove(&mount->link);
	give_loaded(mount->loaded);
	settings_release(&mount->settings);
	free(mount->key);
	free(mount->pattern);
	free(mount);
}

static void close_mount(struct deferred *later)
{
	struct site_mount *mount = LIST_OWNER(later, struct site_mount, later);

	instance_close(mount->instance);
	if (mount->pool != NULL) {
		pool_shut(mount->pool, mount->pool_instance);
	}
	free_mount(mount);
}

static void on_expiry(struct timer *timer)
{
	struct site_mount *mount = LIST_OWNER(timer, struct site_mount, expiry);

	if (mount->mounts->expired != NULL) {
		mount->mounts->expired(mount->mounts->arg, mount);
	}
}

static int open_in_hosts(struct site_mount *mount, const struct site_mount_setup *setup,
    struct problems *problems)
{
	struct open_message message = { .pattern = setup->pattern,
		.where = setup->where, .directory = setup->directory,
		.settings = *setup->settings };

	if (pool_open(setup->pool, &message, &mount->pool_instance) != 0) {
		problems_add(problems, setup->where, NULL, "the settings are too large");
		return ERR_LIMIT;
	}
	mount->pool = setup->pool;
	return 0;
}

static int open_here(struct site_mount *mount, const struct site_mount_setup *setup,
    struct problems *problems)
{
	struct instance_setup instance = { .settings = &mount->settings,
		.directory = setup->directory, .where = setup->where, .owner = mount };

	settings_copy(&mount->settings, setup->settings);
	mount->loaded = take_loaded(mount->mounts, setup->plugin);
	mount->instance = instance_open(&mount->loaded->plugin, &instance, problems);
	return mount->instance == NULL ? ERR_INVALID : 0;
}

/* Takes the key. */
static struct site_mount *new_mount(struct site_mounts *mounts, char *key,
    const struct site_mount_setup *setup, struct problems *problems)
{
	struct site_mount *mount = memory_new(1, sizeof(*mount));
	int rc;

	mount->mounts = mounts;
	mount->references = 1;
	mount->opening = mounts->openings;
	mount->key = key;
	mount->pattern = memory_text(setup->pattern);
	timer_init(&mount->expiry, on_expiry);
	deferred_init(&mount->later, close_mount);
	list_append(&mounts->all, &mount->link);
	rc = setup->pool == NULL ? open_here(mount, setup, problems)
				 : open_in_hosts(mount, setup, problems);
	if (rc != 0) {
		site_mount_unref(mount);
		return NULL;
	}
	return mount;
}

/* One that a host has refused is not worth keeping: a new one may do better. */
static bool can_go_on(const struct site_mount *mount)
{
	return mount->references > 0 && mount->stopped == 0 &&
	    (mount->pool == NULL ? mount->instance != NULL
				 : pool_opens(mount->pool, mount->pool_instance));
}

struct site_mount *site_mount_find(struct site_mounts *mounts,
    const struct site_mount_setup *setup, struct problems *problems)
{
	char *key = place_key(setup->place, setup->plugin, setup->settings);
	struct site_mount *mount = table_get(&mounts->by_key, slice_of(key));

	while (mount != NULL &&
	    (mount->opening == mounts->openings || !can_go_on(mount))) {
		mount = mount->same;
	}
	if (mount != NULL) {
		mount->opening = mounts->openings;
		free(key);
		return site_mount_ref(mount);
	}
	return new_mount(mounts, key, setup, problems);
}

struct site_mount *site_mount_ref(struct site_mount *mount)
{
	mount->references++;
	return mount;
}

/* Not within a callback of it. */
void site_mount_unref(struct site_mount *mount)
{
	if (mount != NULL && --mount->references == 0) {
		loop_defer(mount->mounts->services->loop, &mount->later);
	}
}

void site_mount_hold(struct site_mount *mount, int change)
{
	if (change > 0) {
		site_mount_ref(mount);
	} else {
		site_mount_unref(mount);
	}
}

static void stop(struct site_mount *mount, int why)
{
	if (mount->stopped >= why) {
		return;
	}
	mount->stopped = why;
	instance_stop(mount->instance, why);
	if (mount->pool != NULL) {
		pool_retire(mount->pool, mount->pool_instance, why);
	}
}

void site_mount_retire(struct site_mount *mount, uint32_t drain_ms)
{
	struct loop *loop = mount->mounts->services->loop;

	if (mount->stopped == 0) {
		stop(mount, TC_RELOAD);
		timer_set(&loop->timers, &mount->expiry, loop->now_ms + drain_ms);
	}
}

void site_mounts_stop(struct site_mounts *mounts)
{
	for (struct list *link = mounts->all.next; link != &mounts->all;
	     link = link->next) {
		stop(LIST_OWNER(link, struct site_mount, link), TC_SHUTDOWN);
	}
}

void site_mounts_leave_threads(struct site_mounts *mounts, int ms)
{
	for (struct list *link = mounts->loaded.next; link != &mounts->loaded;
	     link = link->next) {
		struct plugin *plugin = &LIST_OWNER(link, struct loaded, link)->plugin;

		if (plugin->crew != NULL && !crew_wait(plugin->crew, ms)) {
			log_say(LOG_WARN,
			    "handler '%s' does not come back from a thread: ending "
			    "without it", plugin->note.name);
		}
	}
}

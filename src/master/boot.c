/* SPDX-License-Identifier: MIT */
/* From a configuration file to all that is needed to serve it. */
#include "master/boot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sink.h"
#include "master/expiry.h"
#include "master/hostexec.h"
#include "master/preflight.h"
#include "master/renewals.h"
#include "master/ticket_file.h"

static void need_plugin(struct boot *boot, const char *name, const char *where,
    const char *key)
{
	char *place = memory_printf("%s%s", where, key);

	(void)plugin_need(&boot->plugins, name, place, boot->config->plugin_directory,
	    &boot->problems);
	free(place);
}

static void check_names(struct boot *boot)
{
	const struct config *config = boot->config;
	const struct config_filter *filter;
	struct config_stream stream;

	for (size_t i = 0; i < config->handler_count; i++) {
		need_plugin(boot, config->handlers[i].name, config->handlers[i].where,
		    "");
	}
	for (size_t i = 0; i < config->route_count; i++) {
		if (config->routes[i].handler != NULL) {
			need_plugin(boot, config->routes[i].handler,
			    config->routes[i].where, ".handler");
		}
	}
	for (size_t i = 0; config_stream_at(config, i, &stream); i++) {
		need_plugin(boot, stream.handler, stream.where, "");
	}
	for (size_t i = 0; (filter = config_filter_at(config, i)) != NULL; i++) {
		need_plugin(boot, filter->handler, filter->where, "");
	}
}

static void set_isolation(struct boot *boot)
{
	for (size_t i = 0; i < boot->plugins.count; i++) {
		struct plugin *plugin = &boot->plugins.items[i];
		const struct config_handler *handler =
		    config_find_handler(boot->config, plugin->note.name);

		plugin->isolated = handler == NULL || !handler->in_worker;
	}
}

static void tell_useless(struct boot *boot, const char *where, const char *name,
    const char *why)
{
	if (where != NULL) {
		problems_warn(&boot->problems, where, NULL,
		    "changes nothing: handler '%s' %s", name, why);
	}
}

/* What the file says of a handler that has no use for it. */
static void check_use(struct boot *boot, const struct config_handler *handler)
{
	static const char blocks_not[] = "does not block (TC_BLOCKING)";
	const struct plugin *plugin = plugin_find(&boot->plugins, handler->name);

	/* Of one that could not be loaded nothing is known. */
	if (plugin == NULL || plugin->can == 0) {
		return;
	}
	if ((plugin->can & PLUGIN_BLOCKING) == 0) {
		tell_useless(boot, handler->processes_where, handler->name, blocks_not);
		tell_useless(boot, handler->max_queue_where, handler->name, blocks_not);
	} else if (handler->in_worker) {
		tell_useless(boot, handler->processes_where, handler->name,
		    "is in the workers, where it has 'threads'");
	}
	if (handler->in_worker) {
		tell_useless(boot, handler->paths.where, handler->name,
		    "runs in the workers, which this does not bind");
	}
	if (!handler->in_worker) {
		tell_useless(boot, handler->threads_where, handler->name,
		    "has processes of its own, no threads in the workers");
	}
}

static void check_list(struct boot *boot, const struct config_paths *paths,
    char *const *list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
		if (access(list[i], F_OK) != 0) {
			problems_warn(&boot->problems, paths->where, NULL,
			    "cannot grant '%s': %s", list[i], strerror(errno));
		}
	}
}

static void check_paths(struct boot *boot, const struct config_paths *paths)
{
	check_list(boot, paths, paths->read);
	check_list(boot, paths, paths->write);
}

/* The log tells, too, when it cannot be opened; who asks for a check or a reload does not
 * see that. */
static void check_log(struct boot *boot, const char *key, const char *path)
{
	char *where;

	if (sink_check(path) != 0) {
		where = memory_printf("%s: log.%s", boot->config->file, key);
		problems_warn(&boot->problems, where, NULL, "cannot open '%s': %s", path,
		    strerror(errno));
		free(where);
	}
}

static void on_checked(void *arg)
{
	struct boot *boot = arg;

	preflight_free(boot->preflight);
	boot->preflight = NULL;
	problems_copy(&boot->problems, &boot->certificates);
	expiry_warn(boot->config, (int64_t)time(NULL), &boot->problems);
	boot->done(boot);
}

static void check_certificates(void *arg)
{
	struct boot *boot = arg;

	boot->preflight = preflight_start(boot->loop, boot->config, boot->passphrases,
	    &boot->certificates, on_checked, boot);
}

/* Those of a text that is served already are looked after by master/renewals.h. */
static void on_probed(void *arg)
{
	struct boot *boot = arg;

	probes_free(boot->probes);
	boot->probes = NULL;
	if (boot->config == NULL || !boot->reread) {
		boot->done(boot);
		return;
	}
	check_log(boot, "access", boot->config->log.access);
	check_log(boot, "error", boot->config->log.error);
	ticket_file_check(boot->config, &boot->problems);
	for (size_t i = 0; i < boot->config->handler_count; i++) {
		check_use(boot, &boot->config->handlers[i]);
		check_paths(boot, &boot->config->handlers[i].paths);
	}
	boot->certificate_files = renewals_files(boot->config);
	boot->passphrases = passphrases_start(boot->loop, boot->config,
	    check_certificates, boot);
}

static void read_config(struct boot *boot, const char *file, const struct slice *text)
{
	if (text != NULL) {
		boot->text = memory_copy(text->data, text->size);
		boot->text_size = text->size;
	} else if (config_read(file, &boot->text, &boot->text_size, &boot->problems) !=
	    0) {
		return;
	}
	boot->config = config_parse(file, boot->text, boot->text_size, &boot->problems);
}

/* Of a folder that cannot be read no handler is known: that is one mistake, not one for
 * each name. */
static void find_plugins(struct boot *boot, boot_adjust_fn *adjust, bool names)
{
	size_t before = boot->problems.errors;
	bool found;

	plugin_scan(&boot->plugins, boot->config->plugin_directory, boot->config->state,
	    &boot->problems);
	found = boot->problems.errors == before;
	set_isolation(boot);
	if (adjust != NULL) {
		adjust(boot);
	}
	plugin_set_settle_names(&boot->plugins);
	if (names && found) {
		check_names(boot);
	}
}

/* Whom workers, hosts and probes become. In place of one that cannot be, there is none of
 * them: no plugin's code is run by root just for a word that is misspelt. */
static int find_user(struct boot *boot)
{
	const struct config *config = boot->config;
	char why[USER_WHY_BYTES];
	struct user user;

	if (config->user == NULL) {
		return 0;
	}
	if (user_find(config->user, &user, why) != 0) {
		problems_add(&boot->problems, config->user_where, NULL, "%s", why);
		return ERR_MISSING;
	}
	if (geteuid() != 0 && user.uid != geteuid()) {
		problems_add(&boot->problems, config->user_where,
		    "start it as root, or as that user", "only root can become '%s'",
		    config->user);
		return ERR_INVALID;
	}
	if (geteuid() == 0) {
		boot->user = memory_new(1, sizeof(*boot->user));
		*boot->user = user;
	}
	return 0;
}

static void start_probes(struct boot *boot, bool strict)
{
	struct probes_task task = { .config = boot->config, .plugins = &boot->plugins,
		.user = boot->user, .problems = &boot->problems, .strict = strict };

	boot->probes = probes_start(boot->loop, &task, on_probed, boot);
}

void boot_begin(struct boot *boot, struct loop *loop, const char *file,
    const struct slice *text, void *owner, boot_adjust_fn *adjust,
    void (*done)(struct boot *boot))
{
	memset(boot, 0, sizeof(*boot));
	boot->loop = loop;
	boot->done = done;
	boot->owner = owner;
	boot->reread = text == NULL;
	problems_init(&boot->problems);
	problems_init(&boot->certificates);
	read_config(boot, file, text);
	if (boot->config != NULL && find_user(boot) == 0 &&
	    hostexec_open(&boot->problems) == 0) {
		find_plugins(boot, adjust, text == NULL);
	}
	/* Without a configuration the set is empty, but the end comes as always. */
	start_probes(boot, text == NULL);
}

struct waiting {
	struct boot boot;	/* first: done gets its address */
	struct loop *loop;
};

static void stop_waiting(struct boot *boot)
{
	loop_stop(((struct waiting *)boot)->loop);
}

void boot_load(struct boot *boot, const char *file, boot_adjust_fn *adjust)
{
	struct waiting waiting = { .loop = loop_new() };

	boot_begin(&waiting.boot, waiting.loop, file, NULL, NULL, adjust, stop_waiting);
	loop_run(waiting.loop);
	loop_free(waiting.loop);
	*boot = waiting.boot;
}

void boot_release(struct boot *boot)
{
	probes_free(boot->probes);
	preflight_free(boot->preflight);
	passphrases_free(boot->passphrases);
	plugin_set_release(&boot->plugins);
	config_free(boot->config);
	problems_release(&boot->problems);
	problems_release(&boot->certificates);
	free(boot->text);
	free(boot->user);
	memset(boot, 0, sizeof(*boot));
}

void boot_forget_passphrases(struct boot *boot)
{
	passphrases_free(boot->passphrases);
	boot->passphrases = NULL;
}

void boot_swap(struct boot *a, struct boot *b)
{
	struct boot kept = *a;

	*a = *b;
	*b = kept;
}

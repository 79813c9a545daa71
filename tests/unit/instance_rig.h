/* SPDX-License-Identifier: MIT */
/* One instance of a built handler, and a request for it: the fixture of its tests. */
#ifndef TINCAN_TESTS_INSTANCE_RIG_H
#define TINCAN_TESTS_INSTANCE_RIG_H

#include "plugin/instance.h"
#include "rig.h"
#include "unit.h"

static struct rig rig;
static struct rig_exchange request;
static struct settings settings;
static struct instance *instance;	/* NULL until open_instance has made it */

static inline void set_up(void)
{
	rig_open(&rig);
	settings_init(&settings);
	instance = NULL;
	rig_log = (struct rig_log){ 0 };
}

static inline void tear_down(void)
{
	rig_end(&request);
	instance_close(instance);
	settings_release(&settings);
	rig_close(&rig);
}

/* Of the plugin, which has been loaded; NULL if on_open refuses, with rig.problems. */
static inline void open_plugin(struct plugin *plugin)
{
	instance = instance_open(plugin,
	    &(struct instance_setup){ .settings = &settings, .directory = "/srv",
		.where = "server.json:8: routes[0]" }, &rig.problems);
}

static inline void open_instance(const char *name)
{
	open_plugin(rig_load(&rig, name));
}

/* GET of that path; the handler has the request when it returns. */
static inline void ask_instance(const char *path)
{
	ck_assert_ptr_nonnull(instance);
	rig_end(&request);
	rig_begin(&request, HTTP_GET, path);
	instance_request(instance, &request.exchange);
}

/* The same, of that handler if none is open. */
static inline void ask(const char *name, const char *path)
{
	if (instance == NULL) {
		open_instance(name);
	}
	ask_instance(path);
}

#endif

/* SPDX-License-Identifier: MIT */
/* What a handler shares with itself in other processes. */
#include "plugin/state.h"

#include <errno.h>
#include <string.h>

#include "ipc/shared.h"
#include "plugin/api.h"
#include "plugin/instance.h"

static const char *reason(int rc)
{
	switch (rc) {
	case ERR_INVALID:
		return "a name is of [a-z0-9_-], up to 47, and a size more than 0";
	case ERR_LIMIT:
		return "past the bound of 64 MiB, or of 1,024 areas";
	case ERR_PROTOCOL:
		return "the handler has spoilt it";
	default:
		return strerror(errno);
	}
}

/* That of the handler whose on_open runs, or NULL. */
static struct shared *memory_of(tc_conf *cf)
{
	const struct plugin_services *services = api_services();
	const struct instance *instance = api_instance();

	if (api_conf(cf)->problems == NULL || instance == NULL ||
	    services->shared == NULL) {
		return NULL;
	}
	return services->shared(services->arg, instance->plugin->note.name);
}

void *state_shared(tc_conf *cf, const char *name, size_t size)
{
	struct shared *shared = memory_of(cf);
	void *memory = NULL;
	int rc;

	if (shared == NULL) {
		return NULL;
	}
	rc = shared_area(shared, name == NULL ? "" : name, size, &memory);
	if (rc != 0) {
		api_log(TC_ERROR, "gets no shared memory '%s' of %zu bytes: %s",
		    name == NULL ? "" : name, size, reason(rc));
		return NULL;
	}
	return memory;
}

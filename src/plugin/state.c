/* SPDX-License-Identifier: MIT */
/* What a handler shares with itself in other processes. */
#include "plugin/state.h"

#include <errno.h>
#include <string.h>

#include "ipc/figures.h"
#include "plugin/api.h"
#include "plugin/instance.h"

static const char *memory_reason(int rc)
{
	switch (rc) {
	case ERR_INVALID:
		return "a name is of [a-z0-9_-], up to 47, and a size more than 0";
	case ERR_LIMIT:
		return "past the bound of 64 MiB, or of 1,024 names";
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
		    name == NULL ? "" : name, size, memory_reason(rc));
		return NULL;
	}
	return memory;
}

static const char *metric_reason(int rc)
{
	switch (rc) {
	case ERR_INVALID:
		return "a name is of [a-z0-9_], up to 47, and does not end as one of a "
		       "histogram's or of the server's own";
	case ERR_MISSING:
		return "it is of another kind already";
	case ERR_LIMIT:
		return "past the bound of 64 names, or of 1,023 processes";
	default:
		return memory_reason(rc);
	}
}

tc_metric *state_metric(tc_conf *cf, int kind, const char *name, const char *help)
{
	struct shared *shared = memory_of(cf);
	struct figure *figure = NULL;
	int rc;

	if (shared == NULL) {
		return NULL;
	}
	rc = figure_get(shared, kind, name == NULL ? "" : name, help == NULL ? "" : help,
	    &figure);
	if (rc != 0) {
		api_log(TC_ERROR, "gets no metric '%s': %s", name == NULL ? "" : name,
		    metric_reason(rc));
		return NULL;
	}
	return (tc_metric *)figure;
}

void state_add(tc_metric *m, double value)
{
	if (m != NULL) {
		figure_add((struct figure *)m, value);
	}
}

void state_set(tc_metric *m, double value)
{
	if (m != NULL) {
		figure_set((struct figure *)m, value);
	}
}

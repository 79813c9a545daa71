/* SPDX-License-Identifier: MIT */
/* What a worker does at its limits. */
#include "worker/limits.h"

#include <inttypes.h>

#include "base/log.h"
#include "worker/connection.h"

#define SAY_MS 10000		/* between two lines about a limit in the log */
#define EVICT_LOOKS 64		/* connections looked at for one that is idle */

void limits_met(struct worker *worker, enum scoreboard_limit limit,
    const union socket_address *peer, const char *done)
{
	struct limits_said *said = &worker->limits_said[limit];
	char name[SOCKET_NAME_BYTES];
	char before[48] = "";

	counter_add(&worker->self->limits[limit], 1);
	if (said->at_ms != 0 && worker->loop->now_ms - said->at_ms < SAY_MS) {
		said->unsaid++;
		return;
	}
	socket_address_name(peer, name);
	if (said->unsaid > 0) {
		snprintf(before, sizeof(before), ", as %" PRIu64 " before it",
		    said->unsaid);
	}
	log_say(LOG_WARN, "%s: %s is %s%s", scoreboard_limits[limit], name, done, before);
	said->at_ms = worker->loop->now_ms;
	said->unsaid = 0;
}

/* Those that are looked at go behind the others, so that the next look is at others. */
static bool make_room(struct worker *worker)
{
	for (int i = 0; i < EVICT_LOOKS && !list_empty(&worker->connections); i++) {
		struct list *link = worker->connections.next;

		list_remove(link);
		list_append(&worker->connections, link);
		if (connection_evict(LIST_OWNER(link, struct connection, link))) {
			counter_add(&worker->self->evicted, 1);
			return true;
		}
	}
	return false;
}

static bool refuse(struct worker *worker, enum scoreboard_limit limit,
    const union socket_address *peer)
{
	counter_add(&worker->self->refused, 1);
	limits_met(worker, limit, peer, "refused");
	return false;
}

bool limits_admit(struct worker *worker, const union socket_address *peer)
{
	if (worker->connection_count >= worker->max_connections && !make_room(worker)) {
		return refuse(worker, LIMIT_MAX_CONNECTIONS, peer);
	}
	return true;
}

/* SPDX-License-Identifier: MIT */
/* The bus in a host. */
#include "host/bus.h"

#include "host/host.h"
#include "ipc/bus_ring.h"
#include "remote/bus_frames.h"

/* Sends the frame in host->said. That the peer has gone shows where the loop
 * reads. */
static int send_frame(struct host *host, int rc)
{
	if (rc == 0) {
		(void)!outbox_put(&host->outbox, buffer_slice(&host->said));
	}
	return rc;
}

static int subscribe(void *arg, struct slice name)
{
	struct host *host = arg;

	buffer_reset(&host->said);
	return send_frame(host, subscribe_pack(&host->said, FRAME_SUBSCRIBE,
	    bus_name_topic(name)));
}

static void unsubscribe(void *arg, struct slice name)
{
	struct host *host = arg;

	/* Events that go on coming find nobody. */
	buffer_reset(&host->said);
	(void)!send_frame(host, subscribe_pack(&host->said, FRAME_UNSUBSCRIBE,
	    bus_name_topic(name)));
}

static int publish(void *arg, struct slice name, struct slice data)
{
	struct host *host = arg;

	buffer_reset(&host->said);
	return send_frame(host, publish_pack(&host->said, bus_name_topic(name),
	    data));
}

void host_bus_serve(struct host *host)
{
	host->bus = (struct bus_carrier){ .subscribe = subscribe,
		.unsubscribe = unsubscribe, .publish = publish, .arg = host };
	bus_serve(&host->bus);
}

int host_bus_event(struct host *host, const struct frame *frame)
{
	char name[BUS_NAME_MAX];
	struct slice topic;
	struct slice data;
	uint64_t lost;
	size_t size;

	if (event_unpack(frame, &topic, &data, &lost) != 0) {
		return ERR_PROTOCOL;
	}
	size = bus_name(name, slice_of(host->plugin.note.name), topic);
	bus_deliver((struct slice){ name, size }, data, lost);
	return 0;
}

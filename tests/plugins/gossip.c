/* SPDX-License-Identifier: MIT */
/*
 * Good, but for those who hear "die": what its instances tell one another, on the topic
 * "news" unless said otherwise.
 *
 *	/say?TEXT	publishes it
 *	/flood?N	publishes N texts of 1 KB
 *	/heard		what this instance has heard
 *	/quiet, /listen	ends its subscription, takes another one
 *	/rules		what is refused
 */
#include <stdlib.h>
#include <string.h>
#include <tincan/bus.h>
#include <tincan/handler.h>
#include <unistd.h>

#define HEARD_BYTES (256 * 1024)

struct gossip {
	const tc_bus *bus;
	tc_sub *sub;
	unsigned long long messages, lost;
	size_t size;
	char heard[HEARD_BYTES];	/* lines, as far as there is room */
};

static void hear(void *arg, const void *data, size_t size, uint64_t lost)
{
	struct gossip *gossip = arg;

	if (size == 3 && memcmp(data, "die", 3) == 0) {
		abort();
	}
	gossip->messages++;
	gossip->lost += lost;
	if (size < 100 && gossip->size + size + 2 <= HEARD_BYTES) {
		memcpy(gossip->heard + gossip->size, data, size);
		gossip->size += size;
		gossip->heard[gossip->size++] = '\n';
	}
}

static int listen_to(struct gossip *gossip)
{
	gossip->sub = gossip->bus->subscribe("news", hear, gossip);
	return gossip->sub == NULL ? TC_FAIL : TC_OK;
}

static int open_gossip(tc_conf *cf, void **state)
{
	struct gossip *gossip = calloc(1, sizeof *gossip);

	if (gossip == NULL) {
		return TC_NOMEM;
	}
	gossip->bus = tc.ext(TC_BUS);
	if (gossip->bus == NULL) {
		free(gossip);
		return TC_UNKNOWN;
	}
	*state = gossip;
	return tc.conf_bool(cf, "deaf", 0) ? TC_OK : listen_to(gossip);
}

static void close_gossip(void *state)
{
	struct gossip *gossip = state;

	gossip->bus->unsubscribe(gossip->sub);
	gossip->bus->publish("news", "bye", 3);
	free(gossip);
}

static int tell_heard(tc_req *r, const struct gossip *gossip)
{
	return tc.text(r, 200, tc_printf(r, "pid %d\nmessages %llu\nlost %llu\n%s",
	    (int)getpid(), gossip->messages, gossip->lost, gossip->heard));
}

static int flood(tc_req *r, const struct gossip *gossip)
{
	static char text[1024];
	int count = (int)strtol(tc.query(r), NULL, 10);
	int sent = 0;

	memset(text, 'x', sizeof text);
	for (int i = 0; i < count; i++) {
		sent += gossip->bus->publish("news", text, sizeof text) == TC_OK;
	}
	return tc.text(r, 200, tc_printf(r, "%d\n", sent));
}

static int tell_rules(tc_req *r, struct gossip *gossip)
{
	static const char data[65537];
	const tc_bus *bus = gossip->bus;
	char topic[257] = "";
	int results[9];	/* one after the other: arguments of one call have no order */

	memset(topic, 't', 256);
	results[0] = bus->subscribe("", hear, gossip) == NULL;
	results[1] = bus->subscribe(topic, hear, gossip) == NULL;
	results[2] = bus->subscribe("news", NULL, gossip) == NULL;
	results[3] = bus->publish("", "x", 1);
	results[4] = bus->publish(topic, "x", 1);
	results[5] = bus->publish("other", NULL, 1);
	results[6] = bus->publish("other", data, 65537);
	results[7] = bus->publish("other", data, 65536);
	results[8] = bus->publish(topic + 1, NULL, 0);
	return tc.text(r, 200, tc_printf(r, "%d %d %d %d %d %d %d %d %d", results[0],
	    results[1], results[2], results[3], results[4], results[5], results[6],
	    results[7], results[8]));
}

static int answer(tc_req *r)
{
	struct gossip *gossip = tc.state(r);
	const char *what = tc.tail(r);
	const char *query = tc.query(r);

	if (strcmp(what, "say") == 0) {
		return tc.text(r, 200, tc_printf(r, "%d\n",
		    gossip->bus->publish("news", query, strlen(query))));
	}
	if (strcmp(what, "flood") == 0) {
		return flood(r, gossip);
	}
	if (strcmp(what, "rules") == 0) {
		return tell_rules(r, gossip);
	}
	if (strcmp(what, "quiet") == 0) {
		gossip->bus->unsubscribe(gossip->sub);
		gossip->sub = NULL;
	} else if (strcmp(what, "listen") == 0 && listen_to(gossip) != TC_OK) {
		return TC_FAIL;
	}
	return tell_heard(r, gossip);
}

TINCAN_HANDLER("gossip", .route = "/gossip/*", .on_open = open_gossip,
    .on_close = close_gossip, .on_request = answer);

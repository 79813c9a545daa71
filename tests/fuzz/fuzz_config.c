/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as server.json. Beside not crashing: a text is refused with a problem or
 * gives a config that is whole, and every problem can be printed on one line.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int truth, const char *what)
{
	if (!truth) {
		fprintf(stderr, "fuzz_config: %s\n", what);
		abort();
	}
}

static void check_text(const char *text)
{
	for (; *text != '\0'; text++) {
		expect((unsigned char)*text >= 0x20 && *text != 0x7f,
		    "a control character");
	}
}

static void check_streams(const struct config *config)
{
	struct config_stream stream;
	size_t i;

	for (i = 0; config_stream_at(config, i, &stream); i++) {
		expect(stream.where != NULL && stream.handler[0] != '\0',
		    "a stream without handler");
		expect(config_uses(config, stream.handler), "a stream that is no use");
	}
	expect(i >= config->alpn_count, "a name without stream");
	for (i = 0; i < config->alpn_count; i++) {
		size_t size = strlen(config->alpns[i].name);

		expect(size > 0 && size < 256, "a name that TLS cannot carry");
		check_text(config->alpns[i].name);
	}
}

static void check_origins(char *const *origins)
{
	for (; origins != NULL && *origins != NULL; origins++) {
		expect(strcmp(*origins, "*") == 0 || strstr(*origins, "://") != NULL,
		    "an origin without scheme");
		check_text(*origins);
	}
}

/* What the readers of a config rely on. */
static void check_config(const struct config *config)
{
	expect(config->plugin_directory != NULL && config->state != NULL,
	    "no directories");
	expect(config->log.access != NULL && config->log.error != NULL, "no logs");
	for (size_t i = 0; i < config->listener_count; i++) {
		expect(config->listeners[i].host != NULL, "a listener without host");
	}
	for (size_t i = 0; i < config->certificate_count; i++) {
		expect(config->certificates[i].chain != NULL &&
		    config->certificates[i].key != NULL, "half a certificate");
	}
	for (size_t i = 0; i < config->route_count; i++) {
		const struct config_route *route = &config->routes[i];

		expect(route->pattern != NULL && route->where != NULL,
		    "a route without path");
		expect((route->handler == NULL) != (route->redirect == NULL),
		    "no one target");
		check_origins(route->origins);
	}
	check_streams(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems problems;
	struct config *config;

	problems_init(&problems);
	config = config_parse("f", (const char *)data, size, &problems);
	expect(config != NULL || problems.errors > 0, "refused without a word");
	if (config != NULL) {
		check_config(config);
	}
	for (size_t i = 0; i < problems.count; i++) {
		check_text(problems.items[i].where);
		check_text(problems.items[i].what);
		check_text(problems.items[i].hint == NULL ? "" : problems.items[i].hint);
	}
	config_free(config);
	problems_release(&problems);
	return 0;
}

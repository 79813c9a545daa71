/* SPDX-License-Identifier: MIT */
/* tincan routes: the route table in the order of matching. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "http/message.h"
#include "master/boot.h"
#include "site/site.h"

#define METHODS_BYTES 128

/* "" if it takes any. */
static void list_methods(uint32_t methods, const struct config_route *config,
    char out[METHODS_BYTES])
{
	size_t used = 0;

	out[0] = '\0';
	if (config == NULL || (config->methods == 0 && config->other_methods == NULL)) {
		return;
	}
	for (uint32_t bit = HTTP_GET; bit <= HTTP_PATCH; bit <<= 1) {
		if ((methods & bit) && used < METHODS_BYTES) {
			used += (size_t)snprintf(out + used, METHODS_BYTES - used, "%s%s",
			    used == 0 ? "" : ",",
			    http_method_name((enum http_method)bit));
		}
	}
	for (char **other = config->other_methods;
	    other != NULL && *other != NULL && used < METHODS_BYTES; other++) {
		used += (size_t)snprintf(out + used, METHODS_BYTES - used, "%s%s",
		    used == 0 ? "" : ",", *other);
	}
}

/* Below a path: whom its requests meet first. */
static void print_chain(const struct site_chain *chain)
{
	for (size_t i = 0; i < chain->count; i++) {
		const struct site_route *filter = chain->items[i];

		printf("%s%s%s", i == 0 ? "  filters: " : ", ", filter->plugin->note.name,
		    filter->kind == SITE_UNAVAILABLE ? " (refused: 503)" : "");
	}
	if (chain->count > 0) {
		putchar('\n');
	}
}

static void print_route(void *arg, const char *pattern, uint32_t methods, void *value)
{
	const struct site_route *route = value;
	char list[METHODS_BYTES];

	(void)arg;
	list_methods(methods, route->config, list);
	printf("%-30s %-20s ", pattern, list[0] == '\0' ? "any" : list);
	if (route->kind == SITE_REDIRECT) {
		printf("%d to %s\n", route->config->status, route->config->redirect);
	} else {
		printf("%s%s%s\n", route->plugin->note.name,
		    route->config == NULL ? " (its own route)" : "",
		    route->kind == SITE_UNAVAILABLE ? " (refused: 503)" : "");
	}
	if (route->config != NULL && route->config->needs_client) {
		printf("  for clients with a certificate\n");
	}
	print_chain(&route->chain);
}

static void print_vhosts(const struct site *site)
{
	const struct config *config = site->config;

	for (size_t i = 1; i < config->vhost_count; i++) {
		char **names = config->vhosts[i].names;

		printf("\nhost");
		for (size_t n = 0; names[n] != NULL; n++) {
			printf("%s %s", n == 0 ? "" : ",", names[n]);
		}
		putchar('\n');
		router_walk(site->routers[i], print_route, NULL);
	}
}

static void print_streams(const struct site *site)
{
	struct config_stream stream;

	for (size_t i = 0; config_stream_at(site->config, i, &stream); i++) {
		char what[512];

		snprintf(what, sizeof(what), "%s %s", stream.kind, stream.name);
		printf("%-51s %s%s\n", what, stream.handler,
		    site->streams[i].kind == SITE_UNAVAILABLE ? " (refused)" : "");
	}
}

static void print_routes(struct boot *boot)
{
	struct site_process process = { .mounts = NULL };
	struct site site;

	/* Isolated, and without a host: then none of their code is loaded here. */
	for (size_t i = 0; i < boot->plugins.count; i++) {
		boot->plugins.items[i].isolated = true;
	}
	site_open(&site, boot->config, &boot->plugins, &process, &boot->problems);
	printf("%-30s %-20s %s\n", "path", "methods", "handler");
	router_walk(site.routers[0], print_route, NULL);
	print_streams(&site);
	print_vhosts(&site);
	site_release(&site);
}

int cli_routes(const struct cli *cli)
{
	struct boot boot;
	int status = CLI_DONE;

	boot_load(&boot, cli->config, NULL);
	if (boot.problems.errors > 0) {
		problems_print(&boot.problems, stderr);
		status = CLI_MISUSE;
	} else {
		print_routes(&boot);
	}
	boot_release(&boot);
	return status;
}

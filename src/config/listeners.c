/* SPDX-License-Identifier: MIT */
/* "listeners": addresses to listen on, and what is spoken there. */
#define _GNU_SOURCE 1
#include "config/sections.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/client_auth.h"
#include "config/reader.h"

#define DEFAULT_ADDRESS "127.0.0.1:8443"
#define PORT_DIGITS 5

#define FIELD(field_) .offset = offsetof(struct config_listener, field_)

static void read_tls(const struct node *node, void *target)
{
	struct config_listener *listener = target;

	if (json_is_boolean(node->json)) {
		listener->tls = json_is_true(node->json);
	} else if (json_is_object(node->json)) {
		client_auth_read(node, &listener->clients);
	} else {
		node_mismatch(node, "true, false or an object");
	}
}

static const struct key listener_keys[] = {
	{ KEY("address", TEXT), FIELD(address), .required = true },
	{ KEY("stream", TEXT), FIELD(stream) },
	{ KEY("settings", SETTINGS), FIELD(stream_settings) },
	{ KEY("mode", TEXT), FIELD(mode_text) },
	{ KEY("owner", TEXT), FIELD(owner) },
	{ KEY("proxy_protocol", OTHER), .read = proxies_read },
	{ KEY("tls", OTHER), .read = read_tls },
	{ KEY("redirect", TEXT), FIELD(redirect) },
	{ KEY("acme_challenge", BOOL), FIELD(acme_challenge) },
	{ .name = NULL }
};

static void free_listener(struct config_listener *listener)
{
	free(listener->where);
	free(listener->address);
	free(listener->host);
	free(listener->stream);
	free(listener->stream_where);
	settings_release(&listener->stream_settings);
	free(listener->proxies);
	free(listener->redirect);
	free(listener->mode_text);
	free(listener->owner);
	client_auth_free(&listener->clients);
}

/* The port behind the colon; false if it is not 0..65535 in plain digits. */
static bool parse_port(const char *text, uint16_t *port)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long number;

	if (digits == 0 || digits > PORT_DIGITS || text[digits] != '\0') {
		return false;
	}
	number = strtoul(text, NULL, 10);
	*port = (uint16_t)number;
	return number <= UINT16_MAX;
}

/* The one way to write the numeric address, so that equal ones compare equal. */
static char *canonical_host(int family, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN];

	if (inet_pton(family, host, address) != 1) {
		return NULL;
	}
	return memory_text(inet_ntop(family, address, text, sizeof(text)));
}

/* The host of a config_listener for what stands before the last colon, or NULL. */
static char *parse_host(const char *host)
{
	size_t size = strlen(host);
	char *inside;
	char *result;

	if (host[0] == '\0' || strcmp(host, "*") == 0) {
		return memory_text("");
	}
	if (strcmp(host, "localhost") == 0) {
		return memory_text("127.0.0.1");
	}
	if (host[0] != '[' || host[size - 1] != ']') {
		return canonical_host(AF_INET, host);
	}
	inside = memory_copy(host + 1, size - 2);
	result = canonical_host(AF_INET6, inside);
	free(inside);
	return result;
}

/* What the user may have meant by an address that has no ADDRESS:PORT form. */
static struct word guess_address(const char *address)
{
	unsigned char ignored[sizeof(struct in6_addr)];
	struct word hint = { "" };
	uint16_t port;

	if (parse_port(address, &port)) {
		snprintf(hint.text, sizeof(hint.text), "did you mean ':%s'", address);
	} else if (inet_pton(AF_INET6, address, ignored) == 1) {
		snprintf(hint.text, sizeof(hint.text), "did you mean '[%s]:8443'",
		    address);
	} else if (inet_pton(AF_INET, address, ignored) == 1 ||
	    (address[0] == '[' && address[strlen(address) - 1] == ']')) {
		snprintf(hint.text, sizeof(hint.text), "a port is missing: ':8443'");
	} else if (strstr(address, "://") != NULL) {
		snprintf(hint.text, sizeof(hint.text),
		    "an address has no scheme and no path: '*:8443'");
	}
	return hint;
}

/* Fills in host and port from the address; if it cannot, says so at node. */
static bool parse_address(const struct node *node, struct config_listener *listener)
{
	const char *address = listener->address;
	const char *colon = strrchr(address, ':');
	struct word hint = guess_address(address);
	char *host;

	if (config_unix_path(address) != NULL) {
		return unix_parse_path(node, listener);
	}
	if (colon == NULL || hint.text[0] != '\0') {
		node_problem(node, hint.text, "expected ADDRESS:PORT, found %s",
		    word_of(address).text);
		return false;
	}
	if (!parse_port(colon + 1, &listener->port)) {
		node_problem(node, NULL, "expected a port 0..65535, found %s",
		    word_of(colon + 1).text);
		return false;
	}
	host = memory_copy(address, (size_t)(colon - address));
	listener->host = parse_host(host);
	if (listener->host == NULL) {
		node_problem(node,
		    "an IPv4 address, an IPv6 address in brackets, 'localhost', "
		    "or '*' for every address",
		    "expected a numeric address, found %s", word_of(host).text);
	}
	free(host);
	return listener->host != NULL;
}

/* Two sockets cannot have one port; 0 is a different one each time. */
static bool is_new(const struct node *node, const struct config *config,
    const struct config_listener *listener)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		const struct config_listener *other = &config->listeners[i];

		if (other->port == listener->port &&
		    (listener->port != 0 || config_unix_path(listener->host) != NULL) &&
		    strcmp(other->host, listener->host) == 0) {
			node_problem(node, NULL, "%s is the address of %s already",
			    word_of(listener->address).text, other->where);
			return false;
		}
	}
	return true;
}

static void read_stream(const struct node *node, struct config_listener *listener)
{
	struct node extra;

	if (node_find(node, "stream", &extra)) {
		listener->stream_where = node_where(&extra);
		if (listener->stream != NULL) {
			handler_name_check(&extra, listener->stream);
		}
	} else if (node_find(node, "settings", &extra)) {
		node_problem(&extra, NULL, "'settings' goes with 'stream' only");
	}
}

/* "https", or "https:" and the port that the world sees. */
static void parse_redirect(const struct node *node, struct config_listener *listener)
{
	const char *text = listener->redirect;

	if (strcmp(text, "https") != 0 && (strncmp(text, "https:", 6) != 0 ||
		!parse_port(text + 6, &listener->redirect_port) ||
		listener->redirect_port == 0)) {
		node_problem(node, NULL, "expected 'https' or 'https:PORT', found %s",
		    word_of(text).text);
	}
}

/* Without TLS there is one thing to say: where it is. */
static void read_redirect(const struct node *node, struct config_listener *listener)
{
	struct node extra;
	bool redirects = node_find(node, "redirect", &extra);

	if (redirects && listener->tls) {
		node_problem(&extra, NULL, "'redirect' goes with \"tls\": false only");
	} else if (redirects && listener->redirect != NULL) {
		parse_redirect(&extra, listener);
	}
	if (!redirects && !listener->tls && node_find(node, "tls", &extra)) {
		node_problem(&extra, "add \"redirect\": \"https\"",
		    "a listener without TLS can only redirect");
	}
	if (listener->tls && node_find(node, "acme_challenge", &extra)) {
		node_problem(&extra, NULL,
		    "'acme_challenge' goes with \"tls\": false only");
	}
	if (!listener->tls && node_find(node, "stream", &extra)) {
		node_problem(&extra, NULL, "'stream' goes with TLS only");
	}
}

static bool read_listener(const struct node *node, const struct config *config,
    struct config_listener *listener)
{
	size_t errors = node->document->problems->errors;
	struct node address;

	listener->where = node_where(node);
	reader_object(node, listener_keys, listener);
	read_stream(node, listener);
	read_redirect(node, listener);
	unix_check(node, listener);
	if (listener->address == NULL || !node_find(node, "address", &address)) {
		return false;
	}
	return parse_address(&address, listener) && is_new(&address, config, listener) &&
	    node->document->problems->errors == errors;
}

void listeners_read(const struct node *node, void *target)
{
	struct config *config = target;
	struct node child = { 0 };

	if (!reader_expect(node, JSON_ARRAY)) {
		return;
	}
	if (json_array_size(node->json) == 0) {
		node_problem(node, NULL, "expected at least one listener, found none");
		return;
	}
	config->listeners = memory_new(json_array_size(node->json),
	    sizeof(*config->listeners));
	while (node_next(node, &child)) {
		struct config_listener listener = { .tls = true };

		if (read_listener(&child, config, &listener)) {
			config->listeners[config->listener_count++] = listener;
		} else {
			free_listener(&listener);
		}
	}
}

const char *config_scheme(const struct config_listener *listener)
{
	return !listener->tls ? "http" : listener->stream == NULL ? "https" : "tls";
}

void listeners_default(struct config *config)
{
	config->listeners = memory_new(1, sizeof(*config->listeners));
	config->listener_count = 1;
	config->listeners[0] = (struct config_listener){
		.where = memory_printf("%s: listeners[0] (default)", config->file),
		.address = memory_text(DEFAULT_ADDRESS),
		.host = memory_text("127.0.0.1"),
		.port = 8443,
		.tls = true,
	};
}

void listeners_free(struct config *config)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		free_listener(&config->listeners[i]);
	}
	free(config->listeners);
}

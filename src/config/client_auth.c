/* SPDX-License-Identifier: MIT */
/* What is demanded of clients, by the server, its listeners and its hosts. */
#include "config/client_auth.h"

#include <stdlib.h>

#include "base/memory.h"
#include "config/reader.h"

#define FIELD(field_) .offset = offsetof(struct config_client_auth, field_)

const char *const client_auth_modes[] = { "none", "optional", "required", "any", NULL };

static const struct key client_auth_keys[] = {
	{ KEY("client_auth", CHOICE), FIELD(mode), .choices = client_auth_modes,
	  .min = CONFIG_CLIENTS_NONE, .required = true },
	{ KEY("client_ca", FILE), FIELD(ca) },
	{ KEY("client_crl", FILE), FIELD(crl) },
	{ .name = NULL }
};

void client_auth_read(const struct node *node, struct config_client_auth *clients)
{
	clients->where = node_where(node);
	reader_object(node, client_auth_keys, clients);
}

static struct config_client_auth *take(struct config_client_auth *clients, size_t *index)
{
	return clients->mode == CONFIG_CLIENTS_INHERIT || (*index)-- > 0 ? NULL : clients;
}

struct config_client_auth *config_clients_at(const struct config *config, size_t index)
{
	struct config_client_auth *found =
	    take((struct config_client_auth *)&config->clients, &index);

	for (size_t i = 0; found == NULL && i < config->listener_count; i++) {
		found = take(&config->listeners[i].clients, &index);
	}
	for (size_t i = 0; found == NULL && i < config->vhost_count; i++) {
		found = take(&config->vhosts[i].clients, &index);
	}
	return found;
}

const struct config_client_auth *config_clients_of(const struct config *config,
    size_t listener, size_t vhost)
{
	if (config->vhosts[vhost].clients.mode != CONFIG_CLIENTS_INHERIT) {
		return &config->vhosts[vhost].clients;
	}
	if (listener < config->listener_count &&
	    config->listeners[listener].clients.mode != CONFIG_CLIENTS_INHERIT) {
		return &config->listeners[listener].clients;
	}
	return &config->clients;
}

/* The lists are those of the CAs beside them: both are inherited, or neither. */
static void inherit(struct config_client_auth *clients,
    const struct config_client_auth *server)
{
	if (clients == server || clients->mode == CONFIG_CLIENTS_NONE ||
	    clients->ca != NULL || clients->crl != NULL || server->ca == NULL) {
		return;
	}
	clients->ca = memory_text(server->ca);
	clients->crl = memory_optional(server->crl);
}

static void check(const struct config_client_auth *clients,
    const struct config_client_auth *server, struct problems *problems)
{
	const char *mode = client_auth_modes[clients->mode - CONFIG_CLIENTS_NONE];

	if (clients->crl != NULL && clients->ca == NULL) {
		problems_add(problems, clients->where, NULL,
		    "'client_crl' goes with 'client_ca' only");
	} else if (clients->ca != NULL && clients->mode == CONFIG_CLIENTS_NONE &&
	    clients != server) {
		/* That of the server may be for its hosts. */
		problems_add(problems, clients->where, NULL,
		    "'client_ca' does nothing where 'client_auth' is 'none'");
	} else if (clients->ca == NULL && (clients->mode == CONFIG_CLIENTS_OPTIONAL ||
	    clients->mode == CONFIG_CLIENTS_REQUIRED)) {
		problems_add(problems, clients->where,
		    "the file of the CAs whose certificates are good",
		    "'client_auth' '%s' needs a 'client_ca'", mode);
	}
}

static bool asks_clients(const struct config *config, size_t vhost)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		if (config->listeners[i].tls &&
		    config_clients_of(config, i, vhost)->mode != CONFIG_CLIENTS_NONE) {
			return true;
		}
	}
	return false;
}

static void check_route(const struct config *config, const struct config_route *route,
    struct problems *problems)
{
	if (route->needs_client && !asks_clients(config, route->vhost)) {
		problems_add(problems, route->where,
		    "\"client_auth\": \"optional\" asks them",
		    "'client_certificate' needs clients that are asked for one");
	}
}

void client_auth_settle(struct config *config, struct problems *problems)
{
	struct config_client_auth *clients;

	for (size_t i = 0; (clients = config_clients_at(config, i)) != NULL; i++) {
		inherit(clients, &config->clients);
		check(clients, &config->clients, problems);
	}
	for (size_t i = 0; i < config->route_count; i++) {
		check_route(config, &config->routes[i], problems);
	}
}

void config_trust_release(struct config_trust *trust)
{
	free(trust->cas);
	free(trust->lists);
	*trust = (struct config_trust){ 0 };
}

void client_auth_free(struct config_client_auth *clients)
{
	config_trust_release(&clients->trust);
	free(clients->where);
	free(clients->ca);
	free(clients->crl);
}

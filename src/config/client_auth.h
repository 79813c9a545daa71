/* SPDX-License-Identifier: MIT */
/* "client_auth" and what goes with it, wherever it stands. For this room alone. */
#ifndef TINCAN_CONFIG_CLIENT_AUTH_H
#define TINCAN_CONFIG_CLIENT_AUTH_H

#include "config/config.h"
#include "config/node.h"

/* The values of "client_auth", from CONFIG_CLIENTS_NONE on. */
extern const char *const client_auth_modes[];

/* Reads the "tls" of a listener or of a vhost. */
void client_auth_read(const struct node *node, struct config_client_auth *clients);

/* When all is read: what is left out is the server's; and what does not go together is a
 * problem. */
void client_auth_settle(struct config *config, struct problems *problems);

void client_auth_free(struct config_client_auth *clients);

#endif

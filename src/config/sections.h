/* SPDX-License-Identifier: MIT */
/*
 * The parts of server.json that need more than a table, a file each. A ..._read function
 * reads one key's value into the config, which is target. Elements with a problem are
 * left out, so that what is in the config is sound.
 */
#ifndef TINCAN_CONFIG_SECTIONS_H
#define TINCAN_CONFIG_SECTIONS_H

#include "config/config.h"
#include "config/node.h"

#define DAY_MS (24 * 60 * 60 * 1000)	/* the longest of any time */

void listeners_read(const struct node *node, void *target);
void listeners_default(struct config *config);
void listeners_free(struct config *config);

/* The target is a struct config_listener. */
void proxies_read(const struct node *node, void *target);

/* Of a listener that is a Unix socket: its host by its address, which is at node; false
 * with a problem. */
bool unix_parse_path(const struct node *node, struct config_listener *listener);
/* Its other keys, and of one that is none that it has none of them; node is the whole. */
void unix_check(const struct node *node, struct config_listener *listener);

void alpns_read(const struct node *node, void *target);
void alpns_free(struct config *config);

void vhosts_read(const struct node *node, void *target);
void vhosts_default(struct config *config);
void vhosts_free(struct config *config);

void certificates_read(const struct node *node, void *target);
/* Those of the vhost of that index. */
void certificates_add(const struct node *node, struct config *config, size_t vhost);
void certificates_default(struct config *config);
void certificates_free(struct config *config);

void ticket_options_read(const struct node *node, void *target);
void ticket_options_default(struct config *config);
void ticket_options_free(struct config *config);

/* The groups of TLS. */
void groups_read(const struct node *node, void *target);
void groups_free(struct config *config);

void handlers_read(const struct node *node, void *target);
void handlers_free(struct config *config);

/* What a handler's processes may open; the target is a struct config_handler. */
void paths_read(const struct node *node, void *target);
void paths_free(struct config_paths *paths);

/* Can a plugin have that name? If not, says so at node. */
bool handler_name_check(const struct node *node, const char *name);

void routes_read(const struct node *node, void *target);
/* Those of the vhost of that index. */
void routes_add(const struct node *node, struct config *config, size_t vhost);
void routes_free(struct config *config);

/* Whom the server's processes become. */
void user_read(const struct node *node, void *target);
void user_free(struct config *config);

/* Those of the server. */
void filters_read(const struct node *node, void *target);

#endif

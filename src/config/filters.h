/* SPDX-License-Identifier: MIT */
/* "filters", wherever it stands: of the server, of a route. For this room alone. */
#ifndef TINCAN_CONFIG_FILTERS_H
#define TINCAN_CONFIG_FILTERS_H

#include "config/config.h"
#include "config/node.h"

#define CONFIG_FILTERS_MAX 64	/* in one list */

/* Reads the array at node into a list that is all zero. Elements with a problem are left
 * out. */
void filters_read_list(const struct node *node, struct config_filters *filters);
void filters_free(struct config_filters *filters);

#endif

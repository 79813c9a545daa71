/* SPDX-License-Identifier: MIT */
/* The "methods" of a route. */
#ifndef TINCAN_CONFIG_METHODS_H
#define TINCAN_CONFIG_METHODS_H

#include <stdint.h>

#include "config/config.h"
#include "config/node.h"

/* Reads an array of methods: those that tincan knows into *mask, the rest into *others
 * (the caller frees it by memory_free_texts; stays NULL if there are none). */
void methods_read(const struct node *node, uint32_t *mask, char ***others);

/* What both routes take, for a message: "GET, PUT", "PURGE", "any method". */
struct word methods_common(const struct config_route *a, const struct config_route *b);

#endif

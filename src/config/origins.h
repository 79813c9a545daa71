/* SPDX-License-Identifier: MIT */
/* The "origins" of a route. */
#ifndef TINCAN_CONFIG_ORIGINS_H
#define TINCAN_CONFIG_ORIGINS_H

#include "config/node.h"

/* Reads the array at node into *origins (the caller frees it by memory_free_texts; stays
 * NULL if there are none), each in the form that browsers send. */
void origins_read(const struct node *node, char ***origins);

#endif

/* SPDX-License-Identifier: MIT */
/* The "origins" of a route. */
#ifndef TINCAN_CONFIG_ORIGINS_H
#define TINCAN_CONFIG_ORIGINS_H

#include "config/node.h"

/* Reads the array at node into *origins (owned by the caller, NULL-ended; stays NULL if
 * there are none), each in the form that browsers send. */
void origins_read(const struct node *node, char ***origins);

/* Frees such a list; NULL is accepted. */
void origins_free(char **origins);

#endif

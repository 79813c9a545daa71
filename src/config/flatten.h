/* SPDX-License-Identifier: MIT */
/* A settings object laid flat, see base/settings.h. */
#ifndef TINCAN_CONFIG_FLATTEN_H
#define TINCAN_CONFIG_FLATTEN_H

#include "base/settings.h"
#include "config/node.h"

/* The value at node, flat. What is nested too deeply or has an ambiguous path is said. */
void flatten_settings(const struct node *node, struct settings *settings);

#endif

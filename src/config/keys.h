/* SPDX-License-Identifier: MIT */
/* The keys of server.json: one table from which it is read and its defaults come. */
#ifndef TINCAN_CONFIG_KEYS_H
#define TINCAN_CONFIG_KEYS_H

#include "config/reader.h"

/* Those of the whole; the target is a struct config. */
extern const struct key config_keys[];

#endif

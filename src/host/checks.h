/* SPDX-License-Identifier: MIT */
/*
 * The checks of a plugin, tried before a new file of it goes live: lines "GET /path 200"
 * of its .check, each a request to the instance whose route the path has.
 */
#ifndef TINCAN_HOST_CHECKS_H
#define TINCAN_HOST_CHECKS_H

#include "base/error.h"

struct host;

/* Runs those whose path an open instance answers; a PROBLEM for each that does not get
 * its status, then CHECKED. */
int checks_run(struct host *host) MUST_USE;

#endif

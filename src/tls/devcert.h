/* SPDX-License-Identifier: MIT */
/* A certificate for trying things out, for a server.json that names none. */
#ifndef TINCAN_TLS_DEVCERT_H
#define TINCAN_TLS_DEVCERT_H

#include "base/error.h"
#include "config/config.h"

/*
 * If config has no certificate, gives it a self-signed one for localhost, 127.0.0.1 and
 * ::1: <state>/dev.crt and <state>/dev.key (0600), made now unless there is one that
 * lasts another week. Adds a warning that says so, or a problem if it cannot be made.
 * Runs in the throw-away process of the preflight, so that the master never holds the
 * key.
 */
void tls_devcert_ensure(const struct config *config, const char *chain, const char *key,
    struct problems *problems);

#endif

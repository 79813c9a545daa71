/* SPDX-License-Identifier: MIT */
/*
 * Two authorities of clients, the certificate of the first in ca.pem of the working
 * folder, which is the test's own, and the key of a client: for tests that read files.
 */
#ifndef TINCAN_TESTS_AUTHORITIES_H
#define TINCAN_TESTS_AUTHORITIES_H

#include "authority.h"
#include "rig.h"

static struct rig rig;
static struct authority root;
static struct authority other;
static EVP_PKEY *key;

static inline void authorities_open(void)
{
	rig_open(&rig);
	ck_assert_int_eq(chdir(rig.root), 0);
	authority_open(&root, "root");
	authority_open(&other, "other");
	key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	authority_write("ca.pem", root.self);
}

static inline void authorities_close(void)
{
	authority_close(&root);
	authority_close(&other);
	EVP_PKEY_free(key);
	rig_close(&rig);
}

#endif

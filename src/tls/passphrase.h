/* SPDX-License-Identifier: MIT */
/*
 * Passphrases of private keys. Nobody is asked for one: there is what a command has
 * printed, or none; libcrypto would ask at the terminal. Preflight, keeper.
 */
#ifndef TINCAN_TLS_PASSPHRASE_H
#define TINCAN_TLS_PASSPHRASE_H

#include <stdbool.h>

#include "base/error.h"

#define TLS_PASSPHRASE_BYTES 1024	/* with its NUL; libcrypto asks for no more */

struct tls_passphrase {
	const char *text;	/* borrowed; NULL: there is none */
	bool asked;		/* for it: the key is encrypted */
};

/* A pem_password_cb(3) whose last argument is a struct tls_passphrase. */
int tls_passphrase_give(char *out, int size, int writing, void *arg);

/* A pem_password_cb that gives none, for files that have no key in them. */
int tls_no_passphrase(char *out, int size, int writing, void *arg);

/*
 * The first line of a file that is open. ERR_MISSING: it is empty; ERR_LIMIT: it is too
 * long; ERR_SYSTEM: the file cannot be read. Clean out when it has been used.
 */
int tls_passphrase_read(int fd, char out[TLS_PASSPHRASE_BYTES]) MUST_USE;

#endif

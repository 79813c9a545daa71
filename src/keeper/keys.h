/* SPDX-License-Identifier: MIT */
/* The private keys, in the keeper's memory. Lifetime: the keeper. */
#ifndef TINCAN_KEEPER_KEYS_H
#define TINCAN_KEEPER_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "base/error.h"
#include "ipc/sign.h"

/* One that is no more wanted is kept so long for the handshakes that began with it. */
#define KEYS_LEAVE_MS 60000

struct kept_key;

struct keys {
	struct kept_key *items;		/* owned */
	size_t count;
	size_t capacity;
	uint32_t batch;
	EVP_MD_CTX *signing;		/* owned; of one signature after the other */
};

/*
 * Reads one key, in PEM, from the begin of an open file. One that is there already is
 * wanted again.
 *
 * @param name	that it must have; NULL: any
 * @param passphrase	to decrypt it, or NULL
 *
 * ERR_INVALID: it is none, or of a kind that TLS does not sign with, or cannot be
 * decrypted; ERR_MISSING: it is another one; ERR_LIMIT: the file is too large;
 * ERR_SYSTEM: it cannot be read; ERR_NOMEM.
 */
int keys_read(struct keys *keys, int fd, const unsigned char *name,
    const char *passphrase) MUST_USE;

/* Is one of that name there? It is wanted again. */
bool keys_want(struct keys *keys, const unsigned char *name);

/* Those read since the last time are all that are wanted; how many. */
size_t keys_settle(struct keys *keys, int64_t now_ms);

/* Forgets those that were not wanted for KEYS_LEAVE_MS. */
void keys_forget(struct keys *keys, int64_t now_ms);

/* Signs, if that is allowed (rules.h). */
void keys_sign(struct keys *keys, const struct sign_request *request,
    struct sign_answer *answer);

void keys_release(struct keys *keys);

#endif

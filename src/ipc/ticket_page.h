/* SPDX-License-Identifier: MIT */
/*
 * The keys of session tickets, in a page that the master writes and its workers read:
 * what one of them seals every other opens, and a new key is there for all at once. A
 * reader copies a key out and looks whether it was written meanwhile, so nobody waits for
 * anybody. Hosts never have it. Lifetime: boot.
 */
#ifndef TINCAN_IPC_TICKET_PAGE_H
#define TINCAN_IPC_TICKET_PAGE_H

#include <stddef.h>

#include "base/error.h"

#define TICKET_NAME_BYTES 16
#define TICKET_KEYS_MAX 8

/* For what RFC 5077 section 4 recommends. */
struct ticket_key {
	unsigned char name[TICKET_NAME_BYTES];	/* in every ticket, in the clear */
	unsigned char mac[32];		/* HMAC-SHA-256 */
	unsigned char cipher[32];	/* AES-256-CBC */
};

#define TICKET_KEY_BYTES sizeof(struct ticket_key)

struct ticket_page;

/* One without keys; aborts if the kernel gives no memory. */
struct ticket_page *ticket_page_new(void);
void ticket_page_free(struct ticket_page *page);	/* NULL is accepted */

/* For a worker: from now on this process can only read it. */
void ticket_page_protect(struct ticket_page *page);

/* These are the keys from now on, TICKET_KEYS_MAX at most; the first seals, all open.
 * What was there before is overwritten. */
void ticket_page_write(struct ticket_page *page, const struct ticket_key *keys,
    size_t count);

/*
 * Copies the key of that name, or with NULL the one that seals; the caller wipes it.
 *
 * @param index	gets its place: 0 is the one that seals
 * @return 0, or ERR_MISSING
 */
int ticket_page_find(const struct ticket_page *page, const unsigned char *name,
    struct ticket_key *key, size_t *index) MUST_USE;

#endif

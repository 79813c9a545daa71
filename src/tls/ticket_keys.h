/* SPDX-License-Identifier: MIT */
/*
 * Which keys session tickets have at a moment: bytes and a time in, keys out; no file, no
 * clock. They come from one of three places:
 *
 *	own	random ones. Each seals for a quarter of the tickets' lifetime and opens
 *		until the last ticket that it has sealed has ended.
 *	file	those that stand there; the first seals, all open.
 *	secret	one for each quarter of a lifetime since 1970, by HKDF (RFC 5869) from a
 *		secret that a fleet shares. Its neighbours open, too, so that clocks may
 *		differ by a quarter.
 *
 * Master.
 */
#ifndef TINCAN_TLS_TICKET_KEYS_H
#define TINCAN_TLS_TICKET_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "ipc/ticket_page.h"

#define TICKET_SECRET_MIN 32		/* bytes of a cluster's secret */
#define TICKET_SEED_BYTES 32		/* what becomes of it */

/* Zeroed: none. To be wiped by the owner. */
struct ticket_keys {
	size_t count;
	struct ticket_key items[TICKET_KEYS_MAX];	/* the first seals */
	int64_t made_s;		/* when it began to */
	int64_t until_s[TICKET_KEYS_MAX];	/* own: when one that sealed ends */
};

/* Own: forgets those that have ended. A clock that has jumped back makes none last longer
 * than from now. True: it is time for the next one. */
bool ticket_keys_tend(struct ticket_keys *keys, uint32_t lifetime_s, int64_t now_s);

/* Own: this one (random bytes) seals from now on. */
void ticket_keys_add(struct ticket_keys *keys,
    const unsigned char bytes[TICKET_KEY_BYTES], uint32_t lifetime_s, int64_t now_s);

/*
 * File: a key a line, of 160 hexadecimal digits; lines that are empty or begin with '#'
 * are skipped. name is the file's, for problems.
 *
 * @return 0, or ERR_INVALID with a problem: then keys are as they were
 */
int ticket_keys_parse(struct ticket_keys *keys, const char *name, struct slice text,
    int64_t now_s, struct problems *problems) MUST_USE;

/* Secret: what keys are derived from; of a file's content, whose white space at the end
 * is not part of it. ERR_INVALID, with a problem. */
int ticket_seed(unsigned char seed[TICKET_SEED_BYTES], const char *name,
    struct slice text, struct problems *problems) MUST_USE;

/*
 * Secret: the keys of that time (seconds since 1970).
 *
 * @return 0: they are others than before; ERR_AGAIN: the same; ERR_SYSTEM: OpenSSL fails
 */
int ticket_keys_derive(struct ticket_keys *keys,
    const unsigned char seed[TICKET_SEED_BYTES], uint32_t lifetime_s, int64_t now_s)
    MUST_USE;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What a worker asks of the keeper, and its answers, over a SOCK_SEQPACKET pair: one
 * message, one packet, in the order of this machine.
 *
 *	worker -> keeper	struct sign_request, cut behind its text
 *	keeper -> worker	struct sign_answer, cut behind its signature
 *
 * Neither side trusts the other: whatever is no such message is ERR_PROTOCOL, and the
 * receiver closes.
 */
#ifndef TINCAN_IPC_SIGN_H
#define TINCAN_IPC_SIGN_H

#include <stdint.h>

#include "base/error.h"

#define SIGN_KEY_BYTES 32
/* The longest text is a ServerKeyExchange with a group of 8,192 bits: 64 of randoms and
 * three numbers of 1,024 with their lengths. */
#define SIGN_TEXT_MAX 3200
#define SIGN_SIGNATURE_MAX 1024		/* RSA with 8,192 bits */

struct sign_request {
	uint64_t id;
	unsigned char key[SIGN_KEY_BYTES];	/* SHA-256 of its SubjectPublicKeyInfo */
	uint16_t scheme;	/* SignatureScheme, RFC 8446 section 4.2.3 */
	uint16_t size;
	unsigned char text[SIGN_TEXT_MAX];	/* to be signed, not hashed yet */
};

struct sign_answer {
	uint64_t id;
	uint16_t status;	/* enum sign_status */
	uint16_t size;		/* 0 unless it was signed */
	unsigned char signature[SIGN_SIGNATURE_MAX];
};

enum sign_status {
	SIGN_DONE,
	SIGN_NO_KEY,		/* the keeper does not have it */
	SIGN_REFUSED,		/* not what a TLS server signs in a handshake, or not
				 * in that way with that key */
	SIGN_FAILED		/* of the library, or no memory */
};

/* A pair, both ends non-blocking and close-on-exec. ERR_SYSTEM. */
int sign_pair(int fds[2]) MUST_USE;

/* 0; ERR_AGAIN: the queue is full; ERR_CLOSED. */
int sign_send_request(int fd, const struct sign_request *request) MUST_USE;
int sign_send_answer(int fd, const struct sign_answer *answer) MUST_USE;

/* 0; ERR_AGAIN: none there; ERR_EOF; ERR_PROTOCOL; ERR_CLOSED. */
int sign_receive_request(int fd, struct sign_request *request) MUST_USE;
int sign_receive_answer(int fd, struct sign_answer *answer) MUST_USE;

/* For the log. */
const char *sign_status_text(enum sign_status status);

#endif

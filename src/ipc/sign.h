/* SPDX-License-Identifier: MIT */
/*
 * What a worker asks of the keeper, and its answers, over a SOCK_SEQPACKET pair, in the
 * order of this machine. What there is to say at a time goes together in one packet, as
 * each packet wakes a process:
 *
 *	worker -> keeper	struct sign_request, cut behind its text; the next ...
 *	keeper -> worker	struct sign_answer, cut behind its signature; the next ...
 *
 * Neither side trusts the other: whatever is no such message is ERR_PROTOCOL, and the
 * receiver closes.
 */
#ifndef TINCAN_IPC_SIGN_H
#define TINCAN_IPC_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SIGN_KEY_BYTES 32
/* The longest text is a ServerKeyExchange with a group of 8,192 bits: 64 of randoms and
 * three numbers of 1,024 with their lengths. */
#define SIGN_TEXT_MAX 3200
#define SIGN_SIGNATURE_MAX 1024		/* RSA with 8,192 bits */
/* The longest request, or 23 of TLS 1.3: other workers wait for no more than those. */
#define SIGN_PACKET_BYTES 4096

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

struct sign_packet {
	size_t size;
	size_t taken;		/* bytes at the front */
	unsigned char bytes[SIGN_PACKET_BYTES];
};

/* A pair, both ends non-blocking and close-on-exec. ERR_SYSTEM. */
int sign_pair(int fds[2]) MUST_USE;

/* Adds one. ERR_LIMIT: there is no room; there always is in an empty one. */
int sign_put_request(struct sign_packet *packet,
    const struct sign_request *request) MUST_USE;
int sign_put_answer(struct sign_packet *packet,
    const struct sign_answer *answer) MUST_USE;

/* The next one. ERR_AGAIN: there is no more in it; ERR_PROTOCOL. */
int sign_take_request(struct sign_packet *packet, struct sign_request *request) MUST_USE;
int sign_take_answer(struct sign_packet *packet, struct sign_answer *answer) MUST_USE;

/* 0, the packet is empty then; ERR_AGAIN: the queue is full; ERR_CLOSED. */
int sign_send(int fd, struct sign_packet *packet) MUST_USE;

/* 0; ERR_AGAIN: none there; ERR_EOF; ERR_PROTOCOL: too long; ERR_CLOSED. */
int sign_receive(int fd, struct sign_packet *packet) MUST_USE;

/* For the log. */
const char *sign_status_text(enum sign_status status);

#endif

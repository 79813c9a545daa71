/* SPDX-License-Identifier: MIT */
/*
 * One TLS connection over a non-blocking socket, with as few system calls as possible.
 * OpenSSL's own socket BIO reads a record in three calls and writes each record with one.
 * Ours reads all that is there with one recv, and gathers records so that one send at
 * the end of a turn carries everything:
 *
 *	socket -recv-> wire.in -> OpenSSL -> plain bytes
 *	plain bytes -> OpenSSL -> wire.out -send-> socket; what stays: session.unsent
 *
 * The wire's two buffers are shared by all sessions of a worker. A session uses them only
 * during its turn: from an event of its socket to tls_session_flush. The socket is
 * watched edge-triggered; readable and writable remember the last edges.
 *
 * A session may be plain: without TLS, for what may be said to those who do not speak it.
 * Then its bytes are those on the wire, and its handshake is done when it begins.
 * Lifetime: connection.
 */
#ifndef TINCAN_TLS_SESSION_H
#define TINCAN_TLS_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "base/buffer.h"
#include "base/error.h"
#include "tls/context.h"

#define TLS_WIRE_IN (64 * 1024)
#define TLS_GATHER_MAX (256 * 1024)	/* plain bytes that one send may carry */
#define TLS_GATHER_MIN (64 * 1024)
/* What a handshake, or a read, may take of a client before others have their turns: what
 * one recv has brought, and of that so many records. A flood of new keys, the dearest
 * that a record can be, is 2 ms of work then. */
#define TLS_TURN_RECORDS 256
/* What may be written past the room there is: a reply's header and trailer, alerts. */
#define TLS_GATHER_SLACK (256 * 1024)

/* Buffers of a worker. Lifetime: boot. */
struct tls_wire {
	BIO_METHOD *method;	/* owned */
	char *in;		/* owned; TLS_WIRE_IN bytes */
	struct buffer out;	/* records of the session whose turn it is */
};

/* Aborts when out of memory. */
void tls_wire_init(struct tls_wire *wire);
void tls_wire_release(struct tls_wire *wire);

struct tls_session {
	SSL *ssl;		/* owned; NULL: plain */
	struct tls_wire *wire;	/* borrowed */
	struct tls_context *context;	/* a reference; NULL: plain */
	int fd;			/* borrowed from the connection */
	const char *in;		/* received, not yet OpenSSL's; in wire.in or kept */
	size_t in_size;
	char *kept;		/* owned; what the last turn left of in */
	struct buffer unsent;	/* records that the socket did not take */
	uint32_t gather_bytes;	/* plain bytes to gather: grows while sends go whole */
	bool ticket_sealed;	/* the client has been given one */
	bool ticket_unknown;	/* it has brought one that no key opens */
	uint32_t listener;	/* its place in context's configuration; set as no_http */
	uint64_t received;	/* bytes on the wire; the connection clears them */
	uint64_t sent;
	bool no_http;		/* no HTTP by ALPN; to be set before the handshake */
	bool begun;		/* the first bytes have come */
	bool readable;		/* recv may give something */
	bool writable;		/* send may take something */
	bool hung_up;		/* the peer's end is in the queue: read up to it */
	bool ended;		/* recv has said end of file */
	bool broken;		/* the socket failed, or TLS did: send nothing more */
	uint32_t asked;		/* how often OpenSSL has asked for input in this turn, */
	bool filled;		/* which has received all that it may, */
	bool stopped;		/* and would have gone on */
	bool plain_text;	/* the first bytes were no TLS record but letters */
	struct signature *signature;	/* that the handshake waits for; NULL: none */
	struct tls_peer *peer;	/* owned; NULL: no certificate was asked for */
	/* The signature is there: tls_session_handshake is to be called again. Set before
	 * the handshake by who uses a signer (tls/signer.h). */
	void (*wake)(struct tls_session *session);
};

/* Takes no ownership of fd; plain if there is no context. ERR_NOMEM. */
int tls_session_init(struct tls_session *session, struct tls_wire *wire,
    struct tls_context *context, int fd) MUST_USE;

/* Frees everything but the descriptor. Sends nothing. */
void tls_session_release(struct tls_session *session);

/* Tells the session what epoll said of its socket (EPOLLIN, EPOLLOUT, ...). */
void tls_session_events(struct tls_session *session, uint32_t events);

/*
 * Before the handshake: receives, once, if there may be something, and shows what has
 * come and was not skipped, until the next call.
 *
 * @return 0: more has come; ERR_AGAIN: no more for now; ERR_EOF; ERR_CLOSED
 */
int tls_session_peek(struct tls_session *session, struct slice *bytes) MUST_USE;

/* Takes that many bytes off the front, or all there are; how many. */
size_t tls_session_skip(struct tls_session *session, size_t size);

/* Goes on with the handshake: 0 done; ERR_AGAIN: it waits for the peer or a signature;
 * ERR_LIMIT: it would go on, but others should have a turn before; ERR_PROTOCOL (an alert
 * waits to be flushed, or plain_text is set); ERR_CLOSED. */
int tls_session_handshake(struct tls_session *session) MUST_USE;

/*
 * Reads up to size plain bytes.
 *
 * @return 0 with *got > 0; ERR_AGAIN: nothing more until the next event; ERR_LIMIT: all
 *	that came so far is for TLS itself, and others should have a turn before more is
 *	taken; ERR_EOF: the peer has ended its side; ERR_CLOSED: the connection is over.
 */
int tls_session_read(struct tls_session *session, char *out, size_t size, size_t *got)
    MUST_USE;

/* Might tls_session_read give something without a new event? Costs no system call. */
bool tls_session_has_input(const struct tls_session *session);

/* Plain bytes that should be written before the next flush; 0 while records wait
 * unsent. */
size_t tls_session_room(const struct tls_session *session);

/* Turns plain bytes into records, all of them. ERR_CLOSED if the session is broken. */
int tls_session_write(struct tls_session *session, const char *data,
    size_t size) MUST_USE;

/* Adds a close_notify alert. Nothing can be written behind it. */
void tls_session_end(struct tls_session *session);

/*
 * Ends the turn: sends what was gathered, keeps what was not read.
 *
 * @return 0: all is sent; ERR_AGAIN: some waits for the next EPOLLOUT; ERR_CLOSED
 */
int tls_session_flush(struct tls_session *session) MUST_USE;

/* Facts of an established session; static or owned by it; NULL where there is none, as of
 * a plain one. */
const char *tls_session_version(const struct tls_session *session);
const char *tls_session_cipher(const struct tls_session *session);
const char *tls_session_group(const struct tls_session *session);
const char *tls_session_sni(const struct tls_session *session);
bool tls_session_resumed(const struct tls_session *session);

/* A certificate is demanded of the client, or none. In the handshake. ERR_NOMEM. */
int tls_session_set_auth(struct tls_session *session, const struct tls_client_auth *auth)
    MUST_USE;

/*
 * Is the client good for what is demanded now, in that context, of clients of that host
 * on that listener? If so, the session is of that context from now on.
 */
bool tls_session_admits(struct tls_session *session, struct tls_context *context,
    size_t listener, struct slice host);

/* A fact of tls/peer.h; NULL if it was not asked. */
const char *tls_session_peer(const struct tls_session *session, const char *name);

/* Why a handshake has failed, if it was for the client's certificate; else NULL. */
const char *tls_session_client_fault(const struct tls_session *session);

/* From now on an end of the socket without a close_notify is no end in order: what it cut
 * off would go unnoticed, where nothing above TLS says how much is to come. */
void tls_session_strict_end(struct tls_session *session);

#define TLS_ALPN_BYTES 256	/* a name of up to 255 bytes, and NUL */

/* Copies the negotiated ALPN name, "" if none. */
void tls_session_alpn(const struct tls_session *session, char *out, size_t size);

#endif

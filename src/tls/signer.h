/* SPDX-License-Identifier: MIT */
/*
 * The worker's end of the keeper, which has the private keys. A handshake that needs a
 * signature is paused (ASYNC_pause_job(3)) in the middle of SSL_do_handshake and goes on
 * when the answer is there; the loop never waits.
 *
 *	SSL_do_handshake -> provider -> signer: request queued, job paused: ERR_AGAIN
 *	keeper's answer -> signer -> session.wake -> SSL_do_handshake goes on
 *
 * While there is no keeper, as one has died and the next is on its way, requests wait,
 * as long as their handshakes may. One per worker.
 */
#ifndef TINCAN_TLS_SIGNER_H
#define TINCAN_TLS_SIGNER_H

#include <stdbool.h>

#include "base/error.h"
#include "ipc/sign.h"
#include "os/loop.h"

#define SIGNER_PENDING_MAX 4096	/* signatures asked for and not given yet */

struct signer;
struct tls_session;

/* Makes the provider of our keys known, too. ERR_SYSTEM, ERR_NOMEM. */
int signer_new(struct signer **signer, struct loop *loop) MUST_USE;
/* No session may be waiting any more. NULL is accepted. */
void signer_free(struct signer *signer);

/* The keeper is at the other end of fd, which is taken. What the one before has not
 * answered is asked again, once. */
void signer_attach(struct signer *signer, int fd);

/* The session whose handshake runs from now on, NULL: none. Without one nothing is
 * signed. */
void signer_for(struct tls_session *session);

/* Its handshake is over before the signature has come: SSL_do_handshake, called once
 * more, then fails without any. */
struct signature;
void signature_give_up(struct signature *signature);
/* Has the answer come? */
bool signature_ready(const struct signature *signature);

#endif

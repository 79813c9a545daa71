/* SPDX-License-Identifier: MIT */
/* One TLS connection. */
#include "tls/session.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <openssl/err.h>

#include "tls/peer.h"
#include "tls/signer.h"
#include "tls/wire.h"

/* Two gathers: one that waits and one that a peer's key updates may add to it. */
#define UNSENT_MAX (2 * (TLS_GATHER_MAX + TLS_GATHER_SLACK))

/* Over an SSL of the context, whose BIO is the wire. */
static int init_tls(struct tls_session *session, struct tls_context *context)
{
	BIO *bio = BIO_new(session->wire->method);

	session->ssl = SSL_new(context->ssl);
	if (bio == NULL || session->ssl == NULL ||
	    SSL_set_app_data(session->ssl, session) != 1) {
		BIO_free(bio);
		SSL_free(session->ssl);
		session->ssl = NULL;
		return ERR_NOMEM;
	}
	session->context = tls_context_ref(context);
	BIO_set_data(bio, session);
	SSL_set_bio(session->ssl, bio, bio);
	SSL_set_accept_state(session->ssl);
	return 0;
}

int tls_session_init(struct tls_session *session, struct tls_wire *wire,
    struct tls_context *context, int fd)
{
	memset(session, 0, sizeof(*session));
	session->wire = wire;
	session->fd = fd;
	session->gather_bytes = TLS_GATHER_MIN;
	session->writable = true;
	buffer_init(&session->unsent, UNSENT_MAX);
	return context == NULL ? 0 : init_tls(session, context);
}

/* A job that is paused has libssl's state on its stack: it must come to its end before
 * that can be freed. */
static void end_handshake(struct tls_session *session)
{
	if (session->signature != NULL) {
		session->broken = true;
		signature_give_up(session->signature);
		(void)SSL_do_handshake(session->ssl);
	}
}

void tls_session_release(struct tls_session *session)
{
	end_handshake(session);
	SSL_free(session->ssl);
	session->ssl = NULL;
	tls_peer_free(session->peer);
	session->peer = NULL;
	tls_context_unref(session->context);
	session->context = NULL;
	free(session->kept);
	session->kept = NULL;
	buffer_release(&session->unsent);
}

void tls_session_events(struct tls_session *session, uint32_t events)
{
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		session->hung_up = true;
		session->readable = true;
	}
	if (events & EPOLLIN) {
		session->readable = true;
	}
	if (events & (EPOLLOUT | EPOLLERR)) {
		session->writable = true;
	}
}

/*
 * What others have left in the thread's error queue, a handler's code among them, would
 * be taken for this session's. To look is cheap, to clear is not: 3 % of a small request.
 */
static void forget_errors(void)
{
	if (ERR_peek_error() != 0) {
		ERR_clear_error();
	}
}

/* What a failed SSL call means. The caller has called forget_errors beforehand. */
static int failure_of(struct tls_session *session, int result)
{
	switch (SSL_get_error(session->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
	case SSL_ERROR_WANT_ASYNC:
		return ERR_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return ERR_EOF;
	case SSL_ERROR_SSL:
		return ERR_PROTOCOL;
	default:
		return ERR_CLOSED;
	}
}

static void begin_input(struct tls_session *session)
{
	session->asked = 0;
	session->filled = false;
	session->stopped = false;
}

int tls_session_handshake(struct tls_session *session)
{
	int result;
	int rc;

	if (session->ssl == NULL) {
		return 0;
	}
	if (session->signature != NULL && !signature_ready(session->signature)) {
		return ERR_AGAIN;
	}
	forget_errors();
	begin_input(session);
	signer_for(session);
	result = SSL_do_handshake(session->ssl);
	signer_for(NULL);
	if (result == 1) {
		/* A record costs twice as much in a job, and nothing waits any more. */
		SSL_clear_mode(session->ssl, SSL_MODE_ASYNC);
		return 0;
	}
	rc = failure_of(session, result);
	if (rc == ERR_AGAIN && session->stopped) {
		return ERR_LIMIT;
	}
	return session->plain_text ? ERR_PROTOCOL : rc == ERR_EOF ? ERR_CLOSED : rc;
}

int tls_session_read(struct tls_session *session, char *out, size_t size, size_t *got)
{
	int result;

	if (session->broken) {
		return ERR_CLOSED;
	}
	if (session->ssl == NULL) {
		return wire_take(session, out, size, got);
	}
	forget_errors();
	begin_input(session);
	result = SSL_read_ex(session->ssl, out, size, got);
	return result == 1 ? 0 : session->stopped ? ERR_LIMIT :
	    failure_of(session, result);
}

bool tls_session_has_input(const struct tls_session *session)
{
	return session->in_size > 0 || session->readable || session->ended ||
	    (session->ssl != NULL && SSL_has_pending(session->ssl));
}

size_t tls_session_room(const struct tls_session *session)
{
	size_t gathered = session->wire->out.size;

	if (session->broken || session->unsent.size > 0 ||
	    gathered >= session->gather_bytes) {
		return 0;
	}
	return session->gather_bytes - gathered;
}

static bool write_all(struct tls_session *session, const char *data, size_t size)
{
	size_t written;

	if (session->ssl == NULL) {
		return buffer_append(&session->wire->out, data, size) == 0;
	}
	return SSL_write_ex(session->ssl, data, size, &written) == 1;
}

int tls_session_write(struct tls_session *session, const char *data, size_t size)
{
	if (session->broken || size == 0) {
		return session->broken ? ERR_CLOSED : 0;
	}
	if (!write_all(session, data, size)) {
		session->broken = true;
		return ERR_CLOSED;
	}
	return 0;
}

void tls_session_end(struct tls_session *session)
{
	bool said = session->ssl == NULL ||
	    (SSL_get_shutdown(session->ssl) & SSL_SENT_SHUTDOWN) != 0;

	if (!session->broken && !said && SSL_is_init_finished(session->ssl)) {
		(void)SSL_shutdown(session->ssl);
	}
}

/* The wire's buffer is the next session's: what OpenSSL has not taken moves to ours. */
static int keep_input(struct tls_session *session)
{
	char *kept = NULL;

	if (session->in_size > 0) {
		kept = malloc(session->in_size);
		if (kept == NULL) {
			session->broken = true;
			return ERR_CLOSED;
		}
		memcpy(kept, session->in, session->in_size);
	}
	free(session->kept);
	session->kept = kept;
	session->in = kept;
	return 0;
}

int tls_session_flush(struct tls_session *session)
{
	int rc = wire_flush(session);

	if (session->in_size > 0 || session->kept != NULL) {
		int kept = keep_input(session);

		rc = kept != 0 ? kept : rc;
	}
	return rc;
}

const char *tls_session_version(const struct tls_session *session)
{
	return session->ssl == NULL ? NULL : SSL_get_version(session->ssl);
}

const char *tls_session_cipher(const struct tls_session *session)
{
	return session->ssl == NULL ? NULL : SSL_get_cipher_name(session->ssl);
}

const char *tls_session_group(const struct tls_session *session)
{
	/* A TLS 1.2 session that was resumed, or uses finite-field DHE, has none. */
	int id = session->ssl == NULL ? 0 :
	    (int)SSL_get_negotiated_group(session->ssl);

	return id == 0 ? NULL : SSL_group_to_name(session->ssl, id);
}

const char *tls_session_sni(const struct tls_session *session)
{
	return session->ssl == NULL ? NULL :
	    SSL_get_servername(session->ssl, TLSEXT_NAMETYPE_host_name);
}

bool tls_session_resumed(const struct tls_session *session)
{
	return session->ssl != NULL && SSL_session_reused(session->ssl) == 1;
}

int tls_session_set_auth(struct tls_session *session, const struct tls_client_auth *auth)
{
	/* A second ClientHello may have another name than the first. */
	tls_peer_free(session->peer);
	session->peer = NULL;
	if (auth->mode == CONFIG_CLIENTS_NONE) {
		return 0;
	}
	session->peer = tls_peer_new(auth);
	return session->peer == NULL ? ERR_NOMEM : 0;
}

bool tls_session_admits(struct tls_session *session, struct tls_context *context,
    size_t listener, struct slice host)
{
	static const struct tls_client_auth nothing = { .mode = CONFIG_CLIENTS_NONE };
	const struct tls_client_auth *now = &nothing;

	if (context->clients != NULL) {
		now = tls_clients_find(context->clients, listener, host);
	}
	if (!tls_client_auth_admits(now, session->peer == NULL ? &nothing :
	    tls_peer_auth(session->peer), session->ssl)) {
		return false;
	}
	if (session->peer != NULL && session->context != context) {
		tls_context_unref(session->context);
		session->context = tls_context_ref(context);
	}
	if (session->peer != NULL) {
		tls_peer_set_auth(session->peer, now);
	}
	return true;
}

const char *tls_session_peer(const struct tls_session *session, const char *name)
{
	return session->peer == NULL ? NULL
	    : tls_peer_fact(session->peer, session->ssl, name);
}

const char *tls_session_client_fault(const struct tls_session *session)
{
	long result = SSL_get_verify_result(session->ssl);

	if (session->peer == NULL) {
		return NULL;
	}
	return result != X509_V_OK ? X509_verify_cert_error_string(result) :
	    ERR_GET_REASON(ERR_peek_last_error()) ==
	    SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE ? "it has shown none" : NULL;
}

void tls_session_strict_end(struct tls_session *session)
{
	SSL_clear_options(session->ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
}

void tls_session_alpn(const struct tls_session *session, char *out, size_t size)
{
	const unsigned char *name = NULL;
	unsigned name_size = 0;

	if (session->ssl != NULL) {
		SSL_get0_alpn_selected(session->ssl, &name, &name_size);
	}
	snprintf(out, size, "%.*s", (int)name_size,
	    name == NULL ? "" : (const char *)name);
}

/* SPDX-License-Identifier: MIT */
/* What all TLS sessions of a generation share. */
#include "tls/context.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/hostname.h"
#include "base/memory.h"
#include "tls/certificate.h"
#include "tls/groups.h"
#include "tls/key_log.h"
#include "tls/peer.h"
#include "tls/session.h"

/* Mozilla's intermediate configuration, version 5.7, in its order. */
static const char tls13_suites[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char tls12_ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305";

#define CLIENT_CHAIN_BYTES (32 * 1024)	/* that a client may send of certificates */

/* RFC 7301 section 3.2: a client that names protocols, and none of ours, is told so. On a
 * listener of raw streams that goes for HTTP's names, too: what is meant for the one must
 * not be redirected to the other. */
static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size,
    const unsigned char *in, unsigned in_size, void *arg)
{
	const struct tls_session *session = SSL_get_app_data(ssl);
	struct slice ours = tls_protocols_list(session->context->protocols,
	    !session->no_http);
	unsigned char *chosen;

	(void)arg;
	if (SSL_select_next_proto(&chosen, out_size, (const unsigned char *)ours.data,
	    (unsigned)ours.size, in, in_size) != OPENSSL_NPN_NEGOTIATED) {
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* There is a certificate for every name, be it the server's: saying so keeps clients from
 * warning of a name that was ignored (RFC 6066 section 3). */
static int accept_name(SSL *ssl, int *alert, void *arg)
{
	(void)ssl;
	(void)alert;
	(void)arg;
	return SSL_TLSEXT_ERR_OK;
}

static bool set_policy(SSL_CTX *ssl, const struct config *config,
    struct problems *problems)
{
	int lowest = config->tls_min_version == CONFIG_TLS_1_3 ? TLS1_3_VERSION :
	    TLS1_2_VERSION;

	/* Our order, but for clients without AES in hardware, whose first is ChaCha20. */
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
	    SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA);
	/* An idle connection then holds no record buffers: 13 instead of 22 KiB. */
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	/* Resumption is by tickets alone, so that no worker needs another's memory. */
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(ssl, select_alpn, NULL);
	SSL_CTX_set_tlsext_servername_callback(ssl, accept_name);
	SSL_CTX_set_dh_auto(ssl, 1);
	/* Whatever openssl.cnf says: no key of less than 112 bits, no SHA-1. */
	SSL_CTX_set_security_level(ssl, 2);
	return SSL_CTX_set_min_proto_version(ssl, lowest) == 1 &&
	    SSL_CTX_set_ciphersuites(ssl, tls13_suites) == 1 &&
	    SSL_CTX_set_cipher_list(ssl, tls12_ciphers) == 1 &&
	    tls_groups_set(ssl, config, problems);
}

/* The name in a ClientHello (RFC 6066 section 3), "" without one. What is not well formed
 * OpenSSL refuses later. */
static struct slice asked_name(SSL *ssl)
{
	const unsigned char *data;
	size_t size;
	size_t name_size;

	/* The list's size, the first name's type (0: a host's), its size. */
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) != 1 ||
	    size < 5 || data[2] != TLSEXT_NAMETYPE_host_name) {
		return SLICE("");
	}
	name_size = (size_t)data[3] << 8 | data[4];
	if (name_size > size - 5) {
		return SLICE("");
	}
	return (struct slice){ (const char *)data + 5, name_size };
}

/* What the client of that session is asked for. Of a stream that a listener is for, no
 * host is chosen by a name. */
static bool ask_client(struct tls_session *session, struct slice host,
    const struct tls_identity *identity)
{
	const struct tls_client_auth *auth;

	if (session->context->clients == NULL) {
		return true;
	}
	auth = tls_clients_find(session->context->clients, session->listener,
	    session->no_http ? SLICE("") : host);
	return tls_session_set_auth(session, auth) == 0 &&
	    tls_client_auth_offer(auth, session->ssl, tls_identity_session_id(identity));
}

/*
 * Here and not when OpenSSL asks about the name: by then it has taken the client's ticket
 * for good or bad, and a session of one host would go on under another's certificate.
 */
static int choose_identity(SSL *ssl, int *alert, void *arg)
{
	struct tls_session *session = SSL_get_app_data(ssl);
	char space[HOSTNAME_BYTES];
	struct slice host = hostname_normal(asked_name(ssl), space);
	const struct tls_identity *identity =
	    tls_identities_find(session->context->identities, host);

	(void)arg;
	if (identity == NULL || !tls_identity_offer(identity, ssl) ||
	    !ask_client(session, host, identity)) {
		*alert = SSL_AD_INTERNAL_ERROR;
		return SSL_CLIENT_HELLO_ERROR;
	}
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* libssl holds a ticket that it has opened against session_id_context only, which has no
 * word on what has come to its end since. */
static SSL_TICKET_RETURN judge_ticket(SSL *ssl, SSL_SESSION *ticket,
    const unsigned char *name, size_t name_size, SSL_TICKET_STATUS status, void *arg)
{
	const struct tls_session *session = SSL_get_app_data(ssl);
	bool good = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;

	(void)name;
	(void)name_size;
	(void)arg;
	if (!good || (session->peer != NULL &&
	    !tls_client_auth_resumes(tls_peer_auth(session->peer), ticket))) {
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	}
	return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE :
	    SSL_TICKET_RETURN_USE_RENEW;
}

/* A server of one identity, and one way with all clients, does not look at names. */
static bool set_identities(struct tls_context *context, const struct config *config,
    enum tls_keys keys, const struct tls_context *before, struct problems *problems)
{
	const struct tls_identity *only;

	context->identities = tls_identities_new(config, keys,
	    before == NULL ? NULL : before->identities, context->ssl, problems);
	context->clients = tls_clients_new(config, keys,
	    before == NULL ? NULL : before->clients, problems);
	if (context->clients != NULL) {
		SSL_CTX_set_max_cert_list(context->ssl, CLIENT_CHAIN_BYTES);
		(void)SSL_CTX_set_session_ticket_cb(context->ssl, NULL, judge_ticket,
		    NULL);
	}
	only = tls_identities_only(context->identities);
	if (only != NULL && context->clients == NULL) {
		return tls_identity_offer_all(only, context->ssl);
	}
	SSL_CTX_set_client_hello_cb(context->ssl, choose_identity, NULL);
	return true;
}

struct tls_context *tls_context_new(const struct config *config, enum tls_keys keys,
    const struct ticket_page *tickets, const struct tls_context *before,
    struct problems *problems)
{
	struct tls_context *context = memory_new(1, sizeof(*context));

	context->references = 1;
	context->protocols = tls_protocols_new(config);
	context->key_log_fd = -1;
	context->ssl = SSL_CTX_new(TLS_server_method());
	if (context->ssl == NULL || !set_policy(context->ssl, config, problems) ||
	    !tls_tickets_init(&context->tickets, &config->tickets, tickets,
		context->ssl) ||
	    !set_identities(context, config, keys, before, problems)) {
		problems_add(problems, config->file, NULL,
		    "OpenSSL refuses the TLS policy: %s", tls_last_reason());
		tls_context_unref(context);
		context = NULL;
	}
	if (context != NULL && keys == TLS_KEYS_KEPT) {
		SSL_CTX_set_mode(context->ssl, SSL_MODE_ASYNC);
	}
	ERR_clear_error();
	return context;
}

void tls_context_log_keys(struct tls_context *context, int fd)
{
	int before = context->key_log_fd;

	context->key_log_fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (before >= 0) {
		close(before);
	}
	if (context->key_log_fd >= 0) {
		tls_key_log_use(context->ssl);
	}
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
	context->references++;
	return context;
}

void tls_context_unref(struct tls_context *context)
{
	if (context == NULL || --context->references > 0) {
		return;
	}
	SSL_CTX_free(context->ssl);
	tls_tickets_release(&context->tickets);
	tls_identities_free(context->identities);
	tls_clients_free(context->clients);
	tls_protocols_free(context->protocols);
	if (context->key_log_fd >= 0) {
		close(context->key_log_fd);
	}
	free(context);
}

bool tls_context_same(const struct tls_context *context, struct slice a, struct slice b)
{
	return tls_identity_same(tls_identities_find(context->identities, a),
	    tls_identities_find(context->identities, b));
}

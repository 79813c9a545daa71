/* SPDX-License-Identifier: MIT */
/* The client of a session that was asked for a certificate. */
#include "tls/peer.h"

#include <stdlib.h>
#include <string.h>

#include "tls/x509_text.h"

/* Together they must fit into what a connection's facts may take (worker/connection.c),
 * and into a frame. */
#define NAME_MAX_BYTES 2048
#define SANS_MAX_BYTES 4096
#define SERIAL_MAX_BYTES 64

enum fact { SUBJECT, ISSUER, SERIAL, SAN, FINGERPRINT, NOT_BEFORE, NOT_AFTER, FACTS };

static const char *const names[FACTS] = { [SUBJECT] = "subject", [ISSUER] = "issuer",
	[SERIAL] = "serial", [SAN] = "san", [FINGERPRINT] = "fingerprint",
	[NOT_BEFORE] = "not_before", [NOT_AFTER] = "not_after" };

struct tls_peer {
	const struct tls_client_auth *auth;
	char *facts[FACTS];
	bool described;
};

struct tls_peer *tls_peer_new(const struct tls_client_auth *auth)
{
	struct tls_peer *peer = calloc(1, sizeof(*peer));

	if (peer != NULL) {
		peer->auth = auth;
	}
	return peer;
}

void tls_peer_free(struct tls_peer *peer)
{
	for (size_t i = 0; peer != NULL && i < FACTS; i++) {
		free(peer->facts[i]);
	}
	free(peer);
}

const struct tls_client_auth *tls_peer_auth(const struct tls_peer *peer)
{
	return peer->auth;
}

void tls_peer_set_auth(struct tls_peer *peer, const struct tls_client_auth *auth)
{
	peer->auth = auth;
}

bool tls_peer_shown(const SSL *ssl)
{
	return SSL_get0_peer_certificate(ssl) != NULL;
}

/* In words that stay, where OpenSSL's may change. */
static const char *verdict(const SSL *ssl)
{
	if (!tls_peer_shown(ssl)) {
		return "none";
	}
	switch (SSL_get_verify_result(ssl)) {
	case X509_V_OK:
		return "ok";
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "not_yet_valid";
	case X509_V_ERR_CERT_REVOKED:
		return "revoked";
	case X509_V_ERR_INVALID_PURPOSE:
		return "wrong_purpose";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return "self_signed";
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return "unknown_ca";
	default:
		return "failed";
	}
}

static void describe(struct tls_peer *peer, const X509 *leaf)
{
	char **facts = peer->facts;

	facts[SUBJECT] = x509_text_name(X509_get_subject_name(leaf), NAME_MAX_BYTES);
	facts[ISSUER] = x509_text_name(X509_get_issuer_name(leaf), NAME_MAX_BYTES);
	facts[SERIAL] = x509_text_serial(leaf, SERIAL_MAX_BYTES);
	facts[SAN] = x509_text_sans(leaf, SANS_MAX_BYTES);
	facts[FINGERPRINT] = x509_text_fingerprint(leaf);
	facts[NOT_BEFORE] = x509_text_time(X509_get0_notBefore(leaf));
	facts[NOT_AFTER] = x509_text_time(X509_get0_notAfter(leaf));
	peer->described = true;
}

const char *tls_peer_fact(struct tls_peer *peer, const SSL *ssl, const char *name)
{
	if (strcmp(name, "verify") == 0) {
		return verdict(ssl);
	}
	if (!tls_peer_shown(ssl)) {
		return NULL;
	}
	if (!peer->described) {
		describe(peer, SSL_get0_peer_certificate(ssl));
	}
	for (size_t i = 0; i < FACTS; i++) {
		if (strcmp(names[i], name) == 0) {
			return peer->facts[i];
		}
	}
	return NULL;
}

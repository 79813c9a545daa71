/* SPDX-License-Identifier: MIT */
/*
 * Certificates of clients, made where they are needed: who issues them, what that one has
 * revoked, and a handshake in memory in which they are shown.
 */
#ifndef TINCAN_TESTS_AUTHORITY_H
#define TINCAN_TESTS_AUTHORITY_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "unit.h"

#define AUTHORITY_DAY_S (24 * 60 * 60)

struct authority {
	EVP_PKEY *key;
	X509 *self;
	long serial;
};

static inline X509_NAME *authority_name(const char *text)
{
	X509_NAME *name = X509_NAME_new();

	ck_assert_int_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)text, -1, -1, 0), 1);
	return name;
}

static inline void authority_extend(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	ck_assert_ptr_nonnull(extension);
	ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* One of that name for the key, good from then to then, in days from now. */
static inline X509 *authority_issue(struct authority *above, EVP_PKEY *key,
    const char *name, int begin_days, int end_days)
{
	X509 *certificate = X509_new();
	X509_NAME *subject = authority_name(name);
	const X509 *issuer = above->self == NULL ? certificate : above->self;

	ck_assert_int_eq(X509_set_version(certificate, X509_VERSION_3), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++above->serial);
	X509_gmtime_adj(X509_getm_notBefore(certificate), begin_days * AUTHORITY_DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(certificate), end_days * AUTHORITY_DAY_S);
	ck_assert_int_eq(X509_set_subject_name(certificate, subject), 1);
	ck_assert_int_eq(X509_set_issuer_name(certificate,
	    X509_get_subject_name(issuer)), 1);
	ck_assert_int_eq(X509_set_pubkey(certificate, key), 1);
	if (above->self == NULL) {
		authority_extend(certificate, NID_basic_constraints, "critical,CA:TRUE");
	} else {
		authority_extend(certificate, NID_subject_alt_name, "DNS:who.test");
	}
	ck_assert_int_gt(X509_sign(certificate, above->key, EVP_sha256()), 0);
	X509_NAME_free(subject);
	return certificate;
}

static inline void authority_open(struct authority *authority, const char *name)
{
	*authority = (struct authority){ .key =
	    EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256") };
	ck_assert_ptr_nonnull(authority->key);
	authority->self = authority_issue(authority, authority->key, name, -30, 30);
}

static inline void authority_close(struct authority *authority)
{
	EVP_PKEY_free(authority->key);
	X509_free(authority->self);
}

/* A list with that certificate in it (NULL: none), which ends in so many days. */
static inline X509_CRL *authority_list(const struct authority *authority,
    const X509 *revoked, int end_days)
{
	X509_CRL *list = X509_CRL_new();
	ASN1_TIME *time = ASN1_TIME_new();

	ck_assert_int_eq(X509_CRL_set_version(list, X509_CRL_VERSION_2), 1);
	ck_assert_int_eq(X509_CRL_set_issuer_name(list,
	    X509_get_subject_name(authority->self)), 1);
	X509_gmtime_adj(time, -9 * AUTHORITY_DAY_S);
	ck_assert_int_eq(X509_CRL_set1_lastUpdate(list, time), 1);
	if (revoked != NULL) {
		X509_REVOKED *entry = X509_REVOKED_new();

		ck_assert_int_eq(X509_REVOKED_set_serialNumber(entry,
		    (ASN1_INTEGER *)X509_get0_serialNumber(revoked)), 1);
		ck_assert_int_eq(X509_REVOKED_set_revocationDate(entry, time), 1);
		ck_assert_int_eq(X509_CRL_add0_revoked(list, entry), 1);
	}
	X509_gmtime_adj(time, end_days * AUTHORITY_DAY_S);
	ck_assert_int_eq(X509_CRL_set1_nextUpdate(list, time), 1);
	ck_assert_int_gt(X509_CRL_sign(list, authority->key, EVP_sha256()), 0);
	ASN1_TIME_free(time);
	return list;
}

/* Files of one each; the list is freed. */
static inline void authority_write(const char *path, X509 *certificate)
{
	FILE *out = fopen(path, "w");

	ck_assert_int_eq(PEM_write_X509(out, certificate), 1);
	ck_assert_int_eq(fclose(out), 0);
}

static inline void authority_write_list(const char *path, X509_CRL *list)
{
	FILE *out = fopen(path, "w");

	ck_assert_int_eq(PEM_write_X509_CRL(out, list), 1);
	ck_assert_int_eq(fclose(out), 0);
	X509_CRL_free(list);
}

/* A client and a server, in memory. */
struct meeting {
	SSL_CTX *contexts[2];
	SSL *server;
	SSL *client;
};

static inline SSL *meeting_side(SSL_CTX **context, const SSL_METHOD *method,
    X509 *certificate, EVP_PKEY *key)
{
	SSL *side;

	*context = SSL_CTX_new(method);
	ck_assert_ptr_nonnull(*context);
	side = SSL_new(*context);
	if (certificate != NULL) {
		ck_assert_int_eq(SSL_use_certificate(side, certificate), 1);
		ck_assert_int_eq(SSL_use_PrivateKey(side, key), 1);
	}
	return side;
}

/* The server has the authority's own certificate, the client that one or none. */
static inline void meeting_open(struct meeting *meeting,
    const struct authority *authority, X509 *shown, EVP_PKEY *key)
{
	BIO *ends[2];

	meeting->server = meeting_side(&meeting->contexts[0], TLS_server_method(),
	    authority->self, authority->key);
	meeting->client = meeting_side(&meeting->contexts[1], TLS_client_method(),
	    shown, key);
	ck_assert_int_eq(BIO_new_bio_pair(&ends[0], 0, &ends[1], 0), 1);
	SSL_set_bio(meeting->server, ends[0], ends[0]);
	SSL_set_bio(meeting->client, ends[1], ends[1]);
	SSL_set_accept_state(meeting->server);
	SSL_set_connect_state(meeting->client);
}

/* Does the server let the client in? */
static inline bool meeting_hold(struct meeting *meeting)
{
	int rc = -1;

	for (int turn = 0; turn < 10 && rc != 1; turn++) {
		(void)SSL_do_handshake(meeting->client);
		rc = SSL_do_handshake(meeting->server);
		if (rc != 1 && SSL_want(meeting->server) == SSL_NOTHING) {
			return false;
		}
	}
	return rc == 1;
}

static inline void meeting_close(struct meeting *meeting)
{
	SSL_free(meeting->server);
	SSL_free(meeting->client);
	SSL_CTX_free(meeting->contexts[0]);
	SSL_CTX_free(meeting->contexts[1]);
}

#endif

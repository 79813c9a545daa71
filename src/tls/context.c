/* SPDX-License-Identifier: MIT */
/* What all TLS sessions of a generation share. */
#include "tls/context.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "tls/provider.h"
#include "tls/session.h"

/* Mozilla's intermediate configuration, version 5.7, in its order. */
static const char tls13_suites[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char tls12_ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305";
static const char groups[] = "X25519:P-256:P-384";

int tls_tickets_make(struct tls_tickets *tickets)
{
	ssize_t got = getrandom(tickets->keys, sizeof(tickets->keys), 0);

	return got == (ssize_t)sizeof(tickets->keys) ? 0 : ERR_SYSTEM;
}

/* Why OpenSSL's last call failed, in its words or the system's. */
static const char *last_reason(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason;

	if (ERR_SYSTEM_ERROR(code)) {
		return strerror(ERR_GET_REASON(code));
	}
	reason = ERR_reason_error_string(code);
	return reason == NULL ? "unknown reason" : reason;
}

static bool can_read(const char *where, const char *key, const char *path,
    struct problems *problems)
{
	FILE *in = fopen(path, "re");
	char place[512];

	if (in != NULL) {
		fclose(in);
		return true;
	}
	snprintf(place, sizeof(place), "%s.%s", where, key);
	problems_add(problems, place, NULL, "cannot read '%s': %s", path,
	    strerror(errno));
	return false;
}

static void warn_of_readers(const struct config_certificate *certificate,
    struct problems *problems)
{
	struct stat st;

	if (stat(certificate->key, &st) == 0 && (st.st_mode & S_IROTH) != 0) {
		problems_warn(problems, certificate->where, "chmod 600 it",
		    "everybody on this machine can read the key '%s'", certificate->key);
	}
}

static void warn_of_expiry(SSL_CTX *ssl, const struct config_certificate *certificate,
    struct problems *problems)
{
	X509 *x509 = SSL_CTX_get0_certificate(ssl);

	if (x509 != NULL && X509_cmp_current_time(X509_get0_notAfter(x509)) < 0) {
		problems_warn(problems, certificate->where, NULL,
		    "the certificate '%s' has expired", certificate->chain);
	}
}

/* libssl has a slot for each kind of key, and compares within one slot only. */
static int use_key(SSL_CTX *ssl, const struct config_certificate *certificate,
    struct problems *problems)
{
	const X509 *x509 = SSL_CTX_get0_certificate(ssl);
	int reason;

	if (SSL_CTX_use_PrivateKey_file(ssl, certificate->key, SSL_FILETYPE_PEM) == 1 &&
	    X509_check_private_key(x509, SSL_CTX_get0_privatekey(ssl)) == 1) {
		return 0;
	}
	reason = ERR_GET_REASON(ERR_peek_last_error());
	if (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH) {
		problems_add(problems, certificate->where, NULL,
		    "the key '%s' is not that of the certificate '%s'", certificate->key,
		    certificate->chain);
	} else {
		problems_add(problems, certificate->where,
		    "expected an unencrypted PEM key", "cannot use the key '%s': %s",
		    certificate->key, last_reason());
	}
	return ERR_INVALID;
}

/* The keeper knows the key by its public half. */
static int use_kept_key(SSL_CTX *ssl, const struct config_certificate *certificate,
    struct problems *problems)
{
	EVP_PKEY *key = provider_key(X509_get0_pubkey(SSL_CTX_get0_certificate(ssl)));
	bool used = key != NULL && SSL_CTX_use_PrivateKey(ssl, key) == 1;

	if (!used) {
		problems_add(problems, certificate->where, "RSA, ECDSA or Ed25519",
		    "cannot use the certificate '%s': %s", certificate->chain,
		    key == NULL ? "it is for a kind of key that is not supported" :
		    last_reason());
	}
	EVP_PKEY_free(key);
	return used ? 0 : ERR_INVALID;
}

static int use_certificate(SSL_CTX *ssl, const struct config_certificate *certificate,
    enum tls_keys keys, struct problems *problems)
{
	const char *where = certificate->where;
	bool readable = can_read(where, "chain", certificate->chain, problems);

	if (keys == TLS_KEYS_HERE) {
		readable = can_read(where, "key", certificate->key, problems) && readable;
	}
	if (!readable) {
		return ERR_INVALID;
	}
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ssl, certificate->chain) != 1) {
		problems_add(problems, where, "expected PEM, the certificate first",
		    "cannot use the certificate '%s': %s", certificate->chain,
		    last_reason());
		return ERR_INVALID;
	}
	if (keys == TLS_KEYS_KEPT) {
		return use_kept_key(ssl, certificate, problems);
	}
	if (use_key(ssl, certificate, problems) != 0) {
		return ERR_INVALID;
	}
	warn_of_readers(certificate, problems);
	warn_of_expiry(ssl, certificate, problems);
	return 0;
}

/* RFC 7301 section 3.2: a client that names protocols, and none of ours, is told so. On a
 * listener of raw streams that goes for HTTP's names, too: what is meant for the one must
 * not be redirected to the other. */
static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size,
    const unsigned char *in, unsigned in_size, void *arg)
{
	const struct tls_session *session = SSL_get_app_data(ssl);
	struct slice ours = tls_protocols_list(session->protocols, !session->no_http);
	unsigned char *chosen;

	(void)arg;
	if (SSL_select_next_proto(&chosen, out_size, (const unsigned char *)ours.data,
	    (unsigned)ours.size, in, in_size) != OPENSSL_NPN_NEGOTIATED) {
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* There is one certificate, for every name: saying so keeps clients from warning of a
 * name that was ignored (RFC 6066 section 3). */
static int accept_name(SSL *ssl, int *alert, void *arg)
{
	(void)ssl;
	(void)alert;
	(void)arg;
	return SSL_TLSEXT_ERR_OK;
}

static int no_passphrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

/* libssl's macro takes the keys by a pointer that is not const; it only copies them. */
static bool set_tickets(SSL_CTX *ssl, const struct tls_tickets *tickets)
{
	struct tls_tickets copy = *tickets;
	bool done =
	    SSL_CTX_set_tlsext_ticket_keys(ssl, copy.keys, sizeof(copy.keys)) == 1;

	OPENSSL_cleanse(&copy, sizeof(copy));
	return done;
}

static bool set_policy(SSL_CTX *ssl, const struct config *config,
    const struct tls_tickets *tickets)
{
	static const unsigned char id[] = "tincan";
	int lowest = config->tls_min_version == CONFIG_TLS_1_3 ? TLS1_3_VERSION :
	    TLS1_2_VERSION;

	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
	    SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* An idle connection then holds no record buffers: 13 instead of 22 KiB. */
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	/* Resumption is by tickets alone, so that no worker needs another's memory. */
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_default_passwd_cb(ssl, no_passphrase);
	SSL_CTX_set_alpn_select_cb(ssl, select_alpn, NULL);
	SSL_CTX_set_tlsext_servername_callback(ssl, accept_name);
	SSL_CTX_set_dh_auto(ssl, 1);
	return SSL_CTX_set_min_proto_version(ssl, lowest) == 1 &&
	    SSL_CTX_set_ciphersuites(ssl, tls13_suites) == 1 &&
	    SSL_CTX_set_cipher_list(ssl, tls12_ciphers) == 1 &&
	    SSL_CTX_set1_groups_list(ssl, groups) == 1 &&
	    SSL_CTX_set_num_tickets(ssl, 1) == 1 &&
	    SSL_CTX_set_session_id_context(ssl, id, sizeof(id) - 1) == 1 &&
	    set_tickets(ssl, tickets);
}

int tls_context_init(struct tls_context *context, const struct config *config,
    enum tls_keys keys, const struct tls_tickets *tickets, struct problems *problems)
{
	size_t before = problems->errors;

	context->protocols = tls_protocols_new(config);
	context->ssl = SSL_CTX_new(TLS_server_method());
	if (context->ssl == NULL || !set_policy(context->ssl, config, tickets)) {
		problems_add(problems, config->file, NULL,
		    "OpenSSL refuses the TLS policy: %s", last_reason());
	}
	for (size_t i = 0; context->ssl != NULL && i < config->certificate_count; i++) {
		const struct config_certificate *certificate = &config->certificates[i];

		if (certificate->vhost == 0 &&
		    use_certificate(context->ssl, certificate, keys, problems) != 0) {
			break;
		}
	}
	if (context->ssl != NULL && keys == TLS_KEYS_KEPT) {
		SSL_CTX_set_mode(context->ssl, SSL_MODE_ASYNC);
	}
	ERR_clear_error();
	if (problems->errors != before) {
		tls_context_release(context);
		return ERR_INVALID;
	}
	return 0;
}

void tls_context_release(struct tls_context *context)
{
	SSL_CTX_free(context->ssl);
	context->ssl = NULL;
	tls_protocols_unref(context->protocols);
	context->protocols = NULL;
}

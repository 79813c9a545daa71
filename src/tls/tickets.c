/* SPDX-License-Identifier: MIT */
/* Session tickets of a context. */
#include "tls/tickets.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "tls/context.h"
#include "tls/session.h"

/* What libssl takes for an answer. */
enum { FAILED = -1, UNKNOWN = 0, DONE = 1, RENEW = 2 };

static bool set_mac(EVP_MAC_CTX *mac, const struct ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end()
	};

	return EVP_MAC_init(mac, key->mac, sizeof(key->mac), params) == 1;
}

static int seal(struct tls_session *session, struct ticket_key *key,
    unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	const struct tls_tickets *tickets = &session->context->tickets;
	size_t index;

	/* There is always one; if ever it could not be had, nobody opens the ticket. */
	if (ticket_page_find(tickets->page, NULL, key, &index) != 0) {
		arc4random_buf(key, sizeof(*key));
	}
	session->ticket_sealed = true;
	return RAND_bytes(iv, EVP_CIPHER_get_iv_length(tickets->cipher)) == 1 &&
	    EVP_EncryptInit_ex2(cipher, tickets->cipher, key->cipher, iv, NULL) == 1 &&
	    set_mac(mac, key) ? DONE : FAILED;
}

static int open_with(struct tls_session *session, const unsigned char *name,
    struct ticket_key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac)
{
	const struct tls_tickets *tickets = &session->context->tickets;
	size_t index;

	if (ticket_page_find(tickets->page, name, key, &index) != 0) {
		session->ticket_unknown = true;
		return UNKNOWN;
	}
	if (EVP_DecryptInit_ex2(cipher, tickets->cipher, key->cipher, iv, NULL) != 1 ||
	    !set_mac(mac, key)) {
		return FAILED;
	}
	return index > 0 || SSL_version(session->ssl) == TLS1_3_VERSION ? RENEW : DONE;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_new)
{
	struct tls_session *session = SSL_get_app_data(ssl);
	struct ticket_key key;
	int result;

	if (is_new) {
		result = seal(session, &key, iv, cipher, mac);
		memcpy(name, key.name, sizeof(key.name));
	} else {
		result = open_with(session, name, &key, iv, cipher, mac);
	}
	OPENSSL_cleanse(&key, sizeof(key));
	return result;
}

bool tls_tickets_init(struct tls_tickets *tickets, const struct config_tickets *config,
    const struct ticket_page *page, SSL_CTX *ssl)
{
	if (page == NULL || config->source == CONFIG_TICKETS_OFF) {
		/* Without tickets libssl would have sessions of TLS 1.3 in its memory. */
		SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
		return SSL_CTX_set_num_tickets(ssl, 0) == 1;
	}
	tickets->page = page;
	tickets->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	SSL_CTX_set_timeout(ssl, (long)config->lifetime_s);
	/* One is enough: libssl would send two. */
	return tickets->cipher != NULL && SSL_CTX_set_num_tickets(ssl, 1) == 1 &&
	    SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket) == 1;
}

void tls_tickets_release(struct tls_tickets *tickets)
{
	EVP_CIPHER_free(tickets->cipher);
	*tickets = (struct tls_tickets){ 0 };
}

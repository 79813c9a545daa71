/* SPDX-License-Identifier: MIT */
/* A certificate and its private key. */
#include "tls/certificate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "base/hostname.h"
#include "base/memory.h"
#include "tls/key_name.h"
#include "tls/passphrase.h"
#include "tls/pem_file.h"
#include "tls/provider.h"

#define NAMES_BYTES 128		/* of the text for people */

_Static_assert(SIGN_KEY_BYTES == CONFIG_KEY_NAME_BYTES, "config knows no keeper");

struct tls_certificate {
	size_t references;
	char *files;
	unsigned char digest[SHA256_DIGEST_LENGTH];	/* of shown.pem that it is of */
	bool shown;		/* its files are those of a certificate that was shown */
	X509 *leaf;
	STACK_OF(X509) *chain;	/* behind the leaf; NULL: none */
	EVP_PKEY *key;
	char **names;
};

const char *tls_last_reason(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason;

	if (ERR_SYSTEM_ERROR(code)) {
		return strerror(ERR_GET_REASON(code));
	}
	reason = ERR_reason_error_string(code);
	return reason == NULL ? "unknown reason" : reason;
}

static char *read_file(const struct config_certificate *config, const char *key,
    size_t max, size_t *size, struct problems *problems)
{
	const char *path = strcmp(key, "key") == 0 ? config->key : config->chain;
	const char *why;
	char *content = pem_file_read(path, max, size, &why);
	char *place;

	if (content == NULL) {
		place = memory_printf("%s.%s", config->where, key);
		problems_add(problems, place, NULL, "cannot read '%s': %s", path, why);
		free(place);
	}
	return content;
}

/* The certificate first, then what vouches for it. False: it is no PEM up to its end. */
static bool parse_chain(BIO *in, struct tls_certificate *certificate)
{
	X509 *next;

	certificate->leaf = PEM_read_bio_X509_AUX(in, NULL, tls_no_passphrase, NULL);
	if (certificate->leaf == NULL) {
		return false;
	}
	while ((next = PEM_read_bio_X509(in, NULL, tls_no_passphrase, NULL)) != NULL) {
		if (certificate->chain == NULL) {
			certificate->chain = sk_X509_new_null();
		}
		if (certificate->chain == NULL ||
		    sk_X509_push(certificate->chain, next) == 0) {
			X509_free(next);
			return false;
		}
	}
	/* That is how the end of the file shows. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		return false;
	}
	ERR_clear_error();
	return true;
}

static bool take_chain(const struct config_certificate *config, const char *pem,
    size_t size, struct tls_certificate *certificate, struct problems *problems)
{
	BIO *in = BIO_new_mem_buf(pem, (int)size);
	bool good = in != NULL && parse_chain(in, certificate);

	BIO_free(in);
	if (!good) {
		problems_add(problems, config->where,
		    "expected PEM, the certificate first",
		    "cannot use the certificate '%s': %s", config->chain,
		    tls_last_reason());
	}
	return good;
}

/* The keeper knows the key by its public half. */
static bool take_kept_key(const struct config_certificate *config,
    struct tls_certificate *certificate, struct problems *problems)
{
	certificate->key = provider_key(X509_get0_pubkey(certificate->leaf));
	if (certificate->key == NULL) {
		problems_add(problems, config->where, NULL,
		    "cannot use the certificate '%s': no memory for its key",
		    config->chain);
	}
	return certificate->key != NULL;
}

/* Is it the key of one that stands further down? */
static bool is_key_of_issuer(const struct tls_certificate *certificate)
{
	for (int i = 0; i < sk_X509_num(certificate->chain); i++) {
		if (X509_check_private_key(sk_X509_value(certificate->chain, i),
			certificate->key) == 1) {
			return true;
		}
	}
	return false;
}

static void tell_bad_key(const struct config_certificate *config,
    const struct tls_certificate *certificate, const struct tls_passphrase *passphrase,
    struct problems *problems)
{
	if (certificate->key != NULL) {
		problems_add(problems, config->where,
		    is_key_of_issuer(certificate) ?
		    "its own certificate must be the first in the chain" : NULL,
		    "the key '%s' is not that of the certificate '%s'", config->key,
		    config->chain);
	} else if (passphrase->asked && passphrase->text == NULL) {
		problems_add(problems, config->where,
		    "'passphrase_command' names a program that prints its passphrase",
		    "the key '%s' is encrypted", config->key);
	} else if (passphrase->asked) {
		problems_add(problems, config->where, NULL,
		    "what 'passphrase_command' has printed does not decrypt the key '%s'",
		    config->key);
	} else {
		problems_add(problems, config->where, "expected a PEM key",
		    "cannot use the key '%s': %s", config->key, tls_last_reason());
	}
}

static bool take_key(const struct config_certificate *config, const char *pem,
    size_t size, struct tls_certificate *certificate, struct problems *problems)
{
	struct tls_passphrase passphrase = { .text = config->passphrase };
	BIO *in = BIO_new_mem_buf(pem, (int)size);
	bool good;

	certificate->key = in == NULL ? NULL :
	    PEM_read_bio_PrivateKey(in, NULL, tls_passphrase_give, &passphrase);
	BIO_free(in);
	good = certificate->key != NULL &&
	    X509_check_private_key(certificate->leaf, certificate->key) == 1;
	if (!good) {
		tell_bad_key(config, certificate, &passphrase, problems);
	}
	return good;
}

/* DSA is in no cipher suite that we have, and the keeper signs with nothing else. */
static bool is_kind_known(const struct config_certificate *config,
    const struct tls_certificate *certificate, struct problems *problems)
{
	EVP_PKEY *half = X509_get0_pubkey(certificate->leaf);
	bool known = half != NULL && (EVP_PKEY_is_a(half, "RSA") ||
	    EVP_PKEY_is_a(half, "EC") || EVP_PKEY_is_a(half, "ED25519"));

	if (!known) {
		problems_add(problems, config->where, "RSA, ECDSA or Ed25519",
		    "cannot use the certificate '%s': it is for a kind of key that is "
		    "not supported", config->chain);
	}
	return known;
}

static bool has_passphrase(const struct config_certificate *config,
    struct problems *problems)
{
	char *place;

	if (config->no_passphrase == NULL) {
		return true;
	}
	place = memory_printf("%s.passphrase_command", config->where);
	problems_add(problems, place, NULL, "%s", config->no_passphrase);
	free(place);
	return false;
}

/* Both files, whatever is wrong with the first. */
static bool read_files(const struct config_certificate *config,
    struct tls_certificate *certificate, struct problems *problems)
{
	size_t chain_size;
	size_t key_size;
	char *chain = read_file(config, "chain", PEM_CHAIN_MAX, &chain_size, problems);
	char *key = read_file(config, "key", PEM_KEY_MAX, &key_size, problems);
	bool good = has_passphrase(config, problems) && chain != NULL && key != NULL &&
	    take_chain(config, chain, chain_size, certificate, problems) &&
	    is_kind_known(config, certificate, problems) &&
	    take_key(config, key, key_size, certificate, problems);

	/* It may have the key, too. */
	if (chain != NULL) {
		OPENSSL_cleanse(chain, chain_size);
		free(chain);
	}
	if (key != NULL) {
		OPENSSL_cleanse(key, key_size);
		free(key);
	}
	return good;
}

static bool digest_of(const struct config_shown *shown,
    unsigned char digest[SHA256_DIGEST_LENGTH])
{
	return EVP_Digest(shown->pem, strlen(shown->pem), digest, NULL, EVP_sha256(),
		   NULL) == 1;
}

static bool take_shown(const struct config_certificate *config,
    struct tls_certificate *certificate, struct problems *problems)
{
	return take_chain(config, config->shown.pem, strlen(config->shown.pem),
		   certificate, problems) &&
	    digest_of(&config->shown, certificate->digest) &&
	    is_kind_known(config, certificate, problems) &&
	    take_kept_key(config, certificate, problems);
}

bool tls_certificate_current(const struct tls_certificate *certificate,
    const struct config_shown *shown)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	return digest_of(shown, digest) &&
	    memcmp(digest, certificate->digest, sizeof(digest)) == 0;
}

/* Anything else than a host name, an IP address for one, is never asked for by name. */
static void take_name(struct tls_certificate *certificate, const GENERAL_NAME *general,
    size_t *count)
{
	char normal[HOSTNAME_BYTES];
	char *text;
	const char *what;

	if (general->type != GEN_DNS) {
		return;
	}
	text = memory_copy((const char *)ASN1_STRING_get0_data(general->d.dNSName),
	    (size_t)ASN1_STRING_length(general->d.dNSName));
	if (hostname_check(text, &what) == 0) {
		(void)hostname_normal(slice_of(text), normal);
		certificate->names[(*count)++] = memory_text(normal);
	}
	free(text);
}

static void take_names(struct tls_certificate *certificate)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(certificate->leaf, NID_subject_alt_name,
	    NULL, NULL);
	int size = all == NULL ? 0 : sk_GENERAL_NAME_num(all);
	size_t count = 0;

	certificate->names = memory_new((size_t)size + 1, sizeof(*certificate->names));
	for (int i = 0; i < size; i++) {
		take_name(certificate, sk_GENERAL_NAME_value(all, i), &count);
	}
	GENERAL_NAMES_free(all);
}

static void warn_of_readers(const struct config_certificate *config,
    struct problems *problems)
{
	struct stat st;

	if (stat(config->key, &st) == 0 && (st.st_mode & S_IROTH) != 0) {
		problems_warn(problems, config->where, "chmod 600 it",
		    "everybody on this machine can read the key '%s'", config->key);
	}
}

/* One that does not vouch for the one before it is of no use to clients. */
static void warn_of_order(const struct config_certificate *config,
    const struct tls_certificate *certificate, struct problems *problems)
{
	X509 *before = certificate->leaf;

	for (int i = 0; i < sk_X509_num(certificate->chain); i++) {
		X509 *issuer = sk_X509_value(certificate->chain, i);

		if (X509_check_issued(issuer, before) != X509_V_OK) {
			problems_warn(problems, config->where, NULL,
			    "in the chain '%s' certificate %d is not that of the issuer "
			    "of certificate %d", config->chain, i + 2, i + 1);
			return;
		}
		before = issuer;
	}
}

struct tls_certificate *tls_certificate_read(const struct config_certificate *config,
    enum tls_keys keys, struct problems *problems)
{
	struct tls_certificate *certificate = memory_new(1, sizeof(*certificate));
	bool good;

	ERR_clear_error();
	certificate->references = 1;
	good = keys == TLS_KEYS_HERE ?
	    read_files(config, certificate, problems) :
	    take_shown(config, certificate, problems);
	if (!good) {
		ERR_clear_error();
		tls_certificate_unref(certificate);
		return NULL;
	}
	certificate->files = memory_printf("%s\n%s", config->chain, config->key);
	take_names(certificate);
	if (keys == TLS_KEYS_HERE) {
		warn_of_readers(config, problems);
		warn_of_order(config, certificate, problems);
	}
	ERR_clear_error();
	return certificate;
}

struct tls_certificate *tls_certificate_ref(struct tls_certificate *certificate)
{
	certificate->references++;
	return certificate;
}

void tls_certificate_unref(struct tls_certificate *certificate)
{
	if (certificate == NULL || --certificate->references > 0) {
		return;
	}
	memory_free_texts(certificate->names);
	free(certificate->files);
	X509_free(certificate->leaf);
	sk_X509_pop_free(certificate->chain, X509_free);
	EVP_PKEY_free(certificate->key);
	free(certificate);
}

const char *tls_certificate_files(const struct tls_certificate *certificate)
{
	return certificate->files;
}

int64_t tls_seconds(const ASN1_TIME *time)
{
	struct tm parts = { 0 };

	return time != NULL && ASN1_TIME_to_tm(time, &parts) == 1 ?
	    (int64_t)timegm(&parts) : 0;
}

static char *names_text(const struct tls_certificate *certificate)
{
	static const char cut[] = ", ...";
	char text[NAMES_BYTES] = "";
	size_t size = 0;

	for (char **name = certificate->names; *name != NULL; name++) {
		int more = snprintf(text + size, sizeof(text) - size, "%s%s",
		    size == 0 ? "" : ", ", *name);

		if ((size_t)more >= sizeof(text) - size) {
			size_t most = sizeof(text) - sizeof(cut);

			/* Of the first there is what room there is for. */
			memcpy(text + (size == 0 || size > most ? most : size), cut,
			    sizeof(cut));
			break;
		}
		size += (size_t)more;
	}
	return memory_text(text);
}

/* Written anew: the file may have a key in it, or what not. Owned by the caller. */
static char *pem_text(const struct tls_certificate *certificate)
{
	BIO *out = BIO_new(BIO_s_mem());
	bool good = out != NULL && PEM_write_bio_X509(out, certificate->leaf) == 1;
	char *text;
	char *copy;
	long size;

	for (int i = 0; good && i < sk_X509_num(certificate->chain); i++) {
		good = PEM_write_bio_X509(out, sk_X509_value(certificate->chain, i)) == 1;
	}
	if (!good) {
		memory_exhausted();
	}
	size = BIO_get_mem_data(out, &text);
	copy = memory_copy(text, (size_t)size);
	BIO_free(out);
	return copy;
}

void tls_certificate_show(struct tls_certificate *certificate,
    struct config_shown *shown)
{
	memset(shown, 0, sizeof(*shown));
	if (certificate->shown) {
		return;
	}
	certificate->shown = true;
	if (tls_key_name(X509_get0_pubkey(certificate->leaf), shown->key_name) != 0) {
		memory_exhausted();
	}
	shown->pem = pem_text(certificate);
	shown->names = names_text(certificate);
	shown->begins_s = tls_seconds(X509_get0_notBefore(certificate->leaf));
	shown->ends_s = tls_seconds(X509_get0_notAfter(certificate->leaf));
}

char *const *tls_certificate_names(const struct tls_certificate *certificate)
{
	return certificate->names;
}

/* Does the name of a certificate, maybe a wildcard, stand for the other? */
static bool stands_for(const char *own, const char *name)
{
	const char *dot = strchr(name, '.');

	return strcmp(own, name) == 0 ||
	    (own[0] == '*' && name[0] != '*' && dot != NULL && strcmp(own + 1, dot) == 0);
}

bool tls_certificate_covers(const struct tls_certificate *certificate, const char *name)
{
	for (char **own = certificate->names; *own != NULL; own++) {
		if (stands_for(*own, name)) {
			return true;
		}
	}
	return false;
}

int tls_certificate_kind(const struct tls_certificate *certificate)
{
	return EVP_PKEY_get_base_id(X509_get0_pubkey(certificate->leaf));
}

bool tls_certificate_same(const struct tls_certificate *a,
    const struct tls_certificate *b)
{
	return a == b || X509_cmp(a->leaf, b->leaf) == 0;
}

bool tls_certificate_offer(const struct tls_certificate *certificate, SSL *ssl)
{
	return SSL_use_cert_and_key(ssl, certificate->leaf, certificate->key,
		   certificate->chain, 1) == 1;
}

bool tls_certificate_offer_all(const struct tls_certificate *certificate, SSL_CTX *ssl)
{
	return SSL_CTX_use_cert_and_key(ssl, certificate->leaf, certificate->key,
		   certificate->chain, 1) == 1;
}

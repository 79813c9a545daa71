/* SPDX-License-Identifier: MIT */
/* A certificate and its private key. */
#include "tls/certificate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/hostname.h"
#include "base/memory.h"
#include "tls/passphrase.h"
#include "tls/provider.h"

#define WARN_DAYS 7

/* What changes when a file does. */
struct stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
	struct timespec changed;
};

struct tls_certificate {
	size_t references;
	char *files;
	struct stamp stamp;	/* of the chain's file */
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

static FILE *open_file(const char *where, const char *key, const char *path,
    struct problems *problems)
{
	FILE *in = fopen(path, "re");
	char *place;

	if (in == NULL) {
		place = memory_printf("%s.%s", where, key);
		problems_add(problems, place, NULL, "cannot read '%s': %s", path,
		    strerror(errno));
		free(place);
	}
	return in;
}

/* The certificate first, then what vouches for it. False: it is no PEM up to its end. */
static bool read_chain(FILE *in, struct tls_certificate *certificate)
{
	X509 *next;

	certificate->leaf = PEM_read_X509_AUX(in, NULL, tls_no_passphrase, NULL);
	if (certificate->leaf == NULL) {
		return false;
	}
	while ((next = PEM_read_X509(in, NULL, tls_no_passphrase, NULL)) != NULL) {
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

static bool read_key(FILE *in, struct tls_certificate *certificate)
{
	certificate->key = PEM_read_PrivateKey(in, NULL, tls_no_passphrase, NULL);
	return certificate->key != NULL &&
	    X509_check_private_key(certificate->leaf, certificate->key) == 1;
}

static void tell_bad_key(const struct config_certificate *config,
    struct problems *problems)
{
	int reason = ERR_GET_REASON(ERR_peek_last_error());

	if (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH) {
		problems_add(problems, config->where, NULL,
		    "the key '%s' is not that of the certificate '%s'", config->key,
		    config->chain);
	} else {
		problems_add(problems, config->where, "expected an unencrypted PEM key",
		    "cannot use the key '%s': %s", config->key, tls_last_reason());
	}
}

static struct stamp stamp_of(const struct stat *st)
{
	struct stamp stamp;

	memset(&stamp, 0, sizeof(stamp));	/* padding is compared, too */
	stamp.device = st->st_dev;
	stamp.inode = st->st_ino;
	stamp.size = st->st_size;
	stamp.modified = st->st_mtim;
	stamp.changed = st->st_ctim;
	return stamp;
}

bool tls_certificate_current(const struct tls_certificate *certificate,
    const struct config_certificate *config)
{
	struct stamp now;
	struct stat st;

	if (stat(config->chain, &st) != 0) {
		return false;
	}
	now = stamp_of(&st);
	return memcmp(&now, &certificate->stamp, sizeof(now)) == 0;
}

static bool take_chain(const struct config_certificate *config, FILE *in,
    struct tls_certificate *certificate, struct problems *problems)
{
	struct stat st;

	/* Before it is read: what changes meanwhile is seen later. */
	if (fstat(fileno(in), &st) == 0) {
		certificate->stamp = stamp_of(&st);
	}
	if (read_chain(in, certificate)) {
		return true;
	}
	problems_add(problems, config->where, "expected PEM, the certificate first",
	    "cannot use the certificate '%s': %s", config->chain, tls_last_reason());
	return false;
}

/* The keeper knows the key by its public half. */
static bool take_kept_key(const struct config_certificate *config,
    struct tls_certificate *certificate, struct problems *problems)
{
	certificate->key = provider_key(X509_get0_pubkey(certificate->leaf));
	if (certificate->key == NULL) {
		problems_add(problems, config->where, "RSA, ECDSA or Ed25519",
		    "cannot use the certificate '%s': it is for a kind of key that is "
		    "not supported", config->chain);
	}
	return certificate->key != NULL;
}

static bool take_key(const struct config_certificate *config, FILE *in,
    struct tls_certificate *certificate, struct problems *problems)
{
	if (read_key(in, certificate)) {
		return true;
	}
	tell_bad_key(config, problems);
	return false;
}

/* Both files, whatever is wrong with the first. */
static bool read_files(const struct config_certificate *config,
    struct tls_certificate *certificate, struct problems *problems)
{
	FILE *chain = open_file(config->where, "chain", config->chain, problems);
	FILE *key = open_file(config->where, "key", config->key, problems);
	bool good = chain != NULL && key != NULL &&
	    take_chain(config, chain, certificate, problems) &&
	    take_key(config, key, certificate, problems);

	if (chain != NULL) {
		fclose(chain);
	}
	if (key != NULL) {
		fclose(key);
	}
	return good;
}

static bool read_chain_only(const struct config_certificate *config,
    struct tls_certificate *certificate, struct problems *problems)
{
	FILE *in = open_file(config->where, "chain", config->chain, problems);
	bool good = in != NULL && take_chain(config, in, certificate, problems) &&
	    take_kept_key(config, certificate, problems);

	if (in != NULL) {
		fclose(in);
	}
	return good;
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

/* Soon is a week, or the last quarter of one that was never to live for long. */
static bool expires_soon(const X509 *leaf, int *days)
{
	int life_days;
	int seconds;

	return ASN1_TIME_diff(days, &seconds, NULL, X509_get0_notAfter(leaf)) == 1 &&
	    ASN1_TIME_diff(&life_days, &seconds, X509_get0_notBefore(leaf),
		X509_get0_notAfter(leaf)) == 1 &&
	    *days < WARN_DAYS && *days * 4 <= life_days;
}

static void warn_of_time(const X509 *leaf, const struct config_certificate *config,
    struct problems *problems)
{
	int days;

	if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0) {
		problems_warn(problems, config->where, NULL,
		    "the certificate '%s' has expired", config->chain);
	} else if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0) {
		problems_warn(problems, config->where, NULL,
		    "the certificate '%s' is not valid yet", config->chain);
	} else if (expires_soon(leaf, &days)) {
		problems_warn(problems, config->where, NULL,
		    "the certificate '%s' expires in %d days", config->chain, days);
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
	    read_chain_only(config, certificate, problems);
	if (!good) {
		ERR_clear_error();
		tls_certificate_unref(certificate);
		return NULL;
	}
	certificate->files = memory_printf("%s\n%s", config->chain, config->key);
	take_names(certificate);
	if (keys == TLS_KEYS_HERE) {
		warn_of_readers(config, problems);
	}
	warn_of_time(certificate->leaf, config, problems);
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
	for (char **name = certificate->names; name != NULL && *name != NULL; name++) {
		free(*name);
	}
	free(certificate->names);
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

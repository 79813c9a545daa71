/* SPDX-License-Identifier: MIT */
/* Whose certificates are good. */
#include "tls/trust.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/memory.h"
#include "base/text.h"
#include "tls/certificate.h"
#include "tls/passphrase.h"
#include "tls/pem_file.h"
#include "tls/x509_text.h"

#define DEPTH_MAX 8	/* certificates between the client's and a trusted one */
#define NAME_MAX_BYTES 256	/* of a CA, in messages */

struct tls_trust {
	size_t references;
	char *ca;
	char *crl;		/* NULL: none */
	unsigned char digest[TLS_TRUST_ID_BYTES];	/* of the texts that it is of */
	bool shown;		/* its files are those of one that was shown */
	X509_STORE *store;
	STACK_OF(X509) *cas;
	STACK_OF(X509_CRL) *lists;
	unsigned char id[TLS_TRUST_ID_BYTES];
	time_t until;		/* the first end of a list; 0: never */
};

struct reading {
	const struct config_client_auth *config;
	struct tls_trust *trust;
	struct problems *problems;
};

/* The place of a key beside "client_auth"; owned by the caller. */
static char *place_of(const struct reading *reading, const char *key)
{
	return memory_printf("%s.%s", reading->config->where, key);
}

/* Owned by the caller. */
static char *name_of(const X509_NAME *name)
{
	char *text = x509_text_name(name, NAME_MAX_BYTES);

	return text != NULL ? text : memory_text("(a long name)");
}

static void warn(const struct reading *reading, const char *key, const X509_NAME *name,
    const char *what)
{
	char *place = place_of(reading, key);
	char *text = name_of(name);

	problems_warn(reading->problems, place, "its clients are refused",
	    "%s '%s' %s", strcmp(key, "client_ca") == 0 ? "the CA" : "the list of", text,
	    what);
	free(text);
	free(place);
}

/* Owned by the caller; NULL, with a problem. */
static char *read_file(const struct reading *reading, const char *key, const char *path,
    size_t max)
{
	size_t size;
	const char *why;
	char *text = pem_file_read(path, max, &size, &why);

	if (text == NULL) {
		char *place = place_of(reading, key);

		problems_add(reading->problems, place, NULL, "cannot read '%s': %s", path,
		    why);
		free(place);
	}
	return text;
}

/* Everything of its kind was read up to the end of the file, and there was something. */
static bool judge_end(const struct reading *reading, const char *key, const char *path,
    int count)
{
	bool ended =
	    ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	char *place;

	if (ended && count > 0) {
		ERR_clear_error();
		return true;
	}
	place = place_of(reading, key);
	if (ended) {
		problems_add(reading->problems, place, "expected PEM",
		    "there is no %s in '%s'",
		    strcmp(key, "client_ca") == 0 ? "certificate" : "revocation list",
		    path);
	} else {
		problems_add(reading->problems, place, "expected PEM",
		    "cannot use '%s': %s", path, tls_last_reason());
	}
	free(place);
	ERR_clear_error();
	return false;
}

static BIO *bio_of(const char *text)
{
	BIO *in = BIO_new_mem_buf(text, -1);

	if (in == NULL) {
		memory_exhausted();
	}
	return in;
}

static bool parse_cas(const struct reading *reading, const char *text)
{
	struct tls_trust *trust = reading->trust;
	BIO *in = bio_of(text);
	X509 *ca;

	while ((ca = PEM_read_bio_X509(in, NULL, tls_no_passphrase, NULL)) != NULL) {
		if (sk_X509_push(trust->cas, ca) == 0) {
			memory_exhausted();
		}
	}
	BIO_free(in);
	return judge_end(reading, "client_ca", trust->ca, sk_X509_num(trust->cas));
}

static bool parse_lists(const struct reading *reading, const char *text)
{
	struct tls_trust *trust = reading->trust;
	BIO *in = bio_of(text);
	X509_CRL *list;

	while ((list = PEM_read_bio_X509_CRL(in, NULL, tls_no_passphrase, NULL)) !=
	    NULL) {
		if (sk_X509_CRL_push(trust->lists, list) == 0) {
			memory_exhausted();
		}
	}
	BIO_free(in);
	return judge_end(reading, "client_crl", trust->crl,
	    sk_X509_CRL_num(trust->lists));
}

/* Both files, whatever is wrong with the first. */
static bool read_files(const struct reading *reading)
{
	const struct tls_trust *trust = reading->trust;
	char *cas = read_file(reading, "client_ca", trust->ca, PEM_CAS_MAX);
	char *lists = trust->crl == NULL ? NULL :
	    read_file(reading, "client_crl", trust->crl, PEM_LISTS_MAX);
	bool good = cas != NULL && parse_cas(reading, cas);

	good = (trust->crl == NULL ||
	    (lists != NULL && parse_lists(reading, lists))) && good;
	free(cas);
	free(lists);
	return good;
}

static bool digest_of(const struct config_trust *shown,
    unsigned char digest[TLS_TRUST_ID_BYTES])
{
	const char *lists = shown->lists == NULL ? "" : shown->lists;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	/* With its NUL, so that no two pairs make one text. */
	bool good = context != NULL &&
	    EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(context, shown->cas, strlen(shown->cas) + 1) == 1 &&
	    EVP_DigestUpdate(context, lists, strlen(lists)) == 1 &&
	    EVP_DigestFinal_ex(context, digest, NULL) == 1;

	EVP_MD_CTX_free(context);
	return good;
}

static bool take_shown(const struct reading *reading)
{
	const struct config_trust *shown = &reading->config->trust;

	return shown->cas != NULL && parse_cas(reading, shown->cas) &&
	    (shown->lists == NULL ? reading->trust->crl == NULL :
	    parse_lists(reading, shown->lists)) &&
	    digest_of(shown, reading->trust->digest);
}

static void check_ca_time(const struct reading *reading, X509 *ca)
{
	X509_NAME *name = X509_get_subject_name(ca);

	if (X509_cmp_current_time(X509_get0_notAfter(ca)) < 0) {
		warn(reading, "client_ca", name, "has expired");
	} else if (X509_cmp_current_time(X509_get0_notBefore(ca)) > 0) {
		warn(reading, "client_ca", name, "is not valid yet");
	}
}

static void check_list_time(const struct reading *reading, X509_CRL *list)
{
	X509_NAME *name = X509_CRL_get_issuer(list);
	const ASN1_TIME *end = X509_CRL_get0_nextUpdate(list);

	if (end != NULL && X509_cmp_current_time(end) < 0) {
		warn(reading, "client_crl", name, "has expired");
	} else if (X509_cmp_current_time(X509_CRL_get0_lastUpdate(list)) > 0) {
		warn(reading, "client_crl", name, "is not valid yet");
	}
}

/* Who has signed the list? NULL: no CA of its name; *same: but there is one of it. */
static X509 *find_signer(const struct tls_trust *trust, X509_CRL *list, bool *same)
{
	*same = false;
	for (int i = 0; i < sk_X509_num(trust->cas); i++) {
		X509 *ca = sk_X509_value(trust->cas, i);

		if (X509_NAME_cmp(X509_get_subject_name(ca),
		    X509_CRL_get_issuer(list)) != 0) {
			continue;
		}
		*same = true;
		if (X509_CRL_verify(list, X509_get0_pubkey(ca)) == 1) {
			return ca;
		}
	}
	ERR_clear_error();
	return NULL;
}

/* One of a CA that is not there may be that of an intermediate one, which clients send
 * themselves. One that is not what it says it is must not be taken for anything. */
static bool check_signer(const struct reading *reading, X509_CRL *list)
{
	char *name;
	char *place;
	bool same;

	if (find_signer(reading->trust, list, &same) != NULL || !same) {
		return true;
	}
	name = name_of(X509_CRL_get_issuer(list));
	place = place_of(reading, "client_crl");
	problems_add(reading->problems, place, NULL,
	    "the list of '%s' is not signed by the CA of that name in '%s'", name,
	    reading->trust->ca);
	free(name);
	free(place);
	return false;
}

static bool has_list(const struct tls_trust *trust, X509 *ca)
{
	for (int i = 0; i < sk_X509_CRL_num(trust->lists); i++) {
		if (X509_NAME_cmp(X509_get_subject_name(ca),
		    X509_CRL_get_issuer(sk_X509_CRL_value(trust->lists, i))) == 0) {
			return true;
		}
	}
	return false;
}

/* What can be said of them before a client comes. */
static bool check(const struct reading *reading)
{
	struct tls_trust *trust = reading->trust;
	bool good = true;

	for (int i = 0; i < sk_X509_num(trust->cas); i++) {
		X509 *ca = sk_X509_value(trust->cas, i);

		check_ca_time(reading, ca);
		/* One that issues nothing needs no list. */
		if (trust->crl != NULL && X509_check_ca(ca) != 0 &&
		    !has_list(trust, ca)) {
			warn(reading, "client_ca", X509_get_subject_name(ca),
			    "has no list in 'client_crl'");
		}
	}
	for (int i = 0; i < sk_X509_CRL_num(trust->lists); i++) {
		X509_CRL *list = sk_X509_CRL_value(trust->lists, i);

		check_list_time(reading, list);
		good = check_signer(reading, list) && good;
	}
	return good;
}

static void set_until(struct tls_trust *trust)
{
	for (int i = 0; i < sk_X509_CRL_num(trust->lists); i++) {
		time_t end = tls_seconds(X509_CRL_get0_nextUpdate(
		    sk_X509_CRL_value(trust->lists, i)));

		if (end != 0 && (trust->until == 0 || end < trust->until)) {
			trust->until = end;
		}
	}
}

static bool sign(struct tls_trust *trust)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	unsigned char one[EVP_MAX_MD_SIZE];
	unsigned size;
	bool good = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;

	for (int i = 0; good && i < sk_X509_num(trust->cas); i++) {
		good = X509_digest(sk_X509_value(trust->cas, i), EVP_sha256(), one,
			   &size) == 1 && EVP_DigestUpdate(digest, one, size) == 1;
	}
	for (int i = 0; good && i < sk_X509_CRL_num(trust->lists); i++) {
		good = X509_CRL_digest(sk_X509_CRL_value(trust->lists, i), EVP_sha256(),
			   one, &size) == 1 && EVP_DigestUpdate(digest, one, size) == 1;
	}
	good = good && EVP_DigestFinal_ex(digest, trust->id, NULL) == 1;
	EVP_MD_CTX_free(digest);
	return good;
}

int tls_trust_judge(int good, X509_STORE_CTX *check)
{
	int last = sk_X509_num(X509_STORE_CTX_get0_chain(check)) - 1;

	if (good == 0 &&
	    X509_STORE_CTX_get_error(check) == X509_V_ERR_UNABLE_TO_GET_CRL &&
	    X509_STORE_CTX_get_error_depth(check) == last) {
		X509_STORE_CTX_set_error(check, X509_V_OK);
		return 1;
	}
	return good;
}

static bool fill_store(struct tls_trust *trust)
{
	X509_STORE *store = trust->store;
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
	bool good = true;

	if (trust->crl != NULL) {
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	}
	X509_VERIFY_PARAM_set_depth(X509_STORE_get0_param(store), DEPTH_MAX);
	X509_STORE_set_verify_cb(store, tls_trust_judge);
	good = X509_STORE_set_flags(store, flags) == 1;
	for (int i = 0; good && i < sk_X509_num(trust->cas); i++) {
		good = X509_STORE_add_cert(store, sk_X509_value(trust->cas, i)) == 1;
	}
	for (int i = 0; good && i < sk_X509_CRL_num(trust->lists); i++) {
		good = X509_STORE_add_crl(store,
			   sk_X509_CRL_value(trust->lists, i)) == 1;
	}
	return good;
}

static struct tls_trust *trust_new(const struct config_client_auth *config)
{
	struct tls_trust *trust = memory_new(1, sizeof(*trust));

	trust->references = 1;
	trust->ca = memory_text(config->ca);
	trust->crl = memory_optional(config->crl);
	trust->store = X509_STORE_new();
	trust->cas = sk_X509_new_null();
	trust->lists = sk_X509_CRL_new_null();
	if (trust->store == NULL || trust->cas == NULL || trust->lists == NULL) {
		memory_exhausted();
	}
	return trust;
}

struct tls_trust *tls_trust_read(const struct config_client_auth *config,
    enum tls_keys keys, struct problems *problems)
{
	struct reading reading = { .config = config, .trust = trust_new(config),
		.problems = problems };
	bool good;

	ERR_clear_error();
	good = keys == TLS_KEYS_HERE ? read_files(&reading) && check(&reading) :
	    take_shown(&reading);
	if (!good) {
		tls_trust_unref(reading.trust);
		return NULL;
	}
	if (!fill_store(reading.trust) || !sign(reading.trust)) {
		memory_exhausted();
	}
	set_until(reading.trust);
	ERR_clear_error();
	return reading.trust;
}

struct tls_trust *tls_trust_ref(struct tls_trust *trust)
{
	trust->references++;
	return trust;
}

void tls_trust_unref(struct tls_trust *trust)
{
	if (trust == NULL || --trust->references > 0) {
		return;
	}
	X509_STORE_free(trust->store);
	sk_X509_pop_free(trust->cas, X509_free);
	sk_X509_CRL_pop_free(trust->lists, X509_CRL_free);
	free(trust->ca);
	free(trust->crl);
	free(trust);
}

bool tls_trust_is_of(const struct tls_trust *trust,
    const struct config_client_auth *config)
{
	return text_same(trust->ca, config->ca) && text_same(trust->crl, config->crl);
}

bool tls_trust_current(const struct tls_trust *trust, const struct config_trust *shown)
{
	unsigned char digest[TLS_TRUST_ID_BYTES];

	return digest_of(shown, digest) &&
	    memcmp(digest, trust->digest, sizeof(digest)) == 0;
}

static BIO *new_text(void)
{
	BIO *out = BIO_new(BIO_s_mem());

	if (out == NULL) {
		memory_exhausted();
	}
	return out;
}

/* Takes what was written there; the result is the caller's. */
static char *end_text(BIO *out, bool good)
{
	char *text;
	long size = BIO_get_mem_data(out, &text);
	char *copy;

	if (!good) {
		memory_exhausted();
	}
	copy = memory_copy(text, (size_t)size);
	BIO_free(out);
	return copy;
}

/* Both written anew: who knows what else the files have in them. */
static char *cas_text(const struct tls_trust *trust)
{
	BIO *out = new_text();
	bool good = true;

	for (int i = 0; good && i < sk_X509_num(trust->cas); i++) {
		good = PEM_write_bio_X509(out, sk_X509_value(trust->cas, i)) == 1;
	}
	return end_text(out, good);
}

static char *lists_text(const struct tls_trust *trust)
{
	BIO *out = new_text();
	bool good = true;

	for (int i = 0; good && i < sk_X509_CRL_num(trust->lists); i++) {
		good = PEM_write_bio_X509_CRL(out,
			   sk_X509_CRL_value(trust->lists, i)) == 1;
	}
	return end_text(out, good);
}

void tls_trust_show(struct tls_trust *trust, struct config_trust *shown)
{
	*shown = (struct config_trust){ 0 };
	if (!trust->shown) {
		trust->shown = true;
		shown->cas = cas_text(trust);
		shown->lists = trust->crl == NULL ? NULL : lists_text(trust);
	}
}

bool tls_trust_akin(const struct tls_trust *a, const struct tls_trust *b)
{
	return text_same(a->ca, b->ca);
}

const unsigned char *tls_trust_id(const struct tls_trust *trust)
{
	return trust->id;
}

bool tls_trust_is_over(const struct tls_trust *trust, time_t now)
{
	return trust->until != 0 && now > trust->until;
}

static STACK_OF(X509_NAME) *names_of(const struct tls_trust *trust)
{
	STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();

	for (int i = 0; names != NULL && i < sk_X509_num(trust->cas); i++) {
		X509_NAME *name = X509_NAME_dup(X509_get_subject_name(
		    sk_X509_value(trust->cas, i)));

		if (name == NULL || sk_X509_NAME_push(names, name) == 0) {
			X509_NAME_free(name);
			sk_X509_NAME_pop_free(names, X509_NAME_free);
			return NULL;
		}
	}
	return names;
}

bool tls_trust_offer(const struct tls_trust *trust, SSL *ssl)
{
	STACK_OF(X509_NAME) *names = names_of(trust);

	if (names == NULL || SSL_set1_verify_cert_store(ssl, trust->store) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return false;
	}
	SSL_set0_CA_list(ssl, names);
	return true;
}

bool tls_trust_covers(const struct tls_trust *trust, SSL *ssl)
{
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	X509 *leaf = SSL_get0_peer_certificate(ssl);
	bool good = check != NULL && leaf != NULL &&
	    X509_STORE_CTX_init(check, trust->store, leaf,
		SSL_get_peer_cert_chain(ssl)) == 1;

	if (good) {
		X509_STORE_CTX_set_default(check, "ssl_client");
		X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(check),
		    SSL_get_security_level(ssl));
		good = X509_verify_cert(check) == 1;
	}
	X509_STORE_CTX_free(check);
	ERR_clear_error();
	return good;
}

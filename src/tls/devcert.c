/* SPDX-License-Identifier: MIT */
/* A certificate for trying things out. */
#include "tls/devcert.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define DAY_SECONDS (24L * 60 * 60)

/* A full disk may have left half of it. */
static bool is_key_of(X509 *x509, const char *key_path)
{
	FILE *in = fopen(key_path, "re");
	/* An empty passphrase, so that nobody is asked for one. */
	EVP_PKEY *key = in == NULL ? NULL : PEM_read_PrivateKey(in, NULL, NULL, "");
	bool good = key != NULL && X509_check_private_key(x509, key) == 1;

	EVP_PKEY_free(key);
	if (in != NULL) {
		fclose(in);
	}
	return good;
}

static bool lasts(const char *chain, const char *key_path)
{
	time_t soon = time(NULL) + 7 * DAY_SECONDS;
	FILE *in = fopen(chain, "re");
	X509 *x509 = in == NULL ? NULL : PEM_read_X509(in, NULL, NULL, NULL);
	bool good = x509 != NULL && X509_cmp_time(X509_get0_notAfter(x509), &soon) > 0 &&
	    is_key_of(x509, key_path);

	X509_free(x509);
	if (in != NULL) {
		fclose(in);
	}
	return good;
}

static bool add_extension(X509 *x509, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool added;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	added = extension != NULL && X509_add_ext(x509, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

static bool set_serial(X509 *x509)
{
	unsigned char bytes[8];
	BIGNUM *number;
	bool set;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
		return false;
	}
	bytes[0] &= 0x7f;
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	set = number != NULL &&
	    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL;
	BN_free(number);
	return set;
}

static X509 *make_certificate(EVP_PKEY *key)
{
	X509 *x509 = X509_new();
	X509_NAME *name;

	if (x509 == NULL) {
		return NULL;
	}
	name = X509_get_subject_name(x509);
	if (X509_set_version(x509, X509_VERSION_3) == 1 && set_serial(x509) &&
	    X509_gmtime_adj(X509_getm_notBefore(x509), -DAY_SECONDS) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(x509), 90 * DAY_SECONDS) != NULL &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const unsigned char *)"tincan development", -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x509, name) == 1 && X509_set_pubkey(x509, key) == 1 &&
	    add_extension(x509, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(x509, NID_ext_key_usage, "serverAuth") &&
	    add_extension(x509, NID_subject_alt_name,
		"DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1") &&
	    X509_sign(x509, key, EVP_sha256()) > 0) {
		return x509;
	}
	X509_free(x509);
	return NULL;
}

static FILE *create(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);

	return fd < 0 ? NULL : fdopen(fd, "w");
}

/* The errno of what failed is kept for the message. */
static bool write_both(const char *chain, const char *key_path, X509 *x509, EVP_PKEY *key)
{
	FILE *chain_out = create(chain, 0644);
	FILE *key_out = chain_out == NULL ? NULL : create(key_path, 0600);
	bool written = key_out != NULL && PEM_write_X509(chain_out, x509) == 1 &&
	    PEM_write_PrivateKey(key_out, key, NULL, NULL, 0, NULL, NULL) == 1;
	int saved = errno;

	if (chain_out != NULL) {
		written = fclose(chain_out) == 0 && written;
	}
	if (key_out != NULL) {
		written = fclose(key_out) == 0 && written;
	}
	errno = saved;
	return written;
}

void tls_devcert_ensure(const struct config *config, const char *chain,
    const char *key_path, struct problems *problems)
{
	EVP_PKEY *key;
	X509 *x509;

	problems_warn(problems, config->file,
	    "name a certificate under 'certificates' before others use this server",
	    "no certificate: serving the self-signed '%s' for localhost", chain);
	if (lasts(chain, key_path)) {
		return;
	}
	key = EVP_EC_gen("P-256");
	x509 = key == NULL ? NULL : make_certificate(key);
	if (x509 == NULL) {
		problems_add(problems, config->file, NULL,
		    "OpenSSL cannot make a development certificate");
	} else if (!write_both(chain, key_path, x509, key)) {
		problems_add(problems, config->file, NULL,
		    "cannot write the development certificate '%s': %s", chain,
		    strerror(errno));
	}
	X509_free(x509);
	EVP_PKEY_free(key);
	ERR_clear_error();
}

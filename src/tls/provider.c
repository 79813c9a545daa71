/* SPDX-License-Identifier: MIT */
/*
 * An OpenSSL provider whose private keys are elsewhere. What it knows of a key it asks
 * the default provider, which holds the public half.
 */
#include "tls/provider.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "tls/key_name.h"

#define NAME "tincan"
#define PROPERTIES "provider=" NAME
#define DEFAULT "provider=default"
/* In the parameters of a key: its name. What has one can sign. */
#define PARAM_NAME "tincan-name"
#define DIGEST_BYTES 32		/* longest name of a digest */
#define DIGESTS 3		/* of the schemes of TLS */

/* A provider has no other way to reach who loaded it. */
static provider_sign_fn *sign_text;
static OSSL_PROVIDER *ours;
static OSSL_PROVIDER *standard;
/* Fetched once, as a fetch takes longer than all else that is done here. */
static EVP_MD *digests[DIGESTS];
static const char *const digest_names[DIGESTS] = { "SHA256", "SHA384", "SHA512" };

struct key {
	const char *type;	/* as libcrypto calls it */
	EVP_PKEY *half;		/* owned; the public one; NULL until import */
	unsigned char name[SIGN_KEY_BYTES];
	bool signs;
};

static struct key *new_key(const char *type)
{
	struct key *key = OPENSSL_zalloc(sizeof(*key));

	if (key != NULL) {
		key->type = type;
	}
	return key;
}

static void *new_rsa(void *context)
{
	(void)context;
	return new_key("RSA");
}

static void *new_ec(void *context)
{
	(void)context;
	return new_key("EC");
}

static void *new_ed25519(void *context)
{
	(void)context;
	return new_key("ED25519");
}

static void free_key(void *data)
{
	struct key *key = data;

	if (key != NULL) {
		EVP_PKEY_free(key->half);
		OPENSSL_free(key);
	}
}

static int has(const void *data, int selection)
{
	const struct key *key = data;
	bool enough = key->half != NULL;

	if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) {
		enough = enough && key->signs;
	}
	return enough;
}

static int match(const void *a, const void *b, int selection)
{
	const struct key *x = a;
	const struct key *y = b;

	(void)selection;
	return x->half != NULL && y->half != NULL && EVP_PKEY_eq(x->half, y->half) == 1;
}

static EVP_PKEY *public_from(const char *type, const OSSL_PARAM *params)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, DEFAULT);
	EVP_PKEY *half = NULL;

	/* libcrypto does not change the parameters, but does not say so. */
	if (context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
	    EVP_PKEY_fromdata(context, &half, EVP_PKEY_PUBLIC_KEY,
		(OSSL_PARAM *)params) != 1) {
		half = NULL;
	}
	EVP_PKEY_CTX_free(context);
	return half;
}

static int import(void *data, int selection, const OSSL_PARAM *params)
{
	struct key *key = data;
	const OSSL_PARAM *name = OSSL_PARAM_locate_const(params, PARAM_NAME);

	(void)selection;
	if (key->half != NULL) {
		return 0;
	}
	if (name != NULL && name->data_size == sizeof(key->name)) {
		memcpy(key->name, name->data, sizeof(key->name));
		key->signs = true;
	}
	key->half = public_from(key->type, params);
	return key->half != NULL;
}

/* What libcrypto may hand over when it compares a key of a certificate with ours. */
static const OSSL_PARAM *import_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_octet_string(PARAM_NAME, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_END,
	};

	return selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY ? types : NULL;
}

static int get_params(void *data, OSSL_PARAM params[])
{
	const struct key *key = data;

	return key->half != NULL && EVP_PKEY_get_params(key->half, params);
}

static const OSSL_PARAM *gettable_params(void *context)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)context;
	return types;
}

static const char *ec_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

typedef void (*function)(void);

#define KEY_FUNCTIONS							\
	{ OSSL_FUNC_KEYMGMT_FREE, (function)free_key },			\
	{ OSSL_FUNC_KEYMGMT_HAS, (function)has },			\
	{ OSSL_FUNC_KEYMGMT_MATCH, (function)match },			\
	{ OSSL_FUNC_KEYMGMT_IMPORT, (function)import },			\
	{ OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (function)import_types },	\
	{ OSSL_FUNC_KEYMGMT_GET_PARAMS, (function)get_params },		\
	{ OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (function)gettable_params }

static const OSSL_DISPATCH rsa_keys[] = {
	KEY_FUNCTIONS, { OSSL_FUNC_KEYMGMT_NEW, (function)new_rsa }, { 0, NULL }
};

static const OSSL_DISPATCH ec_keys[] = {
	KEY_FUNCTIONS, { OSSL_FUNC_KEYMGMT_NEW, (function)new_ec },
	{ OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (function)ec_operation }, { 0, NULL }
};

static const OSSL_DISPATCH ed25519_keys[] = {
	KEY_FUNCTIONS, { OSSL_FUNC_KEYMGMT_NEW, (function)new_ed25519 }, { 0, NULL }
};

static const OSSL_ALGORITHM key_managers[] = {
	{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTIES, rsa_keys, NULL },
	{ "EC:id-ecPublicKey:1.2.840.10045.2.1", PROPERTIES, ec_keys, NULL },
	{ "ED25519:1.3.101.112", PROPERTIES, ed25519_keys, NULL },
	{ NULL, NULL, NULL, NULL }
};

/* One signature on its way. */
struct signing {
	const struct key *key;	/* libcrypto holds a reference meanwhile */
	char digest[DIGEST_BYTES];
	bool pss;		/* of RSA */
};

static void *new_signing(void *context, const char *properties)
{
	(void)context;
	(void)properties;
	return OPENSSL_zalloc(sizeof(struct signing));
}

static void free_signing(void *data)
{
	OPENSSL_free(data);
}

static int set_signing_params(void *data, const OSSL_PARAM params[])
{
	struct signing *signing = data;
	const OSSL_PARAM *pad = params == NULL ? NULL :
	    OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	int mode = 0;

	if (pad == NULL) {
		return 1;
	}
	if (pad->data_type == OSSL_PARAM_UTF8_STRING) {
		signing->pss = strcmp(pad->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
		return 1;
	}
	if (!OSSL_PARAM_get_int(pad, &mode)) {
		return 0;
	}
	signing->pss = mode == RSA_PKCS1_PSS_PADDING;
	return 1;
}

/* The salt of PSS is taken, but not looked at: in TLS it is as long as the digest. */
static const OSSL_PARAM *settable_signing_params(void *data, void *context)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)data;
	(void)context;
	return types;
}

static int begin_signing(void *data, const char *digest, void *key,
    const OSSL_PARAM params[])
{
	struct signing *signing = data;

	signing->key = key;
	if (!signing->key->signs ||
	    snprintf(signing->digest, sizeof(signing->digest), "%s",
		digest == NULL ? "" : digest) >= (int)sizeof(signing->digest)) {
		return 0;
	}
	return set_signing_params(signing, params);
}

/* RFC 8446 section 4.2.3; the same numbers as TLS 1.2's hash and signature. */
static uint16_t scheme_of(const struct signing *signing)
{
	static const struct {
		uint16_t pkcs1;
		uint16_t pss;
		uint16_t ecdsa;
	} schemes[DIGESTS] = {
		{ 0x0401, 0x0804, 0x0403 },
		{ 0x0501, 0x0805, 0x0503 },
		{ 0x0601, 0x0806, 0x0603 },
	};
	const char *type = signing->key->type;

	if (strcmp(type, "ED25519") == 0) {
		return 0x0807;
	}
	for (size_t i = 0; i < DIGESTS; i++) {
		/* It may come by any of its names. */
		if (EVP_MD_is_a(digests[i], signing->digest)) {
			return strcmp(type, "EC") == 0 ? schemes[i].ecdsa :
			    signing->pss ? schemes[i].pss : schemes[i].pkcs1;
		}
	}
	return 0;
}

static int sign(void *data, unsigned char *out, size_t *out_size, size_t out_max,
    const unsigned char *text, size_t text_size)
{
	struct signing *signing = data;
	unsigned char signature[SIGN_SIGNATURE_MAX];
	int most = EVP_PKEY_get_size(signing->key->half);
	size_t size;
	uint16_t scheme;

	if (out == NULL) {
		*out_size = most < 0 ? 0 : (size_t)most;
		return most > 0;
	}
	scheme = scheme_of(signing);
	size = scheme == 0 ? 0 : sign_text(signing->key->name, scheme,
	    (struct slice){ (const char *)text, text_size }, signature);
	if (size == 0 || size > out_max) {
		return 0;
	}
	memcpy(out, signature, size);
	*out_size = size;
	return 1;
}

static const OSSL_DISPATCH signatures[] = {
	{ OSSL_FUNC_SIGNATURE_NEWCTX, (function)new_signing },
	{ OSSL_FUNC_SIGNATURE_FREECTX, (function)free_signing },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (function)begin_signing },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (function)sign },
	{ OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (function)set_signing_params },
	{ OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (function)settable_signing_params },
	{ 0, NULL }
};

static const OSSL_ALGORITHM signers[] = {
	{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTIES, signatures, NULL },
	{ "ECDSA", PROPERTIES, signatures, NULL },
	{ "ED25519:1.3.101.112", PROPERTIES, signatures, NULL },
	{ NULL, NULL, NULL, NULL }
};

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache)
{
	(void)context;
	*no_cache = 0;
	switch (operation) {
	case OSSL_OP_KEYMGMT:
		return key_managers;
	case OSSL_OP_SIGNATURE:
		return signers;
	default:
		return NULL;
	}
}

static int init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **context)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (function)query }, { 0, NULL }
	};

	(void)in;
	*out = functions;
	*context = (void *)handle;
	return 1;
}

static bool fetch_digests(void)
{
	bool done = true;

	for (size_t i = 0; i < DIGESTS; i++) {
		digests[i] = EVP_MD_fetch(NULL, digest_names[i], DEFAULT);
		done = done && digests[i] != NULL;
	}
	return done;
}

int provider_load(provider_sign_fn *sign_fn)
{
	sign_text = sign_fn;
	/* A provider that is loaded by name keeps the default one from being loaded by
	 * itself. Whoever does not ask for ours gets the default's algorithms. */
	standard = OSSL_PROVIDER_load(NULL, "default");
	if (standard != NULL && OSSL_PROVIDER_add_builtin(NULL, NAME, init) == 1) {
		ours = OSSL_PROVIDER_load(NULL, NAME);
	}
	if (ours == NULL || !fetch_digests() ||
	    EVP_set_default_properties(NULL, "?" DEFAULT) != 1) {
		provider_unload();
		return ERR_SYSTEM;
	}
	return 0;
}

void provider_unload(void)
{
	for (size_t i = 0; i < DIGESTS; i++) {
		EVP_MD_free(digests[i]);
		digests[i] = NULL;
	}
	OSSL_PROVIDER_unload(ours);
	OSSL_PROVIDER_unload(standard);
	ours = NULL;
	standard = NULL;
}

static EVP_PKEY *key_from(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, PROPERTIES);
	EVP_PKEY *key = NULL;

	if (context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) != 1) {
		key = NULL;
	}
	EVP_PKEY_CTX_free(context);
	return key;
}

EVP_PKEY *provider_key(const EVP_PKEY *public_half)
{
	static const char *const types[] = { "RSA", "EC", "ED25519" };
	unsigned char name[SIGN_KEY_BYTES];
	OSSL_PARAM own[] = { OSSL_PARAM_octet_string(PARAM_NAME, name, sizeof(name)),
		OSSL_PARAM_END };
	OSSL_PARAM *half = NULL;
	OSSL_PARAM *both = NULL;
	EVP_PKEY *key = NULL;

	if (tls_key_name(public_half, name) != 0 ||
	    EVP_PKEY_todata(public_half, EVP_PKEY_PUBLIC_KEY, &half) != 1) {
		return NULL;
	}
	both = OSSL_PARAM_merge(half, own);
	for (size_t i = 0; both != NULL && i < 3; i++) {
		if (EVP_PKEY_is_a(public_half, types[i])) {
			key = key_from(types[i], both);
		}
	}
	OSSL_PARAM_free(half);
	OPENSSL_free(both);
	return key;
}

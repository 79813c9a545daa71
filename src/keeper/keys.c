/* SPDX-License-Identifier: MIT */
/* The private keys, in the keeper's memory. */
#include "keeper/keys.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "keeper/rules.h"
#include "os/file.h"
#include "tls/key_name.h"
#include "tls/passphrase.h"

#define FILE_MAX 65536

#define WAYS 6			/* RSA: three digests, two paddings */

/* A signature by one scheme, begun but for the text: to begin takes as long as a sixth
 * of one by ECDSA. */
struct way {
	uint16_t scheme;	/* 0: none yet */
	EVP_MD_CTX *begun;	/* owned */
};

struct kept_key {
	unsigned char name[SIGN_KEY_BYTES];
	EVP_PKEY *key;		/* owned */
	struct way ways[WAYS];	/* those that have been asked for */
	enum rules_key kind;
	uint32_t batch;		/* the newest that wanted it */
	int64_t left_ms;	/* when it was no more wanted; 0: it is */
};

static EVP_PKEY *parse(const char *text, size_t size, const char *passphrase)
{
	struct tls_passphrase given = { .text = passphrase };
	BIO *bio = BIO_new_mem_buf(text, (int)size);
	EVP_PKEY *key = bio == NULL ? NULL :
	    PEM_read_bio_PrivateKey(bio, NULL, tls_passphrase_give, &given);

	BIO_free(bio);
	return key;
}

static int kind_of(const EVP_PKEY *key, enum rules_key *kind)
{
	static const struct {
		const char *name;
		enum rules_key kind;
	} curves[] = {
		{ "prime256v1", RULES_P256 },
		{ "secp384r1", RULES_P384 },
		{ "secp521r1", RULES_P521 },
	};
	char group[32];

	if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "ED25519")) {
		*kind = EVP_PKEY_is_a(key, "RSA") ? RULES_RSA : RULES_ED25519;
		return 0;
	}
	if (!EVP_PKEY_is_a(key, "EC") ||
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1) {
		return ERR_INVALID;
	}
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (strcmp(group, curves[i].name) == 0) {
			*kind = curves[i].kind;
			return 0;
		}
	}
	return ERR_INVALID;
}

static struct kept_key *find(const struct keys *keys, const unsigned char *name)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (memcmp(keys->items[i].name, name, SIGN_KEY_BYTES) == 0) {
			return &keys->items[i];
		}
	}
	return NULL;
}

static struct kept_key *add(struct keys *keys)
{
	if (keys->count == keys->capacity) {
		size_t capacity = keys->capacity == 0 ? 16 : 2 * keys->capacity;
		struct kept_key *items =
		    reallocarray(keys->items, capacity, sizeof(*items));

		if (items == NULL) {
			return NULL;
		}
		keys->items = items;
		keys->capacity = capacity;
	}
	return &keys->items[keys->count++];
}

static void want(const struct keys *keys, struct kept_key *kept)
{
	kept->batch = keys->batch + 1;
	kept->left_ms = 0;
}

bool keys_want(struct keys *keys, const unsigned char *name)
{
	struct kept_key *kept = find(keys, name);

	if (kept != NULL) {
		want(keys, kept);
	}
	return kept != NULL;
}

/* Takes the key. */
static int keep(struct keys *keys, EVP_PKEY *key, const unsigned char *name)
{
	struct kept_key fresh = { .key = key };
	struct kept_key *kept;

	if (kind_of(key, &fresh.kind) != 0 || tls_key_name(key, fresh.name) != 0) {
		EVP_PKEY_free(key);
		return ERR_INVALID;
	}
	if (name != NULL && memcmp(name, fresh.name, SIGN_KEY_BYTES) != 0) {
		EVP_PKEY_free(key);
		return ERR_MISSING;
	}
	kept = find(keys, fresh.name);
	if (kept != NULL) {
		EVP_PKEY_free(key);
	} else {
		kept = add(keys);
		if (kept == NULL) {
			EVP_PKEY_free(key);
			return ERR_NOMEM;
		}
		*kept = fresh;
	}
	want(keys, kept);
	return 0;
}

int keys_read(struct keys *keys, int fd, const unsigned char *name,
    const char *passphrase)
{
	char text[FILE_MAX];
	EVP_PKEY *key = NULL;
	size_t size;
	int rc = file_read(fd, text, sizeof(text), &size);

	if (rc == 0 && size == sizeof(text)) {
		rc = ERR_LIMIT;
	}
	if (rc == 0) {
		key = parse(text, size, passphrase);
		rc = key == NULL ? ERR_INVALID : keep(keys, key, name);
	}
	OPENSSL_cleanse(text, sizeof(text));
	return rc;
}

size_t keys_settle(struct keys *keys, int64_t now_ms)
{
	size_t wanted = 0;

	keys->batch++;
	for (size_t i = 0; i < keys->count; i++) {
		struct kept_key *kept = &keys->items[i];

		wanted += kept->batch == keys->batch;
		if (kept->batch != keys->batch && kept->left_ms == 0) {
			kept->left_ms = now_ms;
		}
	}
	return wanted;
}

static void drop(struct kept_key *kept)
{
	for (size_t i = 0; i < WAYS; i++) {
		EVP_MD_CTX_free(kept->ways[i].begun);
	}
	EVP_PKEY_free(kept->key);
}

void keys_forget(struct keys *keys, int64_t now_ms)
{
	size_t left = 0;

	for (size_t i = 0; i < keys->count; i++) {
		struct kept_key *kept = &keys->items[i];

		if (kept->left_ms != 0 && now_ms - kept->left_ms >= KEYS_LEAVE_MS) {
			drop(kept);
		} else {
			keys->items[left++] = *kept;
		}
	}
	keys->count = left;
}

static const char *digest_of(uint16_t scheme)
{
	switch (scheme) {
	case 0x0401:
	case 0x0403:
	case 0x0804:
		return "SHA256";
	case 0x0501:
	case 0x0503:
	case 0x0805:
		return "SHA384";
	case 0x0601:
	case 0x0603:
	case 0x0806:
		return "SHA512";
	default:
		return NULL;	/* Ed25519 has its own */
	}
}

static bool set_padding(EVP_PKEY_CTX *context, uint16_t scheme)
{
	if (scheme < 0x0804 || scheme > 0x0806) {
		return true;
	}
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static EVP_MD_CTX *begin(EVP_PKEY *key, uint16_t scheme)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how = NULL;

	if (context != NULL &&
	    (EVP_DigestSignInit_ex(context, &how, digest_of(scheme), NULL, NULL, key,
		NULL) != 1 || !set_padding(how, scheme))) {
		EVP_MD_CTX_free(context);
		context = NULL;
	}
	return context;
}

static const EVP_MD_CTX *find_way(struct kept_key *kept, uint16_t scheme)
{
	for (struct way *way = kept->ways; way < kept->ways + WAYS; way++) {
		if (way->scheme == 0) {
			way->begun = begin(kept->key, scheme);
			way->scheme = way->begun == NULL ? 0 : scheme;
			return way->begun;
		}
		if (way->scheme == scheme) {
			return way->begun;
		}
	}
	return NULL;
}

static bool sign(struct keys *keys, struct kept_key *kept,
    const struct sign_request *request, struct sign_answer *answer)
{
	const EVP_MD_CTX *begun = find_way(kept, request->scheme);
	size_t size = sizeof(answer->signature);
	bool done;

	if (keys->signing == NULL) {
		keys->signing = EVP_MD_CTX_new();
	}
	done = begun != NULL && keys->signing != NULL &&
	    EVP_MD_CTX_copy_ex(keys->signing, begun) == 1 &&
	    EVP_DigestSign(keys->signing, answer->signature, &size, request->text,
		request->size) == 1;
	/* It has a reference to the key. */
	EVP_MD_CTX_reset(keys->signing);
	answer->size = done ? (uint16_t)size : 0;
	return done;
}

void keys_sign(struct keys *keys, const struct sign_request *request,
    struct sign_answer *answer)
{
	struct kept_key *kept = find(keys, request->key);
	struct slice text = { (const char *)request->text, request->size };

	answer->id = request->id;
	answer->size = 0;
	if (kept == NULL) {
		answer->status = SIGN_NO_KEY;
	} else if (!rules_allow(kept->kind, request->scheme, text)) {
		answer->status = SIGN_REFUSED;
	} else {
		answer->status =
		    sign(keys, kept, request, answer) ? SIGN_DONE : SIGN_FAILED;
	}
}

void keys_release(struct keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		drop(&keys->items[i]);
	}
	free(keys->items);
	EVP_MD_CTX_free(keys->signing);
	*keys = (struct keys){ 0 };
}

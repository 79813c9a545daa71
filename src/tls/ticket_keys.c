/* SPDX-License-Identifier: MIT */
/* Which keys session tickets have. */
#include "tls/ticket_keys.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/memory.h"

/* Nodes of a fleet that run different releases must agree on these. */
static char salt[] = "tincan session tickets";
#define INFO_BYTES 12		/* epoch and lifetime, most significant byte first */

_Static_assert(TICKET_KEYS_MAX == 8, "a message says so");
_Static_assert(TICKET_KEY_BYTES == 80, "hints and the manual say so");

static int64_t quarter(uint32_t lifetime_s)
{
	return lifetime_s < 4 ? 1 : lifetime_s / 4;
}

static void drop_last(struct ticket_keys *keys)
{
	keys->count--;
	OPENSSL_cleanse(&keys->items[keys->count], TICKET_KEY_BYTES);
}

bool ticket_keys_tend(struct ticket_keys *keys, uint32_t lifetime_s, int64_t now_s)
{
	if (keys->made_s > now_s) {
		keys->made_s = now_s;
	}
	for (size_t i = 1; i < keys->count; i++) {
		if (keys->until_s[i] > now_s + lifetime_s) {
			keys->until_s[i] = now_s + lifetime_s;
		}
	}
	/* In the order in which they ended to seal. */
	while (keys->count > 1 && keys->until_s[keys->count - 1] <= now_s) {
		drop_last(keys);
	}
	return keys->count == 0 || now_s - keys->made_s >= quarter(lifetime_s);
}

void ticket_keys_add(struct ticket_keys *keys,
    const unsigned char bytes[TICKET_KEY_BYTES], uint32_t lifetime_s, int64_t now_s)
{
	if (keys->count == TICKET_KEYS_MAX) {
		drop_last(keys);
	}
	keys->until_s[0] = now_s + lifetime_s;
	memmove(&keys->items[1], &keys->items[0], keys->count * TICKET_KEY_BYTES);
	memmove(&keys->until_s[1], &keys->until_s[0],
	    keys->count * sizeof(keys->until_s[0]));
	memcpy(&keys->items[0], bytes, TICKET_KEY_BYTES);
	keys->made_s = now_s;
	keys->count++;
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *found = c == '\0' ? NULL : strchr(digits, c);
	int value = found == NULL ? -1 : (int)(found - digits);

	return value > 15 ? value - 6 : value;
}

static bool parse_key(struct slice line, unsigned char out[TICKET_KEY_BYTES])
{
	if (line.size != 2 * TICKET_KEY_BYTES) {
		return false;
	}
	for (size_t i = 0; i < TICKET_KEY_BYTES; i++) {
		int high = digit(line.data[2 * i]);
		int low = digit(line.data[2 * i + 1]);

		if (high < 0 || low < 0) {
			return false;
		}
		out[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static bool has_name(const struct ticket_keys *keys, const struct ticket_key *key)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (memcmp(keys->items[i].name, key->name, TICKET_NAME_BYTES) == 0) {
			return true;
		}
	}
	return false;
}

/* NULL, or what is wrong with it. */
static const char *take_line(struct ticket_keys *keys, struct slice line)
{
	struct ticket_key *key = &keys->items[keys->count];

	if (keys->count == TICKET_KEYS_MAX) {
		return "more than 8 keys";
	}
	if (!parse_key(line, (unsigned char *)key)) {
		return "expected a key of 160 hexadecimal digits";
	}
	if (has_name(keys, key)) {
		return "this key stands above already";
	}
	keys->count++;
	return NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trim_end(struct slice text)
{
	while (text.size > 0 && is_blank(text.data[text.size - 1])) {
		text.size--;
	}
	return text;
}

/* Takes the first line off the text. */
static struct slice next_line(struct slice *text)
{
	const char *end = memchr(text->data, '\n', text->size);
	size_t size = end == NULL ? text->size : (size_t)(end - text->data) + 1;
	struct slice line = { text->data, size };

	text->data += size;
	text->size -= size;
	return trim_end(line);
}

static int refuse(struct problems *problems, const char *name, size_t line,
    const char *wrong)
{
	char *where = line == 0 ? memory_text(name) : memory_printf("%s:%zu", name, line);

	problems_add(problems, where, "'openssl rand -hex 80' makes one", "%s", wrong);
	free(where);
	return ERR_INVALID;
}

int ticket_keys_parse(struct ticket_keys *keys, const char *name, struct slice text,
    int64_t now_s, struct problems *problems)
{
	struct ticket_keys found = { 0 };
	int rc = 0;

	for (size_t line = 1; rc == 0 && text.size > 0; line++) {
		struct slice content = next_line(&text);
		const char *wrong = content.size == 0 || content.data[0] == '#' ?
		    NULL : take_line(&found, content);

		rc = wrong == NULL ? 0 : refuse(problems, name, line, wrong);
	}
	if (rc == 0 && found.count == 0) {
		rc = refuse(problems, name, 0, "there is no key in it");
	}
	if (rc == 0) {
		bool same = keys->count > 0 && memcmp(keys->items[0].name,
		    found.items[0].name, TICKET_NAME_BYTES) == 0;

		found.made_s = same ? keys->made_s : now_s;
		*keys = found;
	}
	OPENSSL_cleanse(&found, sizeof(found));
	return rc;
}

/* One half of HKDF. */
static int hkdf(const char *mode, struct slice key, OSSL_PARAM extra, unsigned char *out,
    size_t size)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, (char *)mode, 0),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (char *)key.data,
		    key.size),
		extra, OSSL_PARAM_construct_end()
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *context = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	int done = context == NULL ? 0 : EVP_KDF_derive(context, out, size, params);

	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	ERR_clear_error();
	return done == 1 ? 0 : ERR_SYSTEM;
}

int ticket_seed(unsigned char seed[TICKET_SEED_BYTES], const char *name,
    struct slice text, struct problems *problems)
{
	struct slice secret = trim_end(text);

	if (secret.size < TICKET_SECRET_MIN) {
		problems_add(problems, name, "'openssl rand -hex 32' makes one",
		    "expected a secret of %d bytes at least, found %zu",
		    TICKET_SECRET_MIN, secret.size);
		return ERR_INVALID;
	}
	if (hkdf("EXTRACT_ONLY", secret, OSSL_PARAM_construct_octet_string(
		OSSL_KDF_PARAM_SALT, salt, sizeof(salt) - 1), seed,
		TICKET_SEED_BYTES) != 0) {
		problems_add(problems, name, NULL, "OpenSSL has no HKDF");
		return ERR_INVALID;
	}
	return 0;
}

static int derive_one(struct ticket_key *key, const unsigned char *seed, int64_t epoch,
    uint32_t lifetime_s)
{
	struct slice from = { (const char *)seed, TICKET_SEED_BYTES };
	unsigned char info[INFO_BYTES];

	for (int i = 0; i < 8; i++) {
		info[i] = (unsigned char)((uint64_t)epoch >> (56 - 8 * i));
	}
	for (int i = 0; i < 4; i++) {
		info[8 + i] = (unsigned char)(lifetime_s >> (24 - 8 * i));
	}
	return hkdf("EXPAND_ONLY", from, OSSL_PARAM_construct_octet_string(
	    OSSL_KDF_PARAM_INFO, info, sizeof(info)), (unsigned char *)key,
	    TICKET_KEY_BYTES);
}

int ticket_keys_derive(struct ticket_keys *keys,
    const unsigned char seed[TICKET_SEED_BYTES], uint32_t lifetime_s, int64_t now_s)
{
	/* Now, a node that is ahead, and as long as tickets of a node behind live. */
	static const int64_t offsets[] = { 0, 1, -1, -2, -3, -4, -5 };
	int64_t epoch = now_s < 0 ? 0 : now_s / quarter(lifetime_s);
	struct ticket_keys found = { .made_s = epoch * quarter(lifetime_s) };
	int rc = 0;

	if (keys->count > 0 && keys->made_s == found.made_s) {
		return ERR_AGAIN;
	}
	for (size_t i = 0; rc == 0 && i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		if (epoch + offsets[i] >= 0) {
			rc = derive_one(&found.items[found.count++], seed,
			    epoch + offsets[i], lifetime_s);
		}
	}
	if (rc == 0) {
		*keys = found;
	}
	OPENSSL_cleanse(&found, sizeof(found));
	return rc;
}

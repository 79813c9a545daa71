/* SPDX-License-Identifier: MIT */
/* What the keeper signs. */
#include "keeper/rules.h"

#include <string.h>

#define RANDOMS 64		/* client's and server's */
#define NAMED_CURVE 3
#define GROUP_MIN_BYTES 256	/* finite field: 2,048 bits, RFC 7919 */
#define GROUP_MAX_BYTES 1024

/* 64 spaces, then this, its NUL included, then the hash of all messages so far. */
static const char label[] = "TLS 1.3, server CertificateVerify";

static bool is_certificate_verify(struct slice text)
{
	size_t hash = text.size - 64 - sizeof(label);

	if (text.size < 64 + sizeof(label) || (hash != 32 && hash != 48)) {
		return false;
	}
	for (size_t i = 0; i < 64; i++) {
		if (text.data[i] != ' ') {
			return false;
		}
	}
	return memcmp(text.data + 64, label, sizeof(label)) == 0;
}

static size_t number_at(struct slice text, size_t at)
{
	const unsigned char *bytes = (const unsigned char *)text.data + at;

	return (size_t)bytes[0] << 8 | bytes[1];
}

/* RFC 8422 section 5.4; how long a point of each curve is. */
static size_t point_bytes(size_t curve)
{
	switch (curve) {
	case 23:
		return 65;
	case 24:
		return 97;
	case 25:
		return 133;
	case 29:
		return 32;
	case 30:
		return 56;
	default:
		return 0;
	}
}

static bool is_curve_params(struct slice text)
{
	size_t point;

	if (text.size < 4 || text.data[0] != NAMED_CURVE) {
		return false;
	}
	point = point_bytes(number_at(text, 1));
	return point > 0 && (unsigned char)text.data[3] == point &&
	    text.size == 4 + point;
}

/* Takes one of the numbers p, g and Ys off the front: 0 if it is none. */
static size_t take_number(struct slice *text, size_t max)
{
	size_t size = text->size < 2 ? 0 : number_at(*text, 0);

	if (size == 0 || size > max || size > text->size - 2) {
		return 0;
	}
	*text = (struct slice){ text->data + 2 + size, text->size - 2 - size };
	return size;
}

static bool is_field_params(struct slice text)
{
	size_t prime = take_number(&text, GROUP_MAX_BYTES);

	return prime >= GROUP_MIN_BYTES && take_number(&text, prime) > 0 &&
	    take_number(&text, prime) > 0 && text.size == 0;
}

static bool is_server_key_exchange(struct slice text)
{
	if (text.size <= RANDOMS) {
		return false;
	}
	text = (struct slice){ text.data + RANDOMS, text.size - RANDOMS };
	return is_curve_params(text) || is_field_params(text);
}

/* In TLS 1.2 an ECDSA scheme says the hash only. */
static bool is_ecdsa(uint16_t scheme)
{
	return scheme == 0x0403 || scheme == 0x0503 || scheme == 0x0603;
}

static bool is_pkcs1(uint16_t scheme)
{
	return scheme == 0x0401 || scheme == 0x0501 || scheme == 0x0601;
}

static bool is_pss(uint16_t scheme)
{
	return scheme >= 0x0804 && scheme <= 0x0806;
}

static bool fits(enum rules_key key, uint16_t scheme, bool tls13)
{
	switch (key) {
	case RULES_RSA:
		return is_pss(scheme) || (!tls13 && is_pkcs1(scheme));
	case RULES_P256:
		return tls13 ? scheme == 0x0403 : is_ecdsa(scheme);
	case RULES_P384:
		return tls13 ? scheme == 0x0503 : is_ecdsa(scheme);
	case RULES_P521:
		return tls13 ? scheme == 0x0603 : is_ecdsa(scheme);
	default:
		return scheme == 0x0807;
	}
}

bool rules_allow(enum rules_key key, uint16_t scheme, struct slice text)
{
	bool tls13 = is_certificate_verify(text);

	return (tls13 || is_server_key_exchange(text)) && fits(key, scheme, tls13);
}

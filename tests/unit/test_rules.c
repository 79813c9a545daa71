/* SPDX-License-Identifier: MIT */
/* What the keeper signs, and above all what it does not. */
#include "keeper/rules.h"

#include <string.h>

#include "unit.h"

#define SERVER "TLS 1.3, server CertificateVerify"
#define CLIENT "TLS 1.3, client CertificateVerify"

static char text[4096];
static size_t size;

static void append(const void *data, size_t more)
{
	memcpy(text + size, data, more);
	size += more;
}

static void append_zeros(size_t more)
{
	memset(text + size, 0, more);
	size += more;
}

/* label: with its NUL */
static void verify(const char *label, size_t hash)
{
	size = 64;
	memset(text, ' ', size);
	append(label, strlen(label) + 1);
	append_zeros(hash);
}

static void curve(unsigned id, size_t point)
{
	const unsigned char head[] = { 3, (unsigned char)(id >> 8), (unsigned char)id,
		(unsigned char)point };

	size = 0;
	append_zeros(64);
	append(head, sizeof(head));
	append_zeros(point);
}

static void number(size_t bytes)
{
	const unsigned char head[] = { (unsigned char)(bytes >> 8),
		(unsigned char)bytes };

	append(head, sizeof(head));
	append_zeros(bytes);
}

static void field(size_t p, size_t g, size_t y)
{
	size = 0;
	append_zeros(64);
	number(p);
	number(g);
	number(y);
}

static bool allowed(enum rules_key key, uint16_t scheme)
{
	return rules_allow(key, scheme, (struct slice){ text, size });
}

START_TEST(a_server_of_tls_1_3_signs_its_certificate_verify)
{
	static const struct {
		enum rules_key key;
		uint16_t scheme;
		size_t hash;
	} good[] = {
		{ RULES_P256, 0x0403, 32 }, { RULES_P256, 0x0403, 48 },
		{ RULES_P384, 0x0503, 48 }, { RULES_P521, 0x0603, 32 },
		{ RULES_RSA, 0x0804, 32 }, { RULES_RSA, 0x0805, 48 },
		{ RULES_RSA, 0x0806, 32 }, { RULES_ED25519, 0x0807, 32 },
	};

	verify(SERVER, good[_i].hash);
	ck_assert(allowed(good[_i].key, good[_i].scheme));
}
END_TEST

START_TEST(in_tls_1_3_the_scheme_is_that_of_the_key)
{
	static const struct {
		enum rules_key key;
		uint16_t scheme;
	} bad[] = {
		{ RULES_P256, 0x0503 }, { RULES_P384, 0x0403 }, { RULES_P256, 0x0804 },
		{ RULES_RSA, 0x0401 }, { RULES_RSA, 0x0403 }, { RULES_RSA, 0x0807 },
		{ RULES_ED25519, 0x0403 }, { RULES_P256, 0x0203 }, { RULES_RSA, 0x0201 },
		{ RULES_RSA, 0x0809 }, { RULES_P256, 0 }, { RULES_RSA, 0xffff },
	};

	verify(SERVER, 32);
	ck_assert(!allowed(bad[_i].key, bad[_i].scheme));
}
END_TEST

START_TEST(nothing_but_a_servers_certificate_verify_is_taken_for_one)
{
	verify(CLIENT, 32);
	ck_assert(!allowed(RULES_P256, 0x0403));
	verify(SERVER, 31);
	ck_assert(!allowed(RULES_P256, 0x0403));
	verify(SERVER, 33);
	ck_assert(!allowed(RULES_P256, 0x0403));
	verify(SERVER, 0);
	ck_assert(!allowed(RULES_P256, 0x0403));
	verify(SERVER, 32);
	text[63] = '\t';
	ck_assert(!allowed(RULES_P256, 0x0403));
	verify(SERVER, 32);
	text[64 + strlen(SERVER)] = 1;
	ck_assert(!allowed(RULES_P256, 0x0403));
}
END_TEST

START_TEST(every_cut_of_a_text_is_refused)
{
	verify(SERVER, 32);
	for (size_t whole = size--; size > 0; size--) {
		ck_assert_msg(!allowed(RULES_P256, 0x0403), "%zu of %zu", size, whole);
	}
	curve(23, 65);
	for (size_t whole = size--; size > 0; size--) {
		ck_assert_msg(!allowed(RULES_P256, 0x0403), "%zu of %zu", size, whole);
	}
	field(256, 1, 256);
	for (size_t whole = size--; size > 0; size--) {
		ck_assert_msg(!allowed(RULES_RSA, 0x0401), "%zu of %zu", size, whole);
	}
	ck_assert(!rules_allow(RULES_RSA, 0x0401, (struct slice){ NULL, 0 }));
}
END_TEST

START_TEST(a_server_of_tls_1_2_signs_its_key_exchange)
{
	static const struct {
		unsigned id;
		size_t point;
	} curves[] = { { 23, 65 }, { 24, 97 }, { 25, 133 }, { 29, 32 }, { 30, 56 } };

	curve(curves[_i].id, curves[_i].point);
	ck_assert(allowed(RULES_P256, 0x0403));
	ck_assert(allowed(RULES_P256, 0x0603));
	ck_assert(allowed(RULES_RSA, 0x0401));
	ck_assert(allowed(RULES_RSA, 0x0804));
	ck_assert(allowed(RULES_ED25519, 0x0807));
	ck_assert(!allowed(RULES_RSA, 0x0201));
	field(256, 1, 256);
	ck_assert(allowed(RULES_RSA, 0x0601));
	field(1024, 1024, 1024);
	ck_assert(allowed(RULES_RSA, 0x0806));
}
END_TEST

START_TEST(a_key_exchange_has_a_known_group_and_nothing_behind_it)
{
	curve(23, 64);
	ck_assert(!allowed(RULES_P256, 0x0403));
	curve(22, 65);
	ck_assert(!allowed(RULES_P256, 0x0403));
	curve(23, 65);
	append_zeros(1);
	ck_assert(!allowed(RULES_P256, 0x0403));
	curve(23, 65);
	text[64] = 1;
	ck_assert(!allowed(RULES_P256, 0x0403));
	field(255, 1, 255);
	ck_assert(!allowed(RULES_RSA, 0x0401));
	field(1025, 1, 1);
	ck_assert(!allowed(RULES_RSA, 0x0401));
	field(256, 257, 1);
	ck_assert(!allowed(RULES_RSA, 0x0401));
	field(256, 0, 1);
	ck_assert(!allowed(RULES_RSA, 0x0401));
	field(256, 1, 1);
	append_zeros(1);
	ck_assert(!allowed(RULES_RSA, 0x0401));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rules");
	TCase *tcase = tcase_create("rules");

	tcase_add_loop_test(tcase, a_server_of_tls_1_3_signs_its_certificate_verify, 0,
	    8);
	tcase_add_loop_test(tcase, in_tls_1_3_the_scheme_is_that_of_the_key, 0, 12);
	tcase_add_test(tcase, nothing_but_a_servers_certificate_verify_is_taken_for_one);
	tcase_add_test(tcase, every_cut_of_a_text_is_refused);
	tcase_add_loop_test(tcase, a_server_of_tls_1_2_signs_its_key_exchange, 0, 5);
	tcase_add_test(tcase, a_key_exchange_has_a_known_group_and_nothing_behind_it);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

/* SPDX-License-Identifier: MIT */
/* The keeper's keys: which files are any, and what each kind of key signs. */
#include "keeper/keys.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "tls/key_name.h"
#include "unit.h"

static struct keys keys;

static EVP_PKEY *make(const char *kind)
{
	EVP_PKEY *key = strcmp(kind, "RSA") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA",
	    (size_t)2048) : strcmp(kind, "ED25519") == 0 ?
	    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") :
	    EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);

	ck_assert_ptr_nonnull(key);
	return key;
}

/* An open file with that text. */
static int file_of(const char *text, size_t size)
{
	int fd = memfd_create("key", MFD_CLOEXEC);

	/* Its offset is at the end, as if somebody had read it already. */
	ck_assert_int_eq(write(fd, text, size), (ssize_t)size);
	return fd;
}

static const unsigned char *wanted;	/* name */
static const char *passphrase;

static int read_text(const char *text, size_t size)
{
	int fd = file_of(text, size);
	int rc = keys_read(&keys, fd, wanted, passphrase);

	close(fd);
	return rc;
}

static int read_key(EVP_PKEY *key, const EVP_CIPHER *cipher)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long size;
	int rc;

	ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, key, cipher,
	    cipher == NULL ? NULL : (const unsigned char *)"pass", cipher == NULL ? 0 : 4,
	    NULL, NULL), 1);
	size = BIO_get_mem_data(bio, &text);
	rc = read_text(text, (size_t)size);
	BIO_free(bio);
	return rc;
}

static void verify_text(struct sign_request *request)
{
	static const char label[] = "TLS 1.3, server CertificateVerify";

	memset(request->text, ' ', 64);
	memcpy(request->text + 64, label, sizeof(label));
	memset(request->text + 64 + sizeof(label), 7, 32);
	request->size = 64 + sizeof(label) + 32;
}

START_TEST(each_kind_of_key_makes_signatures_that_its_public_half_verifies)
{
	static const struct {
		const char *kind;
		uint16_t scheme;
		const char *digest;
	} cases[] = {
		{ "P-256", 0x0403, "SHA256" }, { "P-384", 0x0503, "SHA384" },
		{ "P-521", 0x0603, "SHA512" }, { "RSA", 0x0804, "SHA256" },
		{ "RSA", 0x0805, "SHA384" }, { "RSA", 0x0806, "SHA512" },
		{ "ED25519", 0x0807, NULL },
	};
	EVP_PKEY *key = make(cases[_i].kind);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how;
	struct sign_request request = { .id = 5, .scheme = cases[_i].scheme };
	struct sign_answer answer;

	ck_assert_int_eq(read_key(key, NULL), 0);
	ck_assert_int_eq(tls_key_name(key, request.key), 0);
	verify_text(&request);
	keys_sign(&keys, &request, &answer);
	ck_assert_int_eq(answer.status, SIGN_DONE);
	ck_assert_uint_eq(answer.id, 5);
	ck_assert_int_eq(EVP_DigestVerifyInit_ex(context, &how, cases[_i].digest, NULL,
	    NULL, key, NULL), 1);
	if (strcmp(cases[_i].kind, "RSA") == 0) {
		EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST);
	}
	ck_assert_int_eq(EVP_DigestVerify(context, answer.signature, answer.size,
	    request.text, request.size), 1);
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(what_is_no_handshake_is_refused_and_an_unknown_key_is_told)
{
	EVP_PKEY *key = make("P-256");
	struct sign_request request = { .id = 5, .scheme = 0x0403 };
	struct sign_answer answer;

	ck_assert_int_eq(read_key(key, NULL), 0);
	ck_assert_int_eq(tls_key_name(key, request.key), 0);
	memcpy(request.text, "pay 1000 to mallory", 19);
	request.size = 19;
	keys_sign(&keys, &request, &answer);
	ck_assert_int_eq(answer.status, SIGN_REFUSED);
	ck_assert_uint_eq(answer.size, 0);
	verify_text(&request);
	request.key[0] ^= 1;
	keys_sign(&keys, &request, &answer);
	ck_assert_int_eq(answer.status, SIGN_NO_KEY);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(a_file_that_is_no_key_is_refused)
{
	static char large[70000];
	EVP_PKEY *key = make("P-256");
	EVP_PKEY *x25519 = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	EVP_PKEY *other = make("secp256k1");

	ck_assert_int_eq(read_text("", 0), ERR_INVALID);
	ck_assert_int_eq(read_text("no key", 6), ERR_INVALID);
	ck_assert_int_eq(read_text("-----BEGIN PRIVATE KEY-----\n", 28), ERR_INVALID);
	ck_assert_int_eq(read_text(large, sizeof(large)), ERR_LIMIT);
	ck_assert_int_eq(read_key(key, EVP_aes_128_cbc()), ERR_INVALID);
	ck_assert_int_eq(read_key(x25519, NULL), ERR_INVALID);
	ck_assert_int_eq(read_key(other, NULL), ERR_INVALID);
	ck_assert_uint_eq(keys.count, 0);
	EVP_PKEY_free(key);
	EVP_PKEY_free(x25519);
	EVP_PKEY_free(other);
}
END_TEST

START_TEST(a_key_that_is_read_again_is_the_same_one)
{
	EVP_PKEY *key = make("P-256");

	ck_assert_int_eq(read_key(key, NULL), 0);
	ck_assert_uint_eq(keys_settle(&keys, 1), 1);
	ck_assert_uint_eq(keys_settle(&keys, 2), 0);
	ck_assert_int_eq(read_key(key, NULL), 0);
	ck_assert_uint_eq(keys_settle(&keys, 3), 1);
	ck_assert_uint_eq(keys.count, 1);
	keys_forget(&keys, 10 * (int64_t)KEYS_LEAVE_MS);
	ck_assert_uint_eq(keys.count, 1);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(a_key_may_be_wanted_by_its_name_alone)
{
	unsigned char name[SIGN_KEY_BYTES];
	EVP_PKEY *key = make("P-256");

	ck_assert_int_eq(tls_key_name(key, name), 0);
	ck_assert(!keys_want(&keys, name));
	ck_assert_int_eq(read_key(key, NULL), 0);
	ck_assert_uint_eq(keys_settle(&keys, 1), 1);
	ck_assert(keys_want(&keys, name));
	ck_assert_uint_eq(keys_settle(&keys, 2), 1);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(another_key_than_the_one_that_was_checked_is_refused)
{
	unsigned char name[SIGN_KEY_BYTES];
	EVP_PKEY *key = make("P-256");
	EVP_PKEY *other = make("P-256");

	ck_assert_int_eq(tls_key_name(key, name), 0);
	wanted = name;
	ck_assert_int_eq(read_key(other, NULL), ERR_MISSING);
	ck_assert_uint_eq(keys.count, 0);
	ck_assert_int_eq(read_key(key, NULL), 0);
	ck_assert_uint_eq(keys.count, 1);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}
END_TEST

START_TEST(a_passphrase_decrypts_both_kinds_of_files)
{
	EVP_PKEY *key = make("P-256");
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long size;

	ck_assert_int_eq(PEM_write_bio_PrivateKey_traditional(bio, key, EVP_aes_256_cbc(),
	    (const unsigned char *)"pass", 4, NULL, NULL), 1);
	size = BIO_get_mem_data(bio, &text);
	passphrase = "no pass";
	ck_assert_int_eq(read_key(key, EVP_aes_256_cbc()), ERR_INVALID);
	ck_assert_int_eq(read_text(text, (size_t)size), ERR_INVALID);
	passphrase = "pass";
	ck_assert_int_eq(read_key(key, EVP_aes_256_cbc()), 0);
	ck_assert_int_eq(read_text(text, (size_t)size), 0);
	ck_assert_uint_eq(keys.count, 1);
	BIO_free(bio);
	EVP_PKEY_free(key);
}
END_TEST

static void set_up(void)
{
	wanted = NULL;
	passphrase = NULL;
	keys = (struct keys){ 0 };
}

static void tear_down(void)
{
	keys_release(&keys);
}

int main(void)
{
	Suite *suite = suite_create("keys");
	TCase *tcase = tcase_create("keys");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase,
	    each_kind_of_key_makes_signatures_that_its_public_half_verifies, 0, 7);
	tcase_add_test(tcase,
	    what_is_no_handshake_is_refused_and_an_unknown_key_is_told);
	tcase_add_test(tcase, a_file_that_is_no_key_is_refused);
	tcase_add_test(tcase, a_key_may_be_wanted_by_its_name_alone);
	tcase_add_test(tcase, another_key_than_the_one_that_was_checked_is_refused);
	tcase_add_test(tcase, a_passphrase_decrypts_both_kinds_of_files);
	tcase_add_test(tcase, a_key_that_is_read_again_is_the_same_one);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

/* SPDX-License-Identifier: MIT */
/* TLS contexts: what is wrong with certificates and keys, in words. Their devcert too. */
#include "tls/context.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "served.h"
#include "unit.h"

static struct rig rig;
static struct config *config;
static struct tls_context *context;

static void set_up(void)
{
	rig_open(&rig);
	config = served_config(&rig, "");
	problems_release(&rig.problems);
	problems_init(&rig.problems);
}

static void tear_down(void)
{
	config_free(config);
	rig_close(&rig);
}

/* The context must be refused, for that reason. */
static void refuse(const char *what)
{
	context = tls_context_new(config, TLS_KEYS_HERE, NULL, NULL,
	    &rig.problems);
	ck_assert_uint_gt(rig.problems.errors, 0);
	ck_assert_msg(strstr(rig.problems.items[0].what, what) != NULL, "%s",
	    rig.problems.items[0].what);
	tls_context_unref(context);
}

static void write_key(EVP_PKEY *key)
{
	FILE *out = fopen(config->certificates[0].key, "w");

	ck_assert_ptr_nonnull(key);
	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(out);
	EVP_PKEY_free(key);
}

static void write_text(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	fclose(out);
}

START_TEST(takes_a_certificate_and_its_key)
{
	context = tls_context_new(config, TLS_KEYS_HERE, NULL, NULL,
	    &rig.problems);
	ck_assert_uint_eq(rig.problems.count, 0);
	tls_context_unref(context);
	tls_context_unref(NULL);
}
END_TEST

START_TEST(names_every_file_that_is_missing)
{
	unlink(config->certificates[0].chain);
	unlink(config->certificates[0].key);
	refuse("dev.crt': No such file or directory");
	ck_assert_uint_eq(rig.problems.errors, 2);
}
END_TEST

START_TEST(refuses_a_certificate_that_is_no_pem)
{
	write_text(config->certificates[0].chain, "hello\n");
	refuse("cannot use the certificate");
}
END_TEST

START_TEST(refuses_a_key_that_is_no_pem)
{
	write_text(config->certificates[0].key, "no key");
	refuse("cannot use the key");
}
END_TEST

START_TEST(refuses_the_key_of_another_certificate)
{
	write_key(EVP_EC_gen("P-256"));
	refuse("is not that of the certificate");
}
END_TEST

/* libssl keeps a slot for each kind of key, and had nothing to compare this one with. */
START_TEST(refuses_a_key_of_another_kind)
{
	write_key(EVP_RSA_gen(2048));
	refuse("is not that of the certificate");
}
END_TEST

START_TEST(warns_of_a_key_that_everybody_can_read)
{
	ck_assert_int_eq(chmod(config->certificates[0].key, 0644), 0);
	context = tls_context_new(config, TLS_KEYS_HERE, NULL, NULL,
	    &rig.problems);
	ck_assert_uint_eq(rig.problems.errors, 0);
	ck_assert_uint_eq(rig.problems.count, 1);
	tls_context_unref(context);
	context = NULL;
}
END_TEST

static ino_t inode_of(const char *path, mode_t *mode)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	*mode = st.st_mode & 0777;
	return st.st_ino;
}

START_TEST(keeps_a_development_certificate_that_lasts)
{
	const struct config_certificate *certificate = &config->certificates[0];
	struct stat before;
	struct stat after;
	mode_t mode;

	ck_assert_int_eq(stat(certificate->chain, &before), 0);
	(void)inode_of(certificate->key, &mode);
	ck_assert_int_eq(mode, 0600);
	tls_devcert_ensure(config, certificate->chain, certificate->key, &rig.problems);
	ck_assert_int_eq(stat(certificate->chain, &after), 0);
	ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	ck_assert_uint_eq(rig.problems.errors, 0);
	ck_assert_uint_eq(rig.problems.count, 1);
}
END_TEST

/* A disk that was full had left an empty key, which nothing mended but a person. */
START_TEST(makes_a_development_certificate_anew_if_its_key_is_bad)
{
	const struct config_certificate *certificate = &config->certificates[0];

	write_text(certificate->key, "");
	tls_devcert_ensure(config, certificate->chain, certificate->key, &rig.problems);
	context = tls_context_new(config, TLS_KEYS_HERE, NULL, NULL,
	    &rig.problems);
	tls_context_unref(context);
	context = NULL;
}
END_TEST

START_TEST(says_where_a_development_certificate_cannot_be_written)
{
	tls_devcert_ensure(config, "/nowhere/dev.crt", "/nowhere/dev.key", &rig.problems);
	ck_assert_uint_eq(rig.problems.errors, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("context");
	TCase *tests = tcase_create("context");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, takes_a_certificate_and_its_key);
	tcase_add_test(tests, names_every_file_that_is_missing);
	tcase_add_test(tests, refuses_a_certificate_that_is_no_pem);
	tcase_add_test(tests, refuses_a_key_that_is_no_pem);
	tcase_add_test(tests, refuses_the_key_of_another_certificate);
	tcase_add_test(tests, refuses_a_key_of_another_kind);
	tcase_add_test(tests, warns_of_a_key_that_everybody_can_read);
	tcase_add_test(tests, keeps_a_development_certificate_that_lasts);
	tcase_add_test(tests, makes_a_development_certificate_anew_if_its_key_is_bad);
	tcase_add_test(tests, says_where_a_development_certificate_cannot_be_written);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}

/* SPDX-License-Identifier: MIT */
/*
 * Certificates and which of them a name gets: what they are for, what of them is shown,
 * and who shares one. What clients are shown is in tests/e2e/test_host_certificates.
 */
#include "tls/identities.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/hostname.h"
#include "base/memory.h"
#include "configs.h"
#include "rig.h"

#define DAY_S (24L * 60 * 60)

static struct rig rig;
static SSL_CTX *policy;
static struct config *config;
static struct tls_identities *identities;

static void set_up(void)
{
	rig_open(&rig);
	policy = SSL_CTX_new(TLS_server_method());
	config = NULL;
	identities = NULL;
}

static void tear_down(void)
{
	tls_identities_free(identities);
	config_free(config);
	SSL_CTX_free(policy);
	rig_close(&rig);
}

static FILE *create(const char *name, const char *ending)
{
	char *path = memory_printf("%s/%s.%s", rig.root, name, ending);
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	fchmod(fileno(out), 0600);
	free(path);
	return out;
}

/* NAME.crt and NAME.key, for sans ("DNS:a.test,..."), from then until then in days. */
static void make(const char *name, const char *sans, EVP_PKEY *key, long from, long until)
{
	X509 *x509 = X509_new();
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
	    sans);
	FILE *chain = create(name, "crt");
	FILE *out = create(name, "key");

	X509_gmtime_adj(X509_getm_notBefore(x509), from * DAY_S);
	/* And an hour, so that days are whole ones. */
	X509_gmtime_adj(X509_getm_notAfter(x509), until * DAY_S + 3600);
	X509_set_pubkey(x509, key);
	X509_add_ext(x509, extension, -1);
	ck_assert_int_gt(X509_sign(x509, key,
	    EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256()), 0);
	ck_assert_int_eq(PEM_write_X509(chain, x509), 1);
	ck_assert_int_eq(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(chain);
	fclose(out);
	X509_EXTENSION_free(extension);
	X509_free(x509);
	EVP_PKEY_free(key);
}

static void make_good(const char *name, const char *sans)
{
	make(name, sans, EVP_EC_gen("P-256"), -1, 90);
}

static void append(FILE *out, const char *name, const char *ending)
{
	char *path = memory_printf("%s/%s.%s", rig.root, name, ending);
	FILE *in = fopen(path, "r");
	int c;

	ck_assert_ptr_nonnull(in);
	while ((c = fgetc(in)) != EOF) {
		fputc(c, out);
	}
	fclose(in);
	free(path);
}

static void build(const char *text)
{
	char *file = memory_printf("%s/f", rig.root);
	struct tls_identities *before = identities;

	config_free(config);
	config = configs_parse(file, text);
	identities = tls_identities_new(config, TLS_KEYS_HERE, before, policy,
	    &rig.problems);
	tls_identities_free(before);
	free(file);
}

static const struct tls_identity *find(const char *host)
{
	return tls_identities_find(identities, slice_of(host));
}

static void assert_warning(const char *what)
{
	ck_assert_uint_eq(rig.problems.errors, 0);
	ck_assert_uint_eq(rig.problems.count, 1);
	ck_assert_msg(strstr(rig.problems.items[0].what, what) != NULL, "%s",
	    rig.problems.items[0].what);
}

#define ONE "{\"certificates\":[{\"chain\":\"a.crt\",\"key\":\"a.key\"}]}"

START_TEST(one_certificate_is_that_of_every_name)
{
	make_good("a", "DNS:a.test");
	build(ONE);
	ck_assert_uint_eq(rig.problems.count, 0);
	ck_assert_ptr_nonnull(tls_identities_only(identities));
	ck_assert_ptr_eq(find(""), tls_identities_only(identities));
	ck_assert_ptr_eq(find("b.test"), tls_identities_only(identities));
}
END_TEST

START_TEST(kinds_of_keys_for_the_same_names_are_one_identity)
{
	make_good("a", "DNS:a.test,DNS:*.a.test");
	make("b", "DNS:*.A.test,DNS:a.test", EVP_RSA_gen(2048), -1, 90);
	build("{\"certificates\":[{\"chain\":\"a.crt\",\"key\":\"a.key\"},"
	    "{\"chain\":\"b.crt\",\"key\":\"b.key\"}]}");
	ck_assert_uint_eq(rig.problems.count, 0);
	ck_assert_ptr_nonnull(tls_identities_only(identities));
}
END_TEST

START_TEST(one_that_is_never_used_is_told_with_the_one_before_it)
{
	make_good("a", "DNS:a.test,DNS:b.test");
	make_good("b", "DNS:b.test");
	build("{\"certificates\":[{\"chain\":\"a.crt\",\"key\":\"a.key\"},"
	    "{\"chain\":\"b.crt\",\"key\":\"b.key\"}]}");
	assert_warning("b.crt' is never used: '");
	assert_warning("a.crt' stands before it");
	ck_assert_ptr_nonnull(strstr(rig.problems.items[0].where, "certificates[1]"));
}
END_TEST

START_TEST(one_that_has_a_name_to_itself_is_used)
{
	make_good("a", "DNS:a.test,DNS:b.test");
	make_good("b", "DNS:b.test,DNS:c.test");
	build("{\"certificates\":[{\"chain\":\"a.crt\",\"key\":\"a.key\"},"
	    "{\"chain\":\"b.crt\",\"key\":\"b.key\"}]}");
	ck_assert_uint_eq(rig.problems.count, 0);
	ck_assert_ptr_ne(find("b.test"), find("c.test"));
}
END_TEST

#define TWO "{\"certificates\":[{\"chain\":\"a.crt\",\"key\":\"a.key\"}],\"hosts\":[" \
	"{\"names\":[\"b.test\",\"*.b.test\"],\"certificates\":[" \
	"{\"chain\":\"b.crt\",\"key\":\"b.key\"}]}]}"

START_TEST(a_host_has_its_own_and_others_have_the_first)
{
	make_good("a", "DNS:a.test");
	make_good("b", "DNS:b.test,DNS:*.b.test");
	build(TWO);
	ck_assert_ptr_null(tls_identities_only(identities));
	ck_assert_ptr_eq(find("b.test"), find("x.b.test"));
	ck_assert_ptr_eq(find("a.test"), find("x.y.b.test"));
	ck_assert_ptr_eq(find(""), find("a.test"));
	ck_assert(!tls_identity_same(find("a.test"), find("b.test")));
	ck_assert(tls_identity_same(find("a.test"), find("a.test")));
}
END_TEST

START_TEST(a_broken_one_has_no_identity)
{
	struct config_shown shown = { 0 };

	make_good("a", "DNS:a.test");
	fclose(create("b", "key"));
	fclose(create("b", "crt"));
	build(TWO);
	ck_assert_uint_eq(rig.problems.errors, 2);
	ck_assert_ptr_null(find("b.test"));
	ck_assert_ptr_nonnull(find("a.test"));
	ck_assert(!tls_identity_same(find("a.test"), find("b.test")));
	ck_assert(!tls_identities_show(identities, &config->certificates[1], &shown));
	ck_assert_ptr_null(shown.pem);
}
END_TEST

START_TEST(what_is_shown_has_certificates_only_and_is_given_once)
{
	struct config_shown shown = { 0 };
	struct config_shown again = { 0 };
	X509 *x509;
	BIO *bio;
	FILE *both = create("both", "pem");

	make_good("a", "DNS:a.test,DNS:*.a.test");
	/* Chain and key in one file. */
	append(both, "a", "key");
	append(both, "a", "crt");
	fclose(both);
	build("{\"certificates\":[{\"chain\":\"both.pem\",\"key\":\"both.pem\"}]}");
	ck_assert_uint_eq(rig.problems.errors, 0);
	ck_assert(tls_identities_show(identities, &config->certificates[0], &shown));
	ck_assert(tls_identities_show(identities, &config->certificates[0], &again));
	ck_assert_ptr_nonnull(shown.pem);
	ck_assert_ptr_null(again.pem);
	ck_assert_str_eq(shown.names, "a.test, *.a.test");
	ck_assert_int_eq((shown.ends_s - shown.begins_s) / DAY_S, 91);
	ck_assert_ptr_null(strstr(shown.pem, "PRIVATE"));
	bio = BIO_new_mem_buf(shown.pem, -1);
	x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	ck_assert_ptr_nonnull(x509);
	X509_free(x509);
	BIO_free(bio);
	config_shown_release(&shown);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("identities");
	TCase *tcase = tcase_create("identities");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, one_certificate_is_that_of_every_name);
	tcase_add_test(tcase, kinds_of_keys_for_the_same_names_are_one_identity);
	tcase_add_test(tcase, one_that_is_never_used_is_told_with_the_one_before_it);
	tcase_add_test(tcase, one_that_has_a_name_to_itself_is_used);
	tcase_add_test(tcase, a_host_has_its_own_and_others_have_the_first);
	tcase_add_test(tcase, a_broken_one_has_no_identity);
	tcase_add_test(tcase, what_is_shown_has_certificates_only_and_is_given_once);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

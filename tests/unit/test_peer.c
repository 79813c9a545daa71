/* SPDX-License-Identifier: MIT */
/* What is said of a client that was asked for a certificate. */
#include "tls/peer.h"

#include <string.h>
#include <unistd.h>

#include "authority.h"
#include "rig.h"
#include "tls/clients.h"

static const unsigned char identity[TLS_TRUST_ID_BYTES];

static struct rig rig;
static struct authority root;
static struct authority other;
static EVP_PKEY *key;
static struct tls_client_auth any;
static struct meeting meeting;
static X509 *shown;
static struct tls_peer *peer;

static void set_up(void)
{
	struct config_client_auth config = { .where = "here", .ca = "ca.pem",
		.crl = "crl.pem" };
	struct problems problems;

	rig_open(&rig);
	ck_assert_int_eq(chdir(rig.root), 0);
	authority_open(&root, "root");
	authority_open(&other, "other");
	key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	/* The first that is issued is revoked. */
	shown = authority_issue(&root, key, "gone", -1, 1);
	authority_write("ca.pem", root.self);
	authority_write_list("crl.pem", authority_list(&root, shown, 9));
	X509_free(shown);
	shown = NULL;
	problems_init(&problems);
	any = (struct tls_client_auth){ CONFIG_CLIENTS_ANY,
		tls_trust_read(&config, TLS_KEYS_HERE, &problems), false };
	ck_assert_uint_eq(problems.count, 0);
	problems_release(&problems);
	peer = tls_peer_new(&any);
}

static void tear_down(void)
{
	tls_peer_free(peer);
	meeting_close(&meeting);
	X509_free(shown);
	tls_trust_unref(any.trust);
	authority_close(&root);
	authority_close(&other);
	EVP_PKEY_free(key);
	rig_close(&rig);
}

/* The client has that certificate; takes it. */
static void meet(X509 *certificate)
{
	shown = certificate;
	meeting_open(&meeting, &root, shown, key);
	ck_assert(tls_client_auth_offer(&any, meeting.server, identity));
	ck_assert(meeting_hold(&meeting));
}

static const char *fact(const char *name)
{
	return tls_peer_fact(peer, meeting.server, name);
}

START_TEST(of_one_that_has_none_there_is_only_that)
{
	meet(NULL);
	ck_assert_str_eq(fact("verify"), "none");
	ck_assert_ptr_null(fact("subject"));
	ck_assert_ptr_null(fact("fingerprint"));
	ck_assert(!tls_peer_shown(meeting.server));
}
END_TEST

START_TEST(of_a_good_one_all_is_told)
{
	meet(authority_issue(&root, key, "good", -1, 1));
	ck_assert(tls_peer_shown(meeting.server));
	ck_assert_str_eq(fact("verify"), "ok");
	ck_assert_str_eq(fact("subject"), "CN=good");
	ck_assert_str_eq(fact("issuer"), "CN=root");
	ck_assert_str_eq(fact("san"), "DNS:who.test");
	ck_assert_uint_eq(strlen(fact("fingerprint")), 64);
	ck_assert_ptr_nonnull(fact("serial"));
	ck_assert_ptr_nonnull(fact("not_before"));
	ck_assert_ptr_nonnull(fact("not_after"));
	/* Made once. */
	ck_assert_ptr_eq(fact("subject"), fact("subject"));
	ck_assert_ptr_null(fact("shoe_size"));
	ck_assert_ptr_null(fact(""));
}
END_TEST

static void expect_bad(const char *word)
{
	ck_assert_str_eq(fact("verify"), word);
	ck_assert(tls_peer_shown(meeting.server));
	ck_assert_ptr_nonnull(fact("subject"));
}

START_TEST(one_that_has_expired_is_called_so)
{
	meet(authority_issue(&root, key, "old", -2, -1));
	expect_bad("expired");
}
END_TEST

START_TEST(one_that_is_not_valid_yet_is_called_so)
{
	meet(authority_issue(&root, key, "young", 1, 2));
	expect_bad("not_yet_valid");
}
END_TEST

START_TEST(one_that_is_revoked_is_called_so)
{
	root.serial = 1;
	meet(authority_issue(&root, key, "gone", -1, 1));
	expect_bad("revoked");
}
END_TEST

START_TEST(one_of_another_ca_is_called_so)
{
	meet(authority_issue(&other, key, "stranger", -1, 1));
	expect_bad("unknown_ca");
}
END_TEST

START_TEST(one_that_it_has_issued_itself_is_called_so)
{
	struct authority self = { .key = key };

	meet(authority_issue(&self, key, "self", -1, 1));
	expect_bad("self_signed");
}
END_TEST

START_TEST(what_it_is_held_against_can_change)
{
	struct tls_client_auth next = { CONFIG_CLIENTS_REQUIRED, NULL, true };

	meet(NULL);
	ck_assert_ptr_eq(tls_peer_auth(peer), &any);
	tls_peer_set_auth(peer, &next);
	ck_assert_ptr_eq(tls_peer_auth(peer), &next);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("peer");
	TCase *tcase = tcase_create("peer");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, of_one_that_has_none_there_is_only_that);
	tcase_add_test(tcase, of_a_good_one_all_is_told);
	tcase_add_test(tcase, one_that_has_expired_is_called_so);
	tcase_add_test(tcase, one_that_is_not_valid_yet_is_called_so);
	tcase_add_test(tcase, one_that_is_revoked_is_called_so);
	tcase_add_test(tcase, one_of_another_ca_is_called_so);
	tcase_add_test(tcase, one_that_it_has_issued_itself_is_called_so);
	tcase_add_test(tcase, what_it_is_held_against_can_change);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

/* SPDX-License-Identifier: MIT */
/* Whose certificates are good: what files say, and what becomes of it on the way. */
#include "tls/trust.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authorities.h"

static struct config_client_auth config;
static struct problems problems;

static void set_up(void)
{
	authorities_open();
	problems_init(&problems);
	config = (struct config_client_auth){ .where = "here", .ca = "ca.pem" };
}

static void tear_down(void)
{
	config_trust_release(&config.trust);
	problems_release(&problems);
	authorities_close();
}

static void write_list(const struct authority *authority, const X509 *revoked,
    int end_days)
{
	authority_write_list("crl.pem", authority_list(authority, revoked, end_days));
	config.crl = "crl.pem";
}

static struct tls_trust *read_files(void)
{
	struct tls_trust *trust = tls_trust_read(&config, TLS_KEYS_HERE, &problems);

	ck_assert_msg(trust != NULL, "%s",
	    problems.count == 0 ? "" : problems.items[0].what);
	return trust;
}

/* Is the holder of a certificate let in by it, and does it go on? */
static bool admits(const struct tls_trust *trust, X509 *certificate)
{
	struct meeting meeting;
	bool in;

	meeting_open(&meeting, &root, certificate, key);
	SSL_set_verify(meeting.server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	    tls_trust_judge);
	ck_assert(tls_trust_offer(trust, meeting.server));
	in = meeting_hold(&meeting);
	ck_assert(!in || tls_trust_covers(trust, meeting.server));
	meeting_close(&meeting);
	return in;
}

START_TEST(lets_in_whom_the_ca_has_issued_and_nobody_else)
{
	struct tls_trust *trust = read_files();
	X509 *good = authority_issue(&root, key, "good", -1, 1);
	X509 *late = authority_issue(&root, key, "late", -2, -1);
	X509 *strange = authority_issue(&other, key, "strange", -1, 1);

	ck_assert(admits(trust, good));
	ck_assert(!admits(trust, late));
	ck_assert(!admits(trust, strange));
	ck_assert(!admits(trust, NULL));
	ck_assert(!tls_trust_is_over(trust, time(NULL) + 99 * AUTHORITY_DAY_S));
	X509_free(good);
	X509_free(late);
	X509_free(strange);
	tls_trust_unref(trust);
}
END_TEST

START_TEST(refuses_what_a_list_has_revoked)
{
	X509 *gone = authority_issue(&root, key, "gone", -1, 1);
	X509 *good = authority_issue(&root, key, "good", -1, 1);
	struct tls_trust *trust;

	write_list(&root, gone, 9);
	trust = read_files();
	ck_assert_uint_eq(problems.count, 0);
	ck_assert(!admits(trust, gone));
	ck_assert(admits(trust, good));
	X509_free(gone);
	X509_free(good);
	tls_trust_unref(trust);
}
END_TEST

START_TEST(what_was_admitted_before_is_held_against_another)
{
	X509 *gone = authority_issue(&root, key, "gone", -1, 1);
	struct tls_trust *before = read_files();
	struct tls_trust *after;
	struct meeting meeting;

	write_list(&root, gone, 9);
	after = read_files();
	meeting_open(&meeting, &root, gone, key);
	SSL_set_verify(meeting.server, SSL_VERIFY_PEER, tls_trust_judge);
	ck_assert(tls_trust_offer(before, meeting.server));
	ck_assert(meeting_hold(&meeting));
	ck_assert(tls_trust_covers(before, meeting.server));
	ck_assert(!tls_trust_covers(after, meeting.server));
	ck_assert(tls_trust_akin(before, after));
	ck_assert_mem_ne(tls_trust_id(before), tls_trust_id(after), TLS_TRUST_ID_BYTES);
	meeting_close(&meeting);
	X509_free(gone);
	tls_trust_unref(before);
	tls_trust_unref(after);
}
END_TEST

START_TEST(a_ca_before_or_after_its_time_is_told)
{
	static const struct {
		int begin_days;
		int end_days;
		const char *what;
	} times[] = {
		{ -9, -1, "the CA 'CN=late' has expired" },
		{ 1, 9, "the CA 'CN=late' is not valid yet" },
	};
	struct authority late = { .key = root.key };
	struct tls_trust *trust;

	late.self = authority_issue(&late, late.key, "late", times[_i].begin_days,
	    times[_i].end_days);
	authority_write("ca.pem", late.self);
	trust = read_files();
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.items[0].where, "here.client_ca");
	ck_assert_str_eq(problems.items[0].what, times[_i].what);
	X509_free(late.self);
	tls_trust_unref(trust);
}
END_TEST

START_TEST(a_list_that_has_ended_lets_nobody_in_and_is_told)
{
	X509 *good = authority_issue(&root, key, "good", -1, 1);
	struct tls_trust *trust;

	write_list(&root, NULL, -1);
	trust = read_files();
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.items[0].where, "here.client_crl");
	ck_assert_str_eq(problems.items[0].what, "the list of 'CN=root' has expired");
	ck_assert(tls_trust_is_over(trust, time(NULL)));
	ck_assert(!tls_trust_is_over(trust, time(NULL) - 2 * AUTHORITY_DAY_S));
	ck_assert(!admits(trust, good));
	X509_free(good);
	tls_trust_unref(trust);
}
END_TEST

START_TEST(a_ca_without_a_list_is_told)
{
	write_list(&other, NULL, 9);
	tls_trust_unref(read_files());
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.items[0].what,
	    "the CA 'CN=root' has no list in 'client_crl'");
}
END_TEST

START_TEST(what_is_shown_is_the_same_elsewhere)
{
	X509 *gone = authority_issue(&root, key, "gone", -1, 1);
	X509 *good = authority_issue(&root, key, "good", -1, 1);
	struct config_trust nothing;
	struct tls_trust *read;
	struct tls_trust *taken;

	write_list(&root, gone, 9);
	read = read_files();
	tls_trust_show(read, &config.trust);
	/* Others have the same files. */
	tls_trust_show(read, &nothing);
	ck_assert_ptr_null(nothing.cas);
	ck_assert_ptr_null(nothing.lists);
	ck_assert_int_eq(unlink("ca.pem"), 0);
	ck_assert_int_eq(unlink("crl.pem"), 0);
	taken = tls_trust_read(&config, TLS_KEYS_KEPT, &problems);
	ck_assert_mem_eq(tls_trust_id(read), tls_trust_id(taken), TLS_TRUST_ID_BYTES);
	ck_assert(admits(taken, good));
	ck_assert(!admits(taken, gone));
	ck_assert(tls_trust_current(taken, &config.trust));
	config.trust.lists[strlen(config.trust.lists) / 2] ^= 1;
	ck_assert(!tls_trust_current(taken, &config.trust));
	X509_free(gone);
	X509_free(good);
	tls_trust_unref(read);
	tls_trust_unref(taken);
}
END_TEST

START_TEST(what_is_not_shown_whole_is_not_taken)
{
	struct tls_trust *read;

	ck_assert_ptr_null(tls_trust_read(&config, TLS_KEYS_KEPT, &problems));
	write_list(&root, NULL, 9);
	read = read_files();
	tls_trust_show(read, &config.trust);
	free(config.trust.lists);
	config.trust.lists = NULL;
	ck_assert_ptr_null(tls_trust_read(&config, TLS_KEYS_KEPT, &problems));
	tls_trust_unref(read);
}
END_TEST

static const struct {
	const char *ca;
	const char *crl;
	const char *where;
	const char *what;
} bad[] = {
	{ "none", NULL, "here.client_ca",
	  "cannot read 'none': No such file or directory" },
	{ "fifo", NULL, "here.client_ca", "cannot read 'fifo': it is no regular file" },
	{ ".", NULL, "here.client_ca", "cannot read '.': Is a directory" },
	{ "text", NULL, "here.client_ca", "there is no certificate in 'text'" },
	{ "ca.pem", "text", "here.client_crl", "there is no revocation list in 'text'" },
	{ "ca.pem", "cut", "here.client_crl", "cannot use 'cut': bad end line" },
	{ "ca.pem", "forged", "here.client_crl",
	  "the list of 'CN=root' is not signed by the CA of that name in 'ca.pem'" },
};

START_TEST(files_of_no_use_are_told)
{
	struct authority forger;
	FILE *out;

	authority_open(&forger, "root");
	authority_write_list("forged", authority_list(&forger, NULL, 9));
	authority_write_list("cut", authority_list(&root, NULL, 9));
	ck_assert_int_eq(truncate("cut", 150), 0);
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	out = fopen("text", "w");
	fputs("text\n", out);
	fclose(out);
	config.ca = (char *)bad[_i].ca;
	config.crl = (char *)bad[_i].crl;
	ck_assert_ptr_null(tls_trust_read(&config, TLS_KEYS_HERE, &problems));
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_str_eq(problems.items[0].where, bad[_i].where);
	ck_assert_str_eq(problems.items[0].what, bad[_i].what);
	authority_close(&forger);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trust");
	TCase *tcase = tcase_create("trust");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, lets_in_whom_the_ca_has_issued_and_nobody_else);
	tcase_add_test(tcase, refuses_what_a_list_has_revoked);
	tcase_add_test(tcase, what_was_admitted_before_is_held_against_another);
	tcase_add_loop_test(tcase, a_ca_before_or_after_its_time_is_told, 0, 2);
	tcase_add_test(tcase, a_list_that_has_ended_lets_nobody_in_and_is_told);
	tcase_add_test(tcase, a_ca_without_a_list_is_told);
	tcase_add_test(tcase, what_is_shown_is_the_same_elsewhere);
	tcase_add_test(tcase, what_is_not_shown_whole_is_not_taken);
	tcase_add_loop_test(tcase, files_of_no_use_are_told, 0,
	    sizeof(bad) / sizeof(bad[0]));
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

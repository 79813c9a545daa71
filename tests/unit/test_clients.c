/* SPDX-License-Identifier: MIT */
/* What is demanded of which client, who is let in by it, and who goes on. */
#include "tls/clients.h"

#include <string.h>
#include <unistd.h>

#include "authorities.h"
#include "base/hostname.h"
#include "configs.h"

static const char text[] = "{ \"tls\": { \"client_auth\": \"optional\","
    "\"client_ca\": \"ca.pem\" }, \"listeners\": [ { \"address\": \":1\" },"
    "{ \"address\": \":2\", \"tls\": { \"client_auth\": \"none\" } } ],"
    "\"hosts\": [ { \"names\": [ \"plain.test\" ] },"
    "{ \"names\": [ \"strict.test\" ], \"tls\": { \"client_auth\": \"required\" } },"
    "{ \"names\": [ \"any.test\" ], \"tls\": { \"client_auth\": \"any\" } },"
    "{ \"names\": [ \"other.test\" ], \"tls\": { \"client_auth\": \"required\","
    "\"client_ca\": \"other.pem\" } } ] }";

static const unsigned char identity[TLS_TRUST_ID_BYTES] = { 7 };

static struct config *config;
static struct problems problems;
static struct tls_clients *clients;

static void set_up(void)
{
	char file[100];

	authorities_open();
	problems_init(&problems);
	authority_write("other.pem", other.self);
	snprintf(file, sizeof(file), "%s/server.json", rig.root);
	config = configs_parse(file, text);
	clients = tls_clients_new(config, TLS_KEYS_HERE, NULL, &problems);
	ck_assert_uint_eq(problems.count, 0);
}

static void tear_down(void)
{
	tls_clients_free(clients);
	config_free(config);
	problems_release(&problems);
	authorities_close();
}

static const struct tls_client_auth *find(size_t listener, const char *host)
{
	return tls_clients_find(clients, listener, slice_of(host));
}

/* As workers have it. */
static struct tls_clients *pass_on(const struct tls_clients *before)
{
	struct config_client_auth *auth;

	for (size_t i = 0; (auth = config_clients_at(config, i)) != NULL; i++) {
		config_trust_release(&auth->trust);
		ck_assert(tls_clients_show(clients, auth, &auth->trust));
	}
	return tls_clients_new(config, TLS_KEYS_KEPT, before, &problems);
}

START_TEST(a_host_stands_before_a_listener_and_that_before_the_server)
{
	ck_assert_int_eq(find(0, "")->mode, CONFIG_CLIENTS_OPTIONAL);
	ck_assert_int_eq(find(0, "plain.test")->mode, CONFIG_CLIENTS_OPTIONAL);
	ck_assert_int_eq(find(1, "plain.test")->mode, CONFIG_CLIENTS_NONE);
	ck_assert_int_eq(find(1, "strict.test")->mode, CONFIG_CLIENTS_REQUIRED);
	ck_assert_int_eq(find(0, "any.test")->mode, CONFIG_CLIENTS_ANY);
	ck_assert_int_eq(find(9, "nobody.test")->mode, CONFIG_CLIENTS_OPTIONAL);
}
END_TEST

START_TEST(the_same_files_are_read_once_and_shown_once)
{
	struct tls_clients *taken;
	size_t shown = 0;
	struct config_client_auth *auth;

	ck_assert_ptr_eq(find(0, "")->trust, find(0, "strict.test")->trust);
	ck_assert_ptr_ne(find(0, "")->trust, find(0, "other.test")->trust);
	taken = pass_on(NULL);
	for (size_t i = 0; (auth = config_clients_at(config, i)) != NULL; i++) {
		shown += auth->trust.cas != NULL;
	}
	ck_assert_uint_eq(shown, 2);
	ck_assert(!tls_clients_find(taken, 0, SLICE("strict.test"))->broken);
	tls_clients_free(taken);
}
END_TEST

START_TEST(what_has_not_changed_is_taken_over)
{
	struct tls_clients *first = pass_on(NULL);
	struct tls_clients *second;
	struct slice host = SLICE("other.test");

	tls_clients_free(clients);
	authority_write("ca.pem", other.self);
	clients = tls_clients_new(config, TLS_KEYS_HERE, NULL, &problems);
	second = pass_on(first);
	ck_assert_ptr_eq(tls_clients_find(first, 0, host)->trust,
	    tls_clients_find(second, 0, host)->trust);
	ck_assert_ptr_ne(tls_clients_find(first, 0, SLICE(""))->trust,
	    tls_clients_find(second, 0, SLICE(""))->trust);
	tls_clients_free(first);
	tls_clients_free(second);
}
END_TEST

START_TEST(a_broken_file_costs_those_it_is_for)
{
	ck_assert_int_eq(truncate("other.pem", 40), 0);
	tls_clients_free(clients);
	clients = tls_clients_new(config, TLS_KEYS_HERE, NULL, &problems);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert(find(0, "other.test")->broken);
	ck_assert(!find(0, "strict.test")->broken);
	problems_release(&problems);
	problems_init(&problems);
	/* One that is known already stops nothing. */
	config->vhosts[4].clients.tolerated = true;
	tls_clients_free(clients);
	clients = tls_clients_new(config, TLS_KEYS_HERE, NULL, &problems);
	ck_assert_uint_eq(problems.errors, 0);
	ck_assert_uint_eq(problems.count, 1);
}
END_TEST

START_TEST(nothing_is_there_where_nothing_is_demanded)
{
	struct config *none = configs_parse("f", "{}");

	ck_assert_ptr_null(tls_clients_new(none, TLS_KEYS_HERE, NULL, &problems));
	tls_clients_free(NULL);
	config_free(none);
}
END_TEST

/* A client of one of the three kinds, at the door of that host. */
struct guest {
	const char *host;
	const struct authority *by;	/* NULL: has none */
	bool in;
	/* Where else on the connection it may go. */
	bool to_strict;
	bool to_any;
	bool to_plain;
};

static const struct guest guests[] = {
	{ "plain.test", NULL, true, false, true, true },
	{ "plain.test", &root, true, true, true, true },
	{ "plain.test", &other, false, false, false, false },
	{ "strict.test", NULL, false, false, false, false },
	{ "strict.test", &root, true, true, true, true },
	{ "strict.test", &other, false, false, false, false },
	{ "any.test", NULL, true, false, true, true },
	{ "any.test", &root, true, true, true, true },
	{ "any.test", &other, true, false, true, false },
	{ "other.test", &other, true, false, false, false },
};

START_TEST(who_is_let_in_and_where_else)
{
	const struct guest *guest = &guests[_i];
	const struct tls_client_auth *then = find(0, guest->host);
	X509 *shown = guest->by == NULL ? NULL :
	    authority_issue((struct authority *)guest->by, key, "guest", -1, 1);
	struct meeting meeting;

	meeting_open(&meeting, &root, shown, key);
	ck_assert(tls_client_auth_offer(then, meeting.server, identity));
	ck_assert_int_eq(meeting_hold(&meeting), guest->in);
	if (guest->in) {
		SSL *ssl = meeting.server;

		ck_assert(tls_client_auth_admits(then, then, ssl));
		ck_assert_int_eq(tls_client_auth_admits(find(0, "strict.test"), then,
		    ssl), guest->to_strict);
		ck_assert_int_eq(tls_client_auth_admits(find(0, "any.test"), then,
		    ssl), guest->to_any);
		ck_assert_int_eq(tls_client_auth_admits(find(0, "plain.test"), then,
		    ssl), guest->to_plain);
		/* Who was asked is not as good as who was not. */
		ck_assert(!tls_client_auth_admits(find(1, ""), then, ssl));
	}
	meeting_close(&meeting);
	X509_free(shown);
}
END_TEST

START_TEST(one_that_is_broken_opens_no_connection)
{
	struct tls_client_auth broken = { CONFIG_CLIENTS_REQUIRED, NULL, true };
	struct meeting meeting;

	meeting_open(&meeting, &root, NULL, NULL);
	ck_assert(!tls_client_auth_offer(&broken, meeting.server, identity));
	ck_assert(!tls_client_auth_admits(&broken, &broken, meeting.server));
	meeting_close(&meeting);
}
END_TEST

START_TEST(sessions_of_whose_certificate_has_ended_are_not_resumed)
{
	const struct tls_client_auth *any = find(0, "any.test");
	static const int ends[] = { 0, -1, 1 };	/* 0: has none */

	for (size_t i = 0; i < 3; i++) {
		X509 *shown = ends[i] == 0 ? NULL :
		    authority_issue(&root, key, "guest", -9, ends[i]);
		struct meeting meeting;

		meeting_open(&meeting, &root, shown, key);
		ck_assert(tls_client_auth_offer(any, meeting.server, identity));
		ck_assert(meeting_hold(&meeting));
		ck_assert_int_eq(tls_client_auth_resumes(any,
		    SSL_get_session(meeting.server)), ends[i] >= 0);
		meeting_close(&meeting);
		X509_free(shown);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clients");
	TCase *tcase = tcase_create("clients");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase,
	    a_host_stands_before_a_listener_and_that_before_the_server);
	tcase_add_test(tcase, the_same_files_are_read_once_and_shown_once);
	tcase_add_test(tcase, what_has_not_changed_is_taken_over);
	tcase_add_test(tcase, a_broken_file_costs_those_it_is_for);
	tcase_add_test(tcase, nothing_is_there_where_nothing_is_demanded);
	tcase_add_loop_test(tcase, who_is_let_in_and_where_else, 0,
	    sizeof(guests) / sizeof(guests[0]));
	tcase_add_test(tcase, one_that_is_broken_opens_no_connection);
	tcase_add_test(tcase, sessions_of_whose_certificate_has_ended_are_not_resumed);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

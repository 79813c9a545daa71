/* SPDX-License-Identifier: MIT */
/* What is demanded of whom; what is refused is in tests/config/bad. */
#include "configs.h"

static struct config *config;

static void tear_down(void)
{
	config_free(config);
}

static void parse(void)
{
	config = configs_parse("f", "{ \"tls\": { \"client_ca\": \"ca\","
	    "\"client_crl\": \"crl\" }, \"listeners\": [ { \"address\": \":1\" },"
	    "{ \"address\": \":2\", \"tls\": { \"client_auth\": \"optional\" } } ],"
	    "\"hosts\": [ { \"names\": [ \"a\" ] }, { \"names\": [ \"b\" ],"
	    "\"tls\": { \"client_auth\": \"required\", \"client_ca\": \"other\" } },"
	    "{ \"names\": [ \"c\" ], \"tls\": { \"client_auth\": \"none\" } } ] }");
}

static enum config_clients mode_of(size_t listener, size_t vhost)
{
	return config_clients_of(config, listener, vhost)->mode;
}

START_TEST(nothing_is_demanded_unless_said)
{
	config = configs_parse("f", "{}");
	ck_assert_int_eq(mode_of(0, 0), CONFIG_CLIENTS_NONE);
	ck_assert_ptr_eq(config_clients_at(config, 0), &config->clients);
	ck_assert_ptr_null(config_clients_at(config, 1));
}
END_TEST

START_TEST(a_host_stands_before_a_listener_and_that_before_the_server)
{
	parse();
	ck_assert_int_eq(mode_of(0, 1), CONFIG_CLIENTS_NONE);
	ck_assert_int_eq(mode_of(1, 0), CONFIG_CLIENTS_OPTIONAL);
	ck_assert_int_eq(mode_of(1, 1), CONFIG_CLIENTS_OPTIONAL);
	ck_assert_int_eq(mode_of(1, 2), CONFIG_CLIENTS_REQUIRED);
	ck_assert_int_eq(mode_of(1, 3), CONFIG_CLIENTS_NONE);
	ck_assert_int_eq(mode_of(9, 0), CONFIG_CLIENTS_NONE);
	ck_assert_ptr_nonnull(config_clients_at(config, 3));
	ck_assert_ptr_null(config_clients_at(config, 4));
}
END_TEST

START_TEST(lists_are_inherited_with_their_cas_alone)
{
	parse();
	ck_assert_str_eq(config_clients_of(config, 1, 0)->ca, "ca");
	ck_assert_str_eq(config_clients_of(config, 1, 0)->crl, "crl");
	ck_assert_str_eq(config_clients_of(config, 0, 2)->ca, "other");
	ck_assert_ptr_null(config_clients_of(config, 0, 2)->crl);
	ck_assert_ptr_null(config_clients_of(config, 0, 3)->ca);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_auth");
	TCase *tcase = tcase_create("client_auth");

	tcase_add_checked_fixture(tcase, NULL, tear_down);
	tcase_add_test(tcase, nothing_is_demanded_unless_said);
	tcase_add_test(tcase, a_host_stands_before_a_listener_and_that_before_the_server);
	tcase_add_test(tcase, lists_are_inherited_with_their_cas_alone);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

/* SPDX-License-Identifier: MIT */
/* "hosts": what a good one becomes; what is refused is in tests/config/bad. */
#include "base/memory.h"
#include "configs.h"

static struct config *config;

static void tear_down(void)
{
	config_free(config);
}

START_TEST(without_hosts_there_is_the_default_host)
{
	config = configs_parse("f", "{ \"routes\": [ { \"path\": \"/\","
	    "\"handler\": \"a\" } ] }");
	ck_assert_uint_eq(config->vhost_count, 1);
	ck_assert_str_eq(config->vhosts[0].where, "f");
	ck_assert_ptr_null(config->vhosts[0].names[0]);
	ck_assert_uint_eq(config->routes[0].vhost, 0);
	ck_assert_uint_eq(config->certificates[0].vhost, 0);
}
END_TEST

START_TEST(a_host_has_names_routes_and_certificates)
{
	config = configs_parse("f", "{ \"hosts\": [\n"
	    "{ \"names\": [ \"A.test.\", \"*.B.test\" ], \"routes\": ["
	    "{ \"path\": \"/x\", \"handler\": \"x\" } ] },\n"
	    "{ \"names\": [ \"c.test\" ], \"certificates\": ["
	    "{ \"chain\": \"c\", \"key\": \"k\" } ], \"routes\": ["
	    "{ \"path\": \"/x\", \"handler\": \"y\" } ] } ],\n"
	    "\"routes\": [ { \"path\": \"/x\", \"handler\": \"z\" } ],"
	    "\"certificates\": [ { \"chain\": \"d\", \"key\": \"l\" } ] }");
	ck_assert_uint_eq(config->vhost_count, 3);
	ck_assert_str_eq(config->vhosts[1].where, "f:2: hosts[0]");
	ck_assert_str_eq(config->vhosts[1].names[0], "a.test");
	ck_assert_str_eq(config->vhosts[1].names[1], "*.b.test");
	ck_assert_ptr_null(config->vhosts[1].names[2]);
	ck_assert_uint_eq(config->route_count, 3);
	ck_assert_str_eq(config->routes[0].where, "f:2: hosts[0].routes[0]");
	ck_assert_uint_eq(config->routes[0].vhost, 1);
	ck_assert_uint_eq(config->routes[1].vhost, 2);
	ck_assert_uint_eq(config->routes[2].vhost, 0);
	ck_assert_uint_eq(config->certificate_count, 2);
	ck_assert_uint_eq(config->certificates[0].vhost, 2);
	ck_assert_uint_eq(config->certificates[1].vhost, 0);
	ck_assert(!config->development_certificate);
}
END_TEST

START_TEST(the_names_of_all_hosts_stand_in_one_list)
{
	char **names;

	config = configs_parse("f", "{ \"hosts\": [ { \"names\": [ \"a.test\","
	    "\"b.test\" ] }, { \"names\": [ \"c.test\" ] } ] }");
	names = config_host_names(config);
	ck_assert_str_eq(names[0], "a.test");
	ck_assert_str_eq(names[1], "b.test");
	ck_assert_str_eq(names[2], "c.test");
	ck_assert_ptr_null(names[3]);
	memory_free_texts(names);
}
END_TEST

START_TEST(a_handler_of_a_host_is_routed_to)
{
	config = configs_parse("f", "{ \"hosts\": [ { \"names\": [ \"a.test\" ],"
	    "\"routes\": [ { \"path\": \"/x\", \"handler\": \"x\" } ] } ] }");
	ck_assert(config_routes_to(config, "x"));
	ck_assert(!config_routes_to(config, "y"));
}
END_TEST

START_TEST(no_certificate_is_made_where_a_host_has_one)
{
	config = configs_parse("f", "{ \"certificates\": [], \"hosts\": ["
	    "{ \"names\": [ \"a.test\" ], \"certificates\": ["
	    "{ \"chain\": \"c\", \"key\": \"k\" } ] } ] }");
	ck_assert(!config->development_certificate);
	ck_assert_uint_eq(config->certificate_count, 1);
	config_free(config);
	config = configs_parse("f", "{ \"hosts\": [ { \"names\": [ \"a.test\" ] } ] }");
	ck_assert(config->development_certificate);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vhosts");
	TCase *tcase = tcase_create("vhosts");

	tcase_add_checked_fixture(tcase, NULL, tear_down);
	tcase_add_test(tcase, without_hosts_there_is_the_default_host);
	tcase_add_test(tcase, a_host_has_names_routes_and_certificates);
	tcase_add_test(tcase, the_names_of_all_hosts_stand_in_one_list);
	tcase_add_test(tcase, a_handler_of_a_host_is_routed_to);
	tcase_add_test(tcase, no_certificate_is_made_where_a_host_has_one);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

/* SPDX-License-Identifier: MIT */
/* Addresses to listen on; what is refused is in tests/config/bad. */
#include "configs.h"

static void assert_address(const char *address, const char *host, uint16_t port)
{
	struct config *config;
	char text[256];

	snprintf(text, sizeof(text), "{ \"listeners\": [ { \"address\": \"%s\" } ] }",
	    address);
	config = configs_parse("f", text);
	ck_assert_uint_eq(config->listener_count, 1);
	ck_assert_str_eq(config->listeners[0].where, "f:1: listeners[0]");
	ck_assert_str_eq(config->listeners[0].address, address);
	ck_assert_str_eq(config->listeners[0].host, host);
	ck_assert_uint_eq(config->listeners[0].port, port);
	config_free(config);
}

START_TEST(addresses_have_a_host_and_a_port)
{
	assert_address("127.0.0.1:8443", "127.0.0.1", 8443);
	assert_address("localhost:1", "127.0.0.1", 1);
	assert_address("[::1]:65535", "::1", 65535);
	assert_address("*:443", "", 443);
	assert_address(":443", "", 443);
	assert_address("0.0.0.0:00443", "0.0.0.0", 443);
	assert_address("[::]:0", "::", 0);
}
END_TEST

START_TEST(ipv6_addresses_have_one_form)
{
	assert_address("[0:0:0::0001]:1", "::1", 1);
	assert_address("[2001:DB8::A]:1", "2001:db8::a", 1);
}
END_TEST

START_TEST(other_forms_are_refused)
{
	static const char *const bad[] = {
		"", ":", "8443", "a", "a:", "127.0.0.1", "127.1:1", "127.0.0.1:-1",
		"127.0.0.1:+1", "127.0.0.1: 1", "127.0.0.1:1 ", "127.0.0.1:0x1",
		"127.0.0.1:65536", "127.0.0.1:100000", "[::1]", "[::1]1", "::1",
		"::1:8443",
		"[127.0.0.1]:1", "[fe80::1%eth0]:1", "[:1", "[]:1", "]:1",
		"**:1", "https://a:1",
	};
	char text[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct problems problems;
		struct config *config;

		problems_init(&problems);
		snprintf(text, sizeof(text),
		    "{ \"listeners\": [ { \"address\": \"%s\" } ] }", bad[i]);
		config = config_parse("f", text, strlen(text), &problems);
		ck_assert_msg(problems.errors == 1, "%s was taken", bad[i]);
		ck_assert_uint_eq(config->listener_count, 0);
		config_free(config);
		problems_release(&problems);
	}
}
END_TEST

START_TEST(a_listener_speaks_https_unless_it_has_a_stream)
{
	struct config *config = configs_parse("f", "{ \"listeners\": ["
	    "{ \"address\": \":1\" },"
	    "{ \"address\": \":2\", \"stream\": \"echo\" },"
	    "{ \"address\": \":3\", \"stream\": \"echo\","
	    "\"settings\": { \"a\": true } } ] }");
	struct config_listener *listeners = config->listeners;

	ck_assert_uint_eq(config->listener_count, 3);
	ck_assert_ptr_null(listeners[0].stream);
	ck_assert_str_eq(listeners[1].stream, "echo");
	ck_assert_uint_eq(listeners[1].stream_settings.count, 0);
	ck_assert_str_eq(listeners[2].stream, "echo");
	ck_assert_str_eq(settings_find(&listeners[2].stream_settings, "a")->where,
	    "f:1: listeners[2].settings.a");
	config_free(config);
}
END_TEST

START_TEST(a_listener_without_tls_redirects)
{
	struct config *config = configs_parse("f", "{ \"listeners\": ["
	    "{ \"address\": \":1\" },"
	    "{ \"address\": \":2\", \"tls\": false, \"redirect\": \"https\" },"
	    "{ \"address\": \":3\", \"tls\": false, \"redirect\": \"https:443\" } ] }");
	struct config_listener *listeners = config->listeners;

	ck_assert_uint_eq(config->listener_count, 3);
	ck_assert(listeners[0].tls && !listeners[1].tls && !listeners[2].tls);
	ck_assert_uint_eq(listeners[1].redirect_port, 0);
	ck_assert_uint_eq(listeners[2].redirect_port, 443);
	config_free(config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listeners");
	TCase *tcase = tcase_create("listeners");

	tcase_add_test(tcase, addresses_have_a_host_and_a_port);
	tcase_add_test(tcase, ipv6_addresses_have_one_form);
	tcase_add_test(tcase, other_forms_are_refused);
	tcase_add_test(tcase, a_listener_speaks_https_unless_it_has_a_stream);
	tcase_add_test(tcase, a_listener_without_tls_redirects);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

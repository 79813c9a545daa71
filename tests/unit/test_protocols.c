/* SPDX-License-Identifier: MIT */
/* The list of ALPN names; what a handshake makes of it is in test_session_alpn. */
#include "tls/protocols.h"

#include "configs.h"

static void assert_list(const char *alpn, bool with_http, const char *expected)
{
	char text[1024];
	struct config *config;
	struct tls_protocols *protocols;
	struct slice list;

	snprintf(text, sizeof(text), "{ \"alpn\": %s }", alpn);
	config = configs_parse("f", text);
	protocols = tls_protocols_new(config);
	config_free(config);
	list = tls_protocols_list(protocols, with_http);
	ck_assert_msg(slice_equal(list, slice_of(expected)), "%.*s", (int)list.size,
	    list.data);
	tls_protocols_free(protocols);
}

START_TEST(names_of_the_configuration_come_first_in_its_order)
{
	assert_list("{ \"z\": \"echo\", \"tincan-echo\": \"echo\" }", true,
	    "\x01z\x0btincan-echo\x02h2\x08http/1.1");
	assert_list("{}", true, "\x02h2\x08http/1.1");
}
END_TEST

START_TEST(http_can_be_left_out)
{
	assert_list("{ \"z\": \"echo\" }", false, "\x01z");
	assert_list("{}", false, "");
}
END_TEST

START_TEST(the_longest_name_fits)
{
	char alpn[300];
	char expected[300];

	snprintf(alpn, sizeof(alpn), "{ \"%0255d\": \"echo\" }", 0);
	snprintf(expected, sizeof(expected), "\xff%0255d", 0);
	assert_list(alpn, false, expected);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("protocols");
	TCase *tcase = tcase_create("protocols");

	tcase_add_test(tcase, names_of_the_configuration_come_first_in_its_order);
	tcase_add_test(tcase, http_can_be_left_out);
	tcase_add_test(tcase, the_longest_name_fits);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

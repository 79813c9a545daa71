/* SPDX-License-Identifier: MIT */
/* Networks: what is one, and who is in it. */
#include "base/network.h"

#include <arpa/inet.h>
#include <string.h>

#include "unit.h"

static const struct {
	const char *network;
	const char *in;
	const char *out;	/* NULL: none is */
} rows[] = {
	{ "127.0.0.1", "127.0.0.1", "127.0.0.2" },
	{ "10.0.0.0/8", "10.255.1.2", "11.0.0.0" },
	{ "192.0.2.0/25", "192.0.2.127", "192.0.2.128" },
	{ "192.0.2.128/31", "192.0.2.129", "192.0.2.130" },
	{ "0.0.0.0/0", "255.255.255.255", "2001:db8::1" },
	{ "::/0", "1.2.3.4", NULL },
	{ "::1", "::1", "127.0.0.1" },
	{ "fe80::/10", "febf::1", "fec0::1" },
	{ "2001:db8::/127", "2001:db8::1", "2001:db8::2" },
	{ "::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3" },
	{ "2001:db8::1/128", "2001:db8::1", "2001:db8::3" },
};

static const char *const bad[] = { "", "/", "/8", "10.0.0.0/", "10.0.0.0/33",
	"10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/ 8", "10.0.0.0/8 ", "10.0.0.0/0008",
	"10.0.0.0/8/8", "::/129", "10.0/8",
	"localhost", "*", "unix", "[::1]", "1.2.3.4:80", "fe80::1%eth0",
	"00000000000000000000000000000000000000000000000000::1" };

static bool has(const struct network *network, const char *text)
{
	unsigned char address[NETWORK_ADDRESS_BYTES];
	unsigned char v4[4];

	if (inet_pton(AF_INET, text, v4) == 1) {
		network_map(v4, address);
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, text, address), 1);
	}
	return network_has(network, address);
}

START_TEST(has_the_addresses_with_its_prefix)
{
	struct network network;

	ck_assert_int_eq(network_parse(rows[_i].network, &network), 0);
	ck_assert(has(&network, rows[_i].in));
	ck_assert(rows[_i].out == NULL || !has(&network, rows[_i].out));
}
END_TEST

static const char *const unclear[] = { "10.0.0.1/8", "192.0.2.64/25", "::1/127",
	"1.2.3.4/0", "2001:db8:8000::/32" };

START_TEST(refuses_bits_behind_the_prefix)
{
	struct network network;

	ck_assert_int_eq(network_parse(unclear[_i], &network), ERR_LIMIT);
}
END_TEST

START_TEST(refuses_what_is_none)
{
	struct network network;

	ck_assert_int_eq(network_parse(bad[_i], &network), ERR_INVALID);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("network");
	TCase *tests = tcase_create("network");

	tcase_add_loop_test(tests, has_the_addresses_with_its_prefix, 0,
	    sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(tests, refuses_what_is_none, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_loop_test(tests, refuses_bits_behind_the_prefix, 0,
	    sizeof(unclear) / sizeof(unclear[0]));
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}

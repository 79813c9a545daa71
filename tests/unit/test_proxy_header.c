/* SPDX-License-Identifier: MIT */
/* The PROXY protocol: every byte of a header counts, and none behind it. */
#include "os/proxy_header.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define START "\r\n\r\n\0\r\nQUIT\n"
#define TEXT(literal_) { "" literal_, sizeof(literal_) - 1 }
#define ZEROS_12 "\0\0\0\0\0\0\0\0\0\0\0\0"
#define ZEROS_36 ZEROS_12 ZEROS_12 ZEROS_12
#define ZEROS_216 ZEROS_36 ZEROS_36 ZEROS_36 ZEROS_36 ZEROS_36 ZEROS_36

/* Headers, and the two ends that they name; NULL: those of the connection. */
static const struct {
	struct slice text;
	const char *client;
	const char *server;
} good[] = {
	{ TEXT("PROXY TCP4 192.0.2.1 198.51.100.2 1 65535\r\n"), "192.0.2.1:1",
	    "198.51.100.2:65535" },
	{ TEXT("PROXY TCP4 255.255.255.255 0.0.0.0 0 443\r\n"), "255.255.255.255:0",
	    "0.0.0.0:443" },
	{ TEXT("PROXY TCP6 2001:db8::1 ::1 4711 443\r\n"), "[2001:db8::1]:4711",
	    "[::1]:443" },
	{ TEXT("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535" },
	{ TEXT("PROXY TCP6 ::ffff:192.0.2.1 ::1 4711 443\r\n"), "192.0.2.1:4711",
	    "[::1]:443" },
	{ TEXT("PROXY UNKNOWN\r\n"), NULL, NULL },
	{ TEXT("PROXY UNKNOWN \r\n"), NULL, NULL },
	{ TEXT("PROXY UNKNOWN whatever it  is\r\n"), NULL, NULL },
	{ TEXT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"), NULL, NULL },
	{ TEXT(START "\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x12\x67\x01\xbb"),
	    "192.0.2.1:4711", "198.51.100.2:443" },
	{ TEXT(START "\x21\x11\0\x10\xc0\0\x02\x01\xc6\x33\x64\x02\x12\x67\x01\xbb"
	    "\x04\0\x01x"), "192.0.2.1:4711", "198.51.100.2:443" },
	{ TEXT(START "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x01\x01\xbb"),
	    "[2001:db8::1]:1", "[::1]:443" },
	{ TEXT(START "\x21\x31\0\xd8" ZEROS_216), "unix:", "unix:" },
	{ TEXT(START "\x21\0\0\0"), NULL, NULL },
	{ TEXT(START "\x21\x01\0\x03" "abc"), NULL, NULL },
	{ TEXT(START "\x20\0\0\0"), NULL, NULL },
	{ TEXT(START "\x20\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x12\x67\x01\xbb"),
	    NULL, NULL },
	{ TEXT(START "\x20\xff\0\x01x"), NULL, NULL },
};

static const struct slice bad[] = {
	TEXT("GET / HTTP/1.1\r\n"),
	TEXT("\x16\x03\x01"),
	TEXT("\n"),
	TEXT("proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n"),
	TEXT("POST / HTTP/1.1\r\n"),
	TEXT("PROXY\r\n"),
	TEXT("PROXY \r\n"),
	TEXT("PROXY  TCP4 192.0.2.1 198.51.100.2 1 2\r\n"),
	TEXT("PROXY\tTCP4 192.0.2.1 198.51.100.2 1 2\r\n"),
	TEXT("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n"),
	TEXT("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\r\n"),
	TEXT("PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n"),
	TEXT("PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n"),
	TEXT("PROXY TCP4 192.0.2.1  198.51.100.2 1 2\r\n"),
	TEXT("PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n"),
	TEXT("PROXY TCP4 192.0.2.1 198.51.100.2\r\n"),
	TEXT("PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n"),
	TEXT("PROXY TCP4 192.0.2.1 198.51.100.2 99999 2\r\n"),
	TEXT("PROXY TCP4 192.0.2.1 198.51.100.2 4294967297 2\r\n"),
	TEXT("PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n"),
	TEXT("PROXY TCP4 192.0.2.1 198.51.100.2 -1 2\r\n"),
	TEXT("PROXY TCP4 192.0.2.1 198.51.100.2 0x1 2\r\n"),
	TEXT("PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n"),
	TEXT("PROXY TCP4 192.0.2.1\0 198.51.100.2 1 2\r\n"),
	TEXT("PROXY TCP4 ::1 ::1 1 2\r\n"),
	TEXT("PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n"),
	TEXT("PROXY TCP6 ::1%eth0 ::1 1 2\r\n"),
	TEXT("PROXY TCP5 ::1 ::1 1 2\r\n"),
	TEXT("PROXY UNKNOWNS\r\n"),
	TEXT("PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n"),
	TEXT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 655355\r\n"),
	TEXT("\r\n\r\n\0\r\nQUIT\r\x21\x11\0\x0c" ZEROS_36),
	TEXT(START "\x11\x11\0\x0c" ZEROS_36),
	TEXT(START "\x31\x11\0\x0c" ZEROS_36),
	TEXT(START "\x22\x11\0\x0c" ZEROS_36),
	TEXT(START "\x2f\x11\0\x0c" ZEROS_36),
	TEXT(START "\x21\x11\0\x0b" ZEROS_36),
	TEXT(START "\x21\x11\0\0" ZEROS_36),
	TEXT(START "\x21\x21\0\x23" ZEROS_36),
	TEXT(START "\x21\x31\0\xd7" ZEROS_216),
	TEXT(START "\x21\x10\0\x0c" ZEROS_36),
	TEXT(START "\x21\x12\0\x0c" ZEROS_36),
	TEXT(START "\x21\x13\0\x0c" ZEROS_36),
	TEXT(START "\x21\x22\0\x24" ZEROS_36),
	TEXT(START "\x21\x32\0\xd8" ZEROS_216),
	TEXT(START "\x21\x41\0\xd8" ZEROS_216),
	TEXT(START "\x21\x02\0\0"),
};

/* As proxy_header_read, on a copy with nothing behind it. */
static int read_copy(struct slice text, struct proxy_header *header)
{
	char *copy = malloc(text.size == 0 ? 1 : text.size);
	int rc;

	memcpy(copy, text.data, text.size);
	rc = proxy_header_read((struct slice){ copy, text.size }, header);
	free(copy);
	return rc;
}

static void assert_end(const union socket_address *address, const char *name)
{
	char found[SOCKET_NAME_BYTES];

	socket_address_name(address, found);
	ck_assert_str_eq(found, name);
}

START_TEST(says_whose_the_connection_is)
{
	struct proxy_header header;

	ck_assert_int_eq(read_copy(good[_i].text, &header), 0);
	ck_assert_uint_eq(header.size, good[_i].text.size);
	ck_assert_int_eq(header.passed_on, good[_i].client != NULL);
	if (header.passed_on) {
		assert_end(&header.client, good[_i].client);
		assert_end(&header.server, good[_i].server);
	}
}
END_TEST

START_TEST(leaves_what_is_behind_it)
{
	struct slice text = good[_i].text;
	struct proxy_header header;
	char longer[512];

	memcpy(longer, text.data, text.size);
	memset(longer + text.size, '\n', 3);
	ck_assert_int_eq(read_copy((struct slice){ longer, text.size + 3 }, &header), 0);
	ck_assert_uint_eq(header.size, text.size);
}
END_TEST

/* Either it waits, or it needs no more than how long the rest is. */
START_TEST(waits_for_the_end_of_the_addresses)
{
	struct slice text = good[_i].text;
	bool read = false;

	for (size_t size = 0; size < text.size; size++) {
		struct proxy_header header;
		int rc = read_copy((struct slice){ text.data, size }, &header);

		ck_assert(rc == ERR_AGAIN || (rc == 0 && header.size == text.size));
		ck_assert(!read || rc == 0);
		read = rc == 0;
	}
	ck_assert(!read || text.data[0] == '\r');
}
END_TEST

START_TEST(refuses_what_is_none)
{
	struct proxy_header header;

	ck_assert_int_eq(read_copy(bad[_i], &header), ERR_PROTOCOL);
}
END_TEST

START_TEST(refuses_as_soon_as_it_cannot_become_one)
{
	struct proxy_header header;

	ck_assert_int_eq(read_copy(SLICE("PROXI"), &header), ERR_PROTOCOL);
	ck_assert_int_eq(read_copy(SLICE("\r\n\r\n\r"), &header), ERR_PROTOCOL);
	ck_assert_int_eq(read_copy(SLICE("G"), &header), ERR_PROTOCOL);
}
END_TEST

/* A line of version 1 ends within 107 bytes. */
START_TEST(waits_for_no_line_that_is_too_long)
{
	struct proxy_header header;
	char line[200];

	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	ck_assert_int_eq(read_copy((struct slice){ line, 106 }, &header), ERR_AGAIN);
	ck_assert_int_eq(read_copy((struct slice){ line, 107 }, &header), ERR_PROTOCOL);
	memcpy(line + 105, "\r\n", 2);
	ck_assert_int_eq(read_copy((struct slice){ line, 200 }, &header), 0);
	ck_assert_uint_eq(header.size, 107);
}
END_TEST

START_TEST(is_up_to_64_kib_long)
{
	struct proxy_header header;

	ck_assert_int_eq(read_copy((struct slice)TEXT(START "\x21\x11\xff\xff" ZEROS_36),
			     &header), 0);
	ck_assert_uint_eq(header.size, 16 + 65535);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proxy_header");
	TCase *tests = tcase_create("proxy_header");
	int count = sizeof(good) / sizeof(good[0]);

	tcase_add_loop_test(tests, says_whose_the_connection_is, 0, count);
	tcase_add_loop_test(tests, leaves_what_is_behind_it, 0, count);
	tcase_add_loop_test(tests, waits_for_the_end_of_the_addresses, 0, count);
	tcase_add_loop_test(tests, refuses_what_is_none, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tests, refuses_as_soon_as_it_cannot_become_one);
	tcase_add_test(tests, waits_for_no_line_that_is_too_long);
	tcase_add_test(tests, is_up_to_64_kib_long);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}

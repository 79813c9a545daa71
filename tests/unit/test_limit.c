/* SPDX-License-Identifier: MIT */
/*
 * The filter limit: its hash, who counts as whom, the arithmetic of buckets at every edge
 * of its clock, and that processes which take from one bucket at once get as many tokens
 * as there are.
 */
#include "../../plugins/limit/buckets.c"
#include "../../plugins/limit/hash.c"
#include "../../plugins/limit/key.c"
#include "../../plugins/limit/limit.c"

#include <sys/mman.h>
#include <sys/wait.h>

#include "filter_rig.h"

START_TEST(hashes_as_siphash_says)
{
	/* The vectors of its authors: key 00 to 0f, data 00, 01, ... of each size. */
	static const struct {
		size_t size;
		uint64_t hash;
	} rows[] = { { 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd },
		{ 7, 0xab0200f58b01d137 }, { 8, 0x93f5f5799a932462 },
		{ 15, 0xa129ca6149be45e5 }, { 63, 0x958a324ceb064572 } };
	static const uint64_t seed[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	unsigned char data[64];

	for (size_t i = 0; i < sizeof(data); i++) {
		data[i] = (unsigned char)i;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		ck_assert_uint_eq(hash_bytes(seed, data, rows[i].size), rows[i].hash);
	}
}
END_TEST

/* The key of that address. */
static uint64_t address_key(const char *address, int prefix)
{
	struct keys keys = { .ipv6_prefix = prefix, .seed = { 1, 2 } };
	uint64_t key;

	tc = filter_api;
	filter_begin(HTTP_GET, "");
	snprintf(filter.address, sizeof(filter.address), "%s", address);
	key = key_of(&keys, NULL);
	rig_end(&filter.exchange);
	return key;
}

START_TEST(an_address_is_who_it_is)
{
	static const struct {
		const char *a, *b;
		int prefix;
		bool same;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", 64, true },
		{ "192.0.2.1", "192.0.2.2", 64, false },
		{ "192.0.2.1", "192.0.2.2", 1, false },
		{ "192.0.2.1", "::ffff:192.0.2.1", 64, true },
		{ "::ffff:192.0.2.1", "::ffff:192.0.2.2", 64, false },
		{ "2001:db8::1", "2001:db8::2", 64, true },
		{ "2001:db8::1", "2001:db8:0:0:ffff:ffff:ffff:ffff", 64, true },
		{ "2001:db8::1", "2001:db8:0:1::1", 64, false },
		{ "2001:db8::1", "2001:db8:0:1::1", 63, true },
		{ "2001:db8::1", "2001:db8:0:2::1", 63, false },
		{ "2001:db8::1", "2001:db8:0:ff::1", 56, true },
		{ "2001:db8::1", "2001:db8:0:100::1", 56, false },
		{ "2001:db8::1", "2001:db8::2", 128, false },
		{ "2001:db8::1", "2001:db8:0:0::1", 128, true },
		{ "2001:db8::1", "3fff::1", 3, true },
		{ "2001:db8::1", "4001::1", 3, false },
		{ "8000::", "7fff::", 1, false },
		{ "fe80::1%eth0", "fe80::1", 64, true },
		{ "127.0.0.1", "::1", 64, false },
		{ "nonsense", "nonsense", 64, true },
		{ "nonsense", "another", 64, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool same = address_key(rows[i].a, rows[i].prefix) ==
		    address_key(rows[i].b, rows[i].prefix);

		ck_assert_msg(same == rows[i].same, "%s and %s, %d", rows[i].a, rows[i].b,
		    rows[i].prefix);
	}
}
END_TEST

START_TEST(a_field_says_who_it_is_if_it_is_there)
{
	struct keys keys = { .header = "x-api-key", .ipv6_prefix = 64, .seed = { 1, 2 } };
	static const char *const fields[] = { "x-api-key: a\n", "x-api-key: b\n", "",
		"x-api-key: \n", "x-api-key: 192.0.2.1\n" };
	uint64_t found[5];

	tc = filter_api;
	for (size_t i = 0; i < 5; i++) {
		filter_begin(HTTP_GET, fields[i]);
		found[i] = key_of(&keys, NULL);
		ck_assert_uint_eq(found[i], key_of(&keys, NULL));
		for (size_t k = 0; k < i; k++) {
			ck_assert_uint_ne(found[i], found[k]);
		}
		rig_end(&filter.exchange);
	}
	ck_assert_uint_eq(found[2], address_key("192.0.2.1", 64));
}
END_TEST

/* Buckets */

#define SECOND 1000000ull
#define KEY 0x1234567800000abcull	/* any hash */

static struct buckets buckets;

/* So many lines, so many tokens per second, so many at once. */
static void open_buckets(size_t lines, uint64_t rate, uint64_t burst)
{
	size_t size = table_bytes(lines);

	buckets = (struct buckets){ .lines = lines, .interval_us = SECOND / rate,
		.burst_us = burst * (SECOND / rate) };
	buckets.table = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(buckets.table, MAP_FAILED);
}

static void close_buckets(void)
{
	munmap(buckets.table, table_bytes(buckets.lines));
}

/* How many tokens the key gets, out of so many attempts at that time. */
static int take_many(uint64_t key, uint64_t now_us, int attempts)
{
	int taken = 0;

	for (int i = 0; i < attempts; i++) {
		taken += buckets_take(&buckets, key, now_us).allowed;
	}
	return taken;
}

START_TEST(a_new_bucket_is_full)
{
	open_buckets(1, 10, 5);
	ck_assert_int_eq(take_many(KEY, 0, 20), 5);
	ck_assert_int_eq(take_many(KEY + 1, 0, 20), 5);
	close_buckets();
}
END_TEST

START_TEST(tokens_come_back_at_the_rate)
{
	open_buckets(1, 10, 5);
	ck_assert_int_eq(take_many(KEY, 7 * SECOND, 20), 5);
	ck_assert_int_eq(take_many(KEY, 7 * SECOND + 99999, 20), 0);
	ck_assert_int_eq(take_many(KEY, 7 * SECOND + 100000, 20), 1);
	ck_assert_int_eq(take_many(KEY, 7 * SECOND + 399999, 20), 2);
	ck_assert_int_eq(take_many(KEY, 7 * SECOND + 500000, 20), 2);
	ck_assert_int_eq(take_many(KEY, 8 * SECOND, 20), 5);
	ck_assert_int_eq(take_many(KEY, 9000 * SECOND, 20), 5);
	close_buckets();
}
END_TEST

START_TEST(a_steady_client_is_never_refused)
{
	open_buckets(1, 10, 1);
	for (uint64_t now = 0; now < 100 * SECOND; now += SECOND / 10) {
		ck_assert_int_eq(take_many(KEY, now, 2), 1);
	}
	close_buckets();
}
END_TEST

START_TEST(says_what_is_left_and_how_long_to_wait)
{
	struct take take;

	open_buckets(1, 10, 3);
	take = buckets_take(&buckets, KEY, SECOND);
	ck_assert(take.allowed);
	ck_assert_uint_eq(take.left, 2);
	ck_assert_uint_eq(take.full_us, 100000);
	take_many(KEY, SECOND, 2);
	take = buckets_take(&buckets, KEY, SECOND + 1);
	ck_assert(!take.allowed);
	ck_assert_uint_eq(take.left, 0);
	ck_assert_uint_eq(take.wait_us, 99999);
	ck_assert_uint_eq(take.full_us, 299999);
	ck_assert(!buckets_take(&buckets, KEY, SECOND + take.wait_us).allowed);
	ck_assert(buckets_take(&buckets, KEY, SECOND + 1 + take.wait_us).allowed);
	close_buckets();
}
END_TEST

START_TEST(who_is_refused_pays_nothing)
{
	open_buckets(1, 10, 3);
	ck_assert_int_eq(take_many(KEY, 0, 1000), 3);
	ck_assert_int_eq(take_many(KEY, SECOND / 10, 1000), 1);
	close_buckets();
}
END_TEST

START_TEST(a_clock_that_another_process_read_earlier_does_no_harm)
{
	open_buckets(1, 10, 3);
	ck_assert_int_eq(take_many(KEY, 100 * SECOND, 3), 3);
	ck_assert_int_eq(take_many(KEY, 100 * SECOND - 5000, 3), 0);
	ck_assert_int_eq(take_many(KEY, 99 * SECOND, 3), 0);
	ck_assert_int_eq(take_many(KEY, 100 * SECOND + 100000, 3), 1);
	close_buckets();
}
END_TEST

START_TEST(times_wrap_around)
{
	static const uint64_t edges[] = { (uint64_t)1 << 43, (uint64_t)1 << 44,
		(uint64_t)5 << 44, UINT64_MAX - 20 * SECOND };

	for (size_t i = 0; i < sizeof(edges) / sizeof(*edges); i++) {
		open_buckets(1, 10, 5);
		for (uint64_t back = 6; back > 0; back--) {
			uint64_t now = edges[i] - back * SECOND / 10;

			ck_assert_int_eq(take_many(KEY, now, 20), back == 6 ? 5 : 1);
		}
		ck_assert_int_eq(take_many(KEY, edges[i] - 1, 20), 0);
		ck_assert_int_eq(take_many(KEY, edges[i], 20), 1);
		ck_assert_int_eq(take_many(KEY, edges[i] + SECOND, 20), 5);
		close_buckets();
	}
}
END_TEST

START_TEST(a_bucket_of_long_ago_is_full)
{
	uint64_t wrap = (uint64_t)1 << 44;
	static const uint64_t later[] = { 1, 10, 50, 100, 101, 102, 150, 200, 203 };

	for (size_t i = 0; i < sizeof(later) / sizeof(*later); i++) {
		open_buckets(1, 10, 5);
		ck_assert_int_eq(take_many(KEY, 1000 * SECOND, 5), 5);
		ck_assert_int_eq(take_many(KEY,
		    1000 * SECOND + later[i] * 86400 * SECOND, 9), 5);
		close_buckets();
	}
	/* The one moment, each 203 days, at which it seems to be of now. */
	open_buckets(1, 10, 5);
	ck_assert_int_eq(take_many(KEY, 1000 * SECOND, 5), 5);
	ck_assert_int_eq(take_many(KEY, 1000 * SECOND + wrap, 9), 0);
	ck_assert_int_eq(take_many(KEY, 1001 * SECOND + wrap, 9), 5);
	close_buckets();
}
END_TEST

START_TEST(the_longest_and_the_shortest_buckets_work)
{
	open_buckets(1, 1, 1);
	buckets.interval_us = BUCKET_MAX_US;
	buckets.burst_us = BUCKET_MAX_US;
	ck_assert_int_eq(take_many(KEY, SECOND, 5), 1);
	ck_assert_int_eq(take_many(KEY, SECOND + BUCKET_MAX_US - 1, 5), 0);
	ck_assert_int_eq(take_many(KEY, SECOND + BUCKET_MAX_US, 5), 1);
	close_buckets();
	open_buckets(1, MAX_RATE, MAX_BURST);
	ck_assert_int_eq(take_many(KEY, 0, MAX_BURST + 5), MAX_BURST);
	ck_assert_int_eq(take_many(KEY, SECOND, MAX_BURST), MAX_RATE);
	close_buckets();
}
END_TEST

/* Keys of one line that all have marks of their own. */
static uint64_t line_key(uint64_t number)
{
	return KEY + number;
}

START_TEST(keys_of_one_line_do_not_touch_each_other)
{
	open_buckets(1, 10, 5);
	for (uint64_t i = 0; i < LINE_SLOTS; i++) {
		ck_assert_int_eq(take_many(line_key(i), 0, 3), 3);
	}
	for (uint64_t i = 0; i < LINE_SLOTS; i++) {
		ck_assert_int_eq(take_many(line_key(i), 0, 9), 2);
	}
	close_buckets();
}
END_TEST

START_TEST(a_key_too_many_takes_the_slot_that_is_free_soonest)
{
	struct take take;

	open_buckets(1, 10, 50);
	for (uint64_t i = 0; i < LINE_SLOTS; i++) {
		take_many(line_key(i), 0, i == 3 ? 1 : 20);
	}
	take = buckets_take(&buckets, line_key(100), 0);
	ck_assert(take.allowed);
	ck_assert(take.evicted);
	ck_assert_int_eq(take_many(line_key(4), 0, 50), 30);	/* still there */
	ck_assert(!buckets_take(&buckets, line_key(100), 0).evicted);
	close_buckets();
}
END_TEST

START_TEST(a_slot_that_is_full_again_is_no_loss)
{
	open_buckets(1, 10, 5);
	for (uint64_t i = 0; i < LINE_SLOTS; i++) {
		take_many(line_key(i), 0, 1);
	}
	ck_assert(buckets_take(&buckets, line_key(100), SECOND / 10 - 1).evicted);
	ck_assert(!buckets_take(&buckets, line_key(101), SECOND / 10).evicted);
	close_buckets();
}
END_TEST

/* Until, 203 days ago less the longest that a bucket takes, times have wrapped around. */
START_TEST(slots_of_long_ago_are_taken_first)
{
	static const uint64_t days[] = { 1, 50, 101, 102, 150, 177 };

	for (size_t i = 0; i < sizeof(days) / sizeof(*days); i++) {
		uint64_t now = 1000 * SECOND + days[i] * 86400 * SECOND;

		open_buckets(1, 10, 5);
		take_many(line_key(7), 1000 * SECOND, 5);
		for (uint64_t k = 0; k < LINE_SLOTS - 1; k++) {
			take_many(line_key(k), now, 1);
		}
		ck_assert_int_eq(take_many(line_key(100), now, 9), 5);
		for (uint64_t k = 0; k < LINE_SLOTS - 1; k++) {
			ck_assert_int_eq(take_many(line_key(k), now, 9), 4);
		}
		close_buckets();
	}
}
END_TEST

START_TEST(a_short_limit_respects_the_buckets_of_a_long_one)
{
	open_buckets(1, 1, 100);
	for (uint64_t i = 0; i < LINE_SLOTS - 1; i++) {
		take_many(line_key(i), 0, 100);		/* for 100 s */
	}
	buckets.interval_us = SECOND / 10;
	buckets.burst_us = SECOND;
	for (uint64_t i = 100; i < 120; i++) {		/* in the slot that is left */
		ck_assert_int_eq(take_many(line_key(i), (i - 99) * SECOND, 10), 10);
	}
	buckets.interval_us = SECOND;
	buckets.burst_us = 100 * SECOND;
	for (uint64_t i = 0; i < LINE_SLOTS - 1; i++) {
		ck_assert_int_eq(take_many(line_key(i), 20 * SECOND, 100), 20);
	}
	close_buckets();
}
END_TEST

START_TEST(a_mark_of_zero_is_no_free_slot)
{
	open_buckets(1, 10, 5);
	ck_assert_int_eq(take_many(KEY & ~(uint64_t)0xfffff, 0, 9), 5);
	ck_assert_int_eq(take_many(KEY & ~(uint64_t)0xfffff, 0, 9), 0);
	close_buckets();
}
END_TEST

START_TEST(every_line_is_used_and_none_beyond)
{
	size_t used = 0;

	open_buckets(13, 10, 5);
	for (uint64_t i = 0; i < 1000; i++) {
		buckets_take(&buckets, i * 0x9e3779b97f4a7c15 + i, SECOND);
	}
	buckets_take(&buckets, UINT64_MAX, SECOND);	/* beyond: a sanitizer's */
	for (size_t i = 0; i < 13; i++) {
		used += buckets.table->slots[i * LINE_SLOTS] != 0;
	}
	ck_assert_uint_eq(used, 13);
	close_buckets();
}
END_TEST

START_TEST(any_bytes_in_the_table_are_survived)
{
	uint64_t random = 1;

	open_buckets(4, 10, 5);
	for (int round = 0; round < 1000; round++) {
		for (size_t i = 0; i < 4 * LINE_SLOTS; i++) {
			random = random * 6364136223846793005 + 1442695040888963407;
			buckets.table->slots[i] = random;
		}
		ck_assert_int_le(take_many(random, random >> 8, 20), 5);
	}
	close_buckets();
}
END_TEST

START_TEST(all_who_share_a_table_have_one_seed)
{
	uint64_t first[2];
	uint64_t second[2];

	open_buckets(1, 10, 5);
	table_seed(buckets.table, first);
	table_seed(buckets.table, second);
	ck_assert_mem_eq(first, second, sizeof(first));
	ck_assert_uint_ne(first[0], 0);
	ck_assert_uint_ne(first[0], first[1]);
	close_buckets();
}
END_TEST

#define PROCESSES 4
#define ROUNDS 200
#define ATTEMPTS 100

/* What one process gets of each round's key. They start when go is theirs. */
static void take_rounds(_Atomic int *go, _Atomic int *taken)
{
	for (int round = 0; round < ROUNDS; round++) {
		atomic_fetch_add(&go[round], 1);
		while (atomic_load(&go[round]) < PROCESSES) {
		}
		atomic_fetch_add(&taken[round], take_many(KEY + (uint64_t)round,
		    (uint64_t)round * 100 * SECOND, ATTEMPTS));
	}
}

START_TEST(processes_get_as_many_tokens_as_there_are)
{
	_Atomic int *shared = mmap(NULL, 2 * ROUNDS * sizeof(int), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	open_buckets(1, 10, 150);
	for (int i = 0; i < PROCESSES; i++) {
		if (fork() == 0) {
			take_rounds(shared, shared + ROUNDS);
			_exit(0);
		}
	}
	for (int i = 0; i < PROCESSES; i++) {
		ck_assert_int_gt(wait(NULL), 0);
	}
	for (int round = 0; round < ROUNDS; round++) {
		ck_assert_int_eq(shared[ROUNDS + round], 150);
	}
	munmap(shared, 2 * ROUNDS * sizeof(int));
	close_buckets();
}
END_TEST

/* The filter */

static int ask(const char *fields)
{
	int result;

	filter_begin(HTTP_GET, fields);
	result = tincan_handler_1.on_filter((tc_req *)&filter);
	ck_assert_int_eq(result, filter.status != 0 ? TC_OK : TC_NEXT);
	return filter.status;
}

START_TEST(refuses_with_429_and_says_when_to_come_back)
{
	filter_open("{ \"rate\": 2, \"per\": \"minute\" }");
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ask(""), 0);
		ck_assert_str_eq(filter_fields(), "");
		filter_end();
	}
	ck_assert_int_eq(ask(""), 429);
	ck_assert_str_eq(filter_fields(), "retry-after: 30\n");
	filter_end();
	filter.now_ms = 1;
	ck_assert_int_eq(ask(""), 429);
	ck_assert_str_eq(filter_fields(), "retry-after: 30\n");
	filter_end();
	filter.now_ms = 29999;
	ck_assert_int_eq(ask(""), 429);
	ck_assert_str_eq(filter_fields(), "retry-after: 1\n");
	filter_end();
	ck_assert_double_eq(filter.counted, 3);
	filter.now_ms = 30000;
	ck_assert_int_eq(ask(""), 0);
	filter_end();
	filter_close();
}
END_TEST

START_TEST(tells_clients_what_is_left_if_asked_to)
{
	filter_open("{ \"rate\": 1, \"burst\": 2, \"fields\": true, \"status\": 503 }");
	ask("");
	ck_assert_str_eq(filter_fields(), "ratelimit-limit: 2\nratelimit-remaining: 1\n"
	    "ratelimit-reset: 1\n");
	filter_end();
	ask("");
	filter_end();
	ck_assert_int_eq(ask(""), 503);
	ck_assert_str_eq(filter_fields(), "ratelimit-limit: 2\nratelimit-remaining: 0\n"
	    "ratelimit-reset: 2\nretry-after: 1\n");
	filter_end();
	filter_close();
}
END_TEST

START_TEST(counts_by_the_field_of_the_settings)
{
	filter_open("{ \"rate\": 1, \"header\": \"X-Api-Key\" }");
	ck_assert_int_eq(ask("x-api-key: a\n"), 0);
	filter_end();
	ck_assert_int_eq(ask("x-api-key: b\n"), 0);
	filter_end();
	ck_assert_int_eq(ask("x-api-key: a\n"), 429);
	filter_end();
	ck_assert_int_eq(ask(""), 0);
	filter_end();
	filter_close();
}
END_TEST

START_TEST(a_dry_run_refuses_nobody_and_says_so)
{
	filter_open("{ \"rate\": 1, \"dry_run\": true }");
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(ask(""), 0);
		ck_assert_str_eq(filter_fields(), "");
		ck_assert_int_eq(filter.logged, i);
		filter_end();
	}
	filter_close();
}
END_TEST

static void *kept;		/* memory that outlives an instance */

static void *share_kept(tc_conf *cf, const char *name, size_t size)
{
	(void)cf;
	ck_assert_str_eq(name, "buckets");
	return kept != NULL ? kept : (kept = calloc(1, size));
}

/* How many requests such a limit takes of a client that comes for the first time to it,
 * or is known from another one in the same memory. */
static int taken(const char *settings)
{
	int count = 0;

	filter_shared_memory = share_kept;
	filter_open(settings);
	for (int i = 0; i < 20; i++) {
		count += ask("") == 0;
		filter_end();
	}
	filter_close();
	filter_shared_memory = NULL;
	return count;
}

START_TEST(limits_of_other_settings_or_names_share_nothing_but_memory)
{
	static const char *const others[] = { "{ \"rate\": 6, \"burst\": 5 }",
		"{ \"rate\": 5, \"per\": \"minute\" }",
		"{ \"rate\": 5, \"burst\": 6 }",
		"{ \"rate\": 5, \"header\": \"a\" }",
		"{ \"rate\": 5, \"ipv6_prefix\": 56 }",
		"{ \"rate\": 5, \"name\": \"login\" }" };

	kept = NULL;
	ck_assert_int_eq(taken("{ \"rate\": 5 }"), 5);
	ck_assert_int_eq(taken("{ \"rate\": 5, \"per\": \"second\", \"burst\": 5,"
	    "\"status\": 503, \"fields\": true, \"name\": \"limit\" }"), 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		ck_assert_int_eq(taken(others[i]), i == 2 ? 6 : 5);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		ck_assert_int_eq(taken(others[i]), 0);
	}
	free(kept);
}
END_TEST

START_TEST(has_as_many_slots_as_asked_for)
{
	filter_open("{ \"rate\": 5 }");
	ck_assert_uint_eq(filter.shared_bytes, 64 + 65536 * 8);
	filter_close();
	filter_open("{ \"rate\": 5, \"slots\": 9 }");
	ck_assert_uint_eq(filter.shared_bytes, 64 + 16 * 8);
	filter_close();
}
END_TEST

START_TEST(refuses_settings_that_make_no_sense)
{
	static const char *const rows[][2] = {
		{ "", "f:1: routes[0]: setting 'rate': "
			"missing: the requests of one client\n" },
		{ "\"rate\": 0", ".rate: expected 1..100000, found '0'\n" },
		{ "\"rate\": 1.5", ".rate: expected a whole number, found '1.5'\n" },
		{ "\"rate\": 5, \"per\": \"day\"",
			".per: expected 'second', 'minute' or 'hour'\n" },
		{ "\"rate\": 5, \"burst\": 0",
			".burst: expected 1..1000000, found '0'\n" },
		{ "\"rate\": 1, \"per\": \"hour\", \"burst\": 611", ".burst: "
			"too many: they would take 25 days to come back\n" },
		{ "\"rate\": 5, \"name\": \"Login\"",
			".name: expected a name: a-z, 0-9, '_' and '-', up to 30\n" },
		{ "\"rate\": 5, \"name\": \"\"",
			".name: expected a name: a-z, 0-9, '_' and '-', up to 30\n" },
		{ "\"rate\": 5, \"header\": \"X Key\"",
			".header: expected the name of a field\n" },
		{ "\"rate\": 5, \"slots\": 7",
			".slots: expected 8..4194304, found '7'\n" },
		{ "\"rate\": 5, \"status\": 200",
			".status: expected 400..599, found '200'\n" },
		{ "\"rate\": 5, \"ipv6_prefix\": 129",
			".ipv6_prefix: expected 1..128, found '129'\n" },
		{ "\"rate\": 5, \"bursts\": 5",
			".bursts: unknown setting 'bursts'\n"
			"  hint: did you mean 'burst'?\n" },
		{ "\"rats\": 5", "f:1: routes[0]: setting 'rate': "
			"missing: the requests of one client\n"
			".rats: unknown setting 'rats'\n  hint: did you mean 'rate'?\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char settings[200];

		snprintf(settings, sizeof(settings), "{ %s }", rows[i][0]);
		filter_refuse(settings, rows[i][1]);
	}
	filter_open("{ \"rate\": 1, \"per\": \"hour\", \"burst\": 610 }");
	filter_close();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("limit");
	TCase *tests = tcase_create("limit");

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, hashes_as_siphash_says);
	tcase_add_test(tests, an_address_is_who_it_is);
	tcase_add_test(tests, a_field_says_who_it_is_if_it_is_there);
	tcase_add_test(tests, a_new_bucket_is_full);
	tcase_add_test(tests, tokens_come_back_at_the_rate);
	tcase_add_test(tests, a_steady_client_is_never_refused);
	tcase_add_test(tests, says_what_is_left_and_how_long_to_wait);
	tcase_add_test(tests, who_is_refused_pays_nothing);
	tcase_add_test(tests, a_clock_that_another_process_read_earlier_does_no_harm);
	tcase_add_test(tests, times_wrap_around);
	tcase_add_test(tests, a_bucket_of_long_ago_is_full);
	tcase_add_test(tests, the_longest_and_the_shortest_buckets_work);
	tcase_add_test(tests, keys_of_one_line_do_not_touch_each_other);
	tcase_add_test(tests, a_key_too_many_takes_the_slot_that_is_free_soonest);
	tcase_add_test(tests, a_slot_that_is_full_again_is_no_loss);
	tcase_add_test(tests, slots_of_long_ago_are_taken_first);
	tcase_add_test(tests, a_short_limit_respects_the_buckets_of_a_long_one);
	tcase_add_test(tests, a_mark_of_zero_is_no_free_slot);
	tcase_add_test(tests, every_line_is_used_and_none_beyond);
	tcase_add_test(tests, any_bytes_in_the_table_are_survived);
	tcase_add_test(tests, all_who_share_a_table_have_one_seed);
	tcase_add_test(tests, processes_get_as_many_tokens_as_there_are);
	tcase_add_test(tests, refuses_with_429_and_says_when_to_come_back);
	tcase_add_test(tests, tells_clients_what_is_left_if_asked_to);
	tcase_add_test(tests, counts_by_the_field_of_the_settings);
	tcase_add_test(tests, a_dry_run_refuses_nobody_and_says_so);
	tcase_add_test(tests, limits_of_other_settings_or_names_share_nothing_but_memory);
	tcase_add_test(tests, has_as_many_slots_as_asked_for);
	tcase_add_test(tests, refuses_settings_that_make_no_sense);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}

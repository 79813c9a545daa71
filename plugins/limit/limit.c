/* SPDX-License-Identifier: MIT */
/*
 * limit: a filter that lets every client ask so often and no more. It shows how the
 * instances of a filter share memory, whatever process they are in. Settings:
 *
 *	rate		requests a client may make, per
 *	per		"second"; or "minute", "hour"
 *	burst		as many at once; the same as rate unless given
 *	header		the field that says who it is, as an API key does; who has none,
 *			and everybody unless given, is known by the address, all those
 *			of a Unix socket by the same one
 *	ipv6_prefix	64: addresses that begin with the same bits are one client
 *	status		429
 *	fields		false; true: tell clients what they have left
 *	dry_run		false; true: refuse nobody, tell the log who would be
 *	slots		65536: the clients that are remembered
 *	name		"limit": limits of the same name and settings count together
 */
#include <stdlib.h>
#include <string.h>

#include "limit.h"

#define MAX_RATE 100000
#define MAX_BURST 1000000
#define MAX_SLOTS 4194304	/* 32 MiB */
#define MAX_NAME 30
#define MAX_HEADER 100
#define MICROSECONDS 1000000

/* The state of one instance; texts are the settings', borrowed until on_close. */
struct limit {
	struct buckets buckets;
	struct keys keys;
	uint64_t burst;
	int status;
	bool fields;
	bool dry_run;
	tc_metric *refused;
	tc_metric *evicted;
};

static uint64_t seconds_of(const char *per)
{
	return strcmp(per, "second") == 0 ? 1 : strcmp(per, "minute") == 0 ? 60 :
	    strcmp(per, "hour") == 0 ? 3600 : 0;
}

static int read_rate(tc_conf *cf, struct limit *limit)
{
	uint64_t rate = (uint64_t)tc.conf_int(cf, "rate", 0, 1, MAX_RATE);
	uint64_t seconds = seconds_of(tc.conf_str(cf, "per", "second"));
	size_t size;

	limit->burst = (uint64_t)tc.conf_int(cf, "burst", (int64_t)rate, 1, MAX_BURST);
	if (seconds == 0) {
		return tc.conf_error(cf, "per", "expected 'second', 'minute' or 'hour'");
	}
	if (rate == 0) {
		return tc.conf_json(cf, "rate", &size) != NULL ? TC_INVALID :
		    tc.conf_error(cf, "rate", "missing: the requests of one client");
	}
	limit->buckets.interval_us = seconds * MICROSECONDS / rate;
	limit->buckets.burst_us = limit->burst * limit->buckets.interval_us;
	return limit->buckets.burst_us <= BUCKET_MAX_US ? TC_OK :
	    tc.conf_error(cf, "burst", "too many: they would take 25 days to come back");
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool made_of(const char *text, const char *characters, size_t max)
{
	size_t size = strspn(text, characters);

	return size > 0 && size <= max && text[size] == '\0';
}

/* Limits of another name or with other settings share the table, but no key with us. */
static int share_table(tc_conf *cf, struct limit *limit, const char *name)
{
	struct buckets *buckets = &limit->buckets;
	uint64_t *seed = limit->keys.seed;
	char settings[256];
	int size = snprintf(settings, sizeof settings, "%s %llu %llu %d %s", name,
	    (unsigned long long)buckets->interval_us,
	    (unsigned long long)buckets->burst_us, limit->keys.ipv6_prefix,
	    limit->keys.header != NULL ? limit->keys.header : "");

	buckets->table = tc.shared(cf, "buckets", table_bytes(buckets->lines));
	if (buckets->table == NULL) {
		return tc.conf_error(cf, "slots",
		    "there is no shared memory for as many");
	}
	table_seed(buckets->table, seed);
	seed[0] ^= hash_bytes(seed, settings, (size_t)size);
	return TC_OK;
}

static int read_settings(tc_conf *cf, struct limit *limit)
{
	const char *name = tc.conf_str(cf, "name", "limit");
	size_t slots = (size_t)tc.conf_int(cf, "slots", 65536, LINE_SLOTS, MAX_SLOTS);
	int result = read_rate(cf, limit);

	limit->keys.header = tc.conf_str(cf, "header", NULL);
	limit->keys.ipv6_prefix = (int)tc.conf_int(cf, "ipv6_prefix", 64, 1, 128);
	limit->status = (int)tc.conf_int(cf, "status", 429, 400, 599);
	limit->fields = tc.conf_bool(cf, "fields", 0);
	limit->dry_run = tc.conf_bool(cf, "dry_run", 0);
	limit->buckets.lines = (slots + LINE_SLOTS - 1) / LINE_SLOTS;
	if (!made_of(name, LOWER DIGITS "_-", MAX_NAME)) {
		return tc.conf_error(cf, "name",
		    "expected a name: a-z, 0-9, '_' and '-', up to 30");
	}
	if (limit->keys.header != NULL && !made_of(limit->keys.header,
	    LOWER UPPER DIGITS "!#$%&'*+-.^_`|~", MAX_HEADER)) {
		return tc.conf_error(cf, "header", "expected the name of a field");
	}
	return result == TC_OK ? share_table(cf, limit, name) : result;
}

static int open_filter(tc_conf *cf, void **state)
{
	struct limit *limit = calloc(1, sizeof *limit);
	int result;

	if (limit == NULL) {
		return TC_NOMEM;
	}
	result = read_settings(cf, limit);
	if (result != TC_OK) {
		free(limit);
		return result;
	}
	limit->refused = tc.metric(cf, TC_COUNTER, "refused_total",
	    "Requests that came too soon");
	limit->evicted = tc.metric(cf, TC_COUNTER, "evicted_total",
	    "Clients forgotten too soon, for want of slots");
	*state = limit;
	return TC_OK;
}

/* In whole seconds, and no client back too early. */
static unsigned long long seconds_up(uint64_t us)
{
	return (us + MICROSECONDS - 1) / MICROSECONDS;
}

static int set_number(tc_req *r, const char *name, unsigned long long number)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", number);
	return tc.set_header(r, name, text);
}

/* As of the drafts of draft-ietf-httpapi-ratelimit-headers up to 06, which many know. */
static void tell_client(tc_req *r, const struct limit *limit, const struct take *take)
{
	set_number(r, "RateLimit-Limit", limit->burst);
	set_number(r, "RateLimit-Remaining", take->left);
	set_number(r, "RateLimit-Reset", seconds_up(take->full_us));
}

static int refuse(tc_req *r, const struct limit *limit, const struct take *take)
{
	tc.add(limit->refused, 1);
	if (limit->dry_run) {
		const char *who = tc.info(r, "client.address");

		tc_log(TC_INFO, "dry run: %s would be refused, to come back in %llu s",
		    who != NULL ? who : "a client", seconds_up(take->wait_us));
		return TC_NEXT;
	}
	set_number(r, "Retry-After", seconds_up(take->wait_us));
	return tc.text(r, limit->status, "too many requests, come back later\n");
}

static int on_filter(tc_req *r)
{
	const struct limit *limit = tc.state(r);
	struct take take = buckets_take(&limit->buckets, key_of(&limit->keys, r),
	    (uint64_t)tc.now() * 1000);

	if (take.evicted) {
		tc.add(limit->evicted, 1);
	}
	if (limit->fields) {
		tell_client(r, limit, &take);
	}
	return take.allowed ? TC_NEXT : refuse(r, limit, &take);
}

TINCAN_HANDLER("limit",
	.version = "1.0",
	.about = "a filter that lets every client ask so often and no more",
	.on_open = open_filter,
	.on_close = free,
	.on_filter = on_filter);

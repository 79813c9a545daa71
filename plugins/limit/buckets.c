/* SPDX-License-Identifier: MIT */
/*
 * Token buckets, each in one word, so that any number of processes can take from them
 * without a lock:
 *
 *	 63       44 43                                         0
 *	| mark      | the time when the bucket is full, in us    |
 *
 * A bucket that fills at a steady rate is told whole by that time (this is GCRA, ITU-T
 * I.371): to take a token moves it on by an interval, and there is no token when it would
 * be further away than filling takes. A bucket that is full is no different from none, so
 * slots are free again by themselves.
 *
 * The mark is a part of the key's hash; the rest of it says which line of slots to look
 * in. A key without a slot there takes the one that is free or, if none is, would be
 * soonest. Whoever looks chooses the same one, and one of them gets it. Only if another
 * key takes a slot of the line in that very moment can a key come to have two slots; then
 * the emptier bucket counts, and it has had up to twice its burst, once.
 */
#include <sys/random.h>

#include "limit.h"

#define TIME_BITS 44
#define TIME_MASK (((uint64_t)1 << TIME_BITS) - 1)	/* 203 days: times wrap around */
/* Another process may have read the clock as much before us, or after. */
#define SLACK_US 60000000

size_t table_bytes(size_t lines)
{
	return sizeof(struct table) + lines * LINE_SLOTS * sizeof(uint64_t);
}

void table_seed(struct table *table, uint64_t seed[2])
{
	for (size_t i = 0; i < 2; i++) {
		uint64_t none = 0;
		uint64_t random = 0;

		/* Without a random number a fixed one has to do: all count alike. */
		(void)!getrandom(&random, sizeof random, 0);
		random |= random == 0;
		atomic_compare_exchange_strong(&table->seed[i], &none, random);
		seed[i] = atomic_load(&table->seed[i]);
	}
}

static uint64_t mark_of(uint64_t word)
{
	return word >> TIME_BITS;
}

/*
 * How long until that bucket is full, which takes so long at most: 0 if it is already. A
 * time further away than it can be has been passed, if so long ago that times have
 * wrapped around.
 */
static uint64_t until_full(uint64_t word, uint64_t longest_us, uint64_t now_us)
{
	uint64_t us = (word - now_us) & TIME_MASK;

	return word == 0 || us > longest_us + SLACK_US ? 0 : us;
}

struct slot {
	_Atomic uint64_t *word;
	uint64_t seen;		/* its value when it was chosen */
	uint64_t full_us;	/* until it is full */
	bool found;		/* it is the key's own */
};

/* In which order slots are given to other keys: those full for the longest time first,
 * then those that will be soonest. It is the same whoever looks, a moment sooner or
 * later, as the time from which it counts is one that no slot has. */
static uint64_t rank_of(uint64_t word, uint64_t now_us)
{
	uint64_t last_us = now_us + BUCKET_MAX_US + SLACK_US;

	return word == 0 ? 0 : (word - last_us - 1) & TIME_MASK;
}

/* Is a slot better for the key than the best so far? */
static bool is_better(const struct slot *slot, const struct slot *best, uint64_t now_us)
{
	if (slot->found != best->found) {
		return slot->found;
	}
	return slot->found ? slot->full_us > best->full_us :
	    rank_of(slot->seen, now_us) < rank_of(best->seen, now_us);
}

static struct slot find_slot(const struct buckets *buckets, _Atomic uint64_t *line,
    uint64_t mark, uint64_t now_us)
{
	struct slot best = { 0 };

	for (size_t i = 0; i < LINE_SLOTS; i++) {
		uint64_t word = atomic_load_explicit(&line[i], memory_order_relaxed);
		bool found = word != 0 && mark_of(word) == mark;
		/* Another's bucket may be one of another limit. */
		struct slot slot = { &line[i], word, until_full(word,
		    found ? buckets->burst_us : BUCKET_MAX_US, now_us), found };

		if (best.word == NULL || is_better(&slot, &best, now_us)) {
			best = slot;
		}
	}
	return best;
}

/* What one token more makes of a bucket that takes as long to be full. */
static struct take take_token(const struct buckets *buckets, uint64_t full_us)
{
	uint64_t then_us = full_us + buckets->interval_us;

	if (then_us > buckets->burst_us) {
		return (struct take){ .full_us = full_us,
			.wait_us = then_us - buckets->burst_us };
	}
	return (struct take){ .allowed = true, .full_us = then_us,
		.left = (buckets->burst_us - then_us) / buckets->interval_us };
}

struct take buckets_take(const struct buckets *buckets, uint64_t hash, uint64_t now_us)
{
	size_t line = (size_t)((hash >> 32) * buckets->lines >> 32);
	uint64_t mark = hash & (UINT64_MAX >> TIME_BITS);

	mark += mark == 0;	/* so that no word in use is 0 */
	for (;;) {
		struct slot slot = find_slot(buckets,
		    &buckets->table->slots[line * LINE_SLOTS], mark, now_us);
		struct take take = take_token(buckets, slot.found ? slot.full_us : 0);
		uint64_t word = mark << TIME_BITS | ((now_us + take.full_us) & TIME_MASK);

		take.evicted = !slot.found && slot.full_us > 0;
		if (!take.allowed || atomic_compare_exchange_weak_explicit(slot.word,
		    &slot.seen, word, memory_order_relaxed, memory_order_relaxed)) {
			return take;
		}
	}
}

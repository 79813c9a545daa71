/* SPDX-License-Identifier: MIT */
/* The certificates of what is served. */
#include "master/renewals.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "master/keeper.h"
#include "master/preflight.h"
#include "master/rollout.h"

#define LOOK_MS 1000
#define CHECK_MS (24 * 60 * 60 * 1000)	/* without any change */

struct renewals {
	struct master *master;
	struct timer timer;
	uint64_t served;	/* the files when they were last checked, */
	uint64_t seen;		/* and at the last look */
	int64_t checked_ms;
	struct problems problems;
};

static uint64_t add_file(uint64_t sum, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		return hash_fold(sum ^ 1, HASH_BLOCK);
	}
	sum = hash_fold(sum ^ (uint64_t)st.st_ino, HASH_BLOCK);
	sum = hash_fold(sum ^ (uint64_t)st.st_size, HASH_BLOCK);
	sum = hash_fold(sum ^ (uint64_t)st.st_mtim.tv_sec, HASH_BLOCK);
	sum = hash_fold(sum ^ (uint64_t)st.st_mtim.tv_nsec, HASH_BLOCK);
	return hash_fold(sum ^ (uint64_t)st.st_ctim.tv_nsec, HASH_BLOCK);
}

/* A number that changes when one of the files does. */
static uint64_t look(const struct config *config)
{
	uint64_t sum = HASH_LAST;

	for (size_t i = 0; i < config->certificate_count; i++) {
		sum = add_file(sum, config->certificates[i].chain);
		sum = add_file(sum, config->certificates[i].key);
	}
	return sum;
}

static void tell(const struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->items[i];

		log_say(problem->level == PROBLEM_ERROR ? LOG_ERROR : LOG_WARN, "%s: %s",
		    problem->where, problem->what);
	}
}

static void check(struct renewals *renewals)
{
	problems_release(&renewals->problems);
	preflight_run(rollout_live(renewals->master)->config, &renewals->problems);
	renewals->checked_ms = renewals->master->loop->now_ms;
	tell(&renewals->problems);
}

/* A pair is written in two steps at least: what moves is left alone. */
static void on_look(struct timer *timer)
{
	struct renewals *renewals = LIST_OWNER(timer, struct renewals, timer);
	struct master *master = renewals->master;
	uint64_t now = look(rollout_live(master)->config);
	bool changed = now != renewals->served && now == renewals->seen;

	renewals->seen = now;
	if (changed || master->loop->now_ms - renewals->checked_ms >= CHECK_MS) {
		check(renewals);
	}
	if (changed) {
		log_say(LOG_INFO, "certificates have changed: reading them anew");
		renewals->served = now;
		keeper_give_keys(master, rollout_live(master)->config);
		rollout_certificates(master);
	}
	timer_set(&master->loop->timers, timer, master->loop->now_ms + LOOK_MS);
}

struct renewals *renewals_new(struct master *master)
{
	struct renewals *renewals = memory_new(1, sizeof(*renewals));

	renewals->master = master;
	timer_init(&renewals->timer, on_look);
	problems_init(&renewals->problems);
	return renewals;
}

void renewals_free(struct renewals *renewals)
{
	if (renewals != NULL) {
		timer_cancel(&renewals->timer);
		problems_release(&renewals->problems);
		free(renewals);
	}
}

void renewals_serve(struct master *master, bool into_log)
{
	struct renewals *renewals = master->renewals;
	const struct boot *live = rollout_live(master);

	problems_release(&renewals->problems);
	problems_copy(&renewals->problems, &live->certificates);
	if (into_log) {
		tell(&renewals->problems);
	}
	renewals->served = look(live->config);
	renewals->seen = renewals->served;
	renewals->checked_ms = master->loop->now_ms;
	timer_set(&master->loop->timers, &renewals->timer,
	    master->loop->now_ms + LOOK_MS);
}

const struct problems *renewals_problems(const struct master *master)
{
	return &master->renewals->problems;
}

static bool is_known(const struct config *config,
    const struct config_certificate *certificate)
{
	for (size_t i = 0; i < config->certificate_count; i++) {
		const struct config_certificate *other = &config->certificates[i];

		if (strcmp(other->chain, certificate->chain) == 0 &&
		    strcmp(other->key, certificate->key) == 0) {
			return true;
		}
	}
	return false;
}

void renewals_tolerate(struct boot *boot, const struct boot *live)
{
	for (size_t i = 0; i < boot->config->certificate_count; i++) {
		struct config_certificate *certificate = &boot->config->certificates[i];

		if (!boot->reread) {
			certificate->tolerated = true;
		} else if (certificate->vhost > 0) {
			certificate->tolerated = live == NULL ||
			    is_known(live->config, certificate);
		}
	}
}

/* SPDX-License-Identifier: MIT */
/* The certificates of what is served. */
#include "master/renewals.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "master/expiry.h"
#include "master/found.h"
#include "master/keeper.h"
#include "master/preflight.h"
#include "master/rollout.h"
#include "os/file_mark.h"

#define LOOK_MS 250
#define SETTLE_MS 50		/* without a change: both halves are written */
#define UNREST_MS 1000		/* of changes without a pause: do not wait on */
#define DOUBT_MS 3000		/* before halves that do not match are told */
#define LOST_MS 60000		/* before it is tried again to have a key that is lost */
#define EXPIRY_MS (60 * 60 * 1000)
#define DAY_MS (24 * EXPIRY_MS)

struct renewals {
	struct master *master;
	struct timer timer;
	uint64_t checked;	/* the files when they were last checked, */
	uint64_t seen;		/* and at the last look */
	int64_t unrest_ms;	/* since when they change; 0: they do not */
	int64_t doubt_ms;	/* when what is broken now is told; 0: it is */
	int64_t checked_ms;
	int64_t told_ms;	/* when it was last looked who expires */
	bool again;		/* a check is wanted in any case */
	/* The check that is under way: */
	struct config *candidate;	/* owned; NULL: none does */
	struct passphrases *passphrases;
	uint64_t candidate_files;
	struct preflight *preflight;
	struct handover keys;
	struct problems fresh;	/* what it finds */
	struct problems found;	/* at the last check */
	struct problems problems;	/* that, and who expires */
};

static uint64_t add_file(uint64_t sum, const char *path)
{
	return hash_fold(sum ^ file_mark(path), HASH_BLOCK);
}

uint64_t renewals_files(const struct config *config)
{
	uint64_t sum = HASH_LAST;
	const struct config_client_auth *clients;

	for (size_t i = 0; i < config->certificate_count; i++) {
		sum = add_file(sum, config->certificates[i].chain);
		sum = add_file(sum, config->certificates[i].key);
	}
	for (size_t i = 0; (clients = config_clients_at(config, i)) != NULL; i++) {
		sum = clients->ca == NULL ? sum : add_file(sum, clients->ca);
		sum = clients->crl == NULL ? sum : add_file(sum, clients->crl);
	}
	return sum;
}

static bool is_told(const struct problems *told, const struct problem *problem)
{
	for (size_t i = 0; i < told->count; i++) {
		if (strcmp(told->items[i].what, problem->what) == 0) {
			return true;
		}
	}
	return false;
}

/* What is shown in place of the broken ones, or no more. */
static void tell_kept(const struct config *live, struct problems *problems)
{
	for (size_t i = 0; i < live->certificate_count; i++) {
		const struct config_certificate *certificate = &live->certificates[i];

		if (certificate->shown.lost) {
			problems_add(problems, certificate->where, NULL,
			    "the key of the certificate '%s' is lost: the keeper that "
			    "had it is gone, and it cannot be had from '%s' again",
			    certificate->chain, certificate->key);
		} else if (certificate->broken && certificate->shown.pem != NULL) {
			problems_warn(problems, certificate->where, NULL,
			    "the certificate that '%s' was before goes on",
			    certificate->chain);
		}
	}
}

/* What was wrong before is told already, wherever the file had it then. */
static void tell(struct renewals *renewals, bool into_log)
{
	const struct config *live = rollout_live(renewals->master)->config;
	struct problems now;

	problems_init(&now);
	problems_copy(&now, &renewals->found);
	tell_kept(live, &now);
	expiry_warn(live, (int64_t)time(NULL), &now);
	for (size_t i = 0; into_log && i < now.count; i++) {
		const struct problem *problem = &now.items[i];

		if (!is_told(&renewals->problems, problem)) {
			log_say(problem->level == PROBLEM_ERROR ? LOG_ERROR : LOG_WARN,
			    "%s: %s", problem->where, problem->what);
		}
	}
	problems_release(&renewals->problems);
	renewals->problems = now;
	renewals->told_ms = renewals->master->loop->now_ms;
}

/* What was found at the check takes the place of what was found before. */
static void take_fresh(struct renewals *renewals)
{
	problems_release(&renewals->found);
	problems_move(&renewals->found, &renewals->fresh);
}

/*
 * Who renews a certificate writes two files, or more: halves that do not match may be
 * about to. Only if they still do not after a while that is told.
 */
static bool is_doubtful(struct renewals *renewals, const struct config *live)
{
	int64_t now_ms = renewals->master->loop->now_ms;

	if (!found_has_broken(live, renewals->candidate)) {
		renewals->doubt_ms = 0;
	} else if (renewals->doubt_ms == 0) {
		renewals->doubt_ms = now_ms + DOUBT_MS;
	} else if (now_ms >= renewals->doubt_ms) {
		renewals->doubt_ms = 0;
	}
	return renewals->doubt_ms != 0;
}

static void end_check(struct renewals *renewals)
{
	keeper_forget(renewals->master, &renewals->keys);
	preflight_free(renewals->preflight);
	renewals->preflight = NULL;
	problems_release(&renewals->fresh);
	passphrases_free(renewals->passphrases);
	renewals->passphrases = NULL;
	config_free(renewals->candidate);
	renewals->candidate = NULL;
}

static void take_over(struct renewals *renewals)
{
	struct master *master = renewals->master;
	struct config *live = rollout_live(master)->config;

	found_inherit(renewals->candidate, live);
	if (found_take(live, renewals->candidate)) {
		log_say(LOG_INFO, "certificates have changed");
		expiry_show(live, master->board);
		rollout_certificates(master);
	}
	if (!is_doubtful(renewals, live)) {
		found_take_verdicts(live, renewals->candidate);
		take_fresh(renewals);
	}
}

/* Without the keys all stays as it is, until the next keeper has them checked again. */
static void on_kept(struct handover *keys, const char *failure)
{
	struct renewals *renewals = LIST_OWNER(keys, struct renewals, keys);
	struct master *master = renewals->master;

	if (failure == NULL) {
		take_over(renewals);
	} else {
		problems_add(&renewals->fresh, renewals->candidate->file, NULL,
		    "certificates are not renewed: %s", failure);
		take_fresh(renewals);
	}
	tell(renewals, true);
	renewals->checked = renewals->candidate_files;
	renewals->checked_ms = master->loop->now_ms;
	end_check(renewals);
}

/* First the keys, then those who show what they are for. */
static void on_checked(void *arg)
{
	struct renewals *renewals = arg;

	found_inherit(renewals->candidate, rollout_live(renewals->master)->config);
	keeper_give_keys(renewals->master, &renewals->keys, renewals->candidate,
	    renewals->passphrases);
}

static void check(void *arg)
{
	struct renewals *renewals = arg;

	renewals->preflight = preflight_start(renewals->master->loop,
	    renewals->candidate, renewals->passphrases, &renewals->fresh, on_checked,
	    renewals);
}

/* files is of before it begins: what changes meanwhile is seen later. */
static void begin_check(struct renewals *renewals, uint64_t files)
{
	const struct boot *live = rollout_live(renewals->master);
	struct problems none;

	problems_init(&none);
	renewals->again = false;
	renewals->unrest_ms = 0;
	renewals->candidate_files = files;
	renewals->candidate = config_parse(live->config->file, live->text,
	    live->text_size, &none);
	problems_release(&none);
	renewals->passphrases = passphrases_start(renewals->master->loop,
	    renewals->candidate, check, renewals);
}

/* A pair is written in two steps at least: what moves is left alone, unless it never
 * rests. */
static bool is_at_rest(struct renewals *renewals, uint64_t files)
{
	int64_t now_ms = renewals->master->loop->now_ms;

	if (files == renewals->seen) {
		return true;
	}
	if (renewals->unrest_ms == 0) {
		renewals->unrest_ms = now_ms;
	}
	return now_ms - renewals->unrest_ms >= UNREST_MS;
}

static bool has_lost(const struct config *config)
{
	for (size_t i = 0; i < config->certificate_count; i++) {
		if (config->certificates[i].shown.lost) {
			return true;
		}
	}
	return false;
}

static bool is_due(const struct renewals *renewals)
{
	const struct master *master = renewals->master;
	int64_t now_ms = master->loop->now_ms;

	return renewals->again ||
	    (renewals->doubt_ms != 0 && now_ms >= renewals->doubt_ms) ||
	    /* Maybe its passphrase could not be had. */
	    (now_ms - renewals->checked_ms >= LOST_MS &&
		has_lost(rollout_live(master)->config)) ||
	    /* The preflight makes a new one in time. */
	    (rollout_live(master)->config->development_certificate &&
		now_ms - renewals->checked_ms >= DAY_MS);
}

static void on_look(struct timer *timer)
{
	struct renewals *renewals = LIST_OWNER(timer, struct renewals, timer);
	struct master *master = renewals->master;
	int64_t now_ms = master->loop->now_ms;
	int64_t pause_ms = LOOK_MS;
	uint64_t files = renewals_files(rollout_live(master)->config);
	bool changed = files != renewals->checked;

	if (renewals->candidate == NULL && (changed || is_due(renewals))) {
		if (is_at_rest(renewals, files)) {
			begin_check(renewals, files);
		} else {
			pause_ms = SETTLE_MS;
		}
	}
	if (!changed) {
		renewals->unrest_ms = 0;
	}
	renewals->seen = files;
	if (now_ms - renewals->told_ms >= EXPIRY_MS) {
		tell(renewals, true);
	}
	timer_set(&master->loop->timers, timer, now_ms + pause_ms);
}

struct renewals *renewals_new(struct master *master)
{
	struct renewals *renewals = memory_new(1, sizeof(*renewals));

	renewals->master = master;
	timer_init(&renewals->timer, on_look);
	handover_init(&renewals->keys, on_kept);
	problems_init(&renewals->fresh);
	problems_init(&renewals->found);
	problems_init(&renewals->problems);
	return renewals;
}

void renewals_free(struct renewals *renewals)
{
	if (renewals != NULL) {
		timer_cancel(&renewals->timer);
		end_check(renewals);
		problems_release(&renewals->found);
		problems_release(&renewals->problems);
		free(renewals);
	}
}

void renewals_serve(struct master *master, bool into_log)
{
	struct renewals *renewals = master->renewals;
	const struct boot *live = rollout_live(master);

	end_check(renewals);
	problems_release(&renewals->found);
	problems_copy(&renewals->found, &live->certificates);
	tell(renewals, into_log);
	expiry_show(live->config, master->board);
	renewals->checked = live->certificate_files;
	renewals->seen = renewals->checked;
	renewals->doubt_ms = 0;
	renewals->unrest_ms = 0;
	renewals->checked_ms = master->loop->now_ms;
	timer_set(&master->loop->timers, &renewals->timer,
	    master->loop->now_ms + LOOK_MS);
}

void renewals_lost(struct master *master)
{
	expiry_show(rollout_live(master)->config, master->board);
	rollout_certificates(master);
	tell(master->renewals, true);
}

void renewals_again(struct master *master)
{
	master->renewals->again = true;
}

const struct problems *renewals_problems(const struct master *master)
{
	return &master->renewals->problems;
}

bool renewals_any_good(const struct config *config)
{
	for (size_t i = 0; i < config->certificate_count; i++) {
		if (!config->certificates[i].broken) {
			return true;
		}
	}
	return false;
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

static bool are_known(const struct config *config,
    const struct config_client_auth *clients)
{
	const struct config_client_auth *other;

	for (size_t i = 0; (other = config_clients_at(config, i)) != NULL; i++) {
		if (other->ca != NULL && clients->ca != NULL &&
		    strcmp(other->ca, clients->ca) == 0 &&
		    (other->crl == NULL) == (clients->crl == NULL) &&
		    (other->crl == NULL || strcmp(other->crl, clients->crl) == 0)) {
			return true;
		}
	}
	return false;
}

void renewals_tolerate(struct boot *boot, const struct boot *live)
{
	struct config_client_auth *clients;

	for (size_t i = 0; i < boot->config->certificate_count; i++) {
		struct config_certificate *certificate = &boot->config->certificates[i];

		certificate->tolerated = live == NULL ||
		    is_known(live->config, certificate);
	}
	for (size_t i = 0; (clients = config_clients_at(boot->config, i)) != NULL; i++) {
		clients->tolerated = live == NULL || are_known(live->config, clients);
	}
}

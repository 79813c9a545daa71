/* SPDX-License-Identifier: MIT */
/* What it means that a host has died: who is told, and when the next one starts. */
#include <sys/wait.h>

#include "base/log.h"
#include "ipc/channel.h"
#include "ipc/page.h"
#include "master/children.h"
#include "master/hosts_state.h"
#include "master/obituary.h"
#include "master/rollout.h"

#define MAX_DELAY_MS 30000
#define BREAKER_DEATHS 5
#define BREAKER_FIRST_S 30
#define BREAKER_MAX_S 600

static void tell_died(const struct host *host)
{
	struct channel_message message = { .type = CHANNEL_DIED, .number = host->version,
		.value = (uint32_t)host->pid, .fds = { -1, -1 } };

	(void)!child_tell(host->child, &message);
}

static void open_breaker(struct squad *squad)
{
	const struct list *hosts = &squad->master->hosts;

	squad->breaker_s = squad->breaker_s == 0 ? BREAKER_FIRST_S : squad->breaker_s * 2;
	if (squad->breaker_s > BREAKER_MAX_S) {
		squad->breaker_s = BREAKER_MAX_S;
	}
	log_say(LOG_ERROR,
	    "handler '%s' has died %u times without an answer between: 503 for %u s, "
	    "then a trial",
	    hosts_name(squad->master, squad->version), squad->in_row, squad->breaker_s);
	squad_tell_broken(squad, squad->breaker_s);
	for (struct list *link = hosts->next; link != hosts; link = link->next) {
		struct host *host = LIST_OWNER(link, struct host, link);

		if (host->squad == squad && host->pid == 0) {
			timer_cancel(&host->timer);
		}
	}
	timer_set(&squad->master->loop->timers, &squad->trial,
	    squad->master->loop->now_ms + (int64_t)squad->breaker_s * 1000);
}

/* Never by a plain count of deaths: one poisonous request, sent again and again, would
 * shut the handler for everybody. */
static void restart(struct host *host)
{
	struct squad *squad = host->squad;
	int64_t delay_ms = 0;

	if (timer_is_set(&squad->trial)) {
		return;
	}
	if (squad->in_row >= BREAKER_DEATHS) {
		open_breaker(squad);
		return;
	}
	if (squad->in_row > 1) {
		delay_ms = (int64_t)HOSTS_FIRST_DELAY_MS << (squad->in_row - 2);
	}
	if (delay_ms > MAX_DELAY_MS) {
		delay_ms = MAX_DELAY_MS;
	}
	if (delay_ms == 0) {
		host_start(host);
	} else {
		timer_set(&host->master->loop->timers, &host->timer,
		    host->master->loop->now_ms + delay_ms);
	}
}

static void tell_death(const struct host *host, const struct version *version, int status)
{
	char text[OBITUARY_BYTES] = "died";

	if (host->page != NULL) {
		obituary(&version->plugin, host->page, status, text);
	}
	log_say(LOG_ERROR, "handler '%s', version %s, worker %u, process %d: %s",
	    version->plugin.note.name, version->plugin.hash, host->child->index,
	    (int)host->pid, text);
}

static bool is_draining(const struct child *child)
{
	const struct scoreboard_worker *slot =
	    &child->master->board->worker[child->index];

	return atomic_load(&slot->state) == SCOREBOARD_DRAINING;
}

/* Its worker has let go of it, which it may tell us only after we have seen the end. */
static bool ended_as_told(const struct host *host, int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 && host->page != NULL &&
	    atomic_load(&host->page->exited) == 0 &&
	    atomic_load(&host->page->running) == 0 &&
	    (!hosts_serve(host->master, host->version) || is_draining(host->child));
}

/* Is it neither retired nor one too many? Then another process takes its place. */
static bool is_wanted(const struct host *host)
{
	return host->squad != NULL && !host->master->stopping &&
	    squad_count(host->squad) <= host->squad->wanted;
}

/* What it has counted stays. */
static void end_page(struct host *host)
{
	host->answers += host_answers(host);
	page_unmap(host->page);
	host->page = NULL;
}

/* A death of one that should live. */
static void count_death(struct host *host, const struct version *version)
{
	struct master *master = host->master;
	struct squad *squad = host->squad;
	uint64_t answers = squad_answers(squad);
	bool answered = answers > squad->heard;

	host->hung = false;
	host->crashes++;
	counter_add(&master->board->crashes[scoreboard_handler_find(master->board,
	    version->plugin.note.name)], 1);
	squad->heard = answers;
	squad->in_row = answered ? 1 : squad->in_row + 1;
	if (answered) {
		squad->breaker_s = 0;
	}
}

/* By itself, and not because we have ended it. */
static bool crashed(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) != 0 : WTERMSIG(status) != SIGKILL;
}

static void replace(struct host *host, struct version *version)
{
	count_death(host, version);
	end_page(host);
	if (version_died(host->master, version, squad_answers(host->squad))) {
		rollout_plugins(host->master);
	}
	restart(host);
}

void host_died(struct host *host, int status)
{
	struct version *version = versions_by_number(host->master, host->version);
	bool wanted = is_wanted(host);
	bool as_told = wanted && ended_as_told(host, status);

	if (host->squad != NULL && !host->master->stopping) {
		tell_died(host);
	}
	if (crashed(status) || (wanted && !as_told)) {
		tell_death(host, version, status);
	}
	timer_cancel(&host->timer);
	host->pid = 0;
	if (!wanted) {
		host_forget(host);
	} else if (as_told) {
		end_page(host);
	} else {
		replace(host, version);
	}
}

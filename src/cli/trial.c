/* SPDX-License-Identifier: MIT */
/*
 * One request run through a plugin: its process, its reply, its end; what it says before
 * the request is trial_told.c's. Whatever ends it (a reply, death, time, a refusal, a
 * signal for us) leads to the same place: the process is reaped, then the loop ends, then
 * it is told what happened.
 */
#include "cli/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "cli/try_reply.h"
#include "master/hostexec.h"
#include "master/obituary.h"

#define ABORT_MS 1000		/* from SIGABRT, for the backtrace, to SIGKILL */

/* It may be reaped already: 0 would be our whole group. */
static void end_host(const struct trial *trial, int number)
{
	if (trial->pid > 0) {
		kill(trial->pid, number);
	}
}

void trial_stop(struct trial *trial)
{
	trial->stopped = true;
	remote_stop(trial->remote);
	timer_set(&trial->loop->timers, &trial->timer,
	    trial->loop->now_ms + trial->timeout_ms);
}

static void on_kill(void *arg, uint32_t pid)
{
	(void)pid;
	end_host(arg, SIGKILL);
}

/* It may have closed its socket and live on. */
static void on_lost(void *arg, uint32_t pid)
{
	struct trial *trial = arg;

	(void)pid;
	trial->lost = true;
	if (!page_is_final(trial->page)) {
		end_host(trial, SIGKILL);
	}
}

static void on_idle(void *arg, struct remote *remote)
{
	(void)arg;
	(void)remote;
}

/* It is alone on the bus: nobody hears, and there is nothing to be heard. */
static int on_subscribe(void *arg, struct slice name)
{
	(void)arg;
	(void)name;
	return 0;
}

static void on_unsubscribe(void *arg, struct slice name)
{
	(void)arg;
	(void)name;
}

static int on_publish(void *arg, struct slice name, struct slice data)
{
	(void)arg;
	(void)name;
	(void)data;
	return 0;
}

static void on_silent(void *arg)
{
	(void)arg;
}

static const struct remote_ops remote_ops = { .kill = on_kill, .lost = on_lost,
	.log = log_handler, .idle = on_idle, .subscribe = on_subscribe,
	.unsubscribe = on_unsubscribe, .publish = on_publish, .silent = on_silent,
	.told = trial_told };

/* Is what the exchange has the plugin's own, and not what is said for one that has died
 * or takes too long? */
static bool reply_is_its_own(const struct trial *trial)
{
	return !trial->hung &&
	    (!trial->lost || atomic_load(&trial->page->finished) > 0);
}

/* Prints what there is of the reply. */
static void take_reply(struct trial *trial)
{
	struct exchange *exchange = &trial->exchange;

	if (exchange->reply.status == 0 || trial->output_failed) {
		return;
	}
	if (!trial->head_printed && reply_is_its_own(trial)) {
		trial->head_printed = true;
		try_reply_head(exchange, stdout);
	}
	if (trial->head_printed && try_reply_pieces(exchange, stdout) != 0) {
		trial->output_failed = true;
		fprintf(stderr, "tincan: cannot print the reply: %s\n", strerror(errno));
		end_host(trial, SIGKILL);
	}
}

static void on_taker(struct deferred *taker)
{
	struct trial *trial = LIST_OWNER(taker, struct trial, taker);
	struct exchange *exchange = &trial->exchange;

	take_reply(trial);
	if (exchange->state == EXCHANGE_ENDED && trial->head_printed) {
		trial->replied = true;
	}
	if (exchange->state <= EXCHANGE_STARTED) {
		exchange_taken(exchange);
	} else if (!trial->stopped && !trial->lost) {
		trial_stop(trial);
	}
}

static void on_wake(struct exchange *exchange)
{
	struct trial *trial = exchange->session;

	loop_defer(trial->loop, &trial->taker);
}

/* As of a client on this machine. */
static const char *on_info(const struct exchange *exchange, const char *key)
{
	static const char *const facts[][2] = { { "client.address", "127.0.0.1" },
		{ "client.port", "49152" }, { "server.port", "8443" },
		{ "tls.version", "TLSv1.3" }, { "tls.cipher", "TLS_AES_256_GCM_SHA384" },
		{ "tls.group", "X25519" }, { "tls.alpn", "http/1.1" },
		{ "tls.sni", "localhost" }, { "tls.resumed", "0" } };

	(void)exchange;
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		if (strcmp(facts[i][0], key) == 0) {
			return facts[i][1];
		}
	}
	return NULL;
}

static const struct exchange_ops exchange_ops = { .wake = on_wake, .info = on_info };

/* Late: by SIGABRT first, which tells where it is. */
static void on_timer(struct timer *timer)
{
	struct trial *trial = LIST_OWNER(timer, struct trial, timer);

	if (trial->hung) {
		end_host(trial, SIGKILL);
		return;
	}
	trial->hung = true;
	trial->hung_in = atomic_load(&trial->page->callback);
	end_host(trial, SIGABRT);
	timer_set(&trial->loop->timers, timer, trial->loop->now_ms + ABORT_MS);
}

static void reap(struct trial *trial)
{
	if (trial->pid > 0 &&
	    waitpid(trial->pid, &trial->status, WNOHANG) == trial->pid) {
		pid_t pid = trial->pid;

		trial->pid = 0;
		trial->lost = true;
		timer_cancel(&trial->timer);
		remote_died(trial->remote, (uint32_t)pid);
		loop_stop(trial->loop);
	}
}

static void on_signal(struct watch *watch, uint32_t events)
{
	struct trial *trial = LIST_OWNER(watch, struct trial, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGCHLD) {
			trial->interrupted = (int)info.ssi_signo;
			end_host(trial, SIGKILL);
		}
	}
	reap(trial);
}

static int watch_signals(struct trial *trial)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* A reply that nobody reads is an error like any other. */
	signal(SIGPIPE, SIG_IGN);
	trial->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return trial->signals.fd < 0 ? ERR_SYSTEM
				     : loop_add(trial->loop, &trial->signals, EPOLLIN);
}

static int start(struct trial *trial)
{
	const struct hostexec_how how = { .probe = true, .cpu = -1, .board_fd = -1,
		.memory_fd = -1 };
	struct hostexec started;

	if (watch_signals(trial) != 0 ||
	    hostexec_start(trial->plugin, &how, &started) != 0) {
		return ERR_SYSTEM;
	}
	trial->pid = started.pid;
	if (page_map_reader(started.page_fd, &trial->page) != 0) {
		close(started.socket_fd);
		close(started.page_fd);
		return ERR_SYSTEM;
	}
	remote_attach(trial->remote, (uint32_t)started.pid, started.socket_fd,
	    started.page_fd);
	timer_set(&trial->loop->timers, &trial->timer,
	    trial->loop->now_ms + trial->timeout_ms);
	return 0;
}

void trial_init(struct trial *trial)
{
	memset(trial, 0, sizeof(*trial));
	trial->loop = loop_new();
	trial->router = router_new();
	trial->signals = (struct watch){ .fd = -1, .fn = on_signal };
	timer_init(&trial->timer, on_timer);
	deferred_init(&trial->taker, on_taker);
	exchange_init(&trial->exchange, &exchange_ops, trial);
}

static void tell_hang(const struct trial *trial)
{
	char where[OBITUARY_BYTES];

	obituary_backtrace(trial->plugin, trial->page, where);
	if (trial->hung_in == PAGE_NONE) {
		fprintf(stderr, "%s: no whole reply within %" PRIu32 " s\n",
		    trial->plugin->file, trial->timeout_ms / 1000);
	} else {
		fprintf(stderr, "%s: did not come back from %s within %" PRIu32 " s%s\n",
		    trial->plugin->file, callback_name(trial->hung_in),
		    trial->timeout_ms / 1000, where);
	}
}

/* It has ended: in the order that it was told to? */
static bool ended_well(const struct trial *trial)
{
	return trial->stopped && trial->status == 0 &&
	    atomic_load(&trial->page->exited) == 0;
}

/* What has not been told by the problems or an interrupt. */
static enum trial_result tell_end(struct trial *trial)
{
	char text[OBITUARY_BYTES];

	if (trial->hung) {
		tell_hang(trial);
	} else if (!ended_well(trial)) {
		obituary(trial->plugin, trial->page, trial->status, text);
		fprintf(stderr, "%s: %s\n", trial->plugin->file, text);
	} else if (!trial->head_printed) {
		fprintf(stderr, "%s: gave no reply (tc.abort)\n", trial->plugin->file);
	} else if (!trial->replied) {
		fprintf(stderr, "%s: did not complete its reply\n", trial->plugin->file);
	} else {
		return TRIAL_REPLIED;
	}
	return TRIAL_FAILED;
}

enum trial_result trial_run(struct trial *trial)
{
	struct remote_ops ops = remote_ops;

	ops.arg = trial;
	trial->remote = remote_new(trial->loop, &ops, trial->plugin->note.name);
	if (start(trial) != 0) {
		fprintf(stderr, "tincan: cannot start a process for '%s': %s\n",
		    trial->plugin->file, strerror(errno));
		return TRIAL_FAILED;
	}
	loop_run(trial->loop);
	if (trial->interrupted != 0 || trial->output_failed) {
		return TRIAL_FAILED;
	}
	if (trial->problems->errors > 0 && !WIFSIGNALED(trial->status)) {
		return TRIAL_REFUSED;
	}
	return tell_end(trial);
}

void trial_release(struct trial *trial)
{
	if (trial->pid > 0) {
		kill(trial->pid, SIGKILL);
		(void)waitpid(trial->pid, NULL, 0);
	}
	/* First, so that the remote has nobody to answer any more. */
	exchange_reset(&trial->exchange);
	remote_free(trial->remote);
	deferred_cancel(&trial->taker);
	timer_cancel(&trial->timer);
	if (trial->signals.fd >= 0) {
		loop_remove(trial->loop, &trial->signals);
		close(trial->signals.fd);
	}
	loop_run_deferred(trial->loop);
	exchange_release(&trial->exchange);
	page_unmap(trial->page);
	router_free(trial->router);
	loop_free(trial->loop);
}

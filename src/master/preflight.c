/* SPDX-License-Identifier: MIT */
/*
 * The certificates and keys, tried in a throw-away process. It reports over a pipe, by
 * records of three texts and a level as ipc/pack.h packs them; then, for each
 * certificate, whether it is broken and what it shows, and for each demand on clients
 * likewise.
 */
#include "master/preflight.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "ipc/pack.h"
#include "tls/context.h"
#include "tls/devcert.h"
#include "tls/key_log.h"
#include "tls/passphrase.h"

#define REPORT_MAX ((size_t)128 << 20)
#define WAIT_MS 30000
#define REPORT_END 255		/* where a level would be: all is said */
#define CHUNK_BYTES 65536

struct preflight {
	struct loop *loop;
	struct config *config;
	struct problems *problems;
	pid_t pid;			/* 0: it has ended */
	struct watch talk;		/* its report; fd -1 likewise */
	struct buffer content;
	struct timer deadline;
	struct deferred finish;
	void (*done)(void *arg);
	void *arg;
};

static int pack_problem(struct buffer *out, const struct problem *problem)
{
	int rc = pack_u8(out, (uint8_t)problem->level);

	rc = rc != 0 ? rc : pack_text(out, slice_of(problem->where));
	rc = rc != 0 ? rc : pack_text(out, slice_of(problem->what));
	return rc != 0 ? rc
	    : pack_text(out, slice_of(problem->hint == NULL ? "" : problem->hint));
}

static int pack_verdict(struct buffer *out, const struct config_certificate *certificate,
    const struct tls_context *tls)
{
	struct config_shown shown = { 0 };
	bool broken = tls == NULL ||
	    !tls_identities_show(tls->identities, certificate, &shown);
	int rc = pack_u8(out, broken);

	rc = rc != 0 ? rc : pack_text(out, slice_of(shown.pem == NULL ? "" : shown.pem));
	rc = rc != 0 ? rc
	    : pack_text(out, slice_of(shown.names == NULL ? "" : shown.names));
	rc = rc != 0 ? rc : pack_text(out, (struct slice){
	    (const char *)shown.key_name, sizeof(shown.key_name) });
	rc = rc != 0 ? rc : pack_u64(out, (uint64_t)shown.begins_s);
	rc = rc != 0 ? rc : pack_u64(out, (uint64_t)shown.ends_s);
	config_shown_release(&shown);
	return rc;
}

static int pack_trust(struct buffer *out, const struct config_client_auth *clients,
    const struct tls_context *tls)
{
	struct config_trust shown = { 0 };
	bool broken = tls == NULL || !tls_clients_show(tls->clients, clients, &shown);
	int rc = pack_u8(out, broken);

	rc = rc != 0 ? rc : pack_optional(out, shown.cas);
	rc = rc != 0 ? rc : pack_optional(out, shown.lists);
	config_trust_release(&shown);
	return rc;
}

static int pack_verdicts(struct buffer *out, const struct config *config,
    const struct tls_context *tls)
{
	const struct config_client_auth *clients;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < config->certificate_count; i++) {
		rc = pack_verdict(out, &config->certificates[i], tls);
	}
	for (size_t i = 0; rc == 0 && (clients = config_clients_at(config, i)) != NULL;
	     i++) {
		rc = pack_trust(out, clients, tls);
	}
	return rc;
}

static int report(int fd, const struct problems *problems, const struct config *config,
    const struct tls_context *tls)
{
	struct buffer out;
	int rc = 0;

	buffer_init(&out, REPORT_MAX);
	for (size_t i = 0; rc == 0 && i < problems->count; i++) {
		rc = pack_problem(&out, &problems->items[i]);
	}
	rc = rc != 0 ? rc : pack_u8(&out, REPORT_END);
	rc = rc != 0 ? rc : pack_verdicts(&out, config, tls);
	while (rc == 0 && out.size > 0) {
		ssize_t written = write(fd, buffer_slice(&out).data, out.size);

		if (written < 0) {
			rc = errno == EINTR ? 0 : ERR_SYSTEM;
		} else {
			buffer_consume(&out, (size_t)written);
		}
	}
	buffer_release(&out);
	return rc;
}

/* What a command has printed, for one certificate, or why that is of no use. */
static void take_passphrase(struct config_certificate *certificate, int fd,
    const char *failure)
{
	char text[TLS_PASSPHRASE_BYTES];
	int rc = failure != NULL ? ERR_INVALID : tls_passphrase_read(fd, text);

	if (failure != NULL) {
		certificate->no_passphrase = memory_text(failure);
	} else if (rc != 0) {
		certificate->no_passphrase = memory_printf("'%s' has printed %s",
		    certificate->passphrase_command[0], rc == ERR_MISSING ? "nothing" :
		    "no line of less than 1024 bytes");
	} else {
		certificate->passphrase = memory_text(text);
	}
}

static void take_passphrases(struct config *config, const struct passphrases *passphrases)
{
	for (size_t i = 0; i < config->certificate_count; i++) {
		struct config_certificate *certificate = &config->certificates[i];

		if (certificate->passphrase_command != NULL) {
			take_passphrase(certificate, passphrases_fd(passphrases, i),
			    passphrases_failure(passphrases, i));
		}
	}
}

static void check_key_log(const struct config *config, struct problems *problems)
{
	int fd = tls_key_log_open(config, problems);

	if (fd >= 0) {
		close(fd);
	}
}

static _Noreturn void child_run(int fd, struct config *config,
    const struct passphrases *passphrases)
{
	struct tls_context *tls = NULL;
	struct problems problems;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	problems_init(&problems);
	take_passphrases(config, passphrases);
	if (config->development_certificate) {
		tls_devcert_ensure(config, config->certificates[0].chain,
		    config->certificates[0].key, &problems);
	}
	if (problems.errors == 0) {
		tls = tls_context_new(config, TLS_KEYS_HERE, NULL, NULL, &problems);
	}
	check_key_log(config, &problems);
	_exit(report(fd, &problems, config, tls) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Nothing is known of them. */
static void forget(struct config *config)
{
	struct config_client_auth *clients;

	for (size_t i = 0; i < config->certificate_count; i++) {
		config->certificates[i].broken = true;
		config_shown_release(&config->certificates[i].shown);
	}
	for (size_t i = 0; (clients = config_clients_at(config, i)) != NULL; i++) {
		clients->broken = true;
		config_trust_release(&clients->trust);
	}
}

static void take_verdict(struct unpack *in, struct config_certificate *certificate)
{
	struct config_shown *shown = &certificate->shown;
	const char *pem;
	const char *names;
	struct slice key_name;

	certificate->broken = unpack_u8(in) != 0;
	pem = unpack_string(in);
	names = unpack_string(in);
	key_name = unpack_text(in);
	config_shown_release(shown);
	if (pem[0] != '\0' && key_name.size == sizeof(shown->key_name)) {
		shown->pem = memory_text(pem);
		shown->names = memory_text(names);
		memcpy(shown->key_name, key_name.data, key_name.size);
	}
	shown->begins_s = (int64_t)unpack_u64(in);
	shown->ends_s = (int64_t)unpack_u64(in);
}

static void take_trust(struct unpack *in, struct config_client_auth *clients)
{
	clients->broken = unpack_u8(in) != 0;
	config_trust_release(&clients->trust);
	clients->trust.cas = memory_optional(unpack_optional(in));
	clients->trust.lists = memory_optional(unpack_optional(in));
}

/* Was the whole of it there? */
static bool take_report(struct slice content, struct config *config,
    struct problems *problems)
{
	struct unpack in = { .rest = content };
	uint8_t level = unpack_u8(&in);
	struct config_client_auth *clients;

	while (!in.failed && level != REPORT_END) {
		const char *where = unpack_string(&in);
		const char *what = unpack_string(&in);
		const char *hint = unpack_string(&in);

		hint = hint[0] == '\0' ? NULL : hint;
		if (level == PROBLEM_ERROR) {
			problems_add(problems, where, hint, "%s", what);
		} else {
			problems_warn(problems, where, hint, "%s", what);
		}
		level = unpack_u8(&in);
	}
	for (size_t i = 0; !in.failed && i < config->certificate_count; i++) {
		take_verdict(&in, &config->certificates[i]);
	}
	for (size_t i = 0; !in.failed && (clients = config_clients_at(config, i)) != NULL;
	     i++) {
		take_trust(&in, clients);
	}
	return unpack_done(&in);
}

static pid_t start(struct config *config, const struct passphrases *passphrases, int *fd)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0) {
		return -1;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child_run(fds[1], config, passphrases);
	}
	close(fds[1]);
	*fd = fds[0];
	if (pid < 0) {
		close(fds[0]);
	}
	return pid;
}

static void leave(struct preflight *preflight)
{
	timer_cancel(&preflight->deadline);
	if (preflight->talk.fd >= 0) {
		loop_remove(preflight->loop, &preflight->talk);
		close(preflight->talk.fd);
		preflight->talk.fd = -1;
	}
	if (preflight->pid > 0) {
		while (waitpid(preflight->pid, NULL, 0) < 0 && errno == EINTR) {
		}
		preflight->pid = 0;
	}
}

/* A why of NULL: it has said all. */
static void settle(struct preflight *preflight, const char *why)
{
	struct config *config = preflight->config;
	struct problems *problems = preflight->problems;

	if (why == NULL &&
	    !take_report(buffer_slice(&preflight->content), config, problems)) {
		why = "died";
	}
	if (why != NULL) {
		problems_add(problems, config->file, NULL,
		    "the check of the certificates %s", why);
		forget(config);
		if (preflight->pid > 0) {
			kill(preflight->pid, SIGKILL);
		}
	}
	leave(preflight);
	loop_soon(preflight->loop, &preflight->finish);
}

static void on_deadline(struct timer *timer)
{
	settle(LIST_OWNER(timer, struct preflight, deadline), "takes too long");
}

static void on_talk(struct watch *watch, uint32_t events)
{
	struct preflight *preflight = LIST_OWNER(watch, struct preflight, talk);
	char *space;
	ssize_t got;

	(void)events;
	if (watch->fd < 0) {
		return;
	}
	if (buffer_reserve(&preflight->content, CHUNK_BYTES, &space) != 0) {
		settle(preflight, "says too much");
		return;
	}
	got = read(watch->fd, space, CHUNK_BYTES);
	if (got > 0) {
		buffer_commit(&preflight->content, (size_t)got);
	} else if (got == 0 || errno != EINTR) {
		settle(preflight, got == 0 ? NULL : strerror(errno));
	}
}

static void on_finish(struct deferred *deferred)
{
	struct preflight *preflight = LIST_OWNER(deferred, struct preflight, finish);

	preflight->done(preflight->arg);
}

static void free_all(struct deferred *deferred)
{
	free(LIST_OWNER(deferred, struct preflight, finish));
}

struct preflight *preflight_start(struct loop *loop, struct config *config,
    const struct passphrases *passphrases, struct problems *problems,
    void (*done)(void *arg), void *arg)
{
	struct preflight *preflight = memory_new(1, sizeof(*preflight));

	*preflight = (struct preflight){ .loop = loop, .config = config,
		.problems = problems, .talk = { .fd = -1, .fn = on_talk },
		.done = done, .arg = arg };
	timer_init(&preflight->deadline, on_deadline);
	deferred_init(&preflight->finish, on_finish);
	buffer_init(&preflight->content, REPORT_MAX);
	preflight->pid = start(config, passphrases, &preflight->talk.fd);
	if (preflight->pid < 0) {
		preflight->talk.fd = -1;
		settle(preflight, strerror(errno));
	} else if (loop_add(loop, &preflight->talk, EPOLLIN) != 0) {
		settle(preflight, strerror(errno));
	} else {
		timer_set(&loop->timers, &preflight->deadline,
		    clock_us() / 1000 + WAIT_MS);
	}
	return preflight;
}

void preflight_free(struct preflight *preflight)
{
	bool under_way;

	if (preflight == NULL) {
		return;
	}
	under_way = preflight->talk.fd >= 0;
	if (under_way) {
		kill(preflight->pid, SIGKILL);
	}
	leave(preflight);
	buffer_release(&preflight->content);
	deferred_cancel(&preflight->finish);
	deferred_init(&preflight->finish, free_all);
	if (under_way) {
		/* An event of this round may still come. */
		loop_defer(preflight->loop, &preflight->finish);
	} else {
		free(preflight);
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * The certificates and keys, tried in a throw-away process. It reports over a pipe, by
 * records of three texts and a level as ipc/pack.h packs them; then, for each
 * certificate, whether it is broken and what it shows, and for each demand on clients
 * whether it is broken.
 */
#include "master/preflight.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "ipc/pack.h"
#include "os/loop.h"
#include "tls/context.h"
#include "tls/devcert.h"
#include "tls/passphrase.h"

#define REPORT_MAX ((size_t)128 << 20)
#define WAIT_MS 30000
#define REPORT_END 255		/* where a level would be: all is said */

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
		rc = pack_u8(out, tls == NULL ||
			!tls_clients_have(tls->clients, clients));
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
			rc = ERR_SYSTEM;
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
	_exit(report(fd, &problems, config, tls) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* ERR_AGAIN: nothing comes in time. */
static int wait_for(int fd, int64_t until_ms)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	int64_t left_ms = until_ms - clock_us() / 1000;

	return left_ms > 0 && poll(&readable, 1, (int)left_ms) != 0 ? 0 : ERR_AGAIN;
}

static int collect(int fd, struct buffer *out)
{
	int64_t until_ms = clock_us() / 1000 + WAIT_MS;
	ssize_t got = 1;

	while (got > 0) {
		char *space;
		int rc = buffer_reserve(out, 65536, &space);

		rc = rc != 0 ? rc : wait_for(fd, until_ms);
		if (rc != 0) {
			return rc;
		}
		do {
			got = read(fd, space, 65536);
		} while (got < 0 && errno == EINTR);
		if (got > 0) {
			buffer_commit(out, (size_t)got);
		}
	}
	return got == 0 ? 0 : ERR_SYSTEM;
}

/* Nothing is known of them. */
static void forget(struct config *config)
{
	for (size_t i = 0; i < config->certificate_count; i++) {
		config->certificates[i].broken = true;
		config_shown_release(&config->certificates[i].shown);
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
		clients->broken = unpack_u8(&in) != 0;
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

void preflight_run(struct config *config, const struct passphrases *passphrases,
    struct problems *problems)
{
	struct buffer content;
	int fd;
	pid_t pid = start(config, passphrases, &fd);
	int rc;

	if (pid < 0) {
		problems_add(problems, config->file, NULL, "cannot start a process: %s",
		    strerror(errno));
		forget(config);
		return;
	}
	buffer_init(&content, REPORT_MAX);
	rc = collect(fd, &content);
	if (rc != 0 || !take_report(buffer_slice(&content), config, problems)) {
		problems_add(problems, config->file, NULL, "the check of the "
		    "certificates %s", rc == ERR_AGAIN ? "takes too long" : "died");
		forget(config);
		kill(pid, SIGKILL);
	}
	close(fd);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
	}
	buffer_release(&content);
}

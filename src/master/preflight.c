/* SPDX-License-Identifier: MIT */
/*
 * The certificates and keys, tried in a throw-away process. It reports over a pipe, by
 * records of three texts and a level as ipc/pack.h packs them; then a byte for each
 * certificate: 1 if it is broken.
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
#include "ipc/pack.h"
#include "tls/context.h"
#include "tls/devcert.h"

#define REPORT_MAX (1 << 20)
#define REPORT_END 255		/* where a level would be: all is said */

static int pack_problem(struct buffer *out, const struct problem *problem)
{
	int rc = pack_u8(out, (uint8_t)problem->level);

	rc = rc != 0 ? rc : pack_text(out, slice_of(problem->where));
	rc = rc != 0 ? rc : pack_text(out, slice_of(problem->what));
	return rc != 0 ? rc
	    : pack_text(out, slice_of(problem->hint == NULL ? "" : problem->hint));
}

static int pack_verdicts(struct buffer *out, const struct config *config,
    const struct tls_context *tls)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < config->certificate_count; i++) {
		rc = pack_u8(out, tls == NULL ||
			!tls_identities_have(tls->identities, &config->certificates[i]));
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

static _Noreturn void child_run(int fd, const struct config *config)
{
	struct tls_tickets tickets = { { 0 } };
	struct tls_context *tls = NULL;
	struct problems problems;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	problems_init(&problems);
	if (config->development_certificate) {
		tls_devcert_ensure(config, config->certificates[0].chain,
		    config->certificates[0].key, &problems);
	}
	if (problems.errors == 0) {
		tls = tls_context_new(config, TLS_KEYS_HERE, &tickets, NULL, &problems);
	}
	_exit(report(fd, &problems, config, tls) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

static int collect(int fd, struct buffer *out)
{
	ssize_t got = 1;

	while (got > 0) {
		char *space;
		int rc = buffer_reserve(out, 4096, &space);

		if (rc != 0) {
			return rc;
		}
		do {
			got = read(fd, space, 4096);
		} while (got < 0 && errno == EINTR);
		if (got > 0) {
			buffer_commit(out, (size_t)got);
		}
	}
	return got == 0 ? 0 : ERR_SYSTEM;
}

/* Was the whole of it there? */
static bool take_report(struct slice content, struct config *config,
    struct problems *problems)
{
	struct unpack in = { .rest = content };
	uint8_t level = unpack_u8(&in);

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
		config->certificates[i].broken = unpack_u8(&in) != 0;
	}
	return unpack_done(&in);
}

static pid_t start(const struct config *config, int *fd)
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
		child_run(fds[1], config);
	}
	close(fds[1]);
	*fd = fds[0];
	if (pid < 0) {
		close(fds[0]);
	}
	return pid;
}

void preflight_run(struct config *config, struct problems *problems)
{
	struct buffer content;
	int fd;
	pid_t pid = start(config, &fd);

	if (pid < 0) {
		problems_add(problems, config->file, NULL, "cannot start a process: %s",
		    strerror(errno));
		return;
	}
	buffer_init(&content, REPORT_MAX);
	if (collect(fd, &content) != 0 ||
	    !take_report(buffer_slice(&content), config, problems)) {
		problems_add(problems, config->file, NULL,
		    "the check of the certificates died");
	}
	close(fd);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
	}
	buffer_release(&content);
}

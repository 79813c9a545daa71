/* SPDX-License-Identifier: MIT */
/* Runs passphrase commands. */
#include "master/passphrases.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"

#define AT_ONCE 8		/* commands that run */
#define OUTPUT_BYTES 4096	/* more than a passphrase can have */
#define TALK_BYTES 256		/* of what it says on stderr */

struct command {
	struct passphrases *passphrases;
	const struct config_certificate *certificate;	/* the first that it is for */
	char *const *words;	/* borrowed */
	int output;		/* its stdout; -1 */
	struct watch talk;	/* its stderr; fd -1: none */
	struct watch process;	/* tells of its end; fd -1: none */
	pid_t pid;		/* 0: none runs */
	struct timer deadline;
	char said[TALK_BYTES];
	size_t said_size;
	char *failure;		/* owned */
};

struct passphrases {
	struct loop *loop;
	size_t *of;		/* of each certificate: its command + 1; 0: none */
	struct command *commands;
	size_t count;
	size_t started;
	size_t ended;
	struct deferred finish;
	void (*done)(void *arg);
	void *arg;
};

static void leave(struct loop *loop, struct watch *watch)
{
	if (watch->fd >= 0) {
		loop_remove(loop, watch);
		close(watch->fd);
		watch->fd = -1;
	}
}

static void wipe_output(struct command *command)
{
	static const char zeros[OUTPUT_BYTES];

	if (command->output >= 0) {
		(void)!pwrite(command->output, zeros, sizeof(zeros), 0);
		close(command->output);
		command->output = -1;
	}
}

/* What is said on stderr goes into the message: up to the end of its first line. */
static void on_talk(struct watch *watch, uint32_t events)
{
	struct command *command = LIST_OWNER(watch, struct command, talk);
	char rest[TALK_BYTES];
	ssize_t got = 1;

	(void)events;
	while (watch->fd >= 0 && got > 0) {
		size_t room = sizeof(command->said) - 1 - command->said_size;

		got = room > 0 ?
		    read(watch->fd, command->said + command->said_size, room) :
		    read(watch->fd, rest, sizeof(rest));
		command->said_size += room > 0 && got > 0 ? (size_t)got : 0;
	}
	if (got == 0) {
		leave(command->passphrases->loop, watch);
	}
}

/* What it said, as the end of a message. */
static const char *first_line(struct command *command)
{
	command->said[command->said_size] = '\0';
	command->said[strcspn(command->said, "\r\n")] = '\0';
	return command->said;
}

static void tell_status(struct command *command, int status)
{
	const char *said = first_line(command);
	const char *colon = said[0] == '\0' ? "" : ": ";

	if (WIFSIGNALED(status)) {
		command->failure = memory_printf("'%s' was ended by signal %d%s%s",
		    command->words[0], WTERMSIG(status), colon, said);
	} else if (WEXITSTATUS(status) != 0) {
		command->failure = memory_printf("'%s' ended with status %d%s%s",
		    command->words[0], WEXITSTATUS(status), colon, said);
	} else if (said[0] != '\0') {
		log_say(LOG_WARN, "passphrase command '%s': %s", command->words[0], said);
	}
}

static void settle(struct command *command)
{
	struct passphrases *passphrases = command->passphrases;

	timer_cancel(&command->deadline);
	leave(passphrases->loop, &command->talk);
	leave(passphrases->loop, &command->process);
	if (command->failure != NULL) {
		wipe_output(command);
	}
	passphrases->ended++;
}

static int reap(struct command *command, bool by_force)
{
	int status = 0;

	/* With whatever it has started. */
	if (by_force) {
		kill(-command->pid, SIGKILL);
		kill(command->pid, SIGKILL);
	}
	while (waitpid(command->pid, &status, 0) < 0 && errno == EINTR) {
	}
	command->pid = 0;
	return status;
}

static _Noreturn void become(struct command *command, int talk)
{
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setpgid(0, 0);
	for (int i = 1; i < NSIG; i++) {
		signal(i, SIG_DFL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(null, STDIN_FILENO) < 0 || dup2(command->output, STDOUT_FILENO) < 0 ||
	    dup2(talk, STDERR_FILENO) < 0) {
		_exit(EXIT_FAILURE);
	}
	(void)close_range(STDERR_FILENO + 1, UINT_MAX, 0);
	execvp(command->words[0], command->words);
	dprintf(STDERR_FILENO, "%s", strerror(errno));
	_exit(127);
}

/* A memory that does not grow: who writes more is told so by an error. */
static int open_output(void)
{
	int fd = memfd_create("tincan-passphrase", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && (ftruncate(fd, OUTPUT_BYTES) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void on_end(struct watch *watch, uint32_t events);

static int launch(struct command *command)
{
	struct loop *loop = command->passphrases->loop;
	int talk[2];

	command->output = open_output();
	if (command->output < 0 || pipe2(talk, O_CLOEXEC | O_NONBLOCK) != 0) {
		return ERR_SYSTEM;
	}
	fflush(NULL);
	command->pid = fork();
	if (command->pid == 0) {
		become(command, talk[1]);
	}
	close(talk[1]);
	command->talk = (struct watch){ .fd = talk[0], .fn = on_talk };
	command->process = (struct watch){ .fd = command->pid < 0 ? -1 :
		pidfd_open(command->pid, 0), .fn = on_end };
	if (loop_add(loop, &command->talk, EPOLLIN) == 0 && command->process.fd >= 0 &&
	    loop_add(loop, &command->process, EPOLLIN) == 0) {
		return 0;
	}
	if (command->pid > 0) {
		(void)reap(command, true);
	}
	command->pid = 0;
	return ERR_SYSTEM;
}

static void start(struct command *command)
{
	struct loop *loop = command->passphrases->loop;

	if (launch(command) == 0) {
		timer_set(&loop->timers, &command->deadline,
		    loop->now_ms + PASSPHRASES_WAIT_MS);
		return;
	}
	command->failure = memory_printf("cannot start '%s': %s", command->words[0],
	    strerror(errno));
	settle(command);
}

static void start_some(struct passphrases *passphrases)
{
	while (passphrases->started < passphrases->count &&
	    passphrases->started - passphrases->ended < AT_ONCE) {
		start(&passphrases->commands[passphrases->started++]);
	}
	if (passphrases->ended == passphrases->count) {
		loop_soon(passphrases->loop, &passphrases->finish);
	}
}

static void on_end(struct watch *watch, uint32_t events)
{
	struct command *command = LIST_OWNER(watch, struct command, process);

	(void)events;
	if (watch->fd >= 0 && command->pid > 0) {
		on_talk(&command->talk, 0);
		tell_status(command, reap(command, false));
		settle(command);
		start_some(command->passphrases);
	}
}

static void on_deadline(struct timer *timer)
{
	struct command *command = LIST_OWNER(timer, struct command, deadline);

	(void)reap(command, true);
	command->failure = memory_printf("'%s' took longer than %d s", command->words[0],
	    PASSPHRASES_WAIT_MS / 1000);
	settle(command);
	start_some(command->passphrases);
}

static void on_finish(struct deferred *deferred)
{
	struct passphrases *passphrases = LIST_OWNER(deferred, struct passphrases,
	    finish);

	passphrases->done(passphrases->arg);
}

static bool is_same(const struct config_certificate *a,
    const struct config_certificate *b)
{
	size_t i = 0;

	while (a->passphrase_command[i] != NULL && b->passphrase_command[i] != NULL &&
	    strcmp(a->passphrase_command[i], b->passphrase_command[i]) == 0) {
		i++;
	}
	return a->passphrase_command[i] == b->passphrase_command[i] &&
	    strcmp(a->key, b->key) == 0;
}

/* The command that is for this one, too; a new one if there is none. */
static size_t place_of(struct passphrases *passphrases,
    const struct config_certificate *certificate)
{
	struct command *command;

	for (size_t i = 0; i < passphrases->count; i++) {
		if (is_same(passphrases->commands[i].certificate, certificate)) {
			return i;
		}
	}
	command = &passphrases->commands[passphrases->count];
	command->passphrases = passphrases;
	command->certificate = certificate;
	command->words = certificate->passphrase_command;
	command->output = command->talk.fd = command->process.fd = -1;
	timer_init(&command->deadline, on_deadline);
	return passphrases->count++;
}

static void collect(struct passphrases *passphrases, const struct config *config)
{
	for (size_t i = 0; i < config->certificate_count; i++) {
		if (config->certificates[i].passphrase_command != NULL) {
			passphrases->of[i] =
			    1 + place_of(passphrases, &config->certificates[i]);
		}
	}
}

static void free_all(struct deferred *deferred)
{
	struct passphrases *passphrases = LIST_OWNER(deferred, struct passphrases,
	    finish);

	free(passphrases->of);
	free(passphrases->commands);
	free(passphrases);
}

struct passphrases *passphrases_start(struct loop *loop, const struct config *config,
    void (*done)(void *arg), void *arg)
{
	struct passphrases *passphrases = memory_new(1, sizeof(*passphrases));

	passphrases->loop = loop;
	passphrases->done = done;
	passphrases->arg = arg;
	deferred_init(&passphrases->finish, on_finish);
	passphrases->of = memory_new(config->certificate_count + 1,
	    sizeof(*passphrases->of));
	passphrases->commands = memory_new(config->certificate_count + 1,
	    sizeof(*passphrases->commands));
	collect(passphrases, config);
	start_some(passphrases);
	return passphrases;
}

void passphrases_free(struct passphrases *passphrases)
{
	if (passphrases == NULL) {
		return;
	}
	for (size_t i = 0; i < passphrases->count; i++) {
		struct command *command = &passphrases->commands[i];

		if (command->pid > 0) {
			(void)reap(command, true);
		}
		timer_cancel(&command->deadline);
		leave(passphrases->loop, &command->talk);
		leave(passphrases->loop, &command->process);
		wipe_output(command);
		free(command->failure);
	}
	deferred_cancel(&passphrases->finish);
	deferred_init(&passphrases->finish, free_all);
	if (passphrases->ended == passphrases->count) {
		free_all(&passphrases->finish);
	} else {
		/* An event of this round may still come. */
		loop_defer(passphrases->loop, &passphrases->finish);
	}
}

static const struct command *command_of(const struct passphrases *passphrases,
    size_t certificate)
{
	size_t place = passphrases == NULL ? 0 : passphrases->of[certificate];

	return place == 0 ? NULL : &passphrases->commands[place - 1];
}

int passphrases_fd(const struct passphrases *passphrases, size_t certificate)
{
	const struct command *command = command_of(passphrases, certificate);

	return command == NULL ? -1 : command->output;
}

const char *passphrases_failure(const struct passphrases *passphrases, size_t certificate)
{
	const struct command *command = command_of(passphrases, certificate);

	return command == NULL ? NULL : command->failure;
}

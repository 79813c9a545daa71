/* SPDX-License-Identifier: MIT */
/* Starting tincan-host. */
#include "master/hostexec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "ipc/page.h"
#include "master/program.h"
#include "os/cpu.h"
#include "os/landlock.h"
#include "plugin/sandbox.h"

#define HOST_SOCKET 3
#define HOST_PAGE 4
#define HOST_BOARD 5
#define HOST_MEMORY 6

/* The program, opened once, and what it may not do: the one thing beside the log that a
 * process has one of. */
static int program_fd = -1;
static struct seccomp_filter filter;

int hostexec_open(struct problems *problems)
{
	if (program_fd < 0) {
		program_fd = program_open("tincan-host", TINCAN_HOST,
		    "plugins run in", problems);
		if (plugin_sandbox_calls(&filter) != 0) {
			memory_exhausted();
		}
	}
	return program_fd < 0 ? ERR_MISSING : 0;
}

int hostexec_limit(pid_t pid, uint64_t max_memory_bytes)
{
	rlim_t bytes = max_memory_bytes == 0 ? RLIM_INFINITY : max_memory_bytes;
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = bytes };

	return prlimit(pid, RLIMIT_AS, &limit, NULL) == 0 ? 0 : ERR_SYSTEM;
}

/* In the child, between fork and exec: system calls only. */
static _Noreturn void become_host(const struct plugin *plugin,
    const struct hostexec_how *how, int socket_fd, int page_fd)
{
	char *const arguments[] = { "tincan-host", how->probe ? "--probe" : "--board",
		(char *)plugin->note.name, plugin->copy, (char *)plugin->hash, NULL };
	int fds[] = { socket_fd, page_fd, how->board_fd, how->memory_fd };

	_Static_assert(HOST_SOCKET + 3 == HOST_MEMORY, "in the order of their numbers");
	/* Up and out of the way first, as any could be one of the fixed numbers
	 * already. */
	for (int i = 0; i <= HOST_MEMORY - HOST_SOCKET; i++) {
		if (fds[i] >= 0 && (fds[i] = fcntl(fds[i], F_DUPFD, 10)) < 0) {
			_exit(EXIT_FAILURE);
		}
	}
	for (int i = 0; i <= HOST_MEMORY - HOST_SOCKET; i++) {
		if (fds[i] < 0) {
			(void)close(HOST_SOCKET + i);
		} else if (dup2(fds[i], HOST_SOCKET + i) < 0) {
			_exit(EXIT_FAILURE);
		}
	}
	program_close_others(HOST_MEMORY, program_fd);
	fexecve(program_fd, arguments, environ);
	_exit(EXIT_FAILURE);
}

static void grant_all(struct landlock ruleset, const char *const *paths,
    enum landlock_grant grant)
{
	for (size_t i = 0; paths != NULL && paths[i] != NULL; i++) {
		/* What is missing has been told of when the configuration was read. */
		(void)!landlock_grant(ruleset, paths[i], grant);
	}
}

/* What any program needs to be loaded and to find its way around. */
static void grant_usual(struct landlock ruleset)
{
	static const char *const readable[] = { "/bin", "/lib", "/lib64", "/usr",
		"/etc/group", "/etc/hosts", "/etc/ld.so.cache", "/etc/ld.so.preload",
		"/etc/localtime", "/etc/nsswitch.conf", "/etc/passwd", "/etc/resolv.conf",
		"/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/proc/cpuinfo",
		"/proc/meminfo", "/proc/self", "/sys/devices/system/cpu", "/dev/random",
		"/dev/urandom", NULL };
	static const char *const writable[] = { "/dev/full", "/dev/null", "/dev/zero",
		NULL };

	grant_all(ruleset, readable, LANDLOCK_READ);
	grant_all(ruleset, writable, LANDLOCK_WRITE);
}

/* In any case it gives up something, so that it cannot look into the others. */
static void confine(const struct plugin *plugin, const struct config_paths *paths)
{
	struct landlock ruleset =
	    landlock_begin(paths == NULL ? LANDLOCK_DEVICES : LANDLOCK_FILES);

	if (ruleset.fd >= 0 && paths != NULL) {
		grant_usual(ruleset);
		(void)!landlock_grant_fd(ruleset, program_fd, LANDLOCK_READ);
		(void)!landlock_grant(ruleset, plugin->copy, LANDLOCK_READ);
		grant_all(ruleset, (const char *const *)paths->read, LANDLOCK_READ);
		grant_all(ruleset, (const char *const *)paths->write, LANDLOCK_WRITE);
	}
	if (ruleset.fd >= 0 && landlock_enter(ruleset) != 0) {
		_exit(EXIT_FAILURE);
	}
}

/* In the child, as become_host; as root as long as paths are to be found. */
static void enter_sandbox(const struct plugin *plugin, const struct hostexec_how *how)
{
	confine(plugin, how->paths);
	if (how->user != NULL && user_become(how->user) != 0) {
		_exit(EXIT_FAILURE);
	}
	/* A kernel without filters is told of by the workers. */
	(void)!seccomp_put_on(&filter);
}

int hostexec_start(const struct plugin *plugin, const struct hostexec_how *how,
    struct hostexec *started)
{
	int sockets[2];
	int host_page;
	int saved;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) !=
	    0) {
		return ERR_SYSTEM;
	}
	if (page_create(&host_page, &started->page_fd) != 0) {
		saved = errno;
		close(sockets[0]);
		close(sockets[1]);
		errno = saved;
		return ERR_SYSTEM;
	}
	fflush(NULL);
	started->pid = fork();
	if (started->pid == 0) {
		cpu_pin(how->cpu);
		if (how->max_memory_bytes > 0) {
			(void)!hostexec_limit(0, how->max_memory_bytes);
		}
		enter_sandbox(plugin, how);
		become_host(plugin, how, sockets[1], host_page);
	}
	saved = errno;
	close(sockets[1]);
	close(host_page);
	started->socket_fd = sockets[0];
	if (started->pid > 0) {
		return 0;
	}
	close(sockets[0]);
	close(started->page_fd);
	errno = saved;
	return ERR_SYSTEM;
}

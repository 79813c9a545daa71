/* SPDX-License-Identifier: MIT */
/* What code of a plugin may call, and what of it depends on arguments. */
#define _GNU_SOURCE 1
#include "plugin/sandbox.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "forked.h"

#define UPPER_BITS (UINT64_C(1) << 32)
#define MOST_NAMES 600
#define NAME_BYTES 40

/* Calls of kernels that are newer than the oldest libseccomp. */
static const char *const newer[] = { "cachestat", "fchmodat2", "file_getattr",
	"file_setattr", "futex_requeue", "futex_wait", "futex_wake", "getxattrat",
	"listxattrat", "map_shadow_stack", "mseal", "open_tree_attr", "removexattrat",
	"riscv_hwprobe", "setxattrat", "uprobe", "uretprobe" };

static bool is_newer(const char *name)
{
	for (size_t i = 0; i < sizeof(newer) / sizeof(newer[0]); i++) {
		if (strcmp(name, newer[i]) == 0) {
			return true;
		}
	}
	return false;
}

struct names {
	char name[MOST_NAMES][NAME_BYTES];
	size_t count;
};

static void check_name(struct names *names, const char *name)
{
	ck_assert_msg(is_newer(name) ||
	    seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR,
	    "no kernel has a call '%s'", name);
	for (size_t i = 0; i < names->count; i++) {
		ck_assert_msg(strcmp(names->name[i], name) != 0, "'%s' is there twice",
		    name);
	}
	ck_assert_uint_lt(names->count, MOST_NAMES);
	snprintf(names->name[names->count++], NAME_BYTES, "%s", name);
}

START_TEST(every_call_is_known_and_in_one_group)
{
	static struct names names;
	const struct seccomp_rule *rule;
	const char *calls;
	char name[NAME_BYTES];
	int size;

	for (rule = plugin_sandbox_rules; rule->calls != NULL; rule++) {
		calls = rule->calls;
		while (rule->when[0].op == 0 &&
		    sscanf(calls, "%39s%n", name, &size) == 1) {
			check_name(&names, name);
			calls += size;
		}
	}
	ck_assert_uint_gt(names.count, 300);
}
END_TEST

/* The calls of a test, made behind the filter: the number of those that went wrong. */
static int behind_filter(int (*calls)(void))
{
	struct seccomp_filter filter;

	if (plugin_sandbox_calls(&filter) != 0 || seccomp_put_on(&filter) != 0) {
		return 255;
	}
	seccomp_filter_release(&filter);
	return calls();
}

static int differs(const char *what, long result, int error)
{
	int found = result < 0 ? errno : 0;

	if (found != error) {
		fprintf(stderr, "%s: errno %d, not %d\n", what, found, error);
	}
	return found == error ? 0 : 1;
}

static void must_be_right(int (*test)(int))
{
	if (seccomp_available()) {
		assert_done(test, 0);
	}
}

static int try_socket(int call, uint64_t family, uint64_t type, uint64_t protocol,
    int error)
{
	char what[80];
	int pair[2];
	long result = syscall(call, family, type, protocol, pair);

	snprintf(what, sizeof(what), "%s(%#llx, %llu, %llu)",
	    call == SYS_socket ? "socket" : "socketpair", (unsigned long long)family,
	    (unsigned long long)type, (unsigned long long)protocol);
	if (result >= 0 && call == SYS_socket) {
		close((int)result);
	} else if (result >= 0) {
		close(pair[0]);
		close(pair[1]);
	}
	return differs(what, result, error);
}

static bool has_use(int family)
{
	return family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
	    family == AF_NETLINK;
}

static int all_families(void)
{
	int wrong = 0;

	for (int family = -1; family < 300; family++) {
		if (has_use(family)) {
			wrong += try_socket(SYS_socket, (uint64_t)family, SOCK_DGRAM, 0,
			    0);
			continue;
		}
		for (uint64_t type = 0; type <= SOCK_PACKET; type++) {
			wrong += try_socket(SYS_socket, (uint64_t)family, type, 0,
			    EAFNOSUPPORT);
			wrong += try_socket(SYS_socketpair, (uint64_t)family, type, 0,
			    EAFNOSUPPORT);
		}
		wrong += try_socket(SYS_socket, UPPER_BITS | (uint64_t)family, SOCK_RAW,
		    0, EAFNOSUPPORT);
	}
	return wrong;
}

static int special_sockets(void)
{
	const uint64_t flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
	int wrong = 0;

	wrong += try_socket(SYS_socket, AF_INET, SOCK_STREAM | flags, 0, 0);
	wrong += try_socket(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | flags, 0, 0);
	wrong += try_socket(SYS_socket, AF_INET, SOCK_PACKET, 0, EAFNOSUPPORT);
	wrong += try_socket(SYS_socket, AF_INET, SOCK_PACKET | flags, 0x300,
	    EAFNOSUPPORT);
	wrong += try_socket(SYS_socket, UPPER_BITS | AF_INET, UPPER_BITS | SOCK_PACKET,
	    0x300, EAFNOSUPPORT);
	wrong += try_socket(SYS_socket, AF_INET, SOCK_RAW | flags, IPPROTO_TCP, EPERM);
	wrong += try_socket(SYS_socket, AF_INET6, SOCK_RAW, IPPROTO_RAW, EPERM);
	wrong += try_socket(SYS_socket, UPPER_BITS | AF_INET, UPPER_BITS | SOCK_RAW,
	    IPPROTO_TCP, EPERM);
	wrong += try_socket(SYS_socket, AF_UNIX, SOCK_RAW, 0, 0);
	wrong += try_socket(SYS_socket, AF_NETLINK, SOCK_RAW | flags, NETLINK_ROUTE, 0);
	for (uint64_t protocol = NETLINK_ROUTE + 1; protocol < 40; protocol++) {
		wrong += try_socket(SYS_socket, AF_NETLINK, SOCK_RAW | flags, protocol,
		    EPROTONOSUPPORT);
		wrong += try_socket(SYS_socket, UPPER_BITS | AF_NETLINK, SOCK_RAW,
		    UPPER_BITS | protocol, EPROTONOSUPPORT);
	}
	return wrong;
}

static int families_behind_filter(int unused)
{
	(void)unused;
	return behind_filter(all_families) + behind_filter(special_sockets);
}

START_TEST(sockets_are_of_few_families)
{
	must_be_right(families_behind_filter);
}
END_TEST

static int try_clone(uint64_t flags, int error)
{
	char what[40];
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0) {
		_exit(0);
	}
	if (pid > 0) {
		waitpid((pid_t)pid, NULL, 0);
	}
	snprintf(what, sizeof(what), "clone(%#llx)", (unsigned long long)flags);
	return differs(what, pid, error);
}

static int all_flags(void)
{
	static const uint64_t namespaces = CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET |
	    CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWUTS;
	int wrong = try_clone(0, 0) + try_clone(CLONE_FILES | CLONE_FS, 0) +
	    try_clone(namespaces, EPERM);

	for (uint64_t flag = 1; flag != 0; flag <<= 1) {
		if ((flag & namespaces) != 0) {
			wrong += try_clone(flag, EPERM) +
			    try_clone(flag | UPPER_BITS, EPERM) +
			    try_clone(flag | CLONE_VM, EPERM);
		}
	}
	return wrong;
}

static int clones_behind_filter(int unused)
{
	(void)unused;
	return behind_filter(all_flags);
}

START_TEST(no_process_is_made_with_a_view_of_its_own)
{
	must_be_right(clones_behind_filter);
}
END_TEST

static int try_request(uint64_t request, int error)
{
	return differs("ioctl", syscall(SYS_ioctl, -1, request, "x"), error);
}

static int all_requests(void)
{
	static const uint64_t refused[] = { TIOCSTI, TIOCLINUX };
	int wrong = 0;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		wrong += try_request(refused[i], EPERM);
		wrong += try_request(refused[i] | UPPER_BITS, EPERM);
		/* The kernel would see to these, had it a descriptor. */
		wrong += try_request(refused[i] + 1, EBADF);
		wrong += try_request(refused[i] - 1, EBADF);
	}
	return wrong;
}

static int requests_behind_filter(int unused)
{
	(void)unused;
	return behind_filter(all_requests);
}

START_TEST(nothing_is_typed_for_somebody_else)
{
	must_be_right(requests_behind_filter);
}
END_TEST

static int unlisted_calls(void)
{
	int wrong = differs("clone3", syscall(SYS_clone3, NULL, 0), ENOSYS) +
	    differs("io_uring_setup", syscall(SYS_io_uring_setup, 1, NULL), ENOSYS);

	for (long call = 1000; call < 1100; call++) {
		wrong += differs("a call that no kernel has", syscall(call), ENOSYS);
	}
	return wrong;
}

static int unlisted_behind_filter(int unused)
{
	(void)unused;
	return behind_filter(unlisted_calls);
}

START_TEST(what_is_not_listed_is_not_there)
{
	must_be_right(unlisted_behind_filter);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plugin_sandbox");
	TCase *tests = tcase_create("plugin_sandbox");

	tcase_add_test(tests, every_call_is_known_and_in_one_group);
	tcase_add_test(tests, sockets_are_of_few_families);
	tcase_add_test(tests, no_process_is_made_with_a_view_of_its_own);
	tcase_add_test(tests, nothing_is_typed_for_somebody_else);
	tcase_add_test(tests, what_is_not_listed_is_not_there);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}

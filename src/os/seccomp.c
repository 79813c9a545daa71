/* SPDX-License-Identifier: MIT */
/* A process that gives up system calls. */
#define _GNU_SOURCE 1
#include "os/seccomp.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/sanitized.h"

#define BY_TREE 2	/* the optimisation: a search, not a list from end to end */

/* Without the last, kernels before 5.16 slow all of the process down against what code of
 * strangers could learn of memory that it may read in any case. */
static bool set_manner(scmp_filter_ctx filter)
{
	return seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, BY_TREE) == 0 &&
	    seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1) == 0;
}

bool seccomp_available(void)
{
	const uint32_t action = SECCOMP_RET_TRAP;

	return !SANITIZED &&
	    syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static bool allow_memory(scmp_filter_ctx filter, int call)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
}

static bool fill(scmp_filter_ctx filter, const int *calls, size_t count)
{
	bool done = set_manner(filter) && allow_memory(filter, SCMP_SYS(mmap)) &&
	    allow_memory(filter, SCMP_SYS(mprotect));

	for (size_t i = 0; done && i < count; i++) {
		done = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) == 0;
	}
	return done;
}

int seccomp_allow(const int *calls, size_t count)
{
	scmp_filter_ctx filter;
	bool done;

	if (SANITIZED) {
		return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : ERR_SYSTEM;
	}
	/* Who catches the signal can still say which call it was. */
	filter = seccomp_init(SCMP_ACT_TRAP);
	done = filter != NULL && fill(filter, calls, count) && seccomp_load(filter) == 0;
	seccomp_release(filter);
	return done ? 0 : ERR_SYSTEM;
}

/* A call that this architecture does not have needs no denial. */
static bool deny(scmp_filter_ctx filter, const struct seccomp_denial *denial)
{
	unsigned conditions = denial->when.op == 0 ? 0 : 1;

	return denial->call < 0 || seccomp_rule_add_array(filter,
	    SCMP_ACT_ERRNO(denial->error), denial->call, conditions,
	    &denial->when) == 0;
}

static int read_code(int fd, struct seccomp_filter *filter)
{
	struct stat status;
	size_t size;

	if (fstat(fd, &status) != 0 || status.st_size <= 0) {
		return ERR_SYSTEM;
	}
	size = (size_t)status.st_size;
	filter->code = malloc(size);
	filter->count = size / sizeof(*filter->code);
	return filter->code != NULL && pread(fd, filter->code, size, 0) == (ssize_t)size
	    ? 0 : ERR_SYSTEM;
}

static int take_code(scmp_filter_ctx from, struct seccomp_filter *filter)
{
	int fd = memfd_create("tincan-seccomp", MFD_CLOEXEC);
	int rc = ERR_SYSTEM;

	if (fd >= 0 && seccomp_export_bpf(from, fd) == 0) {
		rc = read_code(fd, filter);
	}
	if (fd >= 0) {
		close(fd);
	}
	return rc;
}

int seccomp_compile(const struct seccomp_denial *denials, size_t count,
    struct seccomp_filter *filter)
{
	scmp_filter_ctx made;
	bool done;
	int rc;

	*filter = (struct seccomp_filter){ NULL, 0 };
	if (SANITIZED) {
		return 0;
	}
	made = seccomp_init(SCMP_ACT_ALLOW);
	done = made != NULL && set_manner(made);
	for (size_t i = 0; done && i < count; i++) {
		done = deny(made, &denials[i]);
	}
	rc = done ? take_code(made, filter) : ERR_SYSTEM;
	if (rc != 0) {
		seccomp_filter_release(filter);
	}
	seccomp_release(made);
	return rc;
}

int seccomp_put_on(const struct seccomp_filter *filter)
{
	const struct sock_fprog program = { .len = (unsigned short)filter->count,
		.filter = filter->code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		return ERR_SYSTEM;
	}
	return filter->count == 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0 ? 0 : ERR_SYSTEM;
}

void seccomp_filter_release(struct seccomp_filter *filter)
{
	free(filter->code);
	*filter = (struct seccomp_filter){ NULL, 0 };
}

/* SPDX-License-Identifier: MIT */
/* A process that gives up system calls. */
#define _GNU_SOURCE 1
#include "os/seccomp.h"

#include <assert.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/sanitized.h"

#define BY_TREE 2	/* the optimisation: a search, not a list from end to end */
#define NAME_BYTES 40

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

/* The name at which calls begins; where it ends, or NULL if there is none. */
static const char *take_name(const char *calls, char name[NAME_BYTES])
{
	size_t length;

	calls += strspn(calls, " ");
	length = strcspn(calls, " ");
	assert(length < NAME_BYTES);
	memcpy(name, calls, length);
	name[length] = '\0';
	return length > 0 ? calls + length : NULL;
}

/* A number below 0 is a call that the architecture does not have, which libseccomp leaves
 * out, or one that is part of another (socketcall), which it sees to; but what are
 * arguments elsewhere lie behind a pointer then. */
static bool has_rule(int call, unsigned conditions)
{
	return conditions > 0 ? call >= 0 : call != __NR_SCMP_ERROR;
}

static bool add_rule(scmp_filter_ctx filter, const char *calls, uint32_t action,
    const struct scmp_arg_cmp *when, unsigned conditions)
{
	char name[NAME_BYTES];
	bool done = true;
	int call;

	while (done && (calls = take_name(calls, name)) != NULL) {
		call = seccomp_syscall_resolve_name(name);
		done = !has_rule(call, conditions) || seccomp_rule_add_array(filter,
		    action, call, conditions, when) == 0;
	}
	return done;
}

int seccomp_allow(const char *calls)
{
	static const struct scmp_arg_cmp no_code = { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC,
		0 };
	scmp_filter_ctx filter;
	bool done;

	if (SANITIZED) {
		return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : ERR_SYSTEM;
	}
	/* Who catches the signal can still say which call it was. */
	filter = seccomp_init(SCMP_ACT_TRAP);
	done = filter != NULL && set_manner(filter) &&
	    add_rule(filter, "mmap mprotect", SCMP_ACT_ALLOW, &no_code, 1) &&
	    add_rule(filter, calls, SCMP_ACT_ALLOW, NULL, 0) && seccomp_load(filter) == 0;
	seccomp_release(filter);
	return done ? 0 : ERR_SYSTEM;
}

static int read_code(int fd, struct seccomp_program *program)
{
	struct stat status;
	size_t size;

	if (fstat(fd, &status) != 0 || status.st_size <= 0) {
		return ERR_SYSTEM;
	}
	size = (size_t)status.st_size;
	program->code = malloc(size);
	program->count = size / sizeof(*program->code);
	return program->code != NULL && pread(fd, program->code, size, 0) == (ssize_t)size
	    ? 0 : ERR_SYSTEM;
}

static int take_code(scmp_filter_ctx from, struct seccomp_program *program)
{
	int fd = memfd_create("tincan-seccomp", MFD_CLOEXEC);
	int rc = ERR_SYSTEM;

	if (fd >= 0 && seccomp_export_bpf(from, fd) == 0) {
		rc = read_code(fd, program);
	}
	if (fd >= 0) {
		close(fd);
	}
	return rc;
}

static unsigned count_conditions(const struct seccomp_rule *rule)
{
	unsigned count = 0;

	while (count < SECCOMP_CONDITIONS && rule->when[count].op != 0) {
		count++;
	}
	return count;
}

/* The rules that look at arguments, or those that do not. */
static int compile(const struct seccomp_rule *rules, uint32_t otherwise,
    bool by_arguments, struct seccomp_program *program)
{
	scmp_filter_ctx made = seccomp_init(otherwise);
	bool done = made != NULL && set_manner(made);
	unsigned conditions;
	int rc;

	for (; done && rules->calls != NULL; rules++) {
		conditions = count_conditions(rules);
		if (by_arguments == (conditions > 0)) {
			done = add_rule(made, rules->calls, rules->error == 0 ?
			    SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(rules->error),
			    rules->when, conditions);
		}
	}
	rc = done ? take_code(made, program) : ERR_SYSTEM;
	seccomp_release(made);
	return rc;
}

int seccomp_compile(const struct seccomp_rule *rules, int otherwise,
    struct seccomp_filter *filter)
{
	int rc;

	*filter = (struct seccomp_filter){ .calls = { NULL, 0 } };
	if (SANITIZED) {
		return 0;
	}
	rc = compile(rules, SCMP_ACT_ERRNO(otherwise), false, &filter->calls);
	if (rc == 0) {
		rc = compile(rules, SCMP_ACT_ALLOW, true, &filter->arguments);
	}
	if (rc != 0) {
		seccomp_filter_release(filter);
	}
	return rc;
}

static int put_on(const struct seccomp_program *program)
{
	const struct sock_fprog code = { .len = (unsigned short)program->count,
		.filter = program->code };

	return program->count == 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_SPEC_ALLOW, &code) == 0 ? 0 : ERR_SYSTEM;
}

int seccomp_put_on(const struct seccomp_filter *filter)
{
	int rc = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : ERR_SYSTEM;

	/* The other may refuse this very call. */
	if (rc == 0) {
		rc = put_on(&filter->arguments);
	}
	return rc != 0 ? rc : put_on(&filter->calls);
}

void seccomp_filter_release(struct seccomp_filter *filter)
{
	free(filter->calls.code);
	free(filter->arguments.code);
	*filter = (struct seccomp_filter){ .calls = { NULL, 0 } };
}

/* SPDX-License-Identifier: MIT */
/* What no code of a plugin may do. */
#include "plugin/sandbox.h"

#include <errno.h>
#include <linux/sched.h>
#include <sys/ioctl.h>

#define NEVER(name_) { .call = SCMP_SYS(name_), .error = EPERM }
/* As if the kernel did not have it: who asks has another way then. */
#define ABSENT(name_) { .call = SCMP_SYS(name_), .error = ENOSYS }
#define WITH(name_, argument_, compare_, ...) { .call = SCMP_SYS(name_), .error = EPERM, \
	.when = { argument_, compare_, __VA_ARGS__ } }
#define WITH_FLAG(name_, flag_) WITH(name_, 0, SCMP_CMP_MASKED_EQ, flag_, flag_)

static const struct seccomp_denial denials[] = {
	/* Other processes from within: their memory, their descriptors. */
	NEVER(kcmp), NEVER(pidfd_getfd), NEVER(process_vm_readv),
	NEVER(process_vm_writev), NEVER(ptrace),
	/* The kernel itself, its keys, its clock. */
	NEVER(acct), NEVER(add_key), NEVER(bpf), NEVER(clock_adjtime),
	NEVER(clock_settime), NEVER(delete_module), NEVER(finit_module),
	NEVER(init_module), NEVER(ioperm), NEVER(iopl), NEVER(kexec_file_load),
	NEVER(kexec_load), NEVER(keyctl), NEVER(perf_event_open), NEVER(quotactl),
	NEVER(reboot), NEVER(request_key), NEVER(settimeofday), NEVER(swapoff),
	NEVER(swapon), NEVER(syslog), NEVER(userfaultfd), NEVER(vhangup),
	/* Another view of the system, in which it would have rights that it has not. */
	NEVER(chroot), NEVER(fsconfig), NEVER(fsmount), NEVER(fsopen), NEVER(fspick),
	NEVER(mount), NEVER(mount_setattr), NEVER(move_mount), NEVER(name_to_handle_at),
	NEVER(open_by_handle_at), NEVER(open_tree), NEVER(pivot_root),
	NEVER(setdomainname), NEVER(sethostname), NEVER(setns), NEVER(umount2),
	NEVER(unshare),
	WITH_FLAG(clone, CLONE_NEWCGROUP), WITH_FLAG(clone, CLONE_NEWIPC),
	WITH_FLAG(clone, CLONE_NEWNET), WITH_FLAG(clone, CLONE_NEWNS),
	WITH_FLAG(clone, CLONE_NEWPID), WITH_FLAG(clone, CLONE_NEWUSER),
	WITH_FLAG(clone, CLONE_NEWUTS),
	/* No filter sees the flags of this one. */
	ABSENT(clone3),
	/* The same, and a way around every filter. */
	ABSENT(io_uring_enter), ABSENT(io_uring_register), ABSENT(io_uring_setup),
	/* Words put into the mouth of whoever sits at the server's terminal. */
	WITH(ioctl, 1, SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCSTI),
	WITH(ioctl, 1, SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCLINUX),
};

int plugin_sandbox_calls(struct seccomp_filter *filter)
{
	return seccomp_compile(denials, sizeof(denials) / sizeof(denials[0]), filter);
}

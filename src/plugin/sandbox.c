/* SPDX-License-Identifier: MIT */
/*
 * What code of a plugin may call: whatever an ordinary service has a use for. Any other
 * call fails as if the kernel did not have it (ENOSYS), so that whoever asks takes
 * another way; that is also what becomes of calls that kernels have yet to grow. Those
 * refused on purpose fail with EPERM: the errno then says that it is no old kernel.
 */
#include "plugin/sandbox.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define ANY_BITS UINT32_MAX

/* The kernel looks at 32 bits of these arguments. */
#define IS(argument_, value_) { argument_, SCMP_CMP_MASKED_EQ, ANY_BITS, value_ }
#define HAS(argument_, flag_) { argument_, SCMP_CMP_MASKED_EQ, flag_, flag_ }
/* The second argument of socket; its other bits are flags. */
#define IS_TYPE(type_) { 1, SCMP_CMP_MASKED_EQ, 0xf, type_ }
#define NO_NAMESPACE(flag_) { .calls = "clone", .error = EPERM, \
	.when = { HAS(0, flag_) } }
#define NO_REQUEST(request_) { .calls = "ioctl", .error = EPERM, \
	.when = { IS(1, request_) } }
#define NO_FAMILY(...) { .calls = "socket socketpair", .error = EAFNOSUPPORT, \
	.when = { __VA_ARGS__ } }
/* Those whose numbers have the same upper bits. */
#define NO_FAMILIES(first_, count_) \
	NO_FAMILY({ 0, SCMP_CMP_MASKED_EQ, ANY_BITS & ~((count_) - 1U), first_ })

const struct seccomp_rule plugin_sandbox_rules[] = {
	/* Files: opened, read, written, looked at. */
	{ .calls = "access cachestat close close_range copy_file_range creat dup dup2 "
	    "dup3 faccessat faccessat2 fadvise64 fallocate fcntl fdatasync flock fstat "
	    "fstatfs fsync ftruncate getdents getdents64 ioctl lseek lstat newfstatat "
	    "open openat openat2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read "
	    "readahead readlink readlinkat readv sendfile splice stat statfs statx sync "
	    "sync_file_range syncfs tee truncate vmsplice write writev" },
	/* Files: made, moved, changed in what they are. */
	{ .calls = "chdir chmod chown fchdir fchmod fchmodat fchmodat2 fchown fchownat "
	    "fgetxattr file_getattr file_setattr flistxattr fremovexattr fsetxattr "
	    "futimesat getcwd getxattr getxattrat lchown lgetxattr link linkat listxattr "
	    "listxattrat llistxattr lremovexattr lsetxattr mkdir mkdirat mknod mknodat "
	    "removexattr removexattrat rename renameat renameat2 rmdir setxattr "
	    "setxattrat symlink symlinkat umask unlink unlinkat utime utimensat utimes" },
	/* Waiting: for descriptors, files, times, signals, what is read meanwhile. */
	{ .calls = "epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 "
	    "epoll_wait eventfd eventfd2 inotify_add_watch inotify_init inotify_init1 "
	    "inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup "
	    "io_submit poll ppoll pselect6 select signalfd signalfd4 timerfd_create "
	    "timerfd_gettime timerfd_settime" },
	/* Sockets, and pipes. */
	{ .calls = "accept accept4 bind connect getpeername getsockname getsockopt "
	    "listen pipe pipe2 recv recvfrom recvmmsg recvmsg send sendmmsg sendmsg "
	    "sendto setsockopt shutdown socket socketpair" },
	/* Memory: its own. */
	{ .calls = "brk get_mempolicy madvise map_shadow_stack mbind memfd_create "
	    "memfd_secret mincore mlock mlock2 mlockall mmap mprotect mremap mseal msync "
	    "munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect set_mempolicy "
	    "set_mempolicy_home_node" },
	/* Threads, what they wait for one another by, where they run. */
	{ .calls = "futex futex_requeue futex_wait futex_waitv futex_wake "
	    "get_robust_list getcpu gettid membarrier rseq sched_get_priority_max "
	    "sched_get_priority_min sched_getaffinity sched_getattr sched_getparam "
	    "sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr "
	    "sched_setparam sched_setscheduler sched_yield set_robust_list "
	    "set_tid_address" },
	/* Programs and processes. Not clone3, whose flags no filter sees: libc uses clone
	 * then. Nor io_uring, which no filter sees into either. */
	{ .calls = "clone execve execveat exit exit_group fork getpgid getpgrp getpid "
	    "getppid getpriority getrlimit getrusage getsid ioprio_get ioprio_set kill "
	    "personality pidfd_open pidfd_send_signal prctl prlimit64 setpgid "
	    "setpriority setrlimit setsid tgkill times tkill uname vfork wait4 waitid" },
	/* Who it is: what a program gives up that was started as root. */
	{ .calls = "capget capset getegid geteuid getgid getgroups getresgid getresuid "
	    "getuid landlock_add_rule landlock_create_ruleset landlock_restrict_self "
	    "seccomp setfsgid setfsuid setgid setgroups setregid setresgid setresuid "
	    "setreuid setuid" },
	/* Signals. */
	{ .calls = "pause restart_syscall rt_sigaction rt_sigpending rt_sigprocmask "
	    "rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait "
	    "rt_tgsigqueueinfo sigaltstack" },
	/* Time, chance, how the machine does. */
	{ .calls = "alarm clock_getres clock_gettime clock_nanosleep getitimer getrandom "
	    "gettimeofday nanosleep setitimer sysinfo time timer_create timer_delete "
	    "timer_getoverrun timer_gettime timer_settime" },
	/* Memory, semaphores and queues that programs share by a name. */
	{ .calls = "mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend "
	    "mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop shmat "
	    "shmctl shmdt shmget" },
	/* What some processors need, and what a probe of whoever traces calls. */
	{ .calls = "arch_prctl cacheflush get_thread_area get_tls riscv_flush_icache "
	    "riscv_hwprobe set_thread_area set_tls swapcontext uprobe uretprobe" },
	/* What is above, by the names that 32 bits have for it. */
	{ .calls = "_llseek _newselect chown32 clock_getres_time64 clock_gettime64 "
	    "clock_nanosleep_time64 fadvise64_64 fchown32 fcntl64 fstat64 fstatat64 "
	    "fstatfs64 ftruncate64 futex_time64 getegid32 geteuid32 getgid32 getgroups32 "
	    "getresgid32 getresuid32 getuid32 io_pgetevents_time64 lchown32 lstat64 "
	    "mmap2 mq_timedreceive_time64 mq_timedsend_time64 ppoll_time64 "
	    "pselect6_time64 recvmmsg_time64 rt_sigtimedwait_time64 "
	    "sched_rr_get_interval_time64 semtimedop_time64 sendfile64 setfsgid32 "
	    "setfsuid32 setgid32 setgroups32 setregid32 setresgid32 setresuid32 "
	    "setreuid32 setuid32 sigaction sigpending sigprocmask sigreturn sigsuspend "
	    "stat64 statfs64 timer_gettime64 timer_settime64 timerfd_gettime64 "
	    "timerfd_settime64 truncate64 ugetrlimit utimensat_time64 waitpid" },

	/* Other processes from within: their memory, their descriptors. */
	{ .calls = "kcmp move_pages pidfd_getfd process_madvise process_vm_readv "
	    "process_vm_writev ptrace", .error = EPERM },
	/* The kernel itself, its keys, its clock. */
	{ .calls = "acct add_key adjtimex bpf clock_adjtime clock_adjtime64 "
	    "clock_settime clock_settime64 delete_module finit_module init_module ioperm "
	    "iopl kexec_file_load kexec_load keyctl perf_event_open quotactl quotactl_fd "
	    "reboot request_key settimeofday stime swapoff swapon syslog userfaultfd "
	    "vhangup", .error = EPERM },
	/* Another view of the system, in which it would have rights that it has not. */
	{ .calls = "chroot fsconfig fsmount fsopen fspick mount mount_setattr move_mount "
	    "name_to_handle_at open_by_handle_at open_tree open_tree_attr pivot_root "
	    "setdomainname sethostname setns umount umount2 unshare", .error = EPERM },
	NO_NAMESPACE(CLONE_NEWCGROUP), NO_NAMESPACE(CLONE_NEWIPC),
	NO_NAMESPACE(CLONE_NEWNET), NO_NAMESPACE(CLONE_NEWNS), NO_NAMESPACE(CLONE_NEWPID),
	NO_NAMESPACE(CLONE_NEWUSER), NO_NAMESPACE(CLONE_NEWUTS),
	/* Words put into the mouth of whoever sits at the server's terminal. */
	NO_REQUEST(TIOCSTI), NO_REQUEST(TIOCLINUX),
	/* All but AF_UNIX (1), AF_INET (2), AF_INET6 (10) and AF_NETLINK (16): raw
	 * packets, the kernel's ciphers, the hypervisor, and what few have looked at.
	 * From 128 on the kernel says so itself. */
	NO_FAMILIES(3, 1), NO_FAMILIES(4, 4), NO_FAMILIES(8, 2), NO_FAMILIES(11, 1),
	NO_FAMILIES(12, 4), NO_FAMILIES(17, 1), NO_FAMILIES(18, 2), NO_FAMILIES(20, 4),
	NO_FAMILIES(24, 8), NO_FAMILIES(32, 32), NO_FAMILIES(64, 64),
	/* Another name of AF_PACKET. */
	NO_FAMILY(IS(0, AF_INET), IS_TYPE(SOCK_PACKET)),
	/* All that comes to the machine, whoever it is for; no user but root may. */
	{ .calls = "socket", .error = EPERM,
	    .when = { IS(0, AF_INET), IS_TYPE(SOCK_RAW) } },
	{ .calls = "socket", .error = EPERM,
	    .when = { IS(0, AF_INET6), IS_TYPE(SOCK_RAW) } },
	/* Of netlink no more than which addresses and ways there are: libc asks that. */
	{ .calls = "socket", .error = EPROTONOSUPPORT,
	    .when = { IS(0, AF_NETLINK), { 2, SCMP_CMP_NE, NETLINK_ROUTE, 0 } } },
	{ .calls = NULL },
};

int plugin_sandbox_calls(struct seccomp_filter *filter)
{
	return seccomp_compile(plugin_sandbox_rules, ENOSYS, filter);
}

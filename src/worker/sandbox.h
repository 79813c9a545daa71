/* SPDX-License-Identifier: MIT */
/*
 * What keeps a worker to its work, should a client ever get the better of it. It holds
 * the traffic secrets of its connections and the keys of session tickets.
 */
#ifndef TINCAN_WORKER_SANDBOX_H
#define TINCAN_WORKER_SANDBOX_H

#include <stdbool.h>

/*
 * To be called before the first byte of a client. No core file, nobody of the same user
 * who may look in from outside (ptrace, /proc/PID/mem), no more rights than there are
 * now, no files, no ports, and few system calls: one that it does not need ends it with
 * SIGSYS.
 *
 * @param handlers	the code of plugins is to run here: then it may call what that of
 *	any plugin may (plugin/sandbox.h)
 */
void worker_sandbox(bool handlers);

#endif

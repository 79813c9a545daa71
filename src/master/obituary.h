/* SPDX-License-Identifier: MIT */
/* How a process died, in words: from its wait status and, a host, what its page says. */
#ifndef TINCAN_MASTER_OBITUARY_H
#define TINCAN_MASTER_OBITUARY_H

#include <stddef.h>

#include "ipc/page.h"
#include "plugin/plugin.h"

#define OBITUARY_BYTES 2048

/* "crashed in on_request, request 0123456789abcdef: signal 11 (Segmentation fault) at
 * address 0x0, in crash_now+0x1c, handle+0x40". */
void obituary(const struct plugin *plugin, const struct page *page, int status,
    char out[OBITUARY_BYTES]);

/* Where it was when the signal came: ", in crash_now+0x1c, handle+0x40", or "". */
void obituary_backtrace(const struct plugin *plugin, const struct page *page,
    char out[OBITUARY_BYTES]);

/* A process without a page: "signal 9 (Killed)", "exit status 1" or, for one that has
 * made a system call that it had given up (0: none), "signal 31 (Bad system call), as it
 * called execve". */
#define OBITUARY_CAUSE_BYTES 128
void obituary_cause(int status, int call, char out[OBITUARY_CAUSE_BYTES]);

#endif

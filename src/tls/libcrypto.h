/* SPDX-License-Identifier: MIT */
/* libcrypto itself, before a process gives up what it needs at first. */
#ifndef TINCAN_TLS_LIBCRYPTO_H
#define TINCAN_TLS_LIBCRYPTO_H

/* Has it read its configuration and seed its generators, which it else does when it is
 * first used. */
void libcrypto_wake(void);

#endif

/* SPDX-License-Identifier: MIT */
/* Builds whose sanitizer makes system calls and threads of its own. */
#ifndef TINCAN_OS_SANITIZED_H
#define TINCAN_OS_SANITIZED_H

#include <stdbool.h>

#if defined(__has_feature)
#define HAS_FEATURE(feature) __has_feature(feature)
#else
#define HAS_FEATURE(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
#define SANITIZED true
#else
#define SANITIZED false
#endif

#endif

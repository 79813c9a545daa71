/* SPDX-License-Identifier: MIT */
/*
 * The error log: what a process has to say to its operator. One line an event, readable
 * text on a terminal, JSON elsewhere, or as the configuration says. The one global of the
 * server; before log_open, and in tests, lines go to standard error as text.
 */
#ifndef TINCAN_BASE_LOG_H
#define TINCAN_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

/* The numbers of tc_log's levels. */
enum log_level { LOG_DEBUG = 1, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Opens the log. ERR_SYSTEM with errno if path cannot be opened; the old one stays. */
int log_open(const char *path, enum log_level level, bool json, bool text) MUST_USE;
void log_close(void);
int log_reopen(void) MUST_USE;

/* Goes on at fd, owned from now on, in the same format. */
void log_take(int fd);

/* Who is speaking, in every later line: "master", "worker 1". Copied, cut at 31 bytes. */
void log_name(const char *process);

void log_say(enum log_level level, const char *format, ...) PRINTF(2, 3);

/* A line from a handler. Handler and request may be NULL. */
void log_handler(int level, const char *handler, const char *request, const char *text,
    size_t size);

/* Its descriptor, for a child that closes all others; -1: none of its own. */
int log_fd(void);

/* Lines that could not be written so far. */
uint64_t log_lost(void);

/* Appends "2026-11-22T14:44:01.123456Z" (27 bytes) for microseconds since 1970. */
#define LOG_TIME_BYTES 28
void log_time(int64_t us, char out[LOG_TIME_BYTES]);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The trace that a request is part of (W3C Trace Context): that of its traceparent, or a
 * new one. Nothing of it is kept, as it costs most requests nothing then: it follows from
 * the fields and the id of the request, in every process that has these.
 */
#ifndef TINCAN_HTTP_TRACE_H
#define TINCAN_HTTP_TRACE_H

#include <stdbool.h>

#include "http/head.h"

#define TRACE_ID_BYTES 33	/* 32 hexadecimal digits and NUL */
#define TRACE_PARENT_BYTES 56

struct trace {
	char id[TRACE_ID_BYTES];
	char parent[TRACE_PARENT_BYTES];	/* a traceparent, to be sent on */
};

/* Has it one traceparent, and that a valid one (section 3.2.2)? Only then its tracestate
 * may be read. */
bool trace_is_given(const struct head *head);

/* The trace of a request with these fields and that id, which, if it is of 16 hexadecimal
 * digits, is the id of our part in it, too. */
void trace_of(const struct head *head, const char *id, struct trace *trace);

#endif

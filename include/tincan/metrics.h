/* SPDX-License-Identifier: MIT */
/*
 * tincan/metrics.h - what the server counts, for a handler that shows it.
 *
 *	const tc_metrics *m = tc.ext(TC_METRICS);
 *	if (m != NULL)
 *		m->each(show, arg);
 */
#ifndef TINCAN_METRICS_H
#define TINCAN_METRICS_H

#include <tincan/handler.h>

#define TC_METRICS "tincan.metrics/1"

/* One figure. Texts live until fn returns. */
typedef struct tc_sample {
	uint32_t size;		/* of this struct, as the server knows it */
	int32_t kind;		/* TC_COUNTER, TC_GAUGE; or TC_HISTOGRAM: one series of
				   it, name ends in _bucket (and has a label "le"),
				   _sum or _count */
	const char *name;	/* "tincan_requests_total", Prometheus' rules */
	const char *help;	/* one sentence */
	const char *const *labels;	/* name, value, name, value, ..., NULL */
	double value;
} tc_sample;

typedef struct tc_metrics {
	uint32_t size;
	/* Calls fn for every figure of every worker, then for those of the
	 * handlers (tc.metric), which are up to a second old; samples of one
	 * name, or of one histogram, one after the other. From a callback
	 * only. */
	void (*each)(void (*fn)(void *arg, const tc_sample *sample), void *arg);
} tc_metrics;

#endif

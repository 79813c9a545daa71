/* SPDX-License-Identifier: MIT */
/* The reply of a job, on its way to the peer: in one frame, or in many within the job's
 * window. For this room alone. */
#ifndef TINCAN_HOST_JOB_REPLY_H
#define TINCAN_HOST_JOB_REPLY_H

#include "host/job.h"

/* Sends what there is of a reply that has started, in whatever state it is; behind its
 * end the job is freed. */
int job_send_reply(struct host *host, struct job *job) MUST_USE;

/* Likewise when START is sent: the rest of it. */
int job_send_more(struct host *host, struct job *job) MUST_USE;

/* The last frame of a reply that was started, or never will be; frees the job. */
int job_send_end(struct host *host, struct job *job) MUST_USE;

/* Sends what there is, within its window, of a reply that has started and whose handler
 * still runs. */
int job_send_some(struct host *host, struct job *job) MUST_USE;

#endif

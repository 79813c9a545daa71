/* SPDX-License-Identifier: MIT */
/* Bad: crashes some time after it was asked, when it serves nobody. */
#include <pthread.h>
#include <stdlib.h>
#include <tincan/handler.h>
#include <time.h>

static void *crash_later(void *arg)
{
	(void)arg;
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	abort();
}

static int answer(tc_req *r)
{
	pthread_t thread;

	if (tc.query(r)[0] != '\0' &&
	    pthread_create(&thread, NULL, crash_later, NULL) != 0) {
		return TC_FAIL;
	}
	return tc.text(r, 200, "here\n");
}

TINCAN_HANDLER("timer", .on_request = answer);

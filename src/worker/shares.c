/* SPDX-License-Identifier: MIT */
/* The memories of the handlers that run in this worker. */
#include "worker/shares.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "worker/worker.h"

struct share {
	struct list link;		/* in worker.shares */
	char *handler;
	struct shared shared;
};

struct shared *shares_find(void *arg, const char *handler)
{
	struct worker *worker = arg;

	for (struct list *link = worker->shares.next; link != &worker->shares;
	     link = link->next) {
		struct share *share = LIST_OWNER(link, struct share, link);

		if (strcmp(share->handler, handler) == 0) {
			return &share->shared;
		}
	}
	return NULL;
}

void shares_take(struct worker *worker, struct channel_message *message)
{
	struct share *share;

	if (message->fds[0] < 0 || shares_find(worker, message->text) != NULL) {
		return;
	}
	share = memory_new(1, sizeof(*share));
	share->handler = memory_text(message->text);
	shared_init(&share->shared, message->fds[0]);
	message->fds[0] = -1;
	list_append(&worker->shares, &share->link);
}

void shares_release(struct worker *worker)
{
	while (!list_empty(&worker->shares)) {
		struct share *share = LIST_OWNER(worker->shares.next, struct share,
		    link);

		list_remove(&share->link);
		shared_release(&share->shared);
		free(share->handler);
		free(share);
	}
}

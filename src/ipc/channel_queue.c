/* SPDX-License-Identifier: MIT */
/* Messages that wait for their channel. */
#include "ipc/channel_queue.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/memory.h"

struct waiting {
	struct list link;
	struct channel_message message;	/* with descriptors of its own */
};

void channel_queue_init(struct channel_queue *queue)
{
	list_init(&queue->waiting);
	queue->count = 0;
}

static struct waiting *first(struct channel_queue *queue)
{
	return LIST_OWNER(queue->waiting.next, struct waiting, link);
}

static void drop(struct channel_queue *queue, struct waiting *waiting)
{
	list_remove(&waiting->link);
	queue->count--;
	channel_close_fds(&waiting->message);
	free(waiting);
}

void channel_queue_release(struct channel_queue *queue)
{
	while (!list_empty(&queue->waiting)) {
		drop(queue, first(queue));
	}
}

static int keep(struct channel_queue *queue, const struct channel_message *message)
{
	struct waiting *waiting;
	int rc = 0;

	if (queue->count == CHANNEL_QUEUE_MAX) {
		return ERR_LIMIT;
	}
	waiting = memory_new(1, sizeof(*waiting));
	waiting->message = *message;
	for (size_t i = 0; i < CHANNEL_FDS; i++) {
		int *fd = &waiting->message.fds[i];

		*fd = *fd < 0 ? -1 : fcntl(*fd, F_DUPFD_CLOEXEC, 0);
		rc = message->fds[i] >= 0 && *fd < 0 ? ERR_SYSTEM : rc;
	}
	list_append(&queue->waiting, &waiting->link);
	queue->count++;
	if (rc != 0) {
		drop(queue, waiting);
	}
	return rc;
}

int channel_queue_send(struct channel_queue *queue, int fd,
    const struct channel_message *message)
{
	int rc = channel_queue_flush(queue, fd);

	rc = rc != 0 ? rc : channel_offer(fd, message);
	return rc == ERR_AGAIN ? keep(queue, message) : rc;
}

int channel_queue_flush(struct channel_queue *queue, int fd)
{
	int rc = 0;

	while (rc == 0 && !list_empty(&queue->waiting)) {
		rc = channel_offer(fd, &first(queue)->message);
		if (rc == 0) {
			drop(queue, first(queue));
		}
	}
	return rc;
}

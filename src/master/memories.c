/* SPDX-License-Identifier: MIT */
/* The memories of handlers, seen from the master. */
#include "master/memories.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "ipc/figures.h"
#include "master/children.h"
#include "master/rollout.h"

#define SHOW_MS 1000		/* how old what is shown of figures can be */

struct memory {
	struct list link;		/* in master.memories */
	char *handler;
	int fd;
	struct figures_view figures;	/* front NULL: it could not be mapped */
};

static struct memory *find(const struct master *master, const char *handler)
{
	for (struct list *link = master->memories.next; link != &master->memories;
	     link = link->next) {
		struct memory *memory = LIST_OWNER(link, struct memory, link);

		if (strcmp(memory->handler, handler) == 0) {
			return memory;
		}
	}
	return NULL;
}

static void add(struct master *master, const char *handler, int fd)
{
	struct memory *memory = memory_new(1, sizeof(*memory));

	memory->handler = memory_text(handler);
	memory->fd = fd;
	if (figures_view_init(&memory->figures, fd) != 0) {
		log_say(LOG_ERROR, "cannot map the figures of handler '%s': %s", handler,
		    strerror(errno));
	}
	list_append(&master->memories, &memory->link);
}

int memories_get(struct master *master, const char *handler)
{
	const struct memory *memory = find(master, handler);
	int fd;

	if (memory != NULL) {
		return memory->fd;
	}
	if (shared_create(&fd) != 0) {
		log_say(LOG_ERROR, "cannot make memory for handler '%s': %s", handler,
		    strerror(errno));
		return -1;
	}
	add(master, handler, fd);
	return fd;
}

static struct channel_message message_of(const char *handler, int fd)
{
	struct channel_message message = { .type = CHANNEL_MEMORY, .fds = { fd, -1 } };

	snprintf(message.text, sizeof(message.text), "%s", handler);
	return message;
}

void memories_send(struct child *child)
{
	const struct boot *live = rollout_live(child->master);

	for (size_t i = 0; i < live->plugins.count; i++) {
		const struct plugin *plugin = &live->plugins.items[i];
		struct channel_message message;
		int fd;

		if (plugin->refusal != NULL || plugin->isolated) {
			continue;
		}
		fd = memories_get(child->master, plugin->note.name);
		message = message_of(plugin->note.name, fd);
		if (fd >= 0 && child_tell(child, &message) != 0) {
			log_say(LOG_ERROR, "worker %u takes no memory", child->index);
		}
	}
}

int memories_hand_over(const struct master *master, int channel_fd)
{
	int rc = 0;

	for (struct list *link = master->memories.next;
	     rc == 0 && link != &master->memories; link = link->next) {
		const struct memory *memory = LIST_OWNER(link, struct memory, link);
		struct channel_message message =
		    message_of(memory->handler, memory->fd);

		rc = channel_send(channel_fd, &message);
	}
	return rc;
}

/* Of another layout, as an older program has made it, it would be of no use. */
void memories_take(struct master *master, struct channel_message *message)
{
	if (message->fds[0] >= 0 && shared_check(message->fds[0]) == 0 &&
	    find(master, message->text) == NULL) {
		add(master, message->text, message->fds[0]);
		message->fds[0] = -1;
	}
	channel_close_fds(message);
}

/* Once, when it becomes known. */
static void give_place(struct master *master, const char *handler,
    struct figure_known *known)
{
	uint32_t index = scoreboard_handler_add(master->board, handler);
	int rc = known->kind == 0 || index == SCOREBOARD_SERVER ? ERR_LIMIT
	    : scoreboard_figure_add(master->board, index, known, &known->shown);

	if (rc == ERR_INVALID) {
		log_say(LOG_WARN,
		    "metric '%s' of handler '%s' is not shown: another handler has one "
		    "of that name and another kind",
		    known->name, handler);
	} else if (rc != 0) {
		log_say(LOG_WARN, "metric '%s' of handler '%s' is not shown: %s",
		    known->name, handler, known->kind == 0 ? "it makes no sense"
		    : "there are too many");
	}
}

static void show(struct master *master, struct memory *memory)
{
	struct figures_view *view = &memory->figures;
	uint32_t before = view->count;

	if (view->front == NULL) {
		return;
	}
	figures_view_read(view);
	for (uint32_t i = 0; i < view->count; i++) {
		double cells[FIGURE_CELLS];

		if (i >= before) {
			give_place(master, memory->handler, &view->known[i]);
		}
		if (view->known[i].shown != NULL) {
			figures_view_sum(view, i, cells);
			scoreboard_figure_show(view->known[i].shown, cells);
		}
	}
}

static void on_show(struct timer *timer)
{
	struct master *master = LIST_OWNER(timer, struct master, figures);

	for (struct list *link = master->memories.next; link != &master->memories;
	     link = link->next) {
		show(master, LIST_OWNER(link, struct memory, link));
	}
	timer_set(&master->loop->timers, timer, master->loop->now_ms + SHOW_MS);
}

void memories_init(struct master *master)
{
	list_init(&master->memories);
	timer_init(&master->figures, on_show);
	timer_set(&master->loop->timers, &master->figures,
	    master->loop->now_ms + SHOW_MS);
}

void memories_release(struct master *master)
{
	timer_cancel(&master->figures);
	while (!list_empty(&master->memories)) {
		struct memory *memory = LIST_OWNER(master->memories.next, struct memory,
		    link);

		list_remove(&memory->link);
		figures_view_release(&memory->figures);
		close(memory->fd);
		free(memory->handler);
		free(memory);
	}
}

/* SPDX-License-Identifier: MIT */
/* The instances of a host. */
#include "host/mount.h"

#include <stdlib.h>

#include "base/memory.h"
#include "host/host.h"
#include "remote/request.h"

static void free_mount(struct mount *mount)
{
	settings_release(&mount->settings);
	free(mount->pattern);
	free(mount);
}

/* At the end of the process code may not have come back from a thread: what it uses is
 * left to it. */
static void close_mount(struct mount *mount)
{
	if (instance_is_busy(mount->instance)) {
		return;
	}
	instance_close(mount->instance);
	free_mount(mount);
}

/* Closes it as soon as nobody uses it. */
static void shut(struct mount *mount)
{
	mount->shut = true;
	mount->users++;
	mount_give(mount);
}

static int answer_open(struct host *host, uint32_t id, bool opened,
    const struct problems *problems)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < problems->count; i++) {
		rc = host_send_problem(host, id, &problems->items[i]);
	}
	if (rc == 0) {
		buffer_reset(&host->frame);
		rc = frame_append(&host->frame, opened ? FRAME_OPENED : FRAME_OPEN_END, 0,
		    0, id, SLICE(""));
		rc = host_send(host, rc);
	}
	return rc;
}

static int open_instance(struct host *host, struct mount *mount,
    const struct open_message *message)
{
	struct instance_setup setup;
	struct problems problems;
	int rc;

	problems_init(&problems);
	setup = (struct instance_setup){ .settings = &mount->settings,
		.directory = message->directory, .where = message->where,
		.owner = mount };
	mount->instance = instance_open(&host->plugin, &setup, &problems);
	rc = answer_open(host, mount->id, mount->instance != NULL, &problems);
	problems_release(&problems);
	return rc;
}

int mount_open(struct host *host, const struct frame *frame)
{
	struct open_message message;
	struct mount *mount;
	int rc = open_unpack(frame, &message);

	if (rc != 0 || frame->header.id > UINT32_MAX ||
	    numbered_find(&host->mounts, frame->header.id) != NULL) {
		settings_release(&message.settings);
		return ERR_PROTOCOL;
	}
	mount = memory_new(1, sizeof(*mount));
	mount->id = (uint32_t)frame->header.id;
	mount->settings = message.settings;
	mount->pattern = memory_text(message.pattern);
	rc = open_instance(host, mount, &message);
	if (mount->instance == NULL) {
		shut(mount);
	} else {
		numbered_add(&host->mounts, mount->id, mount);
	}
	return rc;
}

int mount_retire(struct host *host, const struct frame *frame)
{
	struct mount *mount = numbered_find(&host->mounts, frame->header.id);
	uint16_t why = frame->header.code;

	if (why != TC_RELOAD && why != TC_SHUTDOWN) {
		return ERR_PROTOCOL;
	}
	/* One that was refused is not here. */
	if (mount != NULL) {
		instance_stop(mount->instance, why);
	}
	return 0;
}

int mount_shut(struct host *host, const struct frame *frame)
{
	struct mount *mount = numbered_take(&host->mounts, frame->header.id);

	/* One that was refused is not here: its peer may have shut it before it knew. */
	if (mount != NULL) {
		shut(mount);
	}
	return 0;
}

struct mount *mount_take(struct host *host, uint32_t id)
{
	struct mount *mount = numbered_find(&host->mounts, id);

	if (mount != NULL) {
		mount->users++;
	}
	return mount;
}

void mount_give(struct mount *mount)
{
	mount->users--;
	if (mount->shut && mount->users == 0) {
		close_mount(mount);
	}
}

void mount_close_all(struct host *host)
{
	for (size_t i = host->mounts.count; i > 0; i--) {
		close_mount(host->mounts.items[i - 1].value);
	}
	numbered_release(&host->mounts);
}

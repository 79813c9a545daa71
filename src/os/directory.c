/* SPDX-License-Identifier: MIT */
/*
 * Watches a directory for finished .so files.
 *
 *	             event                 no event for SETTLE_MS
 *	  quiet ----------------> stirred ------------------------> listed
 *	    ^                        ^  any event                     |
 *	    |                        +--------------------------------+
 *	    |   the same listing again after the rest of the          |
 *	    +----- quiet time: changed() <----------------------------+
 *
 * Events alone would not do: a slow writer that keeps the file open makes none. A listing
 * of each event would not do either: a busy writer would keep the master busy.
 */
#include "os/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define SETTLE_MS 20		/* events come in bursts; list the files once for each */
#define EVENT_BYTES 8192
#define EVENT_READS 16		/* in a round; epoll tells of the rest again */

/* CREATE is what a hard link makes, ATTRIB what chmod and chown make. */
#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | \
	IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* No padding, as entries are compared byte by byte. */
struct directory_entry {
	uint64_t inode;
	int64_t size;
	int64_t modified_s;
	int64_t modified_ns;
	int64_t changed_s;
	int64_t changed_ns;
	char name[NAME_MAX + 1];
};

_Static_assert(sizeof(struct directory_entry) == 6 * 8 + NAME_MAX + 1, "see above");

static bool is_plugin_name(const char *name)
{
	size_t size = strlen(name);

	return name[0] != '.' && size > 3 && size <= NAME_MAX &&
	    strcmp(name + size - 3, ".so") == 0;
}

static int by_name(const void *left, const void *right)
{
	return strcmp(((const struct directory_entry *)left)->name,
	    ((const struct directory_entry *)right)->name);
}

static void list_entry(struct directory_listing *listing, const char *name,
    const struct stat *status)
{
	struct directory_entry *entry;

	listing->entries = memory_grow(listing->entries, listing->count + 1,
	    sizeof(*entry));
	entry = &listing->entries[listing->count++];
	*entry = (struct directory_entry){
		.inode = status->st_ino,
		.size = status->st_size,
		.modified_s = status->st_mtim.tv_sec,
		.modified_ns = status->st_mtim.tv_nsec,
		.changed_s = status->st_ctim.tv_sec,
		.changed_ns = status->st_ctim.tv_nsec,
	};
	memcpy(entry->name, name, strlen(name));
}

/* What is there; nothing if the directory is missing or cannot be read. */
static struct directory_listing list_files(const char *path)
{
	struct directory_listing listing = { NULL, 0 };
	DIR *stream = opendir(path);
	struct dirent *found;
	struct stat status;

	while (stream != NULL && (found = readdir(stream)) != NULL) {
		if (is_plugin_name(found->d_name) && fstatat(dirfd(stream),
		    found->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
			list_entry(&listing, found->d_name, &status);
		}
	}
	if (stream != NULL) {
		closedir(stream);
	}
	if (listing.count > 1) {
		qsort(listing.entries, listing.count, sizeof(*listing.entries), by_name);
	}
	return listing;
}

static bool same_files(const struct directory_listing *left,
    const struct directory_listing *right)
{
	return left->count == right->count && (left->count == 0 ||
	    memcmp(left->entries, right->entries,
	    left->count * sizeof(*left->entries)) == 0);
}

/* Makes now the latest listing. Was it that already? */
static bool list_again(struct directory_watch *watch)
{
	struct directory_listing now = list_files(watch->path);
	bool same = same_files(&now, &watch->latest);

	free(watch->latest.entries);
	watch->latest = now;
	return same;
}

/* Something has changed: the time of waiting begins anew. */
static void stir(struct directory_watch *watch)
{
	int64_t now_ms = watch->loop->now_ms;

	if (!timer_is_set(&watch->step)) {
		watch->noisy_since_ms = now_ms;
	}
	if (now_ms - watch->noisy_since_ms < DIRECTORY_NOISE_MS) {
		watch->listed = false;
		timer_set(&watch->loop->timers, &watch->step, now_ms + SETTLE_MS);
	}
}

/* The caller's turn; last, as it may release the watch. */
static void tell(struct directory_watch *watch)
{
	free(watch->told.entries);
	watch->told = watch->latest;
	watch->latest = (struct directory_listing){ NULL, 0 };
	watch->changed(watch->arg);
}

static void on_step(struct timer *timer)
{
	struct directory_watch *watch = LIST_OWNER(timer, struct directory_watch, step);
	int64_t now_ms = watch->loop->now_ms;
	bool listed = watch->listed;
	bool same = list_again(watch);

	watch->listed = true;
	if ((listed && same) || now_ms - watch->noisy_since_ms >= DIRECTORY_NOISE_MS) {
		tell(watch);
	} else {
		timer_set(&watch->loop->timers, timer,
		    now_ms + DIRECTORY_QUIET_MS - (listed ? 0 : SETTLE_MS));
	}
}

/*
 * Watches what the path names now. Asked for the directory that is watched already, the
 * kernel gives the same descriptor; so this also finds out whether it is another one.
 */
static bool watch_path(struct directory_watch *watch)
{
	int descriptor = inotify_add_watch(watch->inotify.fd, watch->path, EVENTS);

	if (descriptor == watch->descriptor) {
		return false;
	}
	if (watch->descriptor >= 0) {
		/* Fails if it ended with its directory: just as well. */
		(void)inotify_rm_watch(watch->inotify.fd, watch->descriptor);
	}
	watch->descriptor = descriptor;
	return true;
}

static void on_rescan(struct timer *timer)
{
	struct directory_watch *watch = LIST_OWNER(timer, struct directory_watch, rescan);
	bool moved = watch_path(watch);

	timer_set(&watch->loop->timers, timer, watch->loop->now_ms + DIRECTORY_RESCAN_MS);
	if (!timer_is_set(&watch->step)) {
		(void)list_again(watch);
		if (moved || !same_files(&watch->latest, &watch->told)) {
			stir(watch);
		}
	}
}

/* Is it about what we wait for? An event without a name is about the directory itself. */
static void on_event(struct directory_watch *watch, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW) {
		stir(watch);
		return;
	}
	if (event->wd != watch->descriptor) {
		return;
	}
	if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) {
		(void)watch_path(watch);
		stir(watch);
	} else if (event->len == 0 || is_plugin_name(event->name)) {
		stir(watch);
	}
}

static void on_inotify(struct watch *inotify, uint32_t epoll_events)
{
	struct directory_watch *watch = LIST_OWNER(inotify, struct directory_watch,
	    inotify);
	union {
		struct inotify_event align;
		char bytes[EVENT_BYTES];
	} events;

	(void)epoll_events;
	for (int i = 0; i < EVENT_READS && inotify->fd >= 0; i++) {
		ssize_t size = read(inotify->fd, &events, sizeof(events));
		ssize_t at = 0;

		if (size < 0 && errno == EINTR) {
			continue;
		}
		if (size <= 0) {
			return;
		}
		while (at < size) {
			const struct inotify_event *event =
			    (const struct inotify_event *)(events.bytes + at);

			on_event(watch, event);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
}

int directory_watch_init(struct directory_watch *watch, struct loop *loop,
    const char *path, void (*changed)(void *arg), void *arg)
{
	int error;

	*watch = (struct directory_watch){
		.loop = loop, .path = memory_text(path), .changed = changed, .arg = arg,
		.inotify = { .fn = on_inotify }, .descriptor = -1,
	};
	timer_init(&watch->step, on_step);
	timer_init(&watch->rescan, on_rescan);
	watch->inotify.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	error = watch->inotify.fd < 0 ||
	    loop_add(loop, &watch->inotify, EPOLLIN) != 0 ? errno : 0;
	(void)watch_path(watch);
	watch->told = list_files(path);
	timer_set(&loop->timers, &watch->rescan, loop->now_ms + DIRECTORY_RESCAN_MS);
	errno = error;
	return error == 0 ? 0 : ERR_SYSTEM;
}

void directory_watch_release(struct directory_watch *watch)
{
	if (watch->loop == NULL) {
		return;
	}
	timer_cancel(&watch->step);
	timer_cancel(&watch->rescan);
	if (watch->inotify.fd >= 0) {
		loop_remove(watch->loop, &watch->inotify);
		close(watch->inotify.fd);
		watch->inotify.fd = -1;
	}
	free(watch->path);
	free(watch->latest.entries);
	free(watch->told.entries);
	watch->path = NULL;
	watch->latest = watch->told = (struct directory_listing){ NULL, 0 };
	watch->loop = NULL;
}

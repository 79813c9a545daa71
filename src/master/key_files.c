/* SPDX-License-Identifier: MIT */
/* The files of the keys that the keeper has. */
#include "master/key_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

struct key_file {
	unsigned char name[CONFIG_KEY_NAME_BYTES];
	int fd;			/* -1: none yet */
	int offered;		/* -1: none */
	bool shown;
};

static struct slice slice_of_name(const unsigned char *name)
{
	return (struct slice){ (const char *)name, CONFIG_KEY_NAME_BYTES };
}

void key_files_init(struct key_files *files)
{
	struct rlimit limit;

	table_init(&files->by_name);
	files->count = 0;
	files->max = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur / 2 : 0;
}

static void close_one(struct key_files *files, int *fd)
{
	if (*fd >= 0) {
		close(*fd);
		*fd = -1;
		files->count--;
	}
}

/* Calls judge for each; false: it is not kept. */
static void sweep(struct key_files *files, bool (*judge)(const struct key_file *file))
{
	struct table before = files->by_name;
	const struct table_entry *entry;
	size_t place = 0;

	table_init(&files->by_name);
	while ((entry = table_next(&before, &place)) != NULL) {
		struct key_file *file = entry->value;

		if (judge(file)) {
			table_set(&files->by_name, slice_of_name(file->name), file);
		} else {
			close_one(files, &file->fd);
			close_one(files, &file->offered);
			free(file);
		}
	}
	table_release(&before);
}

static bool is_none(const struct key_file *file)
{
	(void)file;
	return false;
}

void key_files_release(struct key_files *files)
{
	sweep(files, is_none);
	table_release(&files->by_name);
}

static struct key_file *find(const struct key_files *files, const unsigned char *name)
{
	return table_get(&files->by_name, slice_of_name(name));
}

int key_files_find(const struct key_files *files, const unsigned char *name)
{
	const struct key_file *file = find(files, name);

	return file == NULL ? -1 : file->fd;
}

void key_files_offer(struct key_files *files, const unsigned char *name, int fd)
{
	struct key_file *file = find(files, name);

	if (file == NULL) {
		file = memory_new(1, sizeof(*file));
		memcpy(file->name, name, sizeof(file->name));
		file->fd = -1;
		file->offered = -1;
		table_set(&files->by_name, slice_of_name(file->name), file);
	}
	if (files->count >= files->max) {
		close(fd);
		return;
	}
	close_one(files, &file->offered);
	file->offered = fd;
	files->count++;
}

void key_files_refuse(struct key_files *files, const unsigned char *name)
{
	struct key_file *file = find(files, name);

	if (file != NULL) {
		close_one(files, &file->offered);
	}
}

void key_files_settle(struct key_files *files, bool taken)
{
	const struct table_entry *entry;
	size_t place = 0;

	while ((entry = table_next(&files->by_name, &place)) != NULL) {
		struct key_file *file = entry->value;

		if (taken && file->offered >= 0) {
			close_one(files, &file->fd);
			file->fd = file->offered;
			file->offered = -1;
		}
		close_one(files, &file->offered);
	}
}

static bool is_shown(const struct key_file *file)
{
	return file->shown || file->offered >= 0;
}

void key_files_forget(struct key_files *files, const struct config *config)
{
	const struct table_entry *entry;
	size_t place = 0;

	while ((entry = table_next(&files->by_name, &place)) != NULL) {
		((struct key_file *)entry->value)->shown = false;
	}
	for (size_t i = 0; i < config->certificate_count; i++) {
		const struct config_shown *shown = &config->certificates[i].shown;
		struct key_file *file = shown->pem == NULL ? NULL :
		    find(files, shown->key_name);

		if (file != NULL) {
			file->shown = true;
		}
	}
	sweep(files, is_shown);
}

bool key_files_moved(int fd, const char *path)
{
	struct stat open;
	struct stat there;

	return fstat(fd, &open) != 0 || stat(path, &there) != 0 ||
	    open.st_dev != there.st_dev || open.st_ino != there.st_ino;
}

/* SPDX-License-Identifier: MIT */
/*
 * Looks through the plugin directory. A file is read once into memory; note, hash and
 * private copy are all made from those bytes, so that what was judged is what will run,
 * whatever happens to the file meanwhile.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "os/file.h"
#include "plugin/plugin.h"
#include "plugin/store.h"

#define SCAN_MAX_BYTES (256 << 20)	/* of a plugin file */

struct scan {
	struct plugin_set *set;
	struct store store;
	const char *path;		/* of the plugin directory */
	DIR *entries;			/* owned; the directory, open all the while */
	struct problems *problems;
};

static bool is_plugin_name(const char *name)
{
	size_t size = strlen(name);

	return name[0] != '.' && size > 3 && strcmp(name + size - 3, ".so") == 0;
}

static int by_file(const void *left, const void *right)
{
	return strcmp(((const struct plugin *)left)->file,
	    ((const struct plugin *)right)->file);
}

/* Puts every name that looks like a plugin's into the set. */
static int list_files(struct scan *scan)
{
	struct plugin_set *set = scan->set;
	struct dirent *entry;

	errno = 0;
	while ((entry = readdir(scan->entries)) != NULL) {
		if (is_plugin_name(entry->d_name)) {
			(void)plugin_set_add(set,
			    memory_printf("%s/%s", scan->path, entry->d_name));
		}
		errno = 0;
	}
	if (errno != 0) {
		return ERR_SYSTEM;
	}
	if (set->count > 1) {
		qsort(set->items, set->count, sizeof(*set->items), by_file);
	}
	return 0;
}

static bool owner_trusted(const struct stat *status)
{
	return status->st_uid == 0 || status->st_uid == geteuid();
}

static bool others_may_write(const struct stat *status)
{
	return (status->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

/* Is the file one whose content only root and this user decide? */
static int check_file(struct scan *scan, struct plugin *plugin, const struct stat *status)
{
	struct stat directory;

	if (!S_ISREG(status->st_mode)) {
		plugin_refuse(plugin, "not a regular file");
	} else if (!owner_trusted(status)) {
		plugin_refuse(plugin,
		    "owned by user %u; it must be root or the user that runs tincan (%u)",
		    (unsigned)status->st_uid, (unsigned)geteuid());
	} else if (others_may_write(status)) {
		plugin_refuse(plugin, "others may write to it (mode %04o); chmod go-w it",
		    (unsigned)(status->st_mode & 07777));
	} else if (fstat(dirfd(scan->entries), &directory) != 0 ||
	    others_may_write(&directory)) {
		plugin_refuse(plugin, "others may write to its folder; chmod go-w '%s'",
		    scan->path);
	} else if (status->st_size > SCAN_MAX_BYTES) {
		plugin_refuse(plugin, "larger than %d MiB", SCAN_MAX_BYTES >> 20);
	}
	return plugin->refusal == NULL ? 0 : ERR_INVALID;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* The content of the open file; NULL with a refusal. The caller frees. */
static unsigned char *load_file(struct plugin *plugin, int fd, const struct stat *before)
{
	size_t size = (size_t)before->st_size;
	unsigned char *data = malloc(size == 0 ? 1 : size);
	struct stat after;
	size_t got;

	if (data == NULL || file_read(fd, data, size, &got) != 0 ||
	    fstat(fd, &after) != 0) {
		plugin_refuse(plugin, "cannot be read: %s", strerror(errno));
	} else if (got != size || after.st_size != before->st_size ||
	    !same_time(after.st_mtim, before->st_mtim) ||
	    !same_time(after.st_ctim, before->st_ctim)) {
		plugin_refuse(plugin,
		    "changed while it was read: it is still being written");
	}
	if (plugin->refusal != NULL) {
		free(data);
		return NULL;
	}
	return data;
}

static int hash_content(const unsigned char *data, size_t size,
    char out[PLUGIN_HASH_BYTES])
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL) != 1) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < (PLUGIN_HASH_BYTES - 1) / 2; i++) {
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
	}
	return 0;
}

static void judge_content(struct scan *scan, struct plugin *plugin, const char *name,
    const unsigned char *data, size_t size)
{
	char why[NOTE_WHY_BYTES];
	char *stem;

	if (hash_content(data, size, plugin->hash) != 0) {
		plugin_refuse(plugin, "its hash could not be made");
		return;
	}
	if (note_read(data, size, &plugin->note, why) != 0) {
		plugin_refuse(plugin, "%s", why);
		return;
	}
	stem = memory_copy(name, strlen(name) - 3);
	if (store_put(&scan->store, stem, plugin->hash, data, size, &plugin->copy,
	    scan->problems) != 0) {
		plugin_refuse(plugin, "its private copy could not be written");
	}
	free(stem);
}

static void scan_file(struct scan *scan, struct plugin *plugin)
{
	const char *slash = strrchr(plugin->file, '/');
	const char *name = slash == NULL ? plugin->file : slash + 1;
	int fd = openat(dirfd(scan->entries), name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	unsigned char *data = NULL;
	struct stat status;

	if (fd < 0) {
		if (errno == ELOOP) {
			plugin_refuse(plugin,
			    "a symbolic link; put the file itself here");
		} else {
			plugin_refuse(plugin, "cannot be opened: %s", strerror(errno));
		}
		return;
	}
	if (fstat(fd, &status) != 0) {
		plugin_refuse(plugin, "cannot be read: %s", strerror(errno));
	} else if (check_file(scan, plugin, &status) == 0) {
		data = load_file(plugin, fd, &status);
	}
	if (data != NULL) {
		judge_content(scan, plugin, name, data, (size_t)status.st_size);
	}
	free(data);
	close(fd);
}

static void scan_files(struct scan *scan, const char *state_directory)
{
	if (store_open(&scan->store, state_directory, scan->problems) != 0) {
		plugin_set_release(scan->set);
	}
	for (size_t i = 0; i < scan->set->count; i++) {
		scan_file(scan, &scan->set->items[i]);
	}
	store_close(&scan->store);
}

void plugin_scan(struct plugin_set *set, const char *directory,
    const char *state_directory, struct problems *problems)
{
	struct scan scan = { .set = set, .path = directory, .store.directory = -1,
		.problems = problems };

	*set = (struct plugin_set){ 0 };
	scan.entries = opendir(directory);
	if (scan.entries != NULL && list_files(&scan) == 0) {
		scan_files(&scan, state_directory);
	} else {
		problems_add(problems, directory, "the folder of handlers, as "
		    "'plugins.directory' names it", "cannot be read: %s",
		    strerror(errno));
		plugin_set_release(set);
	}
	if (scan.entries != NULL) {
		closedir(scan.entries);
	}
}

void plugin_scan_file(struct plugin_set *set, const char *file,
    const char *state_directory, struct problems *problems)
{
	const char *slash = strrchr(file, '/');
	char *directory = slash == NULL ? memory_text(".")
					: memory_copy(file, (size_t)(slash - file + 1));
	struct scan scan = { .set = set, .path = directory, .store.directory = -1,
		.problems = problems };

	*set = (struct plugin_set){ 0 };
	scan.entries = opendir(directory);
	if (scan.entries != NULL) {
		(void)plugin_set_add(set, memory_text(file));
		scan_files(&scan, state_directory);
		closedir(scan.entries);
	} else {
		problems_add(problems, file, NULL, "cannot be opened: %s",
		    strerror(errno));
	}
	free(directory);
}

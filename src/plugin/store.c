/* SPDX-License-Identifier: MIT */
/*
 * The private copies of plugin files. A copy appears under its name complete or not at
 * all (rename), so that any number of processes may fill one store at once.
 */
#include "plugin/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define STORE_KEPT 3		/* copies of one stem */
#define STORE_HASH 16		/* digits of a hash in a name */

static int fail(struct problems *problems, const char *path, const char *what)
{
	problems_add(problems, path, "copies of the handlers are kept below 'state'",
	    "%s: %s", what, strerror(errno));
	return ERR_SYSTEM;
}

static bool is_ours(const struct stat *status)
{
	return (status->st_uid == 0 || status->st_uid == geteuid()) &&
	    (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static int open_directory(const char *path, int *directory, struct problems *problems)
{
	struct stat status;

	if (mkdir(path, 0755) != 0 && errno != EEXIST) {
		return fail(problems, path, "cannot be made");
	}
	*directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*directory < 0 || fstat(*directory, &status) != 0) {
		return fail(problems, path, "cannot be opened");
	}
	if (!is_ours(&status)) {
		problems_add(problems, path,
		    "code is run from it: let only root or tincan's own user write there",
		    "others may write to it");
		return ERR_INVALID;
	}
	return 0;
}

int store_open(struct store *store, const char *state_directory,
    struct problems *problems)
{
	int parent = -1;
	int rc;

	store->directory = -1;
	store->path = memory_printf("%s/plugins", state_directory);
	rc = open_directory(state_directory, &parent, problems);
	if (rc == 0) {
		rc = open_directory(store->path, &store->directory, problems);
	}
	if (parent >= 0) {
		close(parent);
	}
	return rc;
}

void store_close(struct store *store)
{
	if (store->directory >= 0) {
		close(store->directory);
	}
	free(store->path);
	*store = (struct store){ .directory = -1 };
}

/* Reads size bytes, no more and no less than the file should have. */
static bool file_holds(int fd, const char *data, size_t size)
{
	char block[16384];

	while (size > 0) {
		ssize_t got = read(fd, block,
		    size < sizeof(block) ? size : sizeof(block));

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0 || memcmp(block, data, (size_t)got) != 0) {
			return false;
		}
		data += got;
		size -= (size_t)got;
	}
	return true;
}

/* Is the copy there and unharmed? It then counts as new again. */
static bool renew_copy(const struct store *store, const char *name, const void *data,
    size_t size)
{
	int fd = openat(store->directory, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	bool same;

	if (fd < 0) {
		return false;
	}
	same = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && is_ours(&status) &&
	    status.st_size >= 0 && (uintmax_t)status.st_size == size &&
	    file_holds(fd, data, size);
	if (same) {
		/* Of no weight if it fails: only the choice of what to remove. */
		(void)futimens(fd, NULL);
	}
	close(fd);
	return same;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, data, size);

		if (done < 0 && errno != EINTR) {
			return ERR_SYSTEM;
		}
		if (done > 0) {
			data += done;
			size -= (size_t)done;
		}
	}
	return 0;
}

static int write_copy(const struct store *store, const char *name, const void *data,
    size_t size)
{
	char *temporary = memory_printf(".%s.%ld", name, (long)getpid());
	int rc = ERR_SYSTEM;
	int fd;

	(void)unlinkat(store->directory, temporary, 0);
	fd = openat(store->directory, temporary,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (fd < 0) {
		goto out;
	}
	if (write_all(fd, data, size) == 0 && fchmod(fd, 0444) == 0 &&
	    renameat(store->directory, temporary, store->directory, name) == 0) {
		rc = 0;
	}
	if (rc != 0) {
		int saved = errno;

		(void)unlinkat(store->directory, temporary, 0);
		errno = saved;
	}
	close(fd);
out:
	free(temporary);
	return rc;
}

/* Is name "<stem>-<16 hexadecimal digits>.so"? */
static bool is_copy_of(const char *name, const char *stem)
{
	size_t size = strlen(stem);

	return strncmp(name, stem, size) == 0 && name[size] == '-' &&
	    strspn(name + size + 1, "0123456789abcdef") == STORE_HASH &&
	    strcmp(name + size + 1 + STORE_HASH, ".so") == 0;
}

struct copy {
	char *name;
	struct timespec time;
};

static int by_age(const void *left, const void *right)
{
	const struct timespec *a = &((const struct copy *)left)->time;
	const struct timespec *b = &((const struct copy *)right)->time;

	if (a->tv_sec != b->tv_sec) {
		return a->tv_sec > b->tv_sec ? -1 : 1;
	}
	return (a->tv_nsec < b->tv_nsec) - (a->tv_nsec > b->tv_nsec);
}

/* The copies of stem but for the one called current; the caller frees. */
static struct copy *list_copies(DIR *entries, const char *stem, const char *current,
    size_t *count)
{
	struct copy *copies = NULL;
	struct dirent *entry;
	struct stat status;

	*count = 0;
	while ((entry = readdir(entries)) != NULL) {
		const char *name = entry->d_name;

		if (!is_copy_of(name, stem) || strcmp(name, current) == 0 ||
		    fstatat(dirfd(entries), name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
			continue;
		}
		copies = memory_grow(copies, *count + 1, sizeof(*copies));
		copies[*count].name = memory_text(name);
		copies[*count].time = status.st_mtim;
		(*count)++;
	}
	return copies;
}

/* What cannot be removed stays: old copies do no harm. */
static void remove_old(const struct store *store, const char *stem, const char *current)
{
	int fd = openat(store->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	struct copy *copies;
	size_t count;

	if (entries == NULL) {
		if (fd >= 0) {
			close(fd);
		}
		return;
	}
	copies = list_copies(entries, stem, current, &count);
	if (count > 1) {
		qsort(copies, count, sizeof(*copies), by_age);
	}
	for (size_t i = 0; i < count; i++) {
		if (i >= STORE_KEPT - 1) {
			(void)unlinkat(store->directory, copies[i].name, 0);
		}
		free(copies[i].name);
	}
	free(copies);
	closedir(entries);
}

int store_put(const struct store *store, const char *stem, const char *hash,
    const void *data, size_t size, char **copy, struct problems *problems)
{
	char *name = memory_printf("%s-%s.so", stem, hash);
	char *path = memory_printf("%s/%s", store->path, name);
	int rc = 0;

	if (!renew_copy(store, name, data, size)) {
		rc = write_copy(store, name, data, size);
	}
	if (rc == 0) {
		remove_old(store, stem, name);
		*copy = path;
	} else {
		fail(problems, path, "cannot be written");
		free(path);
	}
	free(name);
	return rc;
}

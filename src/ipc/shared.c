/* SPDX-License-Identifier: MIT */
/* The memory of a handler. */
#include "ipc/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define MAGIC 0x31646572616873ull	/* "shared1" */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* An area as it is looked for. */
struct wanted {
	char name[SHARED_NAME_BYTES];	/* zeros behind its end */
	size_t size;
};

/* An area as it was found. */
struct found {
	uint32_t area;			/* its place in the order */
	size_t offset;			/* from the first area */
};

static size_t round_up(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

/* Where the first area begins in the file. */
static size_t areas_at(void)
{
	return round_up(sizeof(struct shared_directory));
}

int shared_create(int *fd)
{
	static const uint64_t magic = MAGIC;
	int made = memfd_create("tincan-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int saved;

	if (made < 0) {
		return ERR_SYSTEM;
	}
	if (ftruncate(made, (off_t)(areas_at() + SHARED_BYTES)) != 0 ||
	    fcntl(made, F_ADD_SEALS, SEALS) != 0 ||
	    pwrite(made, &magic, sizeof(magic), 0) != (ssize_t)sizeof(magic)) {
		saved = errno;
		close(made);
		errno = saved;
		return ERR_SYSTEM;
	}
	*fd = made;
	return 0;
}

int shared_check(int fd)
{
	uint64_t magic = 0;
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_size != (off_t)(areas_at() + SHARED_BYTES) ||
	    (fcntl(fd, F_GET_SEALS) & SEALS) != SEALS ||
	    pread(fd, &magic, sizeof(magic), 0) != (ssize_t)sizeof(magic) ||
	    magic != MAGIC) {
		return ERR_PROTOCOL;
	}
	return 0;
}

void shared_init(struct shared *shared, int fd)
{
	*shared = (struct shared){ .fd = fd };
}

void shared_release(struct shared *shared)
{
	for (size_t i = 0; i < shared->mapping_count; i++) {
		munmap(shared->mappings[i].memory, shared->mappings[i].size);
	}
	free(shared->mappings);
	if (shared->directory != NULL) {
		munmap(shared->directory, areas_at());
	}
	if (shared->fd >= 0) {
		close(shared->fd);
	}
	shared_init(shared, -1);
}

static int open_directory(struct shared *shared)
{
	void *memory;

	if (shared->directory != NULL) {
		return 0;
	}
	if (shared->fd < 0 && shared_create(&shared->fd) != 0) {
		return ERR_SYSTEM;
	}
	memory = mmap(NULL, areas_at(), PROT_READ | PROT_WRITE, MAP_SHARED, shared->fd,
	    0);
	if (memory == MAP_FAILED) {
		return ERR_SYSTEM;
	}
	shared->directory = memory;
	return 0;
}

static bool name_is_good(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t size = strspn(name, allowed);

	return size > 0 && size < SHARED_NAME_BYTES && name[size] == '\0';
}

/* Takes an entry that nobody else fills in, and does; NULL: there is none left. */
static struct shared_entry *make_entry(struct shared_directory *directory,
    const struct wanted *wanted)
{
	for (size_t i = 0; i < SHARED_AREAS; i++) {
		struct shared_entry *entry = &directory->entries[i];

		if (atomic_load_explicit(&entry->taken, memory_order_relaxed) == 0 &&
		    atomic_exchange(&entry->taken, 1) == 0) {
			entry->size = wanted->size;
			memcpy(entry->name, wanted->name, sizeof(entry->name));
			return entry;
		}
	}
	return NULL;
}

/*
 * Looks through the order, from *found on, for what is wanted. The offset adds up on the
 * way: nothing that was written could have the next area overlap another.
 *
 * @return 0; ERR_MISSING: *found is where it could be added; ERR_LIMIT: there is no room;
 * ERR_PROTOCOL
 */
static int look(const struct shared_directory *directory, const struct wanted *wanted,
    struct found *found)
{
	for (; found->area < SHARED_AREAS; found->area++) {
		uint32_t number = atomic_load_explicit(&directory->order[found->area],
		    memory_order_acquire);
		struct shared_entry entry;

		if (number == 0) {
			return round_up(wanted->size) <= SHARED_BYTES - found->offset
			    ? ERR_MISSING : ERR_LIMIT;
		}
		if (number > SHARED_AREAS) {
			return ERR_PROTOCOL;
		}
		memcpy(&entry, &directory->entries[number - 1], sizeof(entry));
		if (entry.size == 0 || entry.size > SHARED_BYTES - found->offset) {
			return ERR_PROTOCOL;
		}
		if (entry.size == wanted->size &&
		    memcmp(entry.name, wanted->name, sizeof(entry.name)) == 0) {
			return 0;
		}
		found->offset += round_up(entry.size);
	}
	return ERR_LIMIT;
}

/* Adds it at the end of the order, unless another process does so first. */
static int add(struct shared_directory *directory, const struct wanted *wanted,
    struct found *found)
{
	struct shared_entry *entry = make_entry(directory, wanted);
	uint32_t number;
	int rc = ERR_MISSING;

	if (entry == NULL) {
		return ERR_LIMIT;
	}
	number = (uint32_t)(entry - directory->entries) + 1;
	while (rc == ERR_MISSING) {
		uint32_t none = 0;

		if (atomic_compare_exchange_strong(&directory->order[found->area], &none,
		    number)) {
			return 0;
		}
		rc = look(directory, wanted, found);
	}
	atomic_store(&entry->taken, 0);
	return rc;
}

static int map(struct shared *shared, const struct found *found, size_t size,
    void **memory)
{
	struct shared_mapping *mapping;

	for (size_t i = 0; i < shared->mapping_count; i++) {
		mapping = &shared->mappings[i];
		if (mapping->area == found->area && mapping->size == size) {
			*memory = mapping->memory;
			return 0;
		}
	}
	*memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, shared->fd,
	    (off_t)(areas_at() + found->offset));
	if (*memory == MAP_FAILED) {
		return ERR_SYSTEM;
	}
	shared->mappings = memory_grow(shared->mappings, shared->mapping_count + 1,
	    sizeof(*shared->mappings));
	shared->mappings[shared->mapping_count++] = (struct shared_mapping){
		found->area, size, *memory };
	return 0;
}

int shared_area(struct shared *shared, const char *name, size_t size, void **memory)
{
	struct wanted wanted = { .size = size };
	struct found found = { 0 };
	int rc;

	if (!name_is_good(name) || size == 0) {
		return ERR_INVALID;
	}
	if (size > SHARED_BYTES) {
		return ERR_LIMIT;
	}
	memcpy(wanted.name, name, strlen(name));
	rc = open_directory(shared);
	rc = rc != 0 ? rc : look(shared->directory, &wanted, &found);
	if (rc == ERR_MISSING) {
		rc = add(shared->directory, &wanted, &found);
	}
	return rc != 0 ? rc : map(shared, &found, size, memory);
}

/* SPDX-License-Identifier: MIT */
/* The memory of a handler. */
#include "ipc/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define MAGIC 0x31646572616873ull	/* "shared1" */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static size_t round_up(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

static size_t block_at(uint32_t number)
{
	return round_up(sizeof(struct shared_front)) +
	    number * round_up(SHARED_BLOCK_BYTES);
}

static size_t areas_at(void)
{
	return block_at(SHARED_BLOCKS);
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
	free(shared->mappings);
	if (shared->fd >= 0) {
		close(shared->fd);
	}
	shared_init(shared, -1);
}

static int map(const struct shared *shared, size_t offset, size_t size, void **memory)
{
	void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, shared->fd,
	    (off_t)offset);

	if (mapped == MAP_FAILED) {
		return ERR_SYSTEM;
	}
	*memory = mapped;
	return 0;
}

int shared_open(struct shared *shared)
{
	void *front;

	if (shared->front != NULL) {
		return 0;
	}
	if (shared->fd < 0 && shared_create(&shared->fd) != 0) {
		return ERR_SYSTEM;
	}
	if (map(shared, 0, sizeof(*shared->front), &front) != 0) {
		return ERR_SYSTEM;
	}
	shared->front = front;
	return 0;
}

int shared_map_block(const struct shared *shared, uint32_t number, void **block)
{
	return map(shared, block_at(number), SHARED_BLOCK_BYTES, block);
}

int shared_view_open(int fd, struct shared_front **front)
{
	void *mapped = mmap(NULL, areas_at(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	*front = NULL;
	if (mapped == MAP_FAILED) {
		return ERR_SYSTEM;
	}
	/* A worker may run other handlers. */
	if (madvise(mapped, areas_at(), MADV_DONTFORK) != 0) {
		munmap(mapped, areas_at());
		return ERR_SYSTEM;
	}
	*front = mapped;
	return 0;
}

void *shared_view_block(struct shared_front *front, uint32_t number)
{
	return (char *)front + block_at(number);
}

void shared_view_close(struct shared_front *front)
{
	if (front != NULL) {
		munmap(front, areas_at());
	}
}

static int map_area(struct shared *shared, uint32_t place, size_t offset, size_t size,
    void **memory)
{
	for (size_t i = 0; i < shared->mapping_count; i++) {
		if (shared->mappings[i].place == place &&
		    shared->mappings[i].size == size) {
			*memory = shared->mappings[i].memory;
			return 0;
		}
	}
	if (map(shared, areas_at() + offset, size, memory) != 0) {
		return ERR_SYSTEM;
	}
	shared->mappings = memory_grow(shared->mappings, shared->mapping_count + 1,
	    sizeof(*shared->mappings));
	shared->mappings[shared->mapping_count++] = (struct shared_mapping){
		place, size, *memory };
	return 0;
}

/* The offset adds up on the way: nothing that was written could have an area overlap
 * another. */
static int find(struct shared *shared, const struct roll_entry *wanted, void **memory)
{
	size_t offset = 0;

	for (uint32_t place = 0;; place++) {
		bool fits = round_up(wanted->size) <= SHARED_BYTES - offset;
		struct roll_entry entry;
		int rc = roll_at(&shared->front->roll, place, fits ? wanted : NULL,
		    &entry);

		if (rc != 0) {
			return rc == ERR_MISSING ? ERR_LIMIT : rc;
		}
		if (entry.kind != SHARED_AREA) {
			continue;
		}
		if (entry.size == 0 || entry.size > SHARED_BYTES - offset) {
			return ERR_PROTOCOL;
		}
		if (entry.size == wanted->size &&
		    memcmp(entry.name, wanted->name, sizeof(entry.name)) == 0) {
			return map_area(shared, place, offset, entry.size, memory);
		}
		offset += round_up(entry.size);
	}
}

int shared_area(struct shared *shared, const char *name, size_t size, void **memory)
{
	struct roll_entry wanted = { .kind = SHARED_AREA, .size = size };

	if (!roll_name(&wanted, name, "") || size == 0) {
		return ERR_INVALID;
	}
	if (size > SHARED_BYTES) {
		return ERR_LIMIT;
	}
	return shared_open(shared) != 0 ? ERR_SYSTEM : find(shared, &wanted, memory);
}

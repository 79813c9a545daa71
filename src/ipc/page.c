/* SPDX-License-Identifier: MIT */
/* The page that a host shares. */
#include "ipc/page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* The host cannot shrink it: touching a byte behind a file's end would kill the
 * worker. */
static int seal(int fd)
{
	if (ftruncate(fd, sizeof(struct page)) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		return ERR_SYSTEM;
	}
	return 0;
}

static int open_reader(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int page_create(int *host_fd, int *reader_fd)
{
	int fd = memfd_create("tincan-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int saved;

	if (fd < 0) {
		return ERR_SYSTEM;
	}
	*reader_fd = seal(fd) == 0 ? open_reader(fd) : -1;
	if (*reader_fd < 0) {
		saved = errno;
		close(fd);
		errno = saved;
		return ERR_SYSTEM;
	}
	*host_fd = fd;
	return 0;
}

int page_map_host(int fd, struct page **page)
{
	void *memory = mmap(NULL, sizeof(**page), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);

	*page = memory == MAP_FAILED ? NULL : memory;
	return *page == NULL ? ERR_SYSTEM : 0;
}

int page_map_reader(int fd, const struct page **page)
{
	void *memory = mmap(NULL, sizeof(**page), PROT_READ, MAP_SHARED, fd, 0);

	*page = memory == MAP_FAILED ? NULL : memory;
	return *page == NULL ? ERR_SYSTEM : 0;
}

void page_unmap(const struct page *page)
{
	if (page != NULL) {
		munmap((void *)page, sizeof(*page));
	}
}

bool page_is_final(const struct page *page)
{
	return atomic_load(&page->signal) != 0 || atomic_load(&page->exited) != 0;
}

struct slice page_unsent(const struct page *page, uint64_t received)
{
	uint64_t base = atomic_load(&page->out_base);
	uint32_t size = atomic_load(&page->out_size);
	uint64_t skip = received - base;

	if (size > PAGE_OUT_BYTES || received < base || skip >= size) {
		return SLICE("");
	}
	return (struct slice){ page->out + skip, size - skip };
}

const char *callback_name(enum page_callback callback)
{
	static const char *const names[] = { "nothing", "loading", "on_open",
		"on_request", "on_close", "on_stop", "a timer", "on_drain", "on_gone",
		"a release", "on_connect", "on_data", "on_send", "on_end",
		"a bus callback", "a watch", "a post", "a job", "a job's end", "on_body",
		"on_filter", "on_reply", "on_piece", "on_done" };

	/* Any number may be in a page. */
	return (size_t)callback < sizeof(names) / sizeof(names[0]) ? names[callback] :
								     "a callback";
}

const char *page_callback_name(const struct page *page)
{
	uint32_t crashed = atomic_load(&page->thread_callback);

	return callback_name((enum page_callback)(crashed != PAGE_NONE ? crashed :
	    atomic_load(&page->callback)));
}

bool page_thread_crashed(const struct page *page)
{
	return atomic_load(&page->thread_callback) != PAGE_NONE;
}

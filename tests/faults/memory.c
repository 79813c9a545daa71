/* SPDX-License-Identifier: MIT */
/*
 * Allocation that fails on order, of all libraries in the process. What a sanitizer has
 * its own of is called by the name that it leaves to those who come before it.
 */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *memory);
__attribute__((weak)) void *__interceptor_malloc(size_t size);
__attribute__((weak)) void *__interceptor_calloc(size_t count, size_t size);
__attribute__((weak)) void *__interceptor_realloc(void *old, size_t size);
__attribute__((weak)) void __interceptor_free(void *memory);

static struct faults own;
struct faults *faults_page = &own;
static pid_t self;

static void look_who_we_are(void)
{
	self = getpid();
}

__attribute__((constructor)) static void map_page(void)
{
	const char *file = getenv("TINCAN_FAULTS");
	int fd = file == NULL ? -1 : open(file, O_RDWR | O_CLOEXEC);
	void *page = MAP_FAILED;

	if (fd >= 0) {
		page = mmap(NULL, sizeof(own), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (page != MAP_FAILED) {
		faults_page = page;
	}
	look_who_we_are();
	pthread_atfork(NULL, NULL, look_who_we_are);
}

bool faults_here(void)
{
	int64_t pid = __atomic_load_n(&faults_page->pid, __ATOMIC_RELAXED);

	return pid != 0 && (pid == self || pid == FAULTS_EVERYBODY);
}

static void count_live(int64_t change)
{
	if (faults_here()) {
		__atomic_fetch_add(&faults_page->memory_live, change, __ATOMIC_RELAXED);
	}
}

/* Whether the allocation that is asked for now is one of those that fail. */
static bool refused(void)
{
	struct faults *faults = faults_page;
	int64_t before;

	if (!faults_here() ||
	    __atomic_load_n(&faults->memory_after, __ATOMIC_RELAXED) == 0) {
		return false;
	}
	before = __atomic_fetch_sub(&faults->memory_after, 1, __ATOMIC_RELAXED);
	if (before != 1) {
		return false;
	}
	/* It stays the next one until as many have failed. */
	if (__atomic_add_fetch(&faults->memory_failed, 1, __ATOMIC_RELAXED) <
	    __atomic_load_n(&faults->memory_count, __ATOMIC_RELAXED)) {
		__atomic_store_n(&faults->memory_after, 1, __ATOMIC_RELAXED);
	}
	errno = ENOMEM;
	return true;
}

static void *counted(void *memory)
{
	if (memory != NULL) {
		count_live(1);
	}
	return memory;
}

void *malloc(size_t size)
{
	if (refused()) {
		return NULL;
	}
	return counted(__interceptor_malloc != NULL ? __interceptor_malloc(size)
						    : __libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	if (refused()) {
		return NULL;
	}
	return counted(__interceptor_calloc != NULL ? __interceptor_calloc(count, size)
						    : __libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
	void *memory;

	if (refused()) {
		return NULL;
	}
	memory = __interceptor_realloc != NULL ? __interceptor_realloc(old, size)
					       : __libc_realloc(old, size);
	return old == NULL ? counted(memory) : memory;
}

void free(void *memory)
{
	if (memory != NULL) {
		count_live(-1);
	}
	if (__interceptor_free != NULL) {
		__interceptor_free(memory);
	} else {
		__libc_free(memory);
	}
}

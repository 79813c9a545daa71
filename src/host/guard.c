/* SPDX-License-Identifier: MIT */
/*
 * Handlers of signals, exit and fork get no argument: hence the one static struct. What
 * runs after a fatal signal is async-signal-safe, on a stack of its own, as the plugin's
 * may be used up, and with no trust in the heap.
 */
#include "host/guard.h"

#include <execinfo.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/fault.h"
#include "plugin/api.h"

#define STACK_BYTES (64 * 1024)

static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS };

#define FATAL_SIGNALS (sizeof(fatal_signals) / sizeof(fatal_signals[0]))

static struct {
	int socket_fd;
	struct page *page;
	uintptr_t load_base;	/* of the plugin; offsets in its file count from here */
	uintptr_t start;	/* its mapping */
	uintptr_t end;
	bool child;
	bool leaving;
	char stack[STACK_BYTES] __attribute__((aligned(16)));
} guard;

/*
 * An address of the backtrace as one of the plugin's file. All but the one where the
 * signal came are where a call returns to, which may be the next function already: the
 * call itself is before that.
 */
static uint64_t file_address(uintptr_t address, uintptr_t instruction)
{
	if (address < guard.start || address >= guard.end) {
		return 0;
	}
	return address - guard.load_base - (address == instruction ? 0 : 1);
}

/* Without the frames of the signal handler itself, where they can be told. */
static void write_frames(struct page *page, void *const *frames, int count,
    uintptr_t instruction)
{
	int first = 0;

	while (first < count && (uintptr_t)frames[first] != instruction) {
		first++;
	}
	if (first == count) {
		first = 0;
	}
	for (int i = first; i < count; i++) {
		page->frames[i - first] = file_address((uintptr_t)frames[i], instruction);
	}
	atomic_store(&page->frame_count, (uint32_t)(count - first));
}

/* On another thread than the loop's the page does not know what runs. */
static void write_thread(struct page *page)
{
	const struct api_call *call = api_thread();

	if (call != NULL) {
		atomic_store(&page->thread_callback, call->callback);
	}
}

/* An allocation that fails is what many a plugin dies of, and where it dies is of no help
 * then. Tells of less than a 16th of the limit. */
static void write_memory(struct page *page)
{
	struct rlimit limit;
	size_t size;
	void *probe;

	if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
		return;
	}
	size = limit.rlim_cur / 16;
	probe = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (probe == MAP_FAILED) {
		atomic_store(&page->memory_full, 1);
	} else {
		munmap(probe, size);
	}
}

/* SA_RESETHAND has restored the default: the signal raised here ends the process when
 * this returns, and one that comes before, from a broken stack, does so at once. */
static void on_fatal(int signal, siginfo_t *info, void *context)
{
	void *frames[PAGE_FRAMES];

	write_thread(guard.page);
	write_memory(guard.page);
	atomic_store(&guard.page->fault_address, (uintptr_t)info->si_addr);
	atomic_store(&guard.page->signal, (uint32_t)signal);
	write_frames(guard.page, frames, backtrace(frames, PAGE_FRAMES),
	    fault_instruction(context));
	/* A core dump of a large process takes a second; the peer knows now. */
	shutdown(guard.socket_fd, SHUT_RDWR);
	raise(signal);
}

static void on_exit_called(void)
{
	if (!guard.leaving) {
		write_thread(guard.page);
		atomic_store(&guard.page->exited, 1);
		shutdown(guard.socket_fd, SHUT_RDWR);
	}
}

/* Whatever the child does, the host's calls are not its own: it gets a page that nobody
 * reads, and no socket. */
static void on_fork(void)
{
	guard.child = true;
	close(guard.socket_fd);
	guard.socket_fd = -1;
	if (mmap(guard.page, sizeof(*guard.page), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
		_exit(EXIT_FAILURE);
	}
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_sigaction = on_fatal,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND };
	stack_t stack = { .ss_sp = guard.stack, .ss_size = sizeof(guard.stack) };

	sigaltstack(&stack, NULL);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < FATAL_SIGNALS; i++) {
		sigaddset(&action.sa_mask, fatal_signals[i]);
	}
	for (size_t i = 0; i < FATAL_SIGNALS; i++) {
		sigaction(fatal_signals[i], &action, NULL);
	}
}

void guard_init(int socket_fd, struct page *page)
{
	void *frame;

	guard.socket_fd = socket_fd;
	guard.page = page;
	/* The first backtrace loads a library, which a signal handler must not. */
	backtrace(&frame, 1);
	catch_signals();
	atexit(on_exit_called);
	pthread_atfork(NULL, NULL, on_fork);
}

static bool take_object(const struct dl_phdr_info *object, uintptr_t address)
{
	uintptr_t start = UINTPTR_MAX;
	uintptr_t end = 0;

	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t from = object->dlpi_addr + segment->p_vaddr;
		uintptr_t to = from + segment->p_memsz;

		if (segment->p_type == PT_LOAD) {
			start = from < start ? from : start;
			end = to > end ? to : end;
		}
	}
	if (address < start || address >= end) {
		return false;
	}
	guard.load_base = object->dlpi_addr;
	guard.start = start;
	guard.end = end;
	return true;
}

static int visit_object(struct dl_phdr_info *object, size_t size, void *address)
{
	(void)size;
	return take_object(object, (uintptr_t)address);
}

void guard_plugin(const void *address)
{
	dl_iterate_phdr(visit_object, (void *)address);
}

bool guard_is_child(void)
{
	return guard.child;
}

void guard_leave(void)
{
	/* Another thread is dying, which has ended the socket: its signal ends us. */
	while (atomic_load(&guard.page->signal) != 0) {
		pause();
	}
	guard.leaving = true;
}

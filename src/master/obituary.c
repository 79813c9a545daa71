/* SPDX-License-Identifier: MIT */
/* How a host died, in words. */
#include "master/obituary.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <seccomp.h>

#include "plugin/symbols.h"

struct text {
	char *out;
	size_t used;
};

static void add(struct text *text, const char *format, ...) PRINTF(2, 3);

/* Cut at the end of the room there is. */
static void add(struct text *text, const char *format, ...)
{
	va_list ap;
	int size;

	va_start(ap, format);
	size = vsnprintf(text->out + text->used, OBITUARY_BYTES - text->used, format, ap);
	va_end(ap);
	if (size > 0) {
		text->used += (size_t)size;
	}
	if (text->used >= OBITUARY_BYTES) {
		text->used = OBITUARY_BYTES - 1;
	}
}

/* The host wrote it, so it may hold anything. */
static void add_request(struct text *text, const struct page *page)
{
	char id[sizeof(page->request)];

	if (page_thread_crashed(page)) {
		return;
	}
	memcpy(id, page->request, sizeof(id));
	id[sizeof(id) - 1] = '\0';
	if (id[0] != '\0' && strspn(id, "0123456789abcdef") == strlen(id)) {
		add(text, ", request %s", id);
	}
}

static void add_signal(struct text *text, const struct page *page, int number)
{
	add(text, ": signal %d (%s)", number, strsignal(number));
	if ((number == SIGSEGV || number == SIGBUS) &&
	    atomic_load(&page->signal) == (uint32_t)number) {
		add(text, " at address 0x%llx",
		    (unsigned long long)atomic_load(&page->fault_address));
	}
}

static void add_cause(struct text *text, const struct page *page, int status)
{
	if (WIFSIGNALED(status)) {
		add_signal(text, page, WTERMSIG(status));
	} else if (atomic_load(&page->exited) != 0) {
		add(text, ": it called exit(%d)", WEXITSTATUS(status));
	} else {
		add(text, ": its process ended with status %d", WEXITSTATUS(status));
	}
}

static void add_memory(struct text *text, const struct page *page)
{
	if (atomic_load(&page->memory_full) != 0) {
		add(text, ", its 'max_memory_bytes' used up");
	}
}

static void add_backtrace(struct text *text, const struct plugin *plugin,
    const struct page *page)
{
	uint64_t frames[PAGE_FRAMES];
	uint32_t count = atomic_load(&page->frame_count);
	char names[OBITUARY_BYTES / 2];

	if (atomic_load(&page->signal) == 0 || count == 0) {
		return;
	}
	if (count > PAGE_FRAMES) {
		count = PAGE_FRAMES;
	}
	memcpy(frames, page->frames, sizeof(frames));
	symbols_describe(plugin->copy, plugin->file, frames, count, names, sizeof(names));
	add(text, "%s%s", names[0] == '\0' ? "" : ", in ", names);
}

void obituary(const struct plugin *plugin, const struct page *page, int status,
    char out[OBITUARY_BYTES])
{
	struct text text = { .out = out };

	out[0] = '\0';
	add(&text, "crashed in %s", page_callback_name(page));
	add_request(&text, page);
	add_cause(&text, page, status);
	add_memory(&text, page);
	add_backtrace(&text, plugin, page);
}

void obituary_backtrace(const struct plugin *plugin, const struct page *page,
    char out[OBITUARY_BYTES])
{
	struct text text = { .out = out };

	out[0] = '\0';
	add_backtrace(&text, plugin, page);
}

static void tell_call(int call, char out[OBITUARY_CAUSE_BYTES])
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);

	snprintf(out, OBITUARY_CAUSE_BYTES, "signal %d (%s), as it called %s", SIGSYS,
	    strsignal(SIGSYS), name == NULL ? "what has no name" : name);
	free(name);
}

void obituary_cause(int status, int call, char out[OBITUARY_CAUSE_BYTES])
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS && call != 0) {
		tell_call(call, out);
	} else if (WIFSIGNALED(status)) {
		snprintf(out, OBITUARY_CAUSE_BYTES, "signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	} else {
		snprintf(out, OBITUARY_CAUSE_BYTES, "exit status %d",
		    WEXITSTATUS(status));
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * The page that a host shares with its worker and the master: what it is doing, what it
 * has finished but not sent, and how it died. The host writes, the others map it
 * read-only. It outlives the host, whatever killed it, so that a death costs exactly one
 * request:
 *
 *	- A finished reply lies in out[] before running is cleared. After a death the
 *	  worker reads what is in the socket, then takes from out[] what did not get
 *	  there: stream positions tell which bytes those are.
 *	- The call in running is the one that was lost. Those not started go to the next
 *	  host.
 *
 * Every byte of it is untrusted: read once, checked, bounded.
 */
#ifndef TINCAN_IPC_PAGE_H
#define TINCAN_IPC_PAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

#define PAGE_OUT_BYTES (60 * 1024)
#define PAGE_FRAMES 32			/* of a backtrace */

/* What of a plugin runs. */
enum page_callback {
	PAGE_NONE, PAGE_LOADING, PAGE_ON_OPEN, PAGE_ON_REQUEST, PAGE_ON_CLOSE,
	PAGE_ON_STOP, PAGE_ON_TIMER, PAGE_ON_DRAIN, PAGE_ON_GONE, PAGE_ON_RELEASE,
	PAGE_ON_CONNECT, PAGE_ON_DATA, PAGE_ON_SEND, PAGE_ON_END, PAGE_ON_BUS,
	PAGE_ON_WATCH, PAGE_ON_POST, PAGE_ON_WORK, PAGE_ON_DONE, PAGE_ON_BODY,
	PAGE_ON_FILTER, PAGE_ON_REPLY, PAGE_ON_PIECE, PAGE_ON_FILTER_DONE
};

struct page {
	_Atomic uint64_t tick;		/* +1 each round of the host's loop */
	_Atomic uint64_t running; /* the call or duplex whose handler runs; 0: none */
	_Atomic uint64_t running_since_ms;	/* monotonic */
	_Atomic uint32_t callback;	/* enum page_callback */
	_Atomic uint64_t finished;	/* calls answered by this process */
	char request[20]; /* the id of the running call's request, for the log */
	_Atomic uint32_t exited;	/* 1: the plugin called exit() */

	/* Written by the host's handler of a fatal signal. */
	_Atomic uint32_t signal;	/* 0: it did not run */
	_Atomic uint32_t thread_callback; /* what crashed, if not the loop's thread */
	_Atomic uint64_t fault_address;
	_Atomic uint32_t memory_full;	/* 1: next to nothing of its limit was left */
	_Atomic uint32_t frame_count;
	uint64_t frames[PAGE_FRAMES];	/* offsets in the plugin's file; 0: elsewhere */

	/* The batch: bytes [out_base, out_base + out_size) of the host's stream. */
	_Atomic uint64_t out_base;
	_Atomic uint32_t out_size;
	char out[PAGE_OUT_BYTES];
};

/* A new page: a sealed memfd, writable (*host_fd, for the host) and read-only
 * (*reader_fd). ERR_SYSTEM with errno. */
int page_create(int *host_fd, int *reader_fd) MUST_USE;

/* Maps one; ERR_SYSTEM. page_unmap accepts NULL. */
int page_map_host(int fd, struct page **page) MUST_USE;
int page_map_reader(int fd, const struct page **page) MUST_USE;
void page_unmap(const struct page *page);

/* Does it run no callback any more, though its process may not be gone yet? */
bool page_is_final(const struct page *page);

/* What of the batch comes after the first received bytes of the stream; borrowed from the
 * page, empty if there is nothing. Only for a host that is dead. */
struct slice page_unsent(const struct page *page, uint64_t received);

/* "loading", "on_open", "a timer", ... */
const char *callback_name(enum page_callback callback);
const char *page_callback_name(const struct page *page);

/* Did something crash that has to do with no call? */
bool page_thread_crashed(const struct page *page);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Messages between the master and a worker, over a SOCK_SEQPACKET pair: a type, a number,
 * a text, and descriptors. Every message there is:
 *
 *	master -> worker
 *	LISTENER	number = listener's id; fd: a listening socket
 *	HOST		number = plugin version, value = pid;
 *			fds: its socket, its page (to read)
 *	PROCESSES	number = plugin version, value = how many of its hosts this worker
 *			has, text = its handler's name; before the HOSTs
 *	DIED		number = plugin version, value = pid: its process is no more
 *	BREAK		number = plugin version, value = seconds to the next try; 0: now
 *	MEMORY		text = handler's name; fd: its memory (ipc/shared.h). Before the
 *			first generation that has it in the workers
 *	GENERATION	number; fd: a memfd with what site/generation.h packs
 *	CERTIFICATES	number = generation it serves; fd: as with GENERATION, for the
 *			certificates in it: some have been renewed
 *	KEEPER		fd: the socket to the keeper (ipc/sign.h)
 *	LOG		number = which (enum channel_log); fd: where it goes from now on;
 *			none: nowhere
 *
 *	worker -> master
 *	READY		number = generation: it is what new requests get
 *	FAILED		number = generation: text says why; the one before goes on
 *	KILL		number = plugin version, value = pid: its host does not come back
 *			from a call
 *	LOST		number = plugin version, value = pid: its socket has ended, or
 *			brings nonsense; its process should end, too
 *	RETIRED		number = plugin version: this worker needs its host no more
 *
 * and between the master and the keeper:
 *
 *	master -> keeper
 *	KEY		number = of its certificate, text = the key's name in hex
 *			(tls/key_name.h); fds: its file, open to be read; what it is
 *			encrypted with, if it is
 *	KEYS		number: the KEYs since the last of these are all there are now;
 *			value 1: beside those there have been, as some cannot be read
 *	WORKER		number = worker's index; fd: the socket to it, for its requests
 *	CHECK		is it there? answered by WELL
 *
 *	keeper -> master
 *	UNKEPT		number = of KEY: it cannot be used, text says why; value 1: but
 *			the keeper has the key of that name
 *	KEPT		number = of KEYS, value: so many of them can be used
 *	SAY		number = level: text is for the log
 *	WELL		it is
 *
 * and in an upgrade, beside LISTENER and MEMORY:
 *
 *	old master -> new master
 *	TICKET		number = place of a session tickets' key, 0 the newest; value: its
 *			age in seconds, of others what is left; text: its 80 bytes
 *	GENERATION	there is no more
 *
 *	new master -> old master
 *	TAKE		it reads: all of the above may be sent, before READY
 */
#ifndef TINCAN_IPC_CHANNEL_H
#define TINCAN_IPC_CHANNEL_H

#include <stdint.h>

#include "base/error.h"

#define CHANNEL_FDS 2
#define CHANNEL_TEXT 512

enum channel_type {
	CHANNEL_LISTENER = 1,
	CHANNEL_HOST,
	CHANNEL_DIED,
	CHANNEL_BREAK,
	CHANNEL_GENERATION,
	CHANNEL_CERTIFICATES,
	CHANNEL_MEMORY,
	CHANNEL_PROCESSES,
	CHANNEL_KEEPER,
	CHANNEL_KEY,
	CHANNEL_KEYS,
	CHANNEL_WORKER,
	CHANNEL_TICKET,
	CHANNEL_LOG,
	CHANNEL_CHECK,
	CHANNEL_READY = 64,
	CHANNEL_FAILED,
	CHANNEL_KILL,
	CHANNEL_LOST,
	CHANNEL_RETIRED,
	CHANNEL_UNKEPT,
	CHANNEL_KEPT,
	CHANNEL_SAY,
	CHANNEL_TAKE,
	CHANNEL_WELL
};

enum channel_log { CHANNEL_LOG_ACCESS, CHANNEL_LOG_ERROR, CHANNEL_LOG_KEYS };

struct channel_message {
	uint32_t type;
	uint32_t number;
	uint32_t value;
	char text[CHANNEL_TEXT];	/* NUL-terminated */
	int fds[CHANNEL_FDS];		/* -1 where none; the receiver owns what came */
};

/* A pair, both ends non-blocking and close-on-exec. ERR_SYSTEM. */
int channel_pair(int fds[2]) MUST_USE;

/*
 * Sends one; descriptors stay the caller's. Waits up to a second for a slow receiver.
 * ERR_CLOSED if the other side has gone or does not take it.
 */
int channel_send(int fd, const struct channel_message *message) MUST_USE;

/* The same, but ERR_AGAIN at once if there is no room for it. */
int channel_offer(int fd, const struct channel_message *message) MUST_USE;

/* 0; ERR_AGAIN: none there; ERR_EOF; ERR_PROTOCOL: not a message; ERR_CLOSED. */
int channel_receive(int fd, struct channel_message *message) MUST_USE;

/* Closes the descriptors that came with it. */
void channel_close_fds(struct channel_message *message);

#endif

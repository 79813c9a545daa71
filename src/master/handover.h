/* SPDX-License-Identifier: MIT */
/*
 * Keys on their way to the keeper, one hand-over after the other: the master opens the
 * files, the keeper reads them and says which are of no use. Nobody waits for that: what
 * there is to be said is sent when the channel has room for it, and who has asked is told
 * of the end. Master. Lifetime: that of the keepers.
 */
#ifndef TINCAN_MASTER_HANDOVER_H
#define TINCAN_MASTER_HANDOVER_H

#include "base/list.h"
#include "ipc/channel.h"
#include "master/key_files.h"
#include "master/master.h"
#include "master/passphrases.h"

/* One hand-over; embedded in what wants it. */
struct handover {
	struct list link;
	struct config *config;	/* borrowed until done; NULL: of what is served */
	/* Likewise; of what is served, where it is NULL, those with one are left out. */
	const struct passphrases *passphrases;
	/* A failure of NULL: the keeper has the keys; those that it does not take are
	 * logged, their certificates broken, and what they show forgotten. Else why it
	 * has none of them. */
	void (*done)(struct handover *handover, const char *failure);
	bool lost;		/* one of those that were shown before is not there */
	bool again;		/* a keeper has died in it */
};

void handover_init(struct handover *handover,
    void (*done)(struct handover *handover, const char *failure));

struct handovers {
	struct master *master;
	struct list waiting;
	struct handover *begun;	/* the first of them; NULL: none is under way */
	size_t next;		/* the certificate whose key is sent next */
	bool all;		/* none was left out so far */
	struct key_files files;	/* that the keeper has taken */
	uint32_t first;		/* number of the first KEY */
	uint32_t asked;		/* of the last KEYS */
	struct timer deadline;	/* for its end; the owner's to be initialised */
};

void handovers_init(struct handovers *handovers, struct master *master);

/* All are taken back. */
void handovers_release(struct handovers *handovers);

/* Adds one, in place of where it may be already: behind all; or, while none is under way,
 * before them. */
void handovers_add(struct handovers *handovers, struct handover *handover);
void handovers_add_first(struct handovers *handovers, struct handover *handover);

/* Takes one back: there will be no done. Harmless if it is not there. */
void handovers_drop(struct handovers *handovers, struct handover *handover);

/* Is there none? */
bool handovers_idle(const struct handovers *handovers);

/* Sends the next message of theirs. ERR_EOF: there is none now; ERR_AGAIN, ERR_CLOSED as
 * with channel_offer. */
int handovers_send(struct handovers *handovers, int channel_fd) MUST_USE;

/* An UNKEPT or KEPT of the keeper. */
void handovers_take(struct handovers *handovers, const struct channel_message *message);

/* The keeper has died: what is under way begins anew with the next one; when that dies of
 * it, too, it fails. */
void handovers_lose(struct handovers *handovers, const char *failure);

/* The keeper hangs: what is under way fails. Or there will be none: all do. */
void handovers_fail(struct handovers *handovers, const char *failure);
void handovers_fail_all(struct handovers *handovers, const char *failure);

#endif

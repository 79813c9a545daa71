/* SPDX-License-Identifier: MIT */
/*
 * What carries the messages of handlers from worker to worker: memory that the master
 * makes and all workers share, but no host. Each worker writes a ring of its own and
 * reads all of them, each reader with a position that nobody else knows. So a writer
 * never waits: who is too slow is overtaken, notices that, goes on with the newest, and
 * learns how many messages it has missed.
 *
 * Positions count words since boot and never go back, in whatever process: a worker that
 * takes the place of a dead one goes on where that one had come to. What is read is
 * checked, as the writer may have been anything when it died. Lifetime: boot.
 *
 * A record: its number; sizes of name and data; name, data. In words of 8 bytes.
 */
#ifndef TINCAN_IPC_BUS_RING_H
#define TINCAN_IPC_BUS_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

#define BUS_RINGS 256			/* as many as there may be workers */
#define BUS_RING_WORDS (1u << 17)	/* 1 MiB; what is not touched costs nothing */
#define BUS_TOPIC_MAX 255		/* bytes of a topic; at least 1 */
#define BUS_NAME_MAX (47 + 1 + BUS_TOPIC_MAX)
#define BUS_DATA_MAX (64 * 1024)
#define BUS_SUBSCRIPTIONS 65536		/* of one process */
#define BUS_RECORD_WORDS (2 + (BUS_NAME_MAX + BUS_DATA_MAX + 7) / 8)

struct bus_ring {
	/* Words below it are complete. */
	_Alignas(64) _Atomic uint64_t head;
	/* Words below it may have been begun: those a ring's length before are lost. */
	_Atomic uint64_t reserved;
	_Atomic uint64_t records;	/* complete ones so far, or a few less */
	_Alignas(64) _Atomic uint64_t words[BUS_RING_WORDS];
};

struct bus_rings {
	_Atomic uint32_t used;	/* the first so many have ever had a writer */
	_Atomic uint32_t asleep;	/* a reader waits for the bell */
	struct bus_ring ring[BUS_RINGS];
};

/* A message. The name is that of the handler, NUL, and the topic. */
struct bus_message {
	struct slice name;
	struct slice data;
};

struct bus_writer {
	struct bus_ring *ring;
	uint64_t record[BUS_RECORD_WORDS];	/* the one being put together */
};

struct bus_reader {
	const struct bus_ring *ring;
	uint64_t position;
	uint64_t records;		/* read or missed */
};

/* Memory for the rings, and *bell_fd, owned by the caller: an eventfd that is never read,
 * to be watched for edges. Aborts if the kernel gives none. */
struct bus_rings *bus_rings_new(int *bell_fd);
void bus_rings_free(struct bus_rings *rings);	/* NULL is accepted */

/* How many of the rings, from the first on, can have something in them. */
uint32_t bus_rings_used(const struct bus_rings *rings);

/* A reader that calls this, and then reads all there is, hears the bell when there is
 * more. One bell wakes all readers: who rings it need not know who sleeps. */
void bus_rings_sleep(struct bus_rings *rings);

/* After something was written: rings if anybody sleeps. */
void bus_rings_wake(struct bus_rings *rings, int bell_fd);

/* Rings in any case. */
void bus_bell_ring(int bell_fd);

/* Puts the name together; its size, or 0 if handler or topic is empty or too long. */
size_t bus_name(char out[BUS_NAME_MAX], struct slice handler, struct slice topic);

/* Is it one: no NUL but the one between a handler and a topic? */
bool bus_name_is_valid(struct slice name);

/* Topic of a valid name. */
struct slice bus_name_topic(struct slice name);

/* Takes the ring at that place, which has no other writer any more. */
void bus_writer_init(struct bus_writer *writer, struct bus_rings *rings, uint32_t place);

/* Adds a message of a valid name. ERR_LIMIT: the data are more than BUS_DATA_MAX. */
int bus_ring_write(struct bus_writer *writer, const struct bus_message *message) MUST_USE;

/* Starts with what is written from now on. */
void bus_reader_init(struct bus_reader *reader, const struct bus_ring *ring);

/*
 * The next message, in record, which it borrows from. Adds to *missed how many there were
 * in between, or a few more.
 *
 * @return 0, or ERR_AGAIN: there is none yet
 */
int bus_ring_read(struct bus_reader *reader, uint64_t record[BUS_RECORD_WORDS],
    struct bus_message *message, uint64_t *missed) MUST_USE;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as what a worker that went wrong has left in its ring: positions first, then
 * words around the ring's end. Who reads it comes to an end, with nothing but messages
 * that are well formed; and what the next writer says is heard.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/bus_ring.h"

#define SPOILED (BUS_RING_WORDS - 16)	/* the first word that is, before the end */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bus_rings *rings;
static struct bus_writer writer;

static void require(bool holds)
{
	if (!holds) {
		abort();
	}
}

static uint64_t take_word(const uint8_t **data, size_t *size)
{
	size_t part = *size < sizeof(uint64_t) ? *size : sizeof(uint64_t);
	uint64_t word = 0;

	memcpy(&word, *data, part);
	*data += part;
	*size -= part;
	return word;
}

static void spoil(struct bus_ring *ring, const uint8_t *data, size_t size)
{
	atomic_store(&ring->head, SPOILED + take_word(&data, &size));
	atomic_store(&ring->reserved, SPOILED + take_word(&data, &size));
	atomic_store(&ring->records, take_word(&data, &size));
	for (uint64_t i = SPOILED; size > 0; i++) {
		atomic_store(&ring->words[i % BUS_RING_WORDS], take_word(&data, &size));
	}
}

static void read_all(struct bus_reader *reader)
{
	static uint64_t record[BUS_RECORD_WORDS];
	static volatile size_t read;
	struct bus_message message;
	uint64_t missed = 0;

	while (bus_ring_read(reader, record, &message, &missed) == 0) {
		require(bus_name_is_valid(message.name));
		require(message.data.size <= BUS_DATA_MAX);
		/* For a sanitizer: every byte is there. */
		read = strnlen(message.data.data, message.data.size);
		(void)read;
	}
}

static void expect_next(struct bus_reader *reader)
{
	static uint64_t record[BUS_RECORD_WORDS];
	struct bus_message said = { SLICE("chat\0room"), SLICE("hello") };
	struct bus_message heard;
	uint64_t missed = 0;

	bus_writer_init(&writer, rings, 0);
	bus_reader_init(reader, &rings->ring[0]);
	require(bus_ring_write(&writer, &said) == 0);
	require(bus_ring_read(reader, record, &heard, &missed) == 0);
	require(slice_equal(heard.name, said.name) && slice_equal(heard.data, said.data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bus_reader reader;
	int bell_fd;

	rings = bus_rings_new(&bell_fd);
	reader = (struct bus_reader){ .ring = &rings->ring[0], .position = SPOILED };
	spoil(&rings->ring[0], data, size);
	read_all(&reader);
	expect_next(&reader);
	bus_rings_free(rings);
	close(bell_fd);
	return 0;
}

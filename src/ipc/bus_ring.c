/* SPDX-License-Identifier: MIT */
/*
 * The rings of the bus. A sequence lock over words: every one is stored with release and
 * loaded with acquire, so that a reader that has seen a word of a newer record sees the
 * reservation, too, that the writer made before it.
 */
#include "ipc/bus_ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEADER_WORDS 2

struct bus_rings *bus_rings_new(int *bell_fd)
{
	void *memory = mmap(NULL, sizeof(struct bus_rings), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	*bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (memory == MAP_FAILED || *bell_fd < 0) {
		perror("tincan: cannot make the bus");
		abort();
	}
	return memory;
}

void bus_rings_free(struct bus_rings *rings)
{
	if (rings != NULL) {
		munmap(rings, sizeof(*rings));
	}
}

uint32_t bus_rings_used(const struct bus_rings *rings)
{
	uint32_t used = atomic_load(&rings->used);

	return used < BUS_RINGS ? used : BUS_RINGS;
}

/* Both exchange, so that one of them comes first: either the writer finds the flag up, or
 * the reader, which looks after that, what was written. */
void bus_rings_sleep(struct bus_rings *rings)
{
	(void)atomic_exchange(&rings->asleep, 1);
}

void bus_rings_wake(struct bus_rings *rings, int bell_fd)
{
	if (atomic_exchange(&rings->asleep, 0) != 0) {
		bus_bell_ring(bell_fd);
	}
}

void bus_bell_ring(int bell_fd)
{
	static const uint64_t one = 1;

	(void)!write(bell_fd, &one, sizeof(one));
}

size_t bus_name(char out[BUS_NAME_MAX], struct slice handler, struct slice topic)
{
	if (handler.size == 0 || handler.size > BUS_NAME_MAX - 1 - BUS_TOPIC_MAX ||
	    topic.size == 0 || topic.size > BUS_TOPIC_MAX) {
		return 0;
	}
	memcpy(out, handler.data, handler.size);
	out[handler.size] = '\0';
	memcpy(out + handler.size + 1, topic.data, topic.size);
	return handler.size + 1 + topic.size;
}

struct slice bus_name_topic(struct slice name)
{
	slice_skip(&name, strnlen(name.data, name.size) + 1);
	return name;
}

bool bus_name_is_valid(struct slice name)
{
	size_t handler = strnlen(name.data, name.size);
	size_t topic = name.size - handler - 1;

	return handler > 0 && handler < name.size && topic > 0 &&
	    topic <= BUS_TOPIC_MAX && name.size <= BUS_NAME_MAX &&
	    memchr(name.data + handler + 1, '\0', topic) == NULL;
}

static uint64_t sizes_of(const struct bus_message *message)
{
	return (uint64_t)message->name.size << 32 | message->data.size;
}

static size_t words_of(uint64_t sizes)
{
	return HEADER_WORDS + ((sizes >> 32) + (sizes & UINT32_MAX) + 7) / 8;
}

static bool makes_sense(uint64_t sizes)
{
	return sizes >> 32 <= BUS_NAME_MAX && (sizes & UINT32_MAX) <= BUS_DATA_MAX;
}

void bus_writer_init(struct bus_writer *writer, struct bus_rings *rings, uint32_t place)
{
	uint32_t used = atomic_load(&rings->used);

	writer->ring = &rings->ring[place];
	/* The one before may have died in the middle of a record, but not further on. */
	if (atomic_load(&writer->ring->reserved) - atomic_load(&writer->ring->head) >
	    BUS_RECORD_WORDS) {
		atomic_store(&writer->ring->reserved, atomic_load(&writer->ring->head));
	}
	while (used <= place &&
	    !atomic_compare_exchange_weak(&rings->used, &used, place + 1)) {
	}
}

static void put_words(struct bus_ring *ring, uint64_t position, const uint64_t *words,
    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		atomic_store_explicit(&ring->words[(position + i) % BUS_RING_WORDS],
		    words[i], memory_order_release);
	}
}

/* It never goes back: what a writer that died had begun to overwrite stays lost. */
static void reserve(struct bus_ring *ring, uint64_t end)
{
	if (atomic_load_explicit(&ring->reserved, memory_order_relaxed) < end) {
		atomic_store_explicit(&ring->reserved, end, memory_order_relaxed);
	}
}

static void put_record(struct bus_writer *writer, uint64_t number,
    const struct bus_message *message)
{
	char *bytes = (char *)(writer->record + HEADER_WORDS);

	writer->record[0] = number;
	writer->record[1] = sizes_of(message);
	writer->record[words_of(sizes_of(message)) - 1] = 0;
	memcpy(bytes, message->name.data, message->name.size);
	if (message->data.size > 0) {
		memcpy(bytes + message->name.size, message->data.data,
		    message->data.size);
	}
}

int bus_ring_write(struct bus_writer *writer, const struct bus_message *message)
{
	struct bus_ring *ring = writer->ring;
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t records = atomic_load_explicit(&ring->records, memory_order_relaxed);
	size_t count = words_of(sizes_of(message));

	if (message->data.size > BUS_DATA_MAX) {
		return ERR_LIMIT;
	}
	put_record(writer, records, message);
	reserve(ring, head + count);
	put_words(ring, head, writer->record, count);
	atomic_store_explicit(&ring->head, head + count, memory_order_release);
	atomic_store_explicit(&ring->records, records + 1, memory_order_release);
	return 0;
}

/* Goes on with the newest: what lies between may be gone by the time it is read. */
static void skip(struct bus_reader *reader, uint64_t *missed)
{
	/* In this order, so that no message counts that is read later. */
	uint64_t records = atomic_load_explicit(&reader->ring->records,
	    memory_order_acquire);

	reader->position = atomic_load_explicit(&reader->ring->head,
	    memory_order_acquire);
	if (records > reader->records) {
		*missed += records - reader->records;
	}
	reader->records = records;
}

void bus_reader_init(struct bus_reader *reader, const struct bus_ring *ring)
{
	uint64_t ignored = 0;

	*reader = (struct bus_reader){ .ring = ring };
	skip(reader, &ignored);
}

static void get_words(const struct bus_ring *ring, uint64_t position, uint64_t *words,
    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		words[i] = atomic_load_explicit(
		    &ring->words[(position + i) % BUS_RING_WORDS], memory_order_acquire);
	}
}

/* Copies the record at the reader's position, of which as many words are there. */
static bool get_record(const struct bus_reader *reader, uint64_t available,
    uint64_t record[BUS_RECORD_WORDS])
{
	const struct bus_ring *ring = reader->ring;

	if (available < HEADER_WORDS || available > BUS_RING_WORDS) {
		return false;
	}
	get_words(ring, reader->position, record, HEADER_WORDS);
	if (!makes_sense(record[1]) || words_of(record[1]) > available) {
		return false;
	}
	get_words(ring, reader->position + HEADER_WORDS, record + HEADER_WORDS,
	    words_of(record[1]) - HEADER_WORDS);
	/* Has it been overwritten meanwhile? */
	return atomic_load_explicit(&ring->reserved, memory_order_relaxed) -
	    reader->position <= BUS_RING_WORDS;
}

static void count(struct bus_reader *reader, uint64_t number, uint64_t *missed)
{
	if (number > reader->records) {
		*missed += number - reader->records;
	}
	reader->records = number + 1;
}

int bus_ring_read(struct bus_reader *reader, uint64_t record[BUS_RECORD_WORDS],
    struct bus_message *message, uint64_t *missed)
{
	for (;;) {
		uint64_t head = atomic_load_explicit(&reader->ring->head,
		    memory_order_acquire);
		const char *bytes = (const char *)(record + HEADER_WORDS);

		if (head == reader->position) {
			return ERR_AGAIN;
		}
		if (!get_record(reader, head - reader->position, record)) {
			skip(reader, missed);
			continue;
		}
		reader->position += words_of(record[1]);
		count(reader, record[0], missed);
		message->name = (struct slice){ bytes, record[1] >> 32 };
		message->data = (struct slice){ bytes + message->name.size,
			record[1] & UINT32_MAX };
		if (bus_name_is_valid(message->name)) {
			return 0;
		}
		++*missed;
	}
}

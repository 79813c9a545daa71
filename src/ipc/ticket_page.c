/* SPDX-License-Identifier: MIT */
/* The keys of session tickets, between master and workers. */
#include "ipc/ticket_page.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "os/secret.h"

#define KEY_WORDS (TICKET_KEY_BYTES / sizeof(uint64_t))
/* A master that is interrupted while it writes is not waited for: a handshake can do
 * without a ticket. */
#define TRIES 1000

typedef _Atomic uint64_t word;

struct ticket_page {
	_Atomic uint32_t version;	/* odd while it is written */
	_Atomic uint32_t count;
	word keys[TICKET_KEYS_MAX][KEY_WORDS];
};

_Static_assert(TICKET_KEY_BYTES % sizeof(uint64_t) == 0, "a key is whole words");

struct ticket_page *ticket_page_new(void)
{
	return secret_new(sizeof(struct ticket_page), true);
}

void ticket_page_free(struct ticket_page *page)
{
	secret_free(page, sizeof(*page));
}

void ticket_page_protect(struct ticket_page *page)
{
	secret_protect(page, sizeof(*page));
}

static void put(word *out, const struct ticket_key *key)
{
	uint64_t words[KEY_WORDS] = { 0 };

	if (key != NULL) {
		memcpy(words, key, sizeof(words));
	}
	for (size_t i = 0; i < KEY_WORDS; i++) {
		atomic_store_explicit(&out[i], words[i], memory_order_relaxed);
	}
	explicit_bzero(words, sizeof(words));
}

static void get(const word *in, struct ticket_key *key)
{
	uint64_t words[KEY_WORDS];

	for (size_t i = 0; i < KEY_WORDS; i++) {
		words[i] = atomic_load_explicit(&in[i], memory_order_relaxed);
	}
	memcpy(key, words, sizeof(words));
	explicit_bzero(words, sizeof(words));
}

void ticket_page_write(struct ticket_page *page, const struct ticket_key *keys,
    size_t count)
{
	uint32_t version = atomic_load_explicit(&page->version, memory_order_relaxed);

	count = count > TICKET_KEYS_MAX ? TICKET_KEYS_MAX : count;
	atomic_store_explicit(&page->version, version + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&page->count, (uint32_t)count, memory_order_relaxed);
	for (size_t i = 0; i < TICKET_KEYS_MAX; i++) {
		put(page->keys[i], i < count ? &keys[i] : NULL);
	}
	atomic_store_explicit(&page->version, version + 2, memory_order_release);
}

/* The index, or TICKET_KEYS_MAX: there is none. */
static size_t search(const struct ticket_page *page, const unsigned char *name,
    struct ticket_key *key)
{
	uint32_t count = atomic_load_explicit(&page->count, memory_order_relaxed);

	for (size_t i = 0; i < count && i < TICKET_KEYS_MAX; i++) {
		get(page->keys[i], key);
		if (name == NULL || memcmp(key->name, name, TICKET_NAME_BYTES) == 0) {
			return i;
		}
	}
	return TICKET_KEYS_MAX;
}

int ticket_page_find(const struct ticket_page *page, const unsigned char *name,
    struct ticket_key *key, size_t *index)
{
	for (int i = 0; i < TRIES; i++) {
		uint32_t before = atomic_load_explicit(&page->version,
		    memory_order_acquire);

		*index = search(page, name, key);
		atomic_thread_fence(memory_order_acquire);
		if (before % 2 == 0 && before == atomic_load_explicit(&page->version,
					   memory_order_relaxed)) {
			return *index < TICKET_KEYS_MAX ? 0 : ERR_MISSING;
		}
	}
	return ERR_MISSING;
}

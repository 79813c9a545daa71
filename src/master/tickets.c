/* SPDX-License-Identifier: MIT */
/* The keys of session tickets while the server runs. */
#include "master/tickets.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "ipc/ticket_page.h"
#include "master/rollout.h"
#include "master/ticket_file.h"
#include "os/file_mark.h"

#define LOOK_MS 1000

struct tickets {
	struct master *master;
	struct ticket_page *page;	/* owned */
	struct ticket_secrets *secrets;	/* owned; in no child's memory */
	enum config_tickets_source source;
	uint32_t lifetime_s;
	char *file;		/* owned; NULL: none */
	uint64_t read;		/* the file when it was last read, */
	uint64_t seen;		/* and at the last look */
	struct problems problems;	/* of the file, as it is */
	struct timer look;
};

/* Keys that the server makes last as long by a clock that nobody sets, and that goes on
 * while the machine sleeps; derived ones are those of a time of day. */
static int64_t now_s(const struct tickets *tickets)
{
	struct timespec now;

	clock_gettime(tickets->source == CONFIG_TICKETS_SECRET ? CLOCK_REALTIME :
	    CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec;
}

static int64_t age_s(const struct tickets *tickets)
{
	int64_t age = now_s(tickets) - tickets->secrets->keys.made_s;

	return age < 0 ? 0 : age;
}

static void show(const struct tickets *tickets)
{
	const struct ticket_keys *keys = &tickets->secrets->keys;
	struct scoreboard *board = tickets->master->board;

	ticket_page_write(tickets->page, keys->items, keys->count);
	atomic_store(&board->ticket_keys, (uint32_t)keys->count);
	atomic_store(&board->ticket_key_s, (int64_t)time(NULL) - age_s(tickets));
}

/* Contexts of generations before may still seal some: nobody will open those. */
static void switch_off(const struct tickets *tickets)
{
	struct scoreboard *board = tickets->master->board;
	struct ticket_key key;

	arc4random_buf(&key, sizeof(key));
	ticket_page_write(tickets->page, &key, 1);
	explicit_bzero(&key, sizeof(key));
	atomic_store(&board->ticket_keys, 0);
	atomic_store(&board->ticket_key_s, 0);
}

static void add_own(struct tickets *tickets)
{
	unsigned char bytes[TICKET_KEY_BYTES];

	arc4random_buf(bytes, sizeof(bytes));
	ticket_keys_add(&tickets->secrets->keys, bytes, tickets->lifetime_s,
	    now_s(tickets));
	explicit_bzero(bytes, sizeof(bytes));
}

static void tend_own(struct tickets *tickets)
{
	struct ticket_keys *keys = &tickets->secrets->keys;
	size_t before = keys->count;
	bool due = ticket_keys_tend(keys, tickets->lifetime_s, now_s(tickets));

	/* In an upgrade the next master has those that it was given. */
	due = due && (keys->count == 0 || tickets->master->upgrade == NULL);
	if (due) {
		add_own(tickets);
		log_say(LOG_DEBUG, "session tickets: a new key, %zu are accepted",
		    keys->count);
	}
	if (due || keys->count != before) {
		show(tickets);
	}
}

static void derive(struct tickets *tickets)
{
	struct ticket_secrets *secrets = tickets->secrets;
	int rc = !secrets->seeded ? ERR_AGAIN : ticket_keys_derive(&secrets->keys,
	    secrets->seed, tickets->lifetime_s, now_s(tickets));

	if (rc == 0) {
		show(tickets);
		log_say(LOG_DEBUG, "session tickets: the next key is derived");
	} else if (rc != ERR_AGAIN) {
		log_say(LOG_ERROR, "session tickets: OpenSSL derives no key");
	}
}

static void tell(const struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		log_say(LOG_ERROR, "%s: %s; the keys of session tickets stay as they are",
		    problems->items[i].where, problems->items[i].what);
	}
}

static void read_file(struct tickets *tickets)
{
	struct ticket_secrets *secrets = tickets->secrets;
	const struct config_tickets *config =
	    &rollout_live(tickets->master)->config->tickets;

	problems_release(&tickets->problems);
	tickets->read = file_mark(tickets->file);
	tickets->seen = tickets->read;
	if (ticket_file_read(config, secrets, now_s(tickets), &tickets->problems) != 0) {
		tell(&tickets->problems);
	} else if (tickets->source == CONFIG_TICKETS_FILE) {
		show(tickets);
		log_say(LOG_INFO, "session tickets: '%s' has %zu keys", tickets->file,
		    secrets->keys.count);
	} else {
		secrets->keys.count = 0;
		log_say(LOG_INFO, "session tickets: keys come from the secret in '%s'",
		    tickets->file);
	}
}

/* What moves is left alone: it may be half a file. */
static void look_after_file(struct tickets *tickets)
{
	uint64_t now = file_mark(tickets->file);
	bool at_rest = now == tickets->seen;

	tickets->seen = now;
	if (now != tickets->read && at_rest) {
		read_file(tickets);
	}
}

static void look(struct tickets *tickets)
{
	switch (tickets->source) {
	case CONFIG_TICKETS_OWN:
		tend_own(tickets);
		break;
	case CONFIG_TICKETS_FILE:
		look_after_file(tickets);
		break;
	case CONFIG_TICKETS_SECRET:
		look_after_file(tickets);
		derive(tickets);
		break;
	case CONFIG_TICKETS_OFF:
		break;
	}
}

static void on_look(struct timer *timer)
{
	struct tickets *tickets = LIST_OWNER(timer, struct tickets, look);
	struct loop *loop = tickets->master->loop;

	look(tickets);
	timer_set(&loop->timers, timer, loop->now_ms + LOOK_MS);
}

struct tickets *tickets_new(struct master *master)
{
	struct tickets *tickets = memory_new(1, sizeof(*tickets));

	tickets->master = master;
	tickets->page = ticket_page_new();
	tickets->secrets = ticket_secrets_new();
	tickets->lifetime_s = CONFIG_TICKETS_LIFETIME_S;
	problems_init(&tickets->problems);
	timer_init(&tickets->look, on_look);
	/* There always is one that seals. */
	switch_off(tickets);
	return tickets;
}

void tickets_free(struct tickets *tickets)
{
	if (tickets != NULL) {
		timer_cancel(&tickets->look);
		ticket_page_free(tickets->page);
		ticket_secrets_free(tickets->secrets);
		problems_release(&tickets->problems);
		free(tickets->file);
		free(tickets);
	}
}

struct ticket_page *tickets_page(const struct master *master)
{
	return master->tickets->page;
}

/* False: the source is the one before. */
static bool take_config(struct tickets *tickets, const struct config_tickets *config)
{
	bool same = config->source == tickets->source &&
	    text_same(config->file, tickets->file);

	if (!same || (config->source == CONFIG_TICKETS_SECRET &&
		config->lifetime_s != tickets->lifetime_s)) {
		explicit_bzero(&tickets->secrets->keys, sizeof(tickets->secrets->keys));
	}
	tickets->lifetime_s = config->lifetime_s;
	if (same) {
		return false;
	}
	explicit_bzero(tickets->secrets, sizeof(*tickets->secrets));
	problems_release(&tickets->problems);
	free(tickets->file);
	tickets->source = config->source;
	tickets->file = memory_optional(config->file);
	return true;
}

void tickets_serve(struct master *master)
{
	struct tickets *tickets = master->tickets;
	bool other = take_config(tickets, &rollout_live(master)->config->tickets);

	if (tickets->file != NULL && (other || file_mark(tickets->file) !=
				       tickets->read)) {
		read_file(tickets);
	} else if (other && tickets->source == CONFIG_TICKETS_OFF) {
		switch_off(tickets);
	}
	on_look(&tickets->look);
	if (tickets->secrets->keys.count > 0) {
		show(tickets);
	}
}

int tickets_hand_over(const struct master *master, int channel_fd)
{
	const struct tickets *tickets = master->tickets;
	const struct ticket_keys *keys = &tickets->secrets->keys;
	struct channel_message message = { .type = CHANNEL_TICKET, .fds = { -1, -1 } };
	int rc = 0;

	if (tickets->source != CONFIG_TICKETS_OWN) {
		return 0;
	}
	for (size_t i = 0; rc == 0 && i < keys->count; i++) {
		int64_t value = i == 0 ? age_s(tickets) :
		    keys->until_s[i] - now_s(tickets);

		message.number = (uint32_t)i;
		message.value = value < 0 ? 0 : (uint32_t)value;
		memcpy(message.text, &keys->items[i], TICKET_KEY_BYTES);
		rc = channel_send(channel_fd, &message);
	}
	explicit_bzero(&message, sizeof(message));
	return rc;
}

void tickets_take(struct master *master, const struct channel_message *message)
{
	const struct tickets *tickets = master->tickets;
	struct ticket_keys *keys = &tickets->secrets->keys;
	int64_t value = message->value;

	if (message->number != keys->count || keys->count == TICKET_KEYS_MAX) {
		return;
	}
	if (keys->count == 0) {
		keys->made_s = now_s(tickets) - value;
	} else {
		keys->until_s[keys->count] = now_s(tickets) + value;
	}
	memcpy(&keys->items[keys->count++], message->text, TICKET_KEY_BYTES);
}

json_t *tickets_describe(const struct master *master)
{
	static const char *const sources[] = { "own", "file", "secret", "off" };
	const struct tickets *tickets = master->tickets;
	const struct ticket_keys *keys = &tickets->secrets->keys;
	bool bad = tickets->problems.count > 0;

	return json_pack("{s:s, s:s?, s:I, s:I, s:I, s:s?}", "source",
	    sources[tickets->source], "file", tickets->file, "lifetime_s",
	    (json_int_t)tickets->lifetime_s, "keys", (json_int_t)keys->count, "age_s",
	    (json_int_t)(keys->count == 0 ? 0 : age_s(tickets)), "problem",
	    bad ? tickets->problems.items[0].what : NULL);
}

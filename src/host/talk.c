/* SPDX-License-Identifier: MIT */
/* One conversation of the peer. */
#include "host/talk.h"

#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "host/job.h"
#include "ipc/pack.h"
#include "remote/connect.h"
#include "remote/fields.h"
#include "remote/reply.h"

/* What max_message_bytes may be, and a window beside it. */
#define MESSAGE_MAX (65u << 20)
#define FIRST_SLOTS 64
#define STATUS_UNAVAILABLE 503

_Static_assert(sizeof(struct talk) <= 384, "there may be thousands of them");

static struct talk *find(const struct host *host, uint64_t id)
{
	const struct talks *talks = &host->talks;
	uint32_t slot = frame_slot(id) - FRAME_CALLS;
	struct talk *talk = slot < talks->capacity ? talks->items[slot] : NULL;

	return talk != NULL && talk->id == id ? talk : NULL;
}

/* Puts the frame, whose packing had that result, into the batch. What goes wrong ends the
 * process, but not within a callback. */
static int put(struct host *host, const struct buffer *frame, int rc)
{
	rc = rc != 0 ? rc : outbox_put(&host->outbox, buffer_slice(frame));
	if (rc != 0) {
		host->result = rc;
		loop_stop(host->loop);
	}
	return rc;
}

static int put_frame(struct talk *talk, enum frame_type type, unsigned flags,
    uint16_t code, struct slice payload)
{
	struct buffer *said = &talk->host->said;

	buffer_reset(said);
	return put(talk->host, said, frame_append(said, type, (uint8_t)flags, code,
	    talk->id, payload));
}

/* How much of a message may go into the next frame. */
static size_t frame_room(const struct talk *talk)
{
	size_t header = sizeof(struct frame_header);
	size_t room = talk->window > header ? talk->window - header : 0;

	return room < FRAME_DATA_MAX ? room : FRAME_DATA_MAX;
}

/* Sends what the window lets through of a message with these flags; *done* is set when
 * its last byte is on the way. */
static int put_message(struct talk *talk, struct slice *data, unsigned flags, bool *done)
{
	unsigned more = talk->duplex.kind == DUPLEX_STREAM ? 0 : flags | DUPLEX_MORE;
	int rc = 0;

	*done = false;
	while (rc == 0 && !*done && frame_room(talk) > 0) {
		size_t room = frame_room(talk);
		struct slice part = { data->data, data->size < room ? data->size : room };

		*done = part.size == data->size;
		rc = put_frame(talk, FRAME_MESSAGE, *done ? flags : more, 0, part);
		talk->window -= (uint32_t)(sizeof(struct frame_header) + part.size);
		slice_skip(data, part.size);
	}
	return rc;
}

static int keep_rest(struct talk *talk, struct slice data, unsigned flags)
{
	talk->out_flags = (uint8_t)flags;
	return buffer_append(&talk->out, data.data, data.size);
}

/* Room for the rest is made first: what has been sent in part cannot be taken back. */
static int send_or_keep(struct talk *talk, struct slice data, unsigned flags)
{
	char *space;
	bool done;
	int rc = 0;

	if (data.size > frame_room(talk)) {
		rc = buffer_reserve(&talk->out, data.size, &space);
	}
	if (rc == 0) {
		rc = put_message(talk, &data, flags, &done);
	}
	return rc != 0 || done ? rc : keep_rest(talk, data, flags);
}

static bool has_rest(const struct talk *talk)
{
	return talk->out.size > 0;
}

static int put_close(struct talk *talk)
{
	struct slice reason = talk->reason == NULL ? SLICE("") : slice_of(talk->reason);

	return put_frame(talk, FRAME_CLOSE, 0, talk->code, reason);
}

static void opened(struct duplex *duplex, int status)
{
	struct talk *talk = (struct talk *)duplex;

	talk->status = (uint16_t)status;
	duplex->state = status != 0 ? DUPLEX_ENDED
	    : talk->closed	    ? DUPLEX_CLOSING
				    : DUPLEX_OPEN;
}

static int send(struct duplex *duplex, struct slice data, unsigned flags)
{
	struct talk *talk = (struct talk *)duplex;

	if (talk->closed) {
		return ERR_CLOSED;
	}
	if (has_rest(talk) || frame_room(talk) == 0) {
		return ERR_AGAIN;
	}
	return send_or_keep(talk, data, flags);
}

static int close_talk(struct duplex *duplex, uint16_t code, struct slice reason)
{
	struct talk *talk = (struct talk *)duplex;

	if (talk->closed) {
		return ERR_CLOSED;
	}
	talk->closed = true;
	talk->code = code;
	free(talk->reason);
	talk->reason = reason.size == 0 ? NULL : strndup(reason.data, reason.size);
	if (duplex->state == DUPLEX_OPEN) {
		duplex->state = DUPLEX_CLOSING;
	}
	return has_rest(talk) ? 0 : put_close(talk);
}

static void grant(struct talk *talk)
{
	struct slice credit = { (const char *)&talk->owed, sizeof(talk->owed) };

	if (!talk->paused && talk->owed >= FRAME_GRANT &&
	    put_frame(talk, FRAME_WINDOW_MORE, 0, 0, credit) == 0) {
		talk->owed = 0;
	}
}

/* What was kept back is delivered when the callback at hand is over. */
static void pause_talk(struct duplex *duplex, bool on)
{
	struct talk *talk = (struct talk *)duplex;
	struct talks *talks = &talk->host->talks;

	talk->paused = on;
	if (!on && list_empty(&talk->link)) {
		list_append(&talks->resumed, &talk->link);
		loop_defer(talk->host->loop, &talks->resume);
	}
}

static const char *info(const struct duplex *duplex, const char *key)
{
	const struct talk *talk = talk_of(duplex);

	return strcmp(key, "websocket.protocol") == 0
	    ? talk->protocol
	    : connect_fact(talk->facts, key);
}

static size_t waiting(const struct duplex *duplex)
{
	const struct talk *talk = talk_of(duplex);

	return talk->out.size + (FRAME_DUPLEX_WINDOW - talk->window);
}

static const struct duplex_peer_ops ops = { .opened = opened,
	.send = send,
	.close = close_talk,
	.pause = pause_talk,
	.info = info,
	.waiting = waiting };

static void free_talk(struct talk *talk)
{
	struct talks *talks = &talk->host->talks;
	struct mount *mount = talk->mount;

	talks->items[frame_slot(talk->id) - FRAME_CALLS] = NULL;
	talks->count--;
	list_remove(&talk->link);
	buffer_release(&talk->backlog);
	buffer_release(&talk->message);
	buffer_release(&talk->out);
	free((char *)talk->facts.data);
	free(talk->protocol);
	free(talk->reason);
	free(talk);
	if (mount != NULL) {
		mount_give(mount);
	}
}

/* The table grows as far as the peer's slots go. */
static int take_slot(struct talks *talks, uint64_t id, struct talk *talk)
{
	uint32_t slot = frame_slot(id) - FRAME_CALLS;
	struct talk **items;

	if (!frame_is_duplex(id) ||
	    (slot < talks->capacity && talks->items[slot] != NULL)) {
		return ERR_PROTOCOL;
	}
	if (slot >= talks->capacity) {
		uint32_t capacity = FIRST_SLOTS;

		while (capacity <= slot) {
			capacity *= 2;
		}
		items = realloc(talks->items, capacity * sizeof(struct talk *));
		if (items == NULL) {
			return ERR_NOMEM;
		}
		memset(items + talks->capacity, 0,
		    (capacity - talks->capacity) * sizeof(struct talk *));
		talks->items = items;
		talks->capacity = capacity;
	}
	talks->items[slot] = talk;
	talks->count++;
	return 0;
}

static int new_talk(struct host *host, const struct frame *frame,
    const struct connect_message *message, struct talk **made)
{
	struct talk *talk = calloc(1, sizeof(*talk));
	char *facts = malloc(message->facts.size + 1);
	int rc = talk == NULL || facts == NULL
	    ? ERR_NOMEM
	    : take_slot(&host->talks, frame->header.id, talk);

	if (rc != 0) {
		free(talk);
		free(facts);
		return rc;
	}
	memcpy(facts, message->facts.data, message->facts.size);
	talk->facts = (struct slice){ facts, message->facts.size };
	talk->host = host;
	talk->id = frame->header.id;
	talk->window = FRAME_DUPLEX_WINDOW;
	talk->duplex.peer_ops = &ops;
	talk->duplex.kind = (uint8_t)frame->header.code;
	snprintf(talk->duplex.id, sizeof(talk->duplex.id), "%s", message->id);
	list_init(&talk->link);
	buffer_init(&talk->backlog, MESSAGE_MAX);
	buffer_init(&talk->message, MESSAGE_MAX);
	buffer_init(&talk->out, MESSAGE_MAX);
	*made = talk;
	return 0;
}

/* CONNECTED or REFUSED, with the fields that the handler has set. */
static int put_answer(struct host *host, uint64_t id, uint16_t status,
    const struct exchange *upgrade)
{
	static const struct head none;
	struct buffer *out = &host->frame;
	enum frame_type type = status == 0 ? FRAME_CONNECTED : FRAME_REFUSED;
	size_t mark;
	int rc;

	buffer_reset(out);
	rc = frame_begin(out, type, status, id, &mark);
	rc = rc != 0 ? rc : fields_pack(out, upgrade == NULL ? &none
							     : &upgrade->reply.head);
	return put(host, out, frame_finish(out, mark, rc, 0));
}

static int put_reply(struct talk *talk, struct exchange *upgrade)
{
	struct buffer *out = &talk->host->frame;

	buffer_reset(out);
	return put(talk->host, out, reply_pack(out, talk->id, upgrade));
}

/* Tells the peer what became of CONNECT. A reply of the handler's own goes with it, but
 * not one that would need frames of its own. */
static int answer(struct talk *talk, struct exchange *upgrade)
{
	bool replied = upgrade != NULL && upgrade->state != EXCHANGE_OPEN;
	int rc = replied && reply_is_small(upgrade) ? put_reply(talk, upgrade) :
	    put_answer(talk->host, talk->id, talk->status, upgrade);

	if (talk->status != 0) {
		free_talk(talk);
	}
	return rc;
}

/* What is in use: the peer takes none that the client does not speak. */
static char *chosen_protocol(const struct exchange *upgrade)
{
	const struct slice name = SLICE("sec-websocket-protocol");
	struct slice value = head_find(&upgrade->reply.head, name);
	bool used = value.data != NULL && head_lists(&upgrade->request.head, name, value);

	return used ? strdup(value.data) : NULL;
}

/* As for a call, the page says so until the answer is safe. */
static int run(struct talk *talk, struct exchange *upgrade)
{
	struct host *host = talk->host;
	int rc;

	host->now_us = clock_us();
	host_enter(host, PAGE_ON_CONNECT, talk->id, talk->duplex.id);
	host->answering = true;
	instance_connect(talk->mount->instance, &talk->duplex, upgrade);
	if (upgrade != NULL && talk->status == 0) {
		talk->protocol = chosen_protocol(upgrade);
	}
	rc = answer(talk, upgrade);
	host->answering = false;
	host_leave(host);
	return rc;
}

static int refuse(struct talk *talk)
{
	talk->status = STATUS_UNAVAILABLE;
	return answer(talk, NULL);
}

static int connect_websocket(struct host *host, struct talk *talk, struct slice payload)
{
	struct frame request = { .payload = payload };
	struct job *job = job_new(host);
	uint32_t instance;
	bool more;
	int rc;

	if (job == NULL) {
		return refuse(talk);
	}
	rc = request_unpack(&request, &job->exchange, &instance, job->facts, &more);
	if (rc == 0) {
		job->id = talk->id;
		rc = run(talk, &job->exchange);
	} else if (rc != ERR_PROTOCOL) {
		rc = refuse(talk);
	}
	job_free(host, job);
	return rc;
}

int talk_connect(struct host *host, const struct frame *frame)
{
	struct connect_message message;
	struct talk *talk;
	int rc = connect_unpack(frame, &message);

	rc = rc != 0 ? rc : new_talk(host, frame, &message, &talk);
	if (rc == ERR_NOMEM) {
		return put_answer(host, frame->header.id, STATUS_UNAVAILABLE, NULL);
	}
	if (rc != 0) {
		return rc;
	}
	talk->mount = mount_take(host, message.instance);
	if (talk->mount == NULL) {
		return refuse(talk);
	}
	return message.upgrade.data == NULL
	    ? run(talk, NULL)
	    : connect_websocket(host, talk, message.upgrade);
}

/* A whole message, or some bytes of a stream. Who has closed hears no more. */
static void deliver(struct talk *talk, struct slice data, unsigned flags)
{
	struct duplex *duplex = &talk->duplex;

	if (duplex->state == DUPLEX_OPEN) {
		duplex->handler_ops->data(duplex, data, flags);
	}
}

/* A frame whose turn it is. */
static int take_message(struct talk *talk, const struct frame *frame)
{
	struct buffer *message = &talk->message;
	unsigned flags = frame->header.flags & ~(unsigned)FRAME_MORE;
	int rc = 0;

	talk->owed += frame->header.size;
	if (message->size == 0 && !(frame->header.flags & FRAME_MORE)) {
		deliver(talk, frame->payload, flags);
		return 0;
	}
	rc = buffer_append(message, frame->payload.data, frame->payload.size);
	if (rc == 0 && !(frame->header.flags & FRAME_MORE)) {
		deliver(talk, buffer_slice(message), flags);
		buffer_release(message);
	}
	return rc;
}

int talk_message(struct host *host, const struct frame *frame)
{
	struct talk *talk = find(host, frame->header.id);
	int64_t began_us = host->now_us;
	int rc;

	if (talk == NULL) {
		return ERR_PROTOCOL;
	}
	if (talk->paused || talk->backlog.size > 0) {
		rc = buffer_append(&talk->backlog, &frame->header, sizeof(frame->header));
		return rc != 0 ? rc
			       : buffer_append(&talk->backlog, frame->payload.data,
				     frame->payload.size);
	}
	rc = take_message(talk, frame);
	if (rc == 0) {
		grant(talk);
		rc = host_rest(host, began_us);
	}
	return rc;
}

/* Until it is paused again, or nothing is left. */
static int take_backlog(struct talk *talk)
{
	struct frame frame;
	int rc = 0;

	while (rc == 0 && !talk->paused && talk->backlog.size > 0) {
		struct slice bytes = buffer_slice(&talk->backlog);

		rc = frame_next(&bytes, &frame);
		rc = rc != 0 ? rc : take_message(talk, &frame);
		buffer_consume(&talk->backlog, talk->backlog.size - bytes.size);
	}
	if (talk->backlog.size == 0) {
		buffer_release(&talk->backlog);
	}
	grant(talk);
	return rc;
}

static void on_resume(struct deferred *resume)
{
	struct talks *talks = LIST_OWNER(resume, struct talks, resume);
	struct host *host = LIST_OWNER(talks, struct host, talks);
	int rc = 0;

	while (rc == 0 && !list_empty(&talks->resumed)) {
		struct talk *talk = LIST_OWNER(talks->resumed.next, struct talk, link);

		list_remove(&talk->link);
		rc = take_backlog(talk);
	}
	host_settle(host, rc != 0 ? rc : outbox_flush(&host->outbox));
}

/* The rest of what was sent, then the close behind it. */
static int send_rest(struct talk *talk)
{
	struct slice rest = buffer_slice(&talk->out);
	bool done;
	int rc = put_message(talk, &rest, talk->out_flags, &done);

	buffer_consume(&talk->out, talk->out.size - rest.size);
	if (rc != 0 || !done) {
		return rc;
	}
	buffer_release(&talk->out);
	return talk->closed ? put_close(talk) : 0;
}

int talk_window(struct host *host, const struct frame *frame)
{
	struct talk *talk = find(host, frame->header.id);
	struct unpack in = { .rest = frame->payload };
	uint32_t more = unpack_u32(&in);
	int rc = 0;

	/* One that was refused may have greeted before. */
	if (talk == NULL) {
		return 0;
	}
	if (!unpack_done(&in) || more > FRAME_DUPLEX_WINDOW - talk->window) {
		return ERR_PROTOCOL;
	}
	talk->window += more;
	if (has_rest(talk)) {
		rc = send_rest(talk);
	}
	if (rc == 0 && !has_rest(talk) && talk->duplex.state == DUPLEX_OPEN &&
	    waiting(&talk->duplex) <= FRAME_DUPLEX_WINDOW / 2) {
		talk->duplex.handler_ops->drain(&talk->duplex);
	}
	return rc;
}

static void end(struct talk *talk, uint16_t code)
{
	talk->duplex.state = DUPLEX_ENDED;
	talk->duplex.handler_ops->end(&talk->duplex, code);
	free_talk(talk);
}

int talk_disconnect(struct host *host, const struct frame *frame)
{
	struct talk *talk = find(host, frame->header.id);

	/* It was refused meanwhile. */
	if (talk == NULL) {
		return 0;
	}
	end(talk, frame->header.code);
	buffer_reset(&host->frame);
	return host_send(host, frame_append(&host->frame, FRAME_DISCONNECTED, 0, 0,
	    frame->header.id, SLICE("")));
}

void talks_init(struct host *host)
{
	list_init(&host->talks.resumed);
	deferred_init(&host->talks.resume, on_resume);
}

void talks_release(struct host *host)
{
	struct talks *talks = &host->talks;

	for (uint32_t slot = 0; slot < talks->capacity; slot++) {
		if (talks->items[slot] != NULL) {
			end(talks->items[slot], DUPLEX_CODE_LOST);
		}
	}
	free(talks->items);
}

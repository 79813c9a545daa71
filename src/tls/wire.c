/* SPDX-License-Identifier: MIT */
/* Between OpenSSL, or who reads without it, and a socket: a recv and a send a turn. */
#include "tls/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"

/* Records of a full gather and what may pass it, with their overhead. */
#define WIRE_OUT_MAX (TLS_GATHER_MAX + TLS_GATHER_SLACK + 64 * 1024)

/* Receives behind what there is. */
static int read_socket(struct tls_session *session)
{
	char *in = session->wire->in;
	size_t room = TLS_WIRE_IN - session->in_size;
	ssize_t size;

	if (session->in_size > 0) {
		memmove(in, session->in, session->in_size);
	}
	session->in = in;
	do {
		size = recv(session->fd, in + session->in_size, room, 0);
	} while (size < 0 && errno == EINTR);
	if (size > 0) {
		session->in_size += (size_t)size;
		session->received += (uint64_t)size;
		/* Less than asked for: the queue is empty, and a new edge will tell of
		 * more, unless the end is already in it, for which no edge comes
		 * again. */
		session->readable = (size_t)size == room || session->hung_up;
		return 0;
	}
	session->readable = false;
	if (size == 0) {
		session->ended = true;
		return ERR_EOF;
	}
	if (errno == EAGAIN) {
		return ERR_AGAIN;
	}
	session->broken = true;
	return ERR_CLOSED;
}

/* A browser or curl that was given http:// sends a method where a TLS record, whose first
 * byte is 22, should start. */
static bool is_plain_text(const struct tls_session *session)
{
	return session->in[0] >= 'A' && session->in[0] <= 'Z';
}

/* 0 if there is something to read, else why not. */
static int await_input(struct tls_session *session)
{
	if (session->in_size > 0) {
		return 0;
	}
	if (session->readable) {
		(void)!read_socket(session);
	}
	if (session->ended) {
		return ERR_EOF;
	}
	if (session->broken) {
		return ERR_CLOSED;
	}
	return session->in_size > 0 ? 0 : ERR_AGAIN;
}

int tls_session_peek(struct tls_session *session, struct slice *bytes)
{
	int rc = session->readable && session->in_size < TLS_WIRE_IN ?
	    read_socket(session) : ERR_AGAIN;

	*bytes = (struct slice){ session->in, session->in_size };
	return rc;
}

size_t tls_session_skip(struct tls_session *session, size_t size)
{
	size_t taken = size < session->in_size ? size : session->in_size;

	session->in += taken;
	session->in_size -= taken;
	return taken;
}

int wire_take(struct tls_session *session, char *out, size_t size, size_t *got)
{
	int rc = await_input(session);

	if (rc != 0) {
		return rc;
	}
	*got = size < session->in_size ? size : session->in_size;
	memcpy(out, session->in, *got);
	session->in += *got;
	session->in_size -= *got;
	return 0;
}

static int judge_first(struct tls_session *session)
{
	session->begun = true;
	session->plain_text = is_plain_text(session);
	session->broken = session->plain_text;
	return session->plain_text ? ERR_CLOSED : 0;
}

/* Of a record OpenSSL asks for the header, then for the rest. */
#define TURN_ASKS (2 * TLS_TURN_RECORDS)

/* Messages of TLS that are nobody's data, fragments of a handshake or key updates,
 * OpenSSL reads one behind the other for as long as there are any. */
static int await_records(struct tls_session *session)
{
	bool fetches = session->in_size == 0 && session->readable;
	int rc;

	session->asked++;
	session->stopped = (fetches && session->filled) ||
	    ((fetches || session->in_size > 0) && session->asked > TURN_ASKS);
	if (session->stopped) {
		return ERR_AGAIN;
	}
	rc = await_input(session);
	/* If not, what comes next is the end, or nothing. */
	session->filled = session->filled || session->in_size == TLS_WIRE_IN;
	return rc;
}

static int wire_read(BIO *bio, char *out, int size)
{
	struct tls_session *session = BIO_get_data(bio);
	int rc = await_records(session);
	size_t got;

	BIO_clear_retry_flags(bio);
	if (rc == 0 && !session->begun) {
		rc = judge_first(session);
	}
	if (rc == 0) {
		rc = wire_take(session, out, (size_t)size, &got);
	}
	if (rc == ERR_AGAIN) {
		BIO_set_retry_read(bio);
	}
	return rc == 0 ? (int)got : rc == ERR_EOF ? 0 : -1;
}

/* Never asks for a retry: what is written is bounded by tls_session_room. */
static int wire_write(BIO *bio, const char *data, int size)
{
	struct tls_session *session = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (session->broken ||
	    buffer_append(&session->wire->out, data, (size_t)size) != 0) {
		session->broken = true;
		return -1;
	}
	return size;
}

static long wire_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)number;
	(void)pointer;
	if (command == BIO_CTRL_EOF) {
		return ((struct tls_session *)BIO_get_data(bio))->ended;
	}
	return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

static int wire_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

void tls_wire_init(struct tls_wire *wire)
{
	wire->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(),
	    "tincan wire");
	if (wire->method == NULL) {
		abort();
	}
	BIO_meth_set_create(wire->method, wire_create);
	BIO_meth_set_read(wire->method, wire_read);
	BIO_meth_set_write(wire->method, wire_write);
	BIO_meth_set_ctrl(wire->method, wire_ctrl);
	wire->in = memory_new(1, TLS_WIRE_IN);
	buffer_init(&wire->out, WIRE_OUT_MAX);
}

void tls_wire_release(struct tls_wire *wire)
{
	BIO_meth_free(wire->method);
	free(wire->in);
	buffer_release(&wire->out);
}

/* Sends from the front of buffer as much as goes. */
static int send_buffer(struct tls_session *session, struct buffer *buffer)
{
	while (buffer->size > 0) {
		struct slice data = buffer_slice(buffer);
		ssize_t size = send(session->fd, data.data, data.size, MSG_NOSIGNAL);

		if (size >= 0) {
			session->sent += (uint64_t)size;
			buffer_consume(buffer, (size_t)size);
		} else if (errno == EAGAIN) {
			session->writable = false;
			return ERR_AGAIN;
		} else if (errno != EINTR) {
			session->broken = true;
			return ERR_CLOSED;
		}
	}
	return 0;
}

/*
 * How much to gather follows what the socket takes: a fast reader gets the largest
 * gathers, which cost least; a slow one does not make us keep a quarter of a megabyte
 * for it.
 */
static void adapt_gather(struct tls_session *session, int rc, size_t size)
{
	if (rc == ERR_AGAIN && session->gather_bytes > TLS_GATHER_MIN) {
		session->gather_bytes /= 2;
	} else if (rc == 0 && size >= session->gather_bytes &&
	    session->gather_bytes < TLS_GATHER_MAX) {
		session->gather_bytes *= 2;
	}
}

int wire_flush(struct tls_session *session)
{
	struct buffer *out = &session->wire->out;
	int rc = session->writable ? send_buffer(session, &session->unsent) : ERR_AGAIN;

	if (session->unsent.size == 0) {
		buffer_release(&session->unsent);
		if (session->writable && out->size > 0) {
			size_t size = out->size;

			rc = send_buffer(session, out);
			adapt_gather(session, rc, size);
		}
	}
	if (rc != ERR_CLOSED && out->size > 0 &&
	    buffer_append(&session->unsent, buffer_slice(out).data, out->size) != 0) {
		session->broken = true;
		rc = ERR_CLOSED;
	}
	buffer_reset(out);
	return session->unsent.size > 0 && rc == 0 ? ERR_AGAIN : rc;
}

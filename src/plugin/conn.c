/* SPDX-License-Identifier: MIT */
/*
 * The part of the function table that is about WebSockets and streams: what a plugin
 * passes becomes calls on the duplex, which checks it.
 */
#include "plugin/conn.h"

#include <string.h>

#include "exchange/duplex.h"
#include "plugin/api.h"
#include "plugin/instance.h"

#define KNOWN_FLAGS (TC_TEXT | TC_BINARY | TC_MORE | TC_END)

/* They go through as they are. */
#define SAME(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), #ours)
SAME(DUPLEX_WEBSOCKET, TC_WEBSOCKET);
SAME(DUPLEX_STREAM, TC_STREAM);
SAME(DUPLEX_TEXT, TC_TEXT);
SAME(DUPLEX_BINARY, TC_BINARY);
SAME(DUPLEX_MORE, TC_MORE);
SAME(DUPLEX_END, TC_END);

static struct duplex *duplex_of(tc_conn *c)
{
	return (struct duplex *)c;
}

static const struct duplex *reader(const tc_conn *c)
{
	return (const struct duplex *)c;
}

int conn_kind(const tc_conn *c)
{
	return reader(c)->kind;
}

int conn_send(tc_conn *c, const void *data, size_t size, uint32_t flags)
{
	struct duplex *duplex = duplex_of(c);
	struct slice bytes = { data == NULL ? "" : data, size };

	if ((data == NULL && size > 0) || (flags & ~(uint32_t)KNOWN_FLAGS) != 0) {
		return TC_INVALID;
	}
	if (duplex->kind == DUPLEX_STREAM) {
		flags &= TC_END;
	}
	return api_result(duplex_send(duplex, bytes, flags));
}

int conn_close(tc_conn *c, int code, const char *reason)
{
	struct duplex *duplex = duplex_of(c);

	if (code == 0 || duplex->kind == DUPLEX_STREAM) {
		code = DUPLEX_CODE_NORMAL;
	}
	if (code < 0 || code > UINT16_MAX) {
		return TC_INVALID;
	}
	return api_result(duplex_close(duplex, (uint16_t)code,
	    reason == NULL ? SLICE("") : slice_of(reason)));
}

int conn_pause(tc_conn *c, int on)
{
	struct duplex *duplex = duplex_of(c);

	if (duplex->state >= DUPLEX_CLOSING) {
		return TC_GONE;
	}
	duplex->peer_ops->pause(duplex, on != 0);
	return TC_OK;
}

const char *conn_info(const tc_conn *c, const char *key)
{
	const struct duplex *duplex = reader(c);
	const struct instance *instance = duplex->instance;

	if (key == NULL) {
		return NULL;
	}
	if (strcmp(key, "request.id") == 0) {
		return duplex->id;
	}
	if (strcmp(key, "handler") == 0) {
		return instance->plugin->note.name;
	}
	return duplex->peer_ops->info(duplex, key);
}

void *conn_state(const tc_conn *c)
{
	const struct instance *instance = reader(c)->instance;

	return instance->state;
}

void *conn_data(const tc_conn *c)
{
	return reader(c)->data;
}

void conn_set_data(tc_conn *c, void *data)
{
	duplex_of(c)->data = data;
}

/* SPDX-License-Identifier: MIT */
/* Both ends of a CONNECT. */
#include "remote/connect.h"

#include <string.h>

#include "ipc/pack.h"
#include "remote/request.h"

/* Beside those of a request. */
static const char *const more_facts[] = { "http.version", "route",
	"route.host" };

#define FACTS (EXCHANGE_FACTS + sizeof(more_facts) / sizeof(more_facts[0]))

static const char *fact_name(size_t i)
{
	return i < EXCHANGE_FACTS ? exchange_facts[i] : more_facts[i - EXCHANGE_FACTS];
}

static int pack_facts(struct buffer *out, const struct duplex *duplex)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < FACTS; i++) {
		const char *value = duplex->peer_ops->info(duplex, fact_name(i));

		rc = pack_u8(out, value != NULL);
		if (rc == 0 && value != NULL) {
			rc = pack_text(out, slice_of(value));
		}
	}
	return rc;
}

static int pack_fact_text(struct buffer *out, const struct duplex *duplex)
{
	struct buffer facts;
	int rc;

	buffer_init(&facts, FRAME_MAX);
	rc = pack_facts(&facts, duplex);
	rc = rc != 0 ? rc : pack_text(out, buffer_slice(&facts));
	buffer_release(&facts);
	return rc;
}

/* A host may read the upgrade's body, which it has none of, as text. */
static int pack_upgrade(struct buffer *out, uint32_t instance,
    const struct exchange *upgrade)
{
	int rc = request_pack_head(out, instance, upgrade);

	return rc != 0 ? rc : pack_text(out, SLICE(""));
}

int connect_pack(struct buffer *out, uint64_t id, uint32_t instance,
    const struct duplex *duplex, const struct exchange *upgrade)
{
	size_t mark;
	int rc = frame_begin(out, FRAME_CONNECT, duplex->kind, id, &mark);

	rc = rc != 0 ? rc : pack_u32(out, instance);
	rc = rc != 0 ? rc : pack_text(out, slice_of(duplex->id));
	rc = rc != 0 ? rc : pack_fact_text(out, duplex);
	rc = rc != 0 ? rc : pack_u8(out, upgrade != NULL);
	if (rc == 0 && upgrade != NULL) {
		rc = pack_upgrade(out, instance, upgrade);
	}
	return frame_finish(out, mark, rc, 0);
}

int connect_unpack(const struct frame *frame, struct connect_message *message)
{
	struct unpack in = { .rest = frame->payload };
	bool upgrade;

	message->instance = unpack_u32(&in);
	message->id = unpack_string(&in);
	message->facts = unpack_text(&in);
	upgrade = unpack_u8(&in) != 0;
	message->upgrade = upgrade ? in.rest : (struct slice){ 0 };
	if (in.failed || upgrade != (frame->header.code == DUPLEX_WEBSOCKET) ||
	    (!upgrade && frame->header.code != DUPLEX_STREAM)) {
		return ERR_PROTOCOL;
	}
	return upgrade || unpack_done(&in) ? 0 : ERR_PROTOCOL;
}

const char *connect_fact(struct slice facts, const char *key)
{
	struct unpack in = { .rest = facts };

	for (size_t i = 0; i < FACTS; i++) {
		bool known = unpack_u8(&in) != 0;
		const char *value = known ? unpack_string(&in) : NULL;

		if (strcmp(fact_name(i), key) == 0) {
			return in.failed ? NULL : value;
		}
	}
	return NULL;
}

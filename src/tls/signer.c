/* SPDX-License-Identifier: MIT */
/* The worker's end of the keeper. */
#include "tls/signer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/async.h>

#include "base/list.h"
#include "base/log.h"
#include "tls/provider.h"
#include "tls/session.h"

#define ATTEMPTS 2		/* of one request: it may be what a keeper dies of */
/* Requests in a packet, were they all empty. */
#define TOGETHER_MAX (SIGN_PACKET_BYTES / offsetof(struct sign_request, text))
#define COMPLAIN_MS 1000	/* between two lines in the log */

/* One that a handshake waits for: on the stack of its paused job. */
struct signature {
	struct list link;	/* of signer's waiting or asked; of none once ready */
	struct tls_session *session;
	struct sign_request request;
	int attempts;
	bool ready;
	unsigned char *out;
	size_t size;		/* of the signature; 0: there is none */
};

struct signer {
	struct loop *loop;
	struct watch keeper;	/* fd -1: there is none now */
	struct list waiting;	/* to be asked for */
	struct list asked;	/* in that order */
	struct deferred asks;	/* those of a round go together */
	bool stuck;		/* the socket takes no more */
	size_t pending;
	uint64_t next_id;
	int64_t complained_ms;
};

/* The provider has no way to tell whose handshake it is called for. */
static struct signer *the_signer;
static struct tls_session *asking;

void signer_for(struct tls_session *session)
{
	asking = session;
}

bool signature_ready(const struct signature *signature)
{
	return signature->ready;
}

static void complain(struct signer *signer, const char *why)
{
	if (signer->loop->now_ms - signer->complained_ms >= COMPLAIN_MS) {
		signer->complained_ms = signer->loop->now_ms;
		log_say(LOG_ERROR, "a handshake fails: %s", why);
	}
}

static void settle(struct signature *signature)
{
	if (!signature->ready) {
		list_remove(&signature->link);
		the_signer->pending--;
		signature->ready = true;
	}
}

void signature_give_up(struct signature *signature)
{
	settle(signature);
	signature->size = 0;
}

static void fail(struct signature *signature)
{
	struct tls_session *session = signature->session;

	signature_give_up(signature);
	session->wake(session);
}

/* What has been asked of a keeper that is no more goes to the next one. */
static void lose_keeper(struct signer *signer)
{
	if (signer->keeper.fd < 0) {
		return;
	}
	loop_remove(signer->loop, &signer->keeper);
	close(signer->keeper.fd);
	signer->keeper.fd = -1;
	while (!list_empty(&signer->asked)) {
		struct signature *signature = LIST_OWNER(signer->asked.prev,
		    struct signature, link);

		if (signature->attempts >= ATTEMPTS) {
			complain(signer, "the keeper has died of it twice");
			fail(signature);
		} else {
			list_remove(&signature->link);
			/* In front of all others. */
			list_append(signer->waiting.next, &signature->link);
		}
	}
}

/* That it can be written to is of interest only when it could not: each request that the
 * keeper reads would wake us. */
static void watch_keeper(struct signer *signer, bool stuck)
{
	if (stuck != signer->stuck) {
		signer->stuck = stuck;
		loop_modify(signer->loop, &signer->keeper,
		    stuck ? EPOLLIN | EPOLLOUT : EPOLLIN);
	}
}

/* Those that fit into one packet: how many. */
static size_t put_waiting(const struct signer *signer, struct sign_packet *packet,
    struct signature *put[TOGETHER_MAX])
{
	size_t count = 0;

	packet->size = 0;
	for (struct list *link = signer->waiting.next; link != &signer->waiting;
	     link = link->next) {
		struct signature *signature = LIST_OWNER(link, struct signature, link);

		if (sign_put_request(packet, &signature->request) != 0) {
			break;
		}
		put[count++] = signature;
	}
	return count;
}

static void note_asked(struct signer *signer, struct signature *const *sent, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		sent[i]->attempts++;
		list_remove(&sent[i]->link);
		list_append(&signer->asked, &sent[i]->link);
	}
}

/* As much as the socket takes; the rest when it is writable again. */
static void ask(struct signer *signer)
{
	struct signature *put[TOGETHER_MAX];
	struct sign_packet packet;
	int rc = 0;

	while (rc == 0 && signer->keeper.fd >= 0 && !list_empty(&signer->waiting)) {
		size_t count = put_waiting(signer, &packet, put);

		rc = sign_send(signer->keeper.fd, &packet);
		if (rc == 0) {
			note_asked(signer, put, count);
		}
	}
	if (rc != 0 && rc != ERR_AGAIN) {
		lose_keeper(signer);
	} else if (signer->keeper.fd >= 0) {
		watch_keeper(signer, rc == ERR_AGAIN);
	}
}

static void on_end_of_round(struct deferred *asks)
{
	ask(LIST_OWNER(asks, struct signer, asks));
}

/* The keeper answers in the order of the requests, so it is mostly the first. */
static struct signature *find(const struct signer *signer, uint64_t id)
{
	for (struct list *link = signer->asked.next; link != &signer->asked;
	     link = link->next) {
		struct signature *signature = LIST_OWNER(link, struct signature, link);

		if (signature->request.id == id) {
			return signature;
		}
	}
	return NULL;
}

static void take_answer(struct signer *signer, const struct sign_answer *answer)
{
	struct signature *signature = find(signer, answer->id);

	/* Its client may have left meanwhile. */
	if (signature == NULL) {
		return;
	}
	if (answer->status != SIGN_DONE) {
		complain(signer, sign_status_text(answer->status));
		fail(signature);
		return;
	}
	memcpy(signature->out, answer->signature, answer->size);
	signature->size = answer->size;
	settle(signature);
	signature->session->wake(signature->session);
}

/* One packet: if there are more, the next round brings them. */
static void on_keeper(struct watch *watch, uint32_t events)
{
	struct signer *signer = LIST_OWNER(watch, struct signer, keeper);
	struct sign_packet packet;
	struct sign_answer answer;
	int rc;

	(void)events;
	if (watch->fd < 0) {
		return;
	}
	rc = sign_receive(watch->fd, &packet);
	while (rc == 0 && (rc = sign_take_answer(&packet, &answer)) == 0) {
		take_answer(signer, &answer);
	}
	if (rc != ERR_AGAIN) {
		lose_keeper(signer);
	}
	ask(signer);
}

void signer_attach(struct signer *signer, int fd)
{
	lose_keeper(signer);
	signer->stuck = false;
	signer->keeper = (struct watch){ .fd = fd, .fn = on_keeper };
	if (loop_add(signer->loop, &signer->keeper, EPOLLIN) != 0) {
		log_say(LOG_ERROR, "cannot watch the keeper");
		close(fd);
		signer->keeper.fd = -1;
	}
	ask(signer);
}

/* In the job of a handshake, on its own stack, which stays while it is paused. */
static size_t sign(const unsigned char key[SIGN_KEY_BYTES], uint16_t scheme,
    struct slice text, unsigned char *out)
{
	struct signer *signer = the_signer;
	struct tls_session *session = asking;
	struct signature signature = { .session = session, .out = out };

	if (session == NULL || ASYNC_get_current_job() == NULL ||
	    text.size > SIGN_TEXT_MAX) {
		return 0;
	}
	if (signer->pending >= SIGNER_PENDING_MAX) {
		complain(signer, "too many wait for the keeper");
		return 0;
	}
	signature.request.id = signer->next_id++;
	signature.request.scheme = scheme;
	signature.request.size = (uint16_t)text.size;
	memcpy(signature.request.key, key, SIGN_KEY_BYTES);
	memcpy(signature.request.text, text.data, text.size);
	list_append(&signer->waiting, &signature.link);
	signer->pending++;
	session->signature = &signature;
	loop_defer(signer->loop, &signer->asks);
	while (!signature.ready) {
		ASYNC_pause_job();
	}
	session->signature = NULL;
	return signature.size;
}

int signer_new(struct signer **out, struct loop *loop)
{
	struct signer *signer = calloc(1, sizeof(*signer));

	if (signer == NULL) {
		return ERR_NOMEM;
	}
	signer->loop = loop;
	signer->keeper.fd = -1;
	signer->complained_ms = -COMPLAIN_MS;
	list_init(&signer->waiting);
	list_init(&signer->asked);
	deferred_init(&signer->asks, on_end_of_round);
	the_signer = signer;
	*out = signer;
	return provider_load(sign);
}

void signer_free(struct signer *signer)
{
	if (signer != NULL) {
		lose_keeper(signer);
		deferred_cancel(&signer->asks);
		free(signer);
		the_signer = NULL;
		provider_unload();
	}
}

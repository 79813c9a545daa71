/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a packet of requests to the keeper, and as one of its answers. What is
 * taken from one is put into another byte for byte; what may be signed is never what a
 * client signs.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/sign.h"
#include "keeper/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth) {
		abort();
	}
}

/* RFC 8446 section 4.4.3: what a client signs begins like this. */
static void check_allowed(const struct sign_request *request)
{
	static const char label[] = "TLS 1.3, client CertificateVerify";
	char client[64 + sizeof(label)];

	memset(client, ' ', 64);
	memcpy(client + 64, label, sizeof(label));
	require(request->size > 64);
	require(request->size < sizeof(client) ||
	    memcmp(request->text, client, sizeof(client)) != 0);
}

static void judge(const struct sign_request *request)
{
	struct slice text = { (const char *)request->text, request->size };

	for (enum rules_key key = RULES_RSA; key <= RULES_ED25519; key++) {
		if (rules_allow(key, request->scheme, text)) {
			check_allowed(request);
		}
	}
}

static void read_requests(struct sign_packet *packet)
{
	struct sign_packet again = { .size = 0 };
	struct sign_request request;
	int rc;

	while ((rc = sign_take_request(packet, &request)) == 0) {
		judge(&request);
		require(sign_put_request(&again, &request) == 0);
		require(again.size == packet->taken);
		require(memcmp(again.bytes, packet->bytes, again.size) == 0);
	}
	require(rc == ERR_PROTOCOL || (rc == ERR_AGAIN && packet->taken == packet->size));
}

static void read_answers(struct sign_packet *packet)
{
	struct sign_packet again = { .size = 0 };
	struct sign_answer answer;
	int rc;

	packet->taken = 0;
	while ((rc = sign_take_answer(packet, &answer)) == 0) {
		require((answer.status == SIGN_DONE) == (answer.size > 0));
		require(sign_status_text(answer.status) != NULL);
		require(sign_put_answer(&again, &answer) == 0);
		require(again.size == packet->taken);
		require(memcmp(again.bytes, packet->bytes, again.size) == 0);
	}
	require(rc == ERR_PROTOCOL || (rc == ERR_AGAIN && packet->taken == packet->size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sign_packet packet = { .size = size };

	if (size <= sizeof(packet.bytes)) {
		memcpy(packet.bytes, data, size);
		read_requests(&packet);
		read_answers(&packet);
	}
	return 0;
}

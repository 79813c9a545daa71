/* SPDX-License-Identifier: MIT */
/* The opening handshake. */
#include "ws/handshake.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

#define KEY_SIZE 24	/* bytes of base64 that 16 bytes make */
#define KEY_DIGITS 22	/* of them; two "=" follow */

bool ws_is_upgrade(const struct request *request)
{
	if (request->version == HTTP_2) {
		return request->method_id == HTTP_CONNECT &&
		    slice_equal_nocase(request->protocol, SLICE("websocket"));
	}
	return request->version == HTTP_1_1 &&
	    head_has_token(&request->head, SLICE("upgrade"), SLICE("websocket"));
}

/* The value of the only field of that name; data is NULL if there is none, or several. */
static struct slice find_single(const struct head *head, struct slice name)
{
	struct slice found = { NULL, 0 };

	for (uint32_t i = 0; i < head->count; i++) {
		if (!slice_equal(head_name(head, i), name)) {
			continue;
		}
		if (found.data != NULL) {
			return (struct slice){ NULL, 0 };
		}
		found = head_value(head, i);
	}
	return found;
}

static bool is_key(struct slice key)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	if (key.data == NULL || key.size != KEY_SIZE ||
	    memcmp(key.data + KEY_DIGITS, "==", 2) != 0) {
		return false;
	}
	for (size_t i = 0; i < KEY_DIGITS; i++) {
		if (memchr(digits, key.data[i], sizeof(digits) - 1) == NULL) {
			return false;
		}
	}
	return true;
}

/* The answer to a key that is one (RFC 6455 section 4.2.2, 5.4). False: no memory. */
static bool make_accept(struct slice key, char accept[WS_ACCEPT_BYTES])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char text[KEY_SIZE + sizeof(guid) - 1];
	unsigned char digest[SHA_DIGEST_LENGTH];

	memcpy(text, key.data, KEY_SIZE);
	memcpy(text + KEY_SIZE, guid, sizeof(guid) - 1);
	if (SHA1(text, sizeof(text), digest) == NULL) {
		return false;
	}
	EVP_EncodeBlock((unsigned char *)accept, digest, sizeof(digest));
	return true;
}

/* What only HTTP/1.1 asks for; NULL, or what is wrong. */
static const char *check_h1(const struct request *request)
{
	if (request->method_id != HTTP_GET) {
		return "a WebSocket handshake is a GET";
	}
	if (!head_has_token(&request->head, SLICE("connection"), SLICE("upgrade"))) {
		return "Connection without upgrade";
	}
	if (request->has_body) {
		return "a WebSocket handshake has no body";
	}
	if (!is_key(find_single(&request->head, SLICE("sec-websocket-key")))) {
		return "no valid Sec-WebSocket-Key";
	}
	return NULL;
}

int ws_check(const struct request *request, struct ws_offer *offer, const char **reason)
{
	const struct head *head = &request->head;
	struct slice version = find_single(head, SLICE("sec-websocket-version"));
	bool h1 = request->version != HTTP_2;

	*offer = (struct ws_offer){ .accept = "" };
	if (version.data == NULL || !slice_equal(version, SLICE("13"))) {
		*reason = "not WebSocket version 13";
		return 426;
	}
	*reason = h1 ? check_h1(request) : NULL;
	if (*reason != NULL) {
		return 400;
	}
	if (ws_extensions_negotiate(head, &offer->extensions) != 0) {
		*reason = "Sec-WebSocket-Extensions is not a list of extensions";
		return 400;
	}
	if (h1 && !make_accept(head_find(head, SLICE("sec-websocket-key")),
	    offer->accept)) {
		*reason = "out of memory";
		return 503;
	}
	return 0;
}

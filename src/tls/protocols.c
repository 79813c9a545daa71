/* SPDX-License-Identifier: MIT */
/*
 * The protocols that a client may ask for, in the server's order, which decides (RFC 7301
 * section 3.2): what the configuration names, then HTTP. A client that offers both has
 * been taught the name by somebody, and HTTP is what every library offers unasked.
 */
#include "tls/protocols.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static const char http_names[] = "\x02h2\x08http/1.1";

#define HTTP_BYTES (sizeof(http_names) - 1)

struct tls_protocols {
	size_t http_at;		/* where HTTP's names begin */
	char names[];
};

static size_t configured_bytes(const struct config *config)
{
	size_t size = 0;

	for (size_t i = 0; i < config->alpn_count; i++) {
		size += 1 + strlen(config->alpns[i].name);
	}
	return size;
}

struct tls_protocols *tls_protocols_new(const struct config *config)
{
	struct tls_protocols *protocols = memory_new(1,
	    sizeof(*protocols) + configured_bytes(config) + HTTP_BYTES);
	char *next = protocols->names;

	for (size_t i = 0; i < config->alpn_count; i++) {
		size_t size = strlen(config->alpns[i].name);

		/* The configuration has none that is longer than 255 bytes. */
		*next++ = (char)size;
		memcpy(next, config->alpns[i].name, size);
		next += size;
	}
	protocols->http_at = (size_t)(next - protocols->names);
	memcpy(next, http_names, HTTP_BYTES);
	return protocols;
}

void tls_protocols_free(struct tls_protocols *protocols)
{
	free(protocols);
}

struct slice tls_protocols_list(const struct tls_protocols *protocols, bool with_http)
{
	return (struct slice){ protocols->names,
		protocols->http_at + (with_http ? HTTP_BYTES : 0) };
}

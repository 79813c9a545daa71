/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a PROXY header: read to its end and no byte further, refused, or waited
 * for; and the same however many of them come at once.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "os/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth) {
		abort();
	}
}

/* On a copy of just that size, for AddressSanitizer. */
static int read_front(const uint8_t *data, size_t size, struct proxy_header *header)
{
	char *copy = malloc(size == 0 ? 1 : size);
	int rc;

	require(copy != NULL);
	memcpy(copy, data, size);
	rc = proxy_header_read((struct slice){ copy, size }, header);
	free(copy);
	return rc;
}

static void check(const struct proxy_header *header)
{
	char name[SOCKET_NAME_BYTES];

	require(header->size >= 15 && header->size <= 16 + 65535);
	if (header->passed_on) {
		socket_address_name(&header->client, name);
		socket_address_name(&header->server, name);
		require(header->client.any.sa_family == header->server.any.sa_family);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header whole;
	int rc = read_front(data, size, &whole);

	require(rc == 0 || rc == ERR_PROTOCOL ||
	    (rc == ERR_AGAIN && size < PROXY_HEADER_LOOK));
	if (rc == 0) {
		check(&whole);
	}
	for (size_t i = 0; i < size && i < PROXY_HEADER_LOOK; i++) {
		struct proxy_header header;
		int front = read_front(data, i, &header);

		require(front == ERR_AGAIN || front == rc);
		if (front == 0) {
			require(header.size == whole.size);
			require(memcmp(&header.client, &whole.client,
				    sizeof(whole.client)) == 0);
		}
	}
	return 0;
}

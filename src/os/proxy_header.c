/* SPDX-License-Identifier: MIT */
/* The PROXY protocol. Sections are those of its specification. */
#include "os/proxy_header.h"

#include <arpa/inet.h>
#include <string.h>

#define V1_START "PROXY "
#define V1_MAX 107		/* with its CR LF; section 2.1 */
#define V2_START "\r\n\r\n\0\r\nQUIT\n"
#define V2_HEAD 16		/* up to the addresses; section 2.2 */
#define UNIX_PATH 108		/* of each address, whatever our sockaddr_un has */

enum { V2_LOCAL = 0x20, V2_PROXY = 0x21 };
enum {
	V2_UNSPEC = 0x00,
	V2_UNSPEC_STREAM = 0x01,
	V2_TCP4 = 0x11,
	V2_TCP6 = 0x21,
	V2_UNIX = 0x31
};

/* 0 if bytes start so, ERR_AGAIN if they may yet. */
static int starts(struct slice bytes, struct slice with)
{
	size_t size = bytes.size < with.size ? bytes.size : with.size;

	if (memcmp(bytes.data, with.data, size) != 0) {
		return ERR_PROTOCOL;
	}
	return size == with.size ? 0 : ERR_AGAIN;
}

/* The word up to the next space, or to the end, with no space behind it. */
static bool take_word(struct slice *line, char *out, size_t size)
{
	const char *space = memchr(line->data, ' ', line->size);
	size_t length = space == NULL ? line->size : (size_t)(space - line->data);

	if (length == 0 || length >= size || memchr(line->data, '\0', length) != NULL) {
		return false;
	}
	memcpy(out, line->data, length);
	out[length] = '\0';
	slice_skip(line, length + (space != NULL));
	return space == NULL || line->size > 0;
}

static bool take_address(struct slice *line, int family, union socket_address *address)
{
	char word[INET6_ADDRSTRLEN];
	void *place = family == AF_INET ? (void *)&address->v4.sin_addr
					: (void *)&address->v6.sin6_addr;

	memset(address, 0, sizeof(*address));
	address->any.sa_family = (sa_family_t)family;
	return take_word(line, word, sizeof(word)) && inet_pton(family, word, place) == 1;
}

/* 0..65535 in digits, none of them a zero in front. */
static bool take_port(struct slice *line, union socket_address *address)
{
	char word[sizeof("65535")];
	unsigned port = 0;

	if (!take_word(line, word, sizeof(word)) || (word[0] == '0' && word[1] != '\0')) {
		return false;
	}
	for (const char *digit = word; *digit != '\0'; digit++) {
		if (*digit < '0' || *digit > '9') {
			return false;
		}
		port = port * 10 + (unsigned)(*digit - '0');
	}
	socket_address_set_port(address, (uint16_t)port);
	return port <= UINT16_MAX;
}

/* Whatever follows that word is to be ignored. */
static bool is_unknown(struct slice line)
{
	static const char word[] = "UNKNOWN";
	size_t size = sizeof(word) - 1;

	return line.size >= size && memcmp(line.data, word, size) == 0 &&
	    (line.size == size || line.data[size] == ' ');
}

/* line is what stands between "PROXY " and the end of the line. */
static int read_words(struct slice line, struct proxy_header *header)
{
	char word[sizeof("TCP4")];
	int family;

	if (is_unknown(line)) {
		return 0;
	}
	if (!take_word(&line, word, sizeof(word))) {
		return ERR_PROTOCOL;
	}
	family = strcmp(word, "TCP4") == 0 ? AF_INET :
	    strcmp(word, "TCP6") == 0 ? AF_INET6 : AF_UNSPEC;
	if (family == AF_UNSPEC || !take_address(&line, family, &header->client) ||
	    !take_address(&line, family, &header->server) ||
	    !take_port(&line, &header->client) || !take_port(&line, &header->server) ||
	    line.size > 0) {
		return ERR_PROTOCOL;
	}
	header->passed_on = true;
	return 0;
}

static int read_v1(struct slice bytes, struct proxy_header *header)
{
	size_t size = bytes.size < V1_MAX ? bytes.size : V1_MAX;
	const char *end = memchr(bytes.data, '\n', size);

	if (end == NULL) {
		return size < V1_MAX ? ERR_AGAIN : ERR_PROTOCOL;
	}
	if (end[-1] != '\r') {
		return ERR_PROTOCOL;
	}
	header->size = (size_t)(end - bytes.data) + 1;
	bytes.size = header->size - 2;
	slice_skip(&bytes, sizeof(V1_START) - 1);
	return read_words(bytes, header);
}

static unsigned read_u16(const unsigned char *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

static void set_v4(union socket_address *address, const unsigned char *host,
    const unsigned char *port)
{
	memset(address, 0, sizeof(*address));
	address->v4.sin_family = AF_INET;
	memcpy(&address->v4.sin_addr, host, 4);
	memcpy(&address->v4.sin_port, port, 2);
}

static void set_v6(union socket_address *address, const unsigned char *host,
    const unsigned char *port)
{
	memset(address, 0, sizeof(*address));
	address->v6.sin6_family = AF_INET6;
	memcpy(&address->v6.sin6_addr, host, 16);
	memcpy(&address->v6.sin6_port, port, 2);
}

/* What the addresses of a family take; -1: there is no such family here. */
static int addresses_size(unsigned char family)
{
	switch (family) {
	case V2_UNSPEC:
	case V2_UNSPEC_STREAM:
		return 0;
	case V2_TCP4:
		return 2 * (4 + 2);
	case V2_TCP6:
		return 2 * (16 + 2);
	case V2_UNIX:
		return 2 * UNIX_PATH;
	default:
		return -1;
	}
}

static void read_addresses(unsigned char family, const unsigned char *at,
    struct proxy_header *header)
{
	header->passed_on = addresses_size(family) > 0;
	if (family == V2_TCP4) {
		set_v4(&header->client, at, at + 8);
		set_v4(&header->server, at + 4, at + 10);
	} else if (family == V2_TCP6) {
		set_v6(&header->client, at, at + 32);
		set_v6(&header->server, at + 16, at + 34);
	} else if (family == V2_UNIX) {
		header->client.any.sa_family = AF_UNIX;
		header->server.any.sa_family = AF_UNIX;
	}
}

static int read_v2(struct slice bytes, struct proxy_header *header)
{
	const unsigned char *head = (const unsigned char *)bytes.data;
	int needed;

	if (bytes.size < V2_HEAD) {
		return ERR_AGAIN;
	}
	header->size = V2_HEAD + read_u16(head + 14);
	if (head[12] == V2_LOCAL) {
		return 0;
	}
	needed = addresses_size(head[13]);
	if (head[12] != V2_PROXY || needed < 0 ||
	    header->size < V2_HEAD + (size_t)needed) {
		return ERR_PROTOCOL;
	}
	if (bytes.size < V2_HEAD + (size_t)needed) {
		return ERR_AGAIN;
	}
	read_addresses(head[13], head + V2_HEAD, header);
	return 0;
}

int proxy_header_read(struct slice bytes, struct proxy_header *header)
{
	bool is_v1;
	int rc;

	memset(header, 0, sizeof(*header));
	if (bytes.size == 0) {
		return ERR_AGAIN;
	}
	is_v1 = bytes.data[0] == V1_START[0];
	rc = starts(bytes, is_v1 ? SLICE(V1_START) : SLICE(V2_START));
	if (rc != 0) {
		return rc;
	}
	return is_v1 ? read_v1(bytes, header) : read_v2(bytes, header);
}

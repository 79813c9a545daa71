/* SPDX-License-Identifier: MIT */
/*
 * The bytes of HTTP/2 for tests: frames put together by hand, so that any of them can be
 * wrong, and read one by one. Header sections are HPACK without a table.
 */
#ifndef TINCAN_TESTS_H2_CLIENT_H
#define TINCAN_TESTS_H2_CLIENT_H

#include <nghttp2/nghttp2.h>

#include "http/h2_frames.h"
#include "served.h"

#define H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define H2_ACK 0x1
#define H2_FLAG_PADDED 0x8

struct h2_client {
	struct client tls;
	size_t at;		/* in tls.text: the next frame */
	nghttp2_hd_inflater *inflater;	/* owned */
};

/* One that the server has sent; payload borrowed until the next is read. */
struct h2_reply {
	struct h2_frame frame;
	const unsigned char *payload;
	int status;		/* of HEADERS that begin a reply; else 0 */
};

static inline void h2_put(struct buffer *out, const void *data, size_t size)
{
	ck_assert_int_eq(buffer_append(out, data, size), 0);
}

static inline void h2_put_frame(struct buffer *out, int type, int flags, uint32_t stream,
    const void *payload, size_t size)
{
	const unsigned char header[H2_FRAME_HEADER] = { (unsigned char)(size >> 16),
		(unsigned char)(size >> 8), (unsigned char)size, (unsigned char)type,
		(unsigned char)flags, (unsigned char)(stream >> 24),
		(unsigned char)(stream >> 16), (unsigned char)(stream >> 8),
		(unsigned char)stream };

	h2_put(out, header, sizeof(header));
	h2_put(out, payload, size);
}

/* A field without Huffman code; value up to 126 bytes. */
static inline void h2_put_field(struct buffer *block, const char *name, const char *value)
{
	h2_put(block, &(char){ 0 }, 1);
	h2_put(block, &(char){ (char)strlen(name) }, 1);
	h2_put(block, name, strlen(name));
	h2_put(block, &(char){ (char)strlen(value) }, 1);
	h2_put(block, value, strlen(value));
}

static inline void h2_put_pseudo(struct buffer *block, const char *method,
    const char *path)
{
	h2_put_field(block, ":method", method);
	h2_put_field(block, ":scheme", "https");
	h2_put_field(block, ":path", path);
	h2_put_field(block, ":authority", "a");
}

/* HEADERS of a request with no more than that. */
static inline void h2_put_request(struct buffer *out, uint32_t stream, const char *method,
    const char *path, int flags)
{
	struct buffer block;
	struct slice all;

	buffer_init(&block, 4096);
	h2_put_pseudo(&block, method, path);
	all = buffer_slice(&block);
	h2_put_frame(out, H2_HEADERS, flags | H2_END_HEADERS, stream, all.data, all.size);
	buffer_release(&block);
}

static inline void h2_client_send(struct h2_client *client, struct buffer *out)
{
	struct slice all = buffer_slice(out);

	/* The worker may have ended by then, which is what most tests wait for. */
	(void)SSL_write(client->tls.ssl, all.data, (int)all.size);
	buffer_reset(out);
}

/* With window as SETTINGS_INITIAL_WINDOW_SIZE; the connection's stays 65535. */
static inline void h2_client_open(struct h2_client *client, const struct served *served,
    uint32_t window)
{
	const unsigned char settings[] = { 0, 4, (unsigned char)(window >> 24),
		(unsigned char)(window >> 16), (unsigned char)(window >> 8),
		(unsigned char)window };
	static const unsigned char alpn[] = "\x02h2";
	struct buffer out;

	buffer_init(&out, 4096);
	client_connect(&client->tls, served, 0);
	client->at = 0;
	client->tls.context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_alpn_protos(client->tls.context, alpn, 3);
	client_handshake(&client->tls);
	ck_assert_int_eq(nghttp2_hd_inflate_new(&client->inflater), 0);
	h2_put(&out, H2_PREFACE, sizeof(H2_PREFACE) - 1);
	h2_put_frame(&out, H2_SETTINGS, 0, 0, settings, sizeof(settings));
	h2_put_frame(&out, H2_SETTINGS, H2_ACK, 0, "", 0);
	h2_client_send(client, &out);
	buffer_release(&out);
}

static inline bool h2_client_has(const struct h2_client *client, size_t size)
{
	return client->tls.size - client->at >= size;
}

/* Every header section must be read, as each may change the table. */
static inline int h2_client_inflate(struct h2_client *client,
    const struct h2_reply *reply)
{
	const uint8_t *block = reply->payload;
	size_t size = reply->frame.size;
	nghttp2_nv field;
	int status = 0;
	int flags = 0;

	while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
		ssize_t taken = nghttp2_hd_inflate_hd2(client->inflater, &field, &flags,
		    block, size, 1);

		ck_assert_int_ge(taken, 0);
		block += taken;
		size -= (size_t)taken;
		if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0 && field.namelen == 7 &&
		    memcmp(field.name, ":status", 7) == 0) {
			status = (int)strtol((const char *)field.value, NULL, 10);
		}
	}
	nghttp2_hd_inflate_end_headers(client->inflater);
	return status;
}

/* The next frame; false at the end of the connection. */
static inline bool h2_client_next(struct h2_client *client, struct h2_reply *reply)
{
	const unsigned char *head;
	int why;

	while (!h2_client_has(client, H2_FRAME_HEADER)) {
		if (!client_read(&client->tls, &why)) {
			return false;
		}
	}
	head = (const unsigned char *)client->tls.text + client->at;
	reply->frame = (struct h2_frame){
		.size = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2],
		.type = head[3], .flags = head[4],
		.stream = (uint32_t)head[5] << 24 | (uint32_t)head[6] << 16 |
		    (uint32_t)head[7] << 8 | head[8] };
	client->at += H2_FRAME_HEADER;
	while (!h2_client_has(client, reply->frame.size)) {
		ck_assert_msg(client_read(&client->tls, &why), "a frame is cut");
	}
	reply->payload = (const unsigned char *)client->tls.text + client->at;
	client->at += reply->frame.size;
	reply->status = reply->frame.type == H2_HEADERS ?
	    h2_client_inflate(client, reply) : 0;
	return true;
}

/* Reads up to a frame of that type, which must come. */
static inline void h2_client_await(struct h2_client *client, int type,
    struct h2_reply *reply)
{
	do {
		ck_assert_msg(h2_client_next(client, reply), "no frame of type %d", type);
	} while (reply->frame.type != type);
}

static inline uint32_t h2_number(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	    (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Reads up to GOAWAY with that code and then the end of the connection. */
static inline void h2_client_await_goaway(struct h2_client *client, uint32_t code)
{
	struct h2_reply reply;

	h2_client_await(client, H2_GOAWAY, &reply);
	ck_assert_uint_eq(h2_number(reply.payload + 4), code);
	while (h2_client_next(client, &reply)) {
		ck_assert_int_ne(reply.frame.type, H2_HEADERS);
	}
}

static inline void h2_client_close(struct h2_client *client)
{
	nghttp2_hd_inflate_del(client->inflater);
	client_close(&client->tls);
}

static inline void h2_client_reset(struct h2_client *client)
{
	nghttp2_hd_inflate_del(client->inflater);
	client_reset(&client->tls);
}

#endif

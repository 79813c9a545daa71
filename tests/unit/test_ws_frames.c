/* SPDX-License-Identifier: MIT */
/* Frames: nothing is taken past the one that is read, and what is written can be read. */
#include "ws/ws_frames.h"

#include "unit.h"
#include "ws_peer.h"

static struct ws_frames *frames;
static struct buffer input;

static void setup(void)
{
	frames = ws_frames_new();
	ck_assert_ptr_nonnull(frames);
	buffer_init(&input, PEER_MAX);
}

static void teardown(void)
{
	ws_frames_free(frames);
	buffer_release(&input);
}

/* Reads the rest of a frame from bytes, whose payload is all 'x'; returns its size. */
static size_t read_frame(struct slice *bytes)
{
	struct ws_piece piece;
	size_t size = 0;
	bool first = true;

	do {
		ck_assert_int_eq(ws_frames_read(frames, bytes, &piece), 0);
		ck_assert_int_eq(piece.first, first);
		ck_assert_uint_eq(piece.opcode, WS_BINARY);
		ck_assert_uint_eq(piece.bits, WS_FIN | WS_RSV2);
		for (size_t i = 0; i < piece.data.size; i++) {
			ck_assert_msg(piece.data.data[i] == 'x', "unmasked wrongly");
		}
		size += piece.data.size;
		first = false;
	} while (!piece.last);
	ck_assert_uint_eq(size, piece.payload_size);
	return size;
}

START_TEST(takes_no_byte_of_the_next_frame)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 4, 5, 125, 126, 127, 4095, 4096, 4097,
		8192, 65535, 65536, 70000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *payload = memset(malloc(sizes[i] + 1), 'x', sizes[i] + 1);
		struct slice bytes;

		buffer_reset(&input);
		peer_frame(&input, WS_FIN | WS_RSV2, WS_BINARY,
		    (struct slice){ payload, sizes[i] });
		peer_append(&input, "12345678", 8);
		bytes = buffer_slice(&input);
		ck_assert_uint_eq(read_frame(&bytes), sizes[i]);
		ck_assert_uint_eq(bytes.size, 8);
		ck_assert(ws_frames_between(frames));
		free(payload);
	}
}
END_TEST

START_TEST(is_between_two_frames_only_there)
{
	struct ws_piece piece;

	peer_frame(&input, WS_FIN, WS_TEXT, SLICE("abc"));
	for (size_t i = 0; i + 1 < input.size; i++) {
		struct slice byte = { input.data + i, 1 };
		int rc;

		ck_assert_int_eq(ws_frames_between(frames), i == 0);
		rc = ws_frames_read(frames, &byte, &piece);
		ck_assert_int_eq(rc, i < 6 ? ERR_AGAIN : 0);
		ck_assert_uint_eq(byte.size, 0);
	}
	ck_assert(!ws_frames_between(frames));
}
END_TEST

START_TEST(refuses_a_frame_without_a_mask)
{
	struct slice bytes = SLICE("\x82\x05hello");
	struct ws_piece piece;

	ck_assert_int_eq(ws_frames_read(frames, &bytes, &piece), ERR_PROTOCOL);
}
END_TEST

START_TEST(writes_what_a_client_reads)
{
	static const size_t sizes[] = { 0, 1, 125, 126, 65535, 65536 };
	static char payload[65536];
	struct peer_reader reader;
	struct buffer transcript;

	peer_reader_init(&reader, 0);
	buffer_init(&transcript, PEER_MAX);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct slice data = { payload, sizes[i] };
		struct buffer expected;
		struct slice written;

		buffer_reset(&input);
		buffer_reset(&transcript);
		buffer_init(&expected, PEER_MAX);
		peer_say(&expected, "binary", data);
		ck_assert_int_eq(ws_frames_write(frames, &input, WS_BINARY, WS_FIN,
		    data), 0);
		written = buffer_slice(&input);
		peer_read(&reader, &written, &transcript);
		ck_assert_uint_eq(written.size, 0);
		ck_assert(slice_equal(buffer_slice(&transcript),
		    buffer_slice(&expected)));
		buffer_release(&expected);
	}
	buffer_release(&transcript);
}
END_TEST

START_TEST(writes_nothing_where_there_is_no_room)
{
	struct buffer small;

	buffer_init(&small, WS_HEADER_MAX + 4);
	ck_assert_int_eq(ws_frames_write(frames, &small, WS_TEXT, WS_FIN, SLICE("12345")),
	    ERR_LIMIT);
	ck_assert_uint_eq(small.size, 0);
	ck_assert_int_eq(ws_frames_write(frames, &small, WS_TEXT, WS_FIN, SLICE("1234")),
	    0);
	ck_assert_uint_eq(small.size, 6);
	buffer_release(&small);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ws_frames");
	TCase *tcase = tcase_create("ws_frames");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, takes_no_byte_of_the_next_frame);
	tcase_add_test(tcase, is_between_two_frames_only_there);
	tcase_add_test(tcase, refuses_a_frame_without_a_mask);
	tcase_add_test(tcase, writes_what_a_client_reads);
	tcase_add_test(tcase, writes_nothing_where_there_is_no_room);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

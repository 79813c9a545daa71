/* SPDX-License-Identifier: MIT */
/* Compression, against zlib used otherwise; bounds, to the byte. */
#include "ws/ws_deflate.h"

#include "unit.h"
#include "ws_peer.h"

#define TEXT_SIZE 100000

static struct ws_deflate *zlib;
static struct buffer text;	/* compressible, and longer than any window */
static struct buffer packed;
static struct buffer unpacked;

static void setup(void)
{
	zlib = ws_deflate_new();
	ck_assert_ptr_nonnull(zlib);
	buffer_init(&text, PEER_MAX);
	buffer_init(&packed, PEER_MAX);
	buffer_init(&unpacked, PEER_MAX);
	while (text.size < TEXT_SIZE) {
		ck_assert_int_eq(buffer_printf(&text, "%zu ", text.size * text.size), 0);
	}
}

static void teardown(void)
{
	ws_deflate_free(zlib);
	buffer_release(&text);
	buffer_release(&packed);
	buffer_release(&unpacked);
}

START_TEST(packs_within_the_peers_window)
{
	/* In this order the deflater is made anew each time, and kept the second time. */
	for (int bits = WS_WINDOW_DEFLATE_MIN; bits <= WS_WINDOW_MAX; bits++) {
		for (int again = 0; again < 2; again++) {
			buffer_reset(&packed);
			buffer_reset(&unpacked);
			ck_assert_int_eq(ws_deflate_pack(zlib, bits,
			    buffer_slice(&text), &packed), 0);
			ck_assert_uint_lt(packed.size, text.size / 2);
			peer_inflate(&unpacked, buffer_slice(&packed), bits);
			ck_assert(slice_equal(buffer_slice(&unpacked),
			    buffer_slice(&text)));
		}
	}
}
END_TEST

/* RFC 7692 section 7.2.3.1 tells what that is; any deflate may differ in the blocks. */
START_TEST(leaves_the_end_of_the_last_block_out)
{
	ck_assert_int_eq(ws_deflate_pack(zlib, 15, SLICE("Hello"), &packed), 0);
	ck_assert(slice_equal(buffer_slice(&packed),
	    SLICE("\xf2\x48\xcd\xc9\xc9\x07\0")));
}
END_TEST

START_TEST(packs_nothing_past_the_bound)
{
	struct slice data = buffer_slice(&text);
	size_t size;

	ck_assert_int_eq(ws_deflate_pack(zlib, 15, data, &packed), 0);
	size = packed.size;
	buffer_release(&packed);
	packed.max = size;
	ck_assert_int_eq(ws_deflate_pack(zlib, 15, data, &packed), ERR_LIMIT);
	buffer_release(&packed);
	packed.max = size + 16;
	ck_assert_int_eq(ws_deflate_pack(zlib, 15, data, &packed), 0);
	ck_assert_uint_eq(packed.size, size);
}
END_TEST

START_TEST(unpacks_what_a_client_packs)
{
	for (int bits = WS_WINDOW_DEFLATE_MIN; bits <= WS_WINDOW_MAX; bits++) {
		buffer_reset(&packed);
		buffer_reset(&unpacked);
		peer_deflate(&packed, buffer_slice(&text), bits);
		ck_assert_int_eq(ws_deflate_unpack(zlib, buffer_slice(&packed),
		    &unpacked), 0);
		ck_assert(slice_equal(buffer_slice(&unpacked), buffer_slice(&text)));
	}
}
END_TEST

START_TEST(unpacks_up_to_the_bound_and_no_byte_more)
{
	peer_deflate(&packed, buffer_slice(&text), 15);
	unpacked.max = text.size - 1;
	ck_assert_int_eq(ws_deflate_unpack(zlib, buffer_slice(&packed), &unpacked),
	    ERR_LIMIT);
	ck_assert_uint_le(unpacked.capacity, text.size);
	buffer_release(&unpacked);
	unpacked.max = text.size;
	ck_assert_int_eq(ws_deflate_unpack(zlib, buffer_slice(&packed), &unpacked), 0);
	ck_assert(slice_equal(buffer_slice(&unpacked), buffer_slice(&text)));
}
END_TEST

/* A buffer may have had a greater maximum before. */
START_TEST(keeps_to_the_bound_in_a_bigger_allocation)
{
	peer_deflate(&packed, buffer_slice(&text), 15);
	ck_assert_int_eq(ws_deflate_unpack(zlib, buffer_slice(&packed), &unpacked), 0);
	buffer_reset(&unpacked);
	unpacked.max = 1000;
	ck_assert_int_eq(ws_deflate_unpack(zlib, buffer_slice(&packed), &unpacked),
	    ERR_LIMIT);
	ck_assert_uint_le(unpacked.size, 1000);
}
END_TEST

START_TEST(refuses_every_beginning_of_a_message)
{
	peer_deflate(&packed, SLICE("hello, hello, hello, hello"), 15);
	for (size_t size = 1; size < packed.size; size++) {
		buffer_reset(&unpacked);
		ck_assert_int_eq(ws_deflate_unpack(zlib,
		    (struct slice){ packed.data, size }, &unpacked), ERR_INVALID);
	}
}
END_TEST

START_TEST(begins_anew_after_a_failure)
{
	ck_assert_int_eq(ws_deflate_unpack(zlib, SLICE("\xff\xff\xff"), &unpacked),
	    ERR_INVALID);
	buffer_reset(&unpacked);
	ck_assert_int_eq(ws_deflate_unpack(zlib, SLICE("\xf2\x48\xcd\xc9\xc9\x07\0"),
	    &unpacked), 0);
	ck_assert(slice_equal(buffer_slice(&unpacked), SLICE("Hello")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ws_deflate");
	TCase *tcase = tcase_create("ws_deflate");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, packs_within_the_peers_window);
	tcase_add_test(tcase, leaves_the_end_of_the_last_block_out);
	tcase_add_test(tcase, packs_nothing_past_the_bound);
	tcase_add_test(tcase, unpacks_what_a_client_packs);
	tcase_add_test(tcase, unpacks_up_to_the_bound_and_no_byte_more);
	tcase_add_test(tcase, keeps_to_the_bound_in_a_bigger_allocation);
	tcase_add_test(tcase, refuses_every_beginning_of_a_message);
	tcase_add_test(tcase, begins_anew_after_a_failure);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

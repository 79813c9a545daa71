/* SPDX-License-Identifier: MIT */
/*
 * The binary interface of level 1: where each field of the public structs lies, on 64-bit
 * machines. Handlers that are compiled already count on it (tests/abi has some): lines
 * are only ever added at the end.
 */
#include <tincan/bus.h>
#include <tincan/handler.h>
#include <tincan/metrics.h>

#include "unit.h"

#define AT(type, field, offset) \
	_Static_assert(offsetof(type, field) == (offset), #type "." #field " has moved")

AT(tc_api, size, 0);
AT(tc_api, level, 4);
AT(tc_api, method, 8);
AT(tc_api, target, 16);
AT(tc_api, path, 24);
AT(tc_api, tail, 32);
AT(tc_api, query, 40);
AT(tc_api, param, 48);
AT(tc_api, header, 56);
AT(tc_api, header_at, 64);
AT(tc_api, trailer_at, 72);
AT(tc_api, info, 80);
AT(tc_api, body, 88);
AT(tc_api, state, 96);
AT(tc_api, alloc, 104);
AT(tc_api, text, 112);
AT(tc_api, reply, 120);
AT(tc_api, reply_ref, 128);
AT(tc_api, reply_file, 136);
AT(tc_api, set_header, 144);
AT(tc_api, add_header, 152);
AT(tc_api, add_trailer, 160);
AT(tc_api, start, 168);
AT(tc_api, write, 176);
AT(tc_api, write_file, 184);
AT(tc_api, end, 192);
AT(tc_api, now, 200);
AT(tc_api, conf_str, 208);
AT(tc_api, conf_int, 216);
AT(tc_api, conf_bool, 224);
AT(tc_api, conf_len, 232);
AT(tc_api, conf_name, 240);
AT(tc_api, conf_json, 248);
AT(tc_api, conf_path, 256);
AT(tc_api, conf_error, 264);
AT(tc_api, log, 272);
AT(tc_api, ext, 280);
AT(tc_api, data, 288);
AT(tc_api, set_data, 296);
AT(tc_api, deadline, 304);
AT(tc_api, abort, 312);
AT(tc_api, after, 320);
AT(tc_api, cancel, 328);
AT(tc_api, conn_kind, 336);
AT(tc_api, send, 344);
AT(tc_api, close, 352);
AT(tc_api, conn_pause, 360);
AT(tc_api, conn_info, 368);
AT(tc_api, conn_state, 376);
AT(tc_api, conn_data, 384);
AT(tc_api, conn_set_data, 392);
AT(tc_api, pause, 400);
AT(tc_api, next, 408);
AT(tc_api, pass, 416);
AT(tc_api, reply_header, 424);
AT(tc_api, set_request_header, 432);
AT(tc_api, loop, 440);
AT(tc_api, post, 448);
AT(tc_api, run, 456);
AT(tc_api, watch, 464);
AT(tc_api, unwatch, 472);
AT(tc_api, shared, 480);
AT(tc_api, metric, 488);
AT(tc_api, add, 496);
AT(tc_api, set, 504);
_Static_assert(sizeof(tc_api) == 512, "tc_api has another size");

AT(tc_handler, size, 0);
AT(tc_handler, need, 4);
AT(tc_handler, api, 8);
AT(tc_handler, api_size, 16);
AT(tc_handler, name, 24);
AT(tc_handler, version, 32);
AT(tc_handler, about, 40);
AT(tc_handler, route, 48);
AT(tc_handler, flags, 56);
AT(tc_handler, reserved, 60);
AT(tc_handler, on_open, 64);
AT(tc_handler, on_close, 72);
AT(tc_handler, on_request, 80);
AT(tc_handler, check, 88);
AT(tc_handler, on_stop, 96);
AT(tc_handler, on_drain, 104);
AT(tc_handler, on_gone, 112);
AT(tc_handler, on_connect, 120);
AT(tc_handler, on_data, 128);
AT(tc_handler, on_send, 136);
AT(tc_handler, on_end, 144);
AT(tc_handler, on_body, 152);
AT(tc_handler, on_filter, 160);
AT(tc_handler, on_reply, 168);
AT(tc_handler, on_piece, 176);
AT(tc_handler, on_done, 184);
_Static_assert(sizeof(tc_handler) == 192, "tc_handler has another size");

AT(tc_note, namesz, 0);
AT(tc_note, descsz, 4);
AT(tc_note, type, 8);
AT(tc_note, owner, 12);
AT(tc_note, abi, 20);
AT(tc_note, need, 24);
AT(tc_note, use, 28);
AT(tc_note, header, 32);
AT(tc_note, name, 36);
_Static_assert(sizeof(tc_note) == 84, "tc_note has another size");

AT(tc_sample, size, 0);
AT(tc_sample, kind, 4);
AT(tc_sample, name, 8);
AT(tc_sample, help, 16);
AT(tc_sample, labels, 24);
AT(tc_sample, value, 32);
_Static_assert(sizeof(tc_sample) == 40, "tc_sample has another size");

AT(tc_metrics, size, 0);
AT(tc_metrics, each, 8);
_Static_assert(sizeof(tc_metrics) == 16, "tc_metrics has another size");

AT(tc_bus, size, 0);
AT(tc_bus, subscribe, 8);
AT(tc_bus, unsubscribe, 16);
AT(tc_bus, publish, 24);
_Static_assert(sizeof(tc_bus) == 32, "tc_bus has another size");

START_TEST(numbers_keep_their_meaning)
{
	ck_assert_int_eq(TC_OK, 0);
	ck_assert_int_eq(TC_LATER, 1);
	ck_assert_int_eq(TC_NEXT, 2);
	ck_assert_int_eq(TC_AGAIN, -1);
	ck_assert_int_eq(TC_GONE, -2);
	ck_assert_int_eq(TC_FAIL, -3);
	ck_assert_int_eq(TC_INVALID, -4);
	ck_assert_int_eq(TC_LIMIT, -5);
	ck_assert_int_eq(TC_NOMEM, -6);
	ck_assert_int_eq(TC_UNKNOWN, -7);
	ck_assert_int_eq(TC_DEBUG, 1);
	ck_assert_int_eq(TC_INFO, 2);
	ck_assert_int_eq(TC_WARN, 3);
	ck_assert_int_eq(TC_ERROR, 4);
	ck_assert_int_eq(TC_COUNTER, 1);
	ck_assert_int_eq(TC_GAUGE, 2);
	ck_assert_int_eq(TC_HISTOGRAM, 3);
	ck_assert_int_eq(TC_READ, 1);
	ck_assert_int_eq(TC_WRITE, 2);
	ck_assert_uint_eq(TC_BLOCKING, 1);
	ck_assert_uint_eq(TC_BODY_STREAM, 2);
	ck_assert_str_eq(TC_METRICS, "tincan.metrics/1");
	ck_assert_str_eq(TC_BUS, "tincan.bus/1");
}
END_TEST

START_TEST(a_plugin_sees_and_needs_level_1_unless_it_says_more)
{
	ck_assert_int_eq(TC_LEVEL, 1);
	ck_assert_int_eq(TC_USE, 1);
	ck_assert_int_eq(TC_NEED, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("abi");
	TCase *tcase = tcase_create("abi");

	tcase_add_test(tcase, numbers_keep_their_meaning);
	tcase_add_test(tcase, a_plugin_sees_and_needs_level_1_unless_it_says_more);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

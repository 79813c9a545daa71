/* SPDX-License-Identifier: MIT */
#include "plugin/api.h"

#include "instance_rig.h"

static void add_fields(struct request *given)
{
	ck_assert_int_eq(head_add(&given->head, SLICE("Host"), SLICE("example.test")), 0);
	ck_assert_int_eq(head_add(&given->head, SLICE("X-One"), SLICE("1")), 0);
	ck_assert_int_eq(head_add(&given->trailer, SLICE("X-Last"), SLICE("2")), 0);
}

/* "/pages/{name}/{other}/" with a star behind. */
static void add_match(struct router_match *match, const char *path)
{
	match->pattern = "/pages/{name}/{other}/*";
	match->params = 2;
	match->names[0] = SLICE("name");
	match->values[0] = (struct slice){ path + 7, 3 };
	match->names[1] = SLICE("other");
	match->values[1] = (struct slice){ path + 11, 2 };
	match->tail = slice_of(path + 14);
}

START_TEST(shows_a_request_as_it_came)
{
	static const char path[] = "/pages/Ada/42/rest/of/it";
	struct exchange *exchange = &request.exchange;

	open_instance("mirror");
	rig_begin(&request, HTTP_POST, path);
	exchange->request.target = SLICE("/pages/Ada/42/rest/of/it?q=1");
	exchange->request.query = SLICE("q=1");
	add_fields(&exchange->request);
	add_match(&exchange->match, path);
	ck_assert_int_eq(buffer_append(&exchange->body, "some body", 10), 0);
	exchange->body.size--;
	instance_request(instance, exchange);
	ck_assert_str_eq(rig_body(&request),
	    "method=POST\n"
	    "target=/pages/Ada/42/rest/of/it?q=1\n"
	    "path=/pages/Ada/42/rest/of/it\n"
	    "tail=rest/of/it\n"
	    "query=q=1\n"
	    "param.name=Ada\n"
	    "param.again=Ada\n"
	    "param.other=42\n"
	    "param.none=(null)\n"
	    "HOST=example.test\n"
	    "missing=(null)\n"
	    "request.id=00000000deadbeef\n"
	    "route=/pages/{name}/{other}/*\n"
	    "handler=mirror\n"
	    "http.version=1.1\n"
	    "client.address=192.0.2.1\n"
	    "no.such.fact=(null)\n"
	    "host=example.test\n"
	    "x-one=1\n"
	    "x-last=2\n"
	    "body=some body\n");
}
END_TEST

START_TEST(body_is_empty_text_if_there_is_none)
{
	ask("mirror", "/");
	ck_assert_ptr_nonnull(strstr(rig_body(&request), "\ntail=\n"));
	ck_assert_ptr_nonnull(strstr(rig_body(&request), "\nbody=\n"));
}
END_TEST

START_TEST(tells_the_version)
{
	open_instance("mirror");
	rig_begin(&request, HTTP_GET, "/");
	request.exchange.request.version = HTTP_1_0;
	instance_request(instance, &request.exchange);
	ck_assert_ptr_nonnull(strstr(rig_body(&request), "\nhttp.version=1.0\n"));
}
END_TEST

START_TEST(sends_in_pieces_with_a_trailer)
{
	ask("sender", "/pieces");
	ck_assert_int_eq(request.exchange.state, EXCHANGE_ENDED);
	ck_assert_str_eq(rig_header(&request, "x-made-by"), "sender");
	ck_assert_uint_eq(strlen(rig_body(&request)), 1000);
	ck_assert_uint_eq(request.exchange.reply.trailer.count, 1);
	ck_assert_int_eq(request.exchange.reply.content_length, -1);
}
END_TEST

START_TEST(sends_by_reference)
{
	ask("sender", "/reference");
	ck_assert_str_eq(rig_body(&request), "owned by the handler\n");
}
END_TEST

START_TEST(sends_a_part_of_a_file)
{
	ask("sender", "/file");
	ck_assert_int_eq(request.exchange.reply.content_length, 3);
	ck_assert_str_eq(rig_body(&request), "ELF");
}
END_TEST

START_TEST(holds_the_content_length_against_what_is_written)
{
	ask("sender", "/length");
	ck_assert_int_eq(request.exchange.state, EXCHANGE_ENDED);
	ck_assert_int_eq(request.exchange.reply.content_length, 8);
	ck_assert_str_eq(rig_body(&request), "exactly8");
}
END_TEST

START_TEST(text_is_typed_unless_the_handler_did)
{
	const tc_api *table;
	tc_req *r = api_request(&request.exchange);

	open_instance("mirror");
	table = instance->plugin->handler->api;
	rig_begin(&request, HTTP_GET, "/");
	ck_assert_int_eq(table->text(r, 200, "x"), TC_OK);
	ck_assert_str_eq(rig_header(&request, "content-type"),
	    "text/plain; charset=utf-8");
	exchange_reset(&request.exchange);
	ck_assert_int_eq(table->set_header(r, "Content-Type", "text/html"), TC_OK);
	ck_assert_int_eq(table->text(r, 200, "x"), TC_OK);
	ck_assert_str_eq(rig_header(&request, "content-type"), "text/html");
}
END_TEST

START_TEST(refuses_framing_and_injected_fields)
{
	ask("rude", "/headers");
	ck_assert_str_eq(rig_body(&request), "iiiiiiiiiiiiiiiiii");
}
END_TEST

START_TEST(refuses_statuses_and_bodies_that_cannot_be)
{
	ask("rude", "/status");
	ck_assert_int_eq(request.exchange.reply.status, 204);
}
END_TEST

START_TEST(refuses_a_file_that_was_not_opened)
{
	ask("rude", "/file");
	ck_assert_str_eq(rig_body(&request), "refused");
}
END_TEST

static void add(const char *path, enum setting_type type, const char *text,
    int64_t integer, size_t length)
{
	struct setting *setting = settings_add(&settings, path, type, text, text,
	    "where");

	setting->integer = integer;
	setting->length = length;
}

START_TEST(reads_settings_of_each_kind)
{
	add("", SETTING_OBJECT, "{...}", 0, 5);
	add("text", SETTING_STRING, "words", 0, 0);
	add("limits", SETTING_OBJECT, "{\"number\":42}", 0, 1);
	add("limits.number", SETTING_INT, "42", 42, 0);
	add("flag", SETTING_BOOL, "true", 1, 0);
	add("rules", SETTING_OBJECT, "{\"a\":1}", 0, 1);
	add("rules.a", SETTING_INT, "1", 1, 0);
	add("file", SETTING_STRING, "www", 0, 0);
	ask("options", "/");
	ck_assert_str_eq(rig_body(&request), "words 42 1 1 a {\"a\":1} /srv/www gone\n");
}
END_TEST

START_TEST(settings_outside_on_open_are_a_logged_mistake)
{
	ask("options", "/");
	ck_assert_str_eq(rig_body(&request), "none 7 0 -1 - - - gone\n");
	ck_assert_str_eq(rig_log.text,
	    "4 options 00000000deadbeef: used its tc_conf outside on_open\n");
}
END_TEST

START_TEST(log_lines_tell_whose_call_it_is)
{
	const tc_api *table;
	struct api_call before;

	open_instance("mirror");
	table = instance->plugin->handler->api;
	table->log(TC_INFO, "outside", 7);
	before = api_enter((struct api_call){ .handler = "outer", .request = "1" });
	table->log(TC_WARN, "first", 5);
	api_leave(api_enter((struct api_call){ .handler = "inner" }));
	table->log(99, "second", 6);
	table->log(-99, "third", 5);
	table->log(TC_INFO, NULL, 5);
	table->log(TC_INFO, "", 0);
	api_leave(before);
	table->log(TC_INFO, "outside", 7);
	ck_assert_str_eq(rig_log.text,
	    "2 - -: outside\n3 outer 1: first\n4 outer 1: second\n"
	    "1 outer 1: third\n2 - -: outside\n");
}
END_TEST

START_TEST(extensions_come_from_the_services)
{
	const tc_api *api;
	const uint32_t *table;

	open_instance("mirror");
	api = instance->plugin->handler->api;
	table = api->ext("test/1");
	ck_assert_ptr_nonnull(table);
	ck_assert_uint_eq(*table, sizeof(*table));
	ck_assert_ptr_null(api->ext("test/2"));
	ck_assert_ptr_null(api->ext(NULL));
}
END_TEST

START_TEST(a_smaller_table_is_filled_as_far_as_it_goes)
{
	tc_api api;

	memset(&api, 0x55, sizeof(api));
	api_fill(&api, offsetof(tc_api, query), false);
	ck_assert_uint_eq(api.size, offsetof(tc_api, query));
	ck_assert_ptr_nonnull(api.tail);
	ck_assert_mem_eq((char *)&api + offsetof(tc_api, query), "\x55\x55\x55\x55\x55",
	    5);
}
END_TEST

static void add_reading(TCase *tcase)
{
	tcase_add_test(tcase, shows_a_request_as_it_came);
	tcase_add_test(tcase, body_is_empty_text_if_there_is_none);
	tcase_add_test(tcase, tells_the_version);
	tcase_add_test(tcase, reads_settings_of_each_kind);
	tcase_add_test(tcase, settings_outside_on_open_are_a_logged_mistake);
}

static void add_replying(TCase *tcase)
{
	tcase_add_test(tcase, sends_in_pieces_with_a_trailer);
	tcase_add_test(tcase, sends_by_reference);
	tcase_add_test(tcase, sends_a_part_of_a_file);
	tcase_add_test(tcase, holds_the_content_length_against_what_is_written);
	tcase_add_test(tcase, text_is_typed_unless_the_handler_did);
	tcase_add_test(tcase, refuses_framing_and_injected_fields);
	tcase_add_test(tcase, refuses_statuses_and_bodies_that_cannot_be);
	tcase_add_test(tcase, refuses_a_file_that_was_not_opened);
}

static void add_table(TCase *tcase)
{
	tcase_add_test(tcase, log_lines_tell_whose_call_it_is);
	tcase_add_test(tcase, extensions_come_from_the_services);
	tcase_add_test(tcase, a_smaller_table_is_filled_as_far_as_it_goes);
}

int main(void)
{
	Suite *suite = suite_create("api");
	TCase *tcase = tcase_create("api");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	add_reading(tcase);
	add_replying(tcase);
	add_table(tcase);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

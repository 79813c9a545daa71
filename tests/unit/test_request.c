/* SPDX-License-Identifier: MIT */
/* Both ends of a request: what a worker packs arrives, and what was cut is refused. */
#include "remote/request.h"

#include "rig.h"
#include "unit.h"

static struct rig_exchange worker;
static struct rig_exchange host;
static struct buffer out;
static uint32_t instance;
static const char *facts[EXCHANGE_FACTS];
static bool more;

static void set_up(void)
{
	struct exchange *exchange = &worker.exchange;

	buffer_init(&out, 64 << 20);
	rig_begin(&worker, HTTP_POST, "/users/ann?full");
	exchange->request.path = SLICE("/users/ann");
	exchange->request.query = SLICE("full");
	exchange->match.pattern = "/users/{name}";
	exchange->match.params = 1;
	exchange->match.names[0] = SLICE("name");
	exchange->match.values[0] = SLICE("ann");
	ck_assert_int_eq(head_add(&exchange->request.head, SLICE("accept"),
	    SLICE("text/html")), 0);
	memset(&host, 0, sizeof(host));
	exchange_init(&host.exchange, &rig_ops, &host);
}

static void tear_down(void)
{
	rig_end(&worker);
	rig_end(&host);
	buffer_release(&out);
}

static void add_body(size_t size)
{
	char *space;

	worker.exchange.body.max = size + 1;
	ck_assert_int_eq(buffer_reserve(&worker.exchange.body, size, &space), 0);
	memset(space, 'b', size);
	buffer_commit(&worker.exchange.body, size);
}

static struct frame next_frame(struct slice *bytes)
{
	struct frame frame;

	ck_assert_int_eq(frame_next(bytes, &frame), 0);
	return frame;
}

START_TEST(a_request_arrives_as_it_was)
{
	const struct exchange *got = &host.exchange;
	struct slice bytes;
	struct frame frame;

	add_body(5);
	ck_assert_int_eq(request_pack(&out, 7, 3, &worker.exchange), 0);
	bytes = buffer_slice(&out);
	frame = next_frame(&bytes);
	ck_assert_uint_eq(bytes.size, 0);
	ck_assert_int_eq(request_unpack(&frame, &host.exchange, &instance, facts, &more),
	    0);
	ck_assert_uint_eq(instance, 3);
	ck_assert(!more);
	ck_assert_str_eq(got->id, "00000000deadbeef");
	ck_assert_int_eq(got->request.method_id, HTTP_POST);
	ck_assert_str_eq(got->request.path.data, "/users/ann");
	ck_assert_str_eq(got->request.query.data, "full");
	ck_assert_str_eq(got->match.pattern, "/users/{name}");
	ck_assert_uint_eq(got->match.params, 1);
	ck_assert_str_eq(got->match.values[0].data, "ann");
	ck_assert_str_eq(head_find(&got->request.head, SLICE("accept")).data,
	    "text/html");
	ck_assert_uint_eq(got->body.size, 5);
	ck_assert_str_eq(facts[0], "192.0.2.1");
	ck_assert_ptr_null(facts[1]);
}
END_TEST

START_TEST(a_long_body_comes_in_frames_of_its_own)
{
	struct slice bytes;
	struct frame frame;

	add_body(FRAME_DATA_MAX + 1);
	ck_assert_int_eq(request_pack(&out, 7, 3, &worker.exchange), 0);
	bytes = buffer_slice(&out);
	frame = next_frame(&bytes);
	ck_assert_int_eq(request_unpack(&frame, &host.exchange, &instance, facts, &more),
	    0);
	ck_assert(more);
	ck_assert_uint_eq(host.exchange.body.size, 0);
	frame = next_frame(&bytes);
	ck_assert_int_eq(frame.header.type, FRAME_BODY);
	ck_assert_uint_eq(frame.payload.size, FRAME_DATA_MAX);
	ck_assert_uint_eq(frame.header.flags, 0);
	frame = next_frame(&bytes);
	ck_assert_uint_eq(frame.payload.size, 1);
	ck_assert_uint_eq(frame.header.flags, FRAME_LAST);
	ck_assert_uint_eq(bytes.size, 0);
}
END_TEST

START_TEST(every_part_of_a_request_is_refused)
{
	struct slice bytes;
	struct frame whole;

	add_body(5);
	ck_assert_int_eq(request_pack(&out, 7, 3, &worker.exchange), 0);
	bytes = buffer_slice(&out);
	whole = next_frame(&bytes);
	for (size_t size = 0; size < whole.payload.size; size++) {
		struct frame part = whole;

		part.payload.size = size;
		exchange_reset(&host.exchange);
		ck_assert_int_eq(request_unpack(&part, &host.exchange, &instance, facts,
		    &more), ERR_PROTOCOL);
	}
}
END_TEST

START_TEST(what_does_not_fit_leaves_out_as_it_was)
{
	struct buffer tight;

	add_body(2 * FRAME_DATA_MAX);
	buffer_init(&tight, FRAME_DATA_MAX);
	ck_assert_int_eq(request_pack(&tight, 7, 3, &worker.exchange), ERR_LIMIT);
	ck_assert_uint_eq(tight.size, 0);
	buffer_release(&tight);
}
END_TEST

START_TEST(more_parameters_than_a_pattern_may_have_are_refused)
{
	static const uint32_t too_many = ROUTER_MAX_PARAMS + 1;
	struct slice bytes;
	struct frame whole;
	char *first;

	ck_assert_int_eq(request_pack(&out, 7, 3, &worker.exchange), 0);
	bytes = buffer_slice(&out);
	whole = next_frame(&bytes);
	/* Their number stands before the first one's name and its size. */
	first = memmem(whole.payload.data, whole.payload.size, "\4\0\0\0name", 8);
	memcpy(first - sizeof(too_many), &too_many, sizeof(too_many));
	exchange_reset(&host.exchange);
	ck_assert_int_eq(request_unpack(&whole, &host.exchange, &instance, facts, &more),
	    ERR_PROTOCOL);
}
END_TEST

static struct frame pack_open(void)
{
	struct open_message message = { .pattern = "/*", .directory = "/etc",
		.where = "routes[0]" };
	struct setting *setting;
	struct slice bytes;

	settings_init(&message.settings);
	setting = settings_add(&message.settings, "greeting", SETTING_STRING, "Hi",
	    "\"Hi\"", "routes[0].settings.greeting");
	setting->integer = -5;
	setting->length = 2;
	ck_assert_int_eq(open_pack(&out, 9, &message), 0);
	settings_release(&message.settings);
	bytes = buffer_slice(&out);
	return next_frame(&bytes);
}

START_TEST(a_setting_of_no_known_type_is_refused)
{
	static const uint8_t unknown = SETTING_OBJECT + 1;
	struct frame frame = pack_open();
	struct open_message got;
	char *path = memmem(frame.payload.data, frame.payload.size, "greeting", 8);

	/* It stands before the size of the path. */
	memcpy(path - sizeof(uint32_t) - 1, &unknown, 1);
	ck_assert_int_eq(open_unpack(&frame, &got), ERR_PROTOCOL);
	settings_release(&got.settings);
}
END_TEST

START_TEST(an_open_arrives_as_it_was)
{
	struct frame frame = pack_open();
	struct open_message got;

	ck_assert_uint_eq(frame.header.id, 9);
	ck_assert_int_eq(open_unpack(&frame, &got), 0);
	ck_assert_str_eq(got.pattern, "/*");
	ck_assert_str_eq(got.directory, "/etc");
	ck_assert_str_eq(got.where, "routes[0]");
	ck_assert_uint_eq(got.settings.count, 1);
	ck_assert_str_eq(got.settings.items[0].path, "greeting");
	ck_assert_str_eq(got.settings.items[0].text, "Hi");
	ck_assert_int_eq(got.settings.items[0].integer, -5);
	ck_assert_uint_eq(got.settings.items[0].length, 2);
	settings_release(&got.settings);
}
END_TEST

START_TEST(every_part_of_an_open_is_refused)
{
	struct frame whole = pack_open();

	for (size_t size = 0; size < whole.payload.size; size++) {
		struct frame part = whole;
		struct open_message got;

		part.payload.size = size;
		ck_assert_int_eq(open_unpack(&part, &got), ERR_PROTOCOL);
		settings_release(&got.settings);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("request");
	TCase *one = tcase_create("request");

	tcase_add_checked_fixture(one, set_up, tear_down);
	tcase_add_test(one, a_request_arrives_as_it_was);
	tcase_add_test(one, a_long_body_comes_in_frames_of_its_own);
	tcase_add_test(one, every_part_of_a_request_is_refused);
	tcase_add_test(one, more_parameters_than_a_pattern_may_have_are_refused);
	tcase_add_test(one, a_setting_of_no_known_type_is_refused);
	tcase_add_test(one, what_does_not_fit_leaves_out_as_it_was);
	tcase_add_test(one, an_open_arrives_as_it_was);
	tcase_add_test(one, every_part_of_an_open_is_refused);
	suite_add_tcase(all, one);
	return all;
}

int main(void)
{
	return unit_run(suite());
}

/* SPDX-License-Identifier: MIT */
/*
 * The host process, driven as its peer does: what it answers, how it shares its socket
 * among calls, and that of a batch in which it dies exactly one call is lost.
 */
#include "folder.h"
#include "host_rig.h"
#include "unit.h"

#define BATCH 100
#define POISONED 37	/* the call of the batch that kills the host */

START_TEST(says_hello_and_opens_what_it_is_told_to)
{
	struct host_rig host;
	struct frame hello;
	struct unpack in;

	host_rig_open(&host, "greeter", false);
	hello = host_rig_expect(&host, FRAME_HELLO);
	ck_assert_uint_eq(hello.header.code, FRAME_PROTOCOL);
	in = (struct unpack){ .rest = hello.payload };
	ck_assert_str_eq(unpack_string(&in), "greeter");
	ck_assert_str_eq(unpack_string(&in), host.rig.set.items[0].hash);
	for (int i = 0; i < 3; i++) {
		unpack_string(&in);
	}
	ck_assert_uint_eq(unpack_u32(&in), PLUGIN_REQUESTS);
	ck_assert(unpack_done(&in));
	host_rig_mount(&host, 7, "/*");
	host_rig_send(&host);
	ck_assert_uint_eq(host_rig_expect(&host, FRAME_OPENED).header.id, 7);
	host_rig_close(&host);
}
END_TEST

/* A file of /proc about the host, cut at 64 KB. */
static const char *read_proc(const struct host_rig *host, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)host->pid, name);
	return folder_text(path);
}

START_TEST(maps_no_library_that_a_plugin_could_clash_with)
{
	static const char *const foreign[] = { "libssl", "libcrypto", "libjansson" };
	struct host_rig host;
	const char *maps;

	host_rig_start(&host, "greeter");
	maps = read_proc(&host, "maps");
	ck_assert_ptr_nonnull(strstr(maps, "greeter"));
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		ck_assert_ptr_null(strstr(maps, foreign[i]));
	}
	host_rig_close(&host);
}
END_TEST

/* Pages of its files are those of every other host, too. */
START_TEST(has_little_memory_of_its_own)
{
	struct host_rig host;
	const char *anonymous;

	host_rig_start(&host, "greeter");
	/* A sanitizer has terabytes of shadows, and much more of everything. */
	if (strtol(read_proc(&host, "statm"), NULL, 10) < 1L << 28) {
		anonymous = strstr(read_proc(&host, "smaps_rollup"), "Anonymous:");
		ck_assert_ptr_nonnull(anonymous);
		ck_assert_int_le(strtol(anonymous + strlen("Anonymous:"), NULL, 10), 300);
	}
	host_rig_close(&host);
}
END_TEST

START_TEST(says_why_a_plugin_cannot_be_loaded)
{
	struct host_rig host;
	struct frame frame;
	struct unpack in;
	int status;

	host_rig_open(&host, "undefined_symbol", false);
	frame = host_rig_expect(&host, FRAME_PROBLEM);
	in = (struct unpack){ .rest = frame.payload };
	ck_assert_str_eq(unpack_string(&in), "undefined_symbol");
	ck_assert_ptr_nonnull(strstr(unpack_string(&in), "undefined symbol"));
	ck_assert_int_eq(host_rig_next(&host, &frame), ERR_EOF);
	status = host_rig_wait(&host);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	ck_assert_uint_eq(atomic_load(&host.page->exited), 0);
	host_rig_close(&host);
}
END_TEST

START_TEST(passes_on_what_an_instance_has_against_its_settings)
{
	struct open_message message = { .pattern = "/p",
		.directory = "/",
		.where = "here" };
	struct host_rig host;

	host_rig_open(&host, "picky", false);
	settings_init(&message.settings);
	settings_add(&message.settings, "", SETTING_OBJECT, "{\"nobody\":1}",
	    "{\"nobody\":1}", "there")
	    ->length = 1;
	settings_add(&message.settings, "nobody", SETTING_INT, "1", "1", "there.nobody")
	    ->integer = 1;
	ck_assert_int_eq(open_pack(&host.out, 3, &message), 0);
	settings_release(&message.settings);
	host_rig_send(&host);
	host_rig_expect(&host, FRAME_HELLO);
	ck_assert_uint_eq(host_rig_expect(&host, FRAME_PROBLEM).header.id, 3);
	ck_assert_uint_eq(host_rig_expect(&host, FRAME_OPEN_END).header.id, 3);
	host_rig_close(&host);
}
END_TEST

/* The body of a REPLY frame whose fields are not of interest. */
static struct slice reply_body(const struct frame *frame)
{
	struct unpack in = { .rest = frame->payload };
	uint32_t fields;
	struct slice body;

	unpack_u64(&in);
	fields = unpack_u32(&in);
	for (uint32_t i = 0; i < 2 * fields; i++) {
		unpack_text(&in);
	}
	body = unpack_text(&in);
	ck_assert(unpack_done(&in));
	return body;
}

START_TEST(answers_a_hundred_requests_of_one_write_in_order)
{
	struct host_rig host;
	char path[32];

	host_rig_start(&host, "mortal");
	for (unsigned i = 1; i <= BATCH; i++) {
		snprintf(path, sizeof(path), "/number/%u", i);
		host_rig_get(&host, i, path);
	}
	host_rig_send(&host);
	for (unsigned i = 1; i <= BATCH; i++) {
		struct frame frame = host_rig_expect(&host, FRAME_REPLY);

		snprintf(path, sizeof(path), "/number/%u", i);
		ck_assert_uint_eq(frame.header.id, i);
		ck_assert_uint_eq(frame.header.code, 200);
		ck_assert(slice_equal(reply_body(&frame), slice_of(path)));
	}
	ck_assert_uint_eq(atomic_load(&host.page->running), 0);
	host_rig_close(&host);
}
END_TEST

START_TEST(shows_the_handler_all_of_the_request)
{
	struct rig_exchange request = { 0 };
	struct rig_exchange reply = { 0 };
	struct host_rig host;
	struct frame frame;

	host_rig_start(&host, "mirror");
	rig_begin(&request, HTTP_POST, "/a/b/c");
	request.exchange.match.pattern = "/a/{name}/*";
	request.exchange.match.tail = SLICE("c");
	request.exchange.match.params = 1;
	request.exchange.match.names[0] = SLICE("name");
	request.exchange.match.values[0] = (struct slice){ "b/c", 1 };
	ck_assert_int_eq(head_add(&request.exchange.request.head, SLICE("Host"),
			     SLICE("h")),
	    0);
	ck_assert_int_eq(buffer_append(&request.exchange.body, "body", 4), 0);
	host_rig_request(&host, 5, 1, &request);
	host_rig_send(&host);
	rig_begin(&reply, HTTP_POST, "/");
	frame = host_rig_expect(&host, FRAME_START);
	ck_assert_int_eq(reply_take_start(&frame, &reply.exchange), 0);
	frame = host_rig_expect(&host, FRAME_DATA);
	ck_assert_int_eq(exchange_write(&reply.exchange, frame.payload.data,
			     frame.payload.size),
	    0);
	frame = host_rig_expect(&host, FRAME_END);
	ck_assert_int_eq(reply_take_end(&frame, &reply.exchange), 0);
	ck_assert_str_eq(rig_body(&reply),
	    "method=POST\ntarget=/a/b/c\npath=/a/b/c\ntail=c\n"
	    "query=\nparam.name=b\nparam.again=b\nparam.other=(null)\nparam.none=(null)\n"
	    "HOST=h\nmissing=(null)\nrequest.id=00000000deadbeef\nroute=/a/{name}/*\n"
	    "handler=mirror\nhttp.version=1.1\nclient.address=192.0.2.1\n"
	    "no.such.fact=(null)\nhost=h\nbody=body\n");
	rig_end(&request);
	rig_end(&reply);
	host_rig_close(&host);
}
END_TEST

START_TEST(takes_a_body_that_comes_in_frames)
{
	struct rig_exchange request = { 0 };
	struct host_rig host;
	char *body = malloc(3 * FRAME_DATA_MAX);

	ck_assert_ptr_nonnull(body);
	memset(body, 'x', 3 * FRAME_DATA_MAX);
	host_rig_start(&host, "heavy");
	rig_begin(&request, HTTP_POST, "/size");
	request.exchange.match.pattern = "/*";
	buffer_init(&request.exchange.body, 1 << 20);
	ck_assert_int_eq(buffer_append(&request.exchange.body, body, 3 * FRAME_DATA_MAX),
	    0);
	host_rig_request(&host, 1, 1, &request);
	host_rig_send(&host);
	struct frame frame = host_rig_expect(&host, FRAME_REPLY);
	ck_assert(slice_equal(reply_body(&frame), SLICE("196608")));
	free(body);
	rig_end(&request);
	host_rig_close(&host);
}
END_TEST

static void send_window(struct host_rig *host, uint64_t id, uint32_t size)
{
	ck_assert_int_eq(frame_append(&host->out, FRAME_WINDOW_MORE, 0, 0, id,
			     (struct slice){ (char *)&size, sizeof(size) }),
	    0);
	host_rig_send(host);
}

/* Is each byte what heavy puts there? An assertion for each would be a million lines in
 * Check's file, and minutes on a busy machine. */
static bool is_heavy(struct slice data, size_t offset)
{
	for (size_t i = 0; i < data.size; i++) {
		if ((unsigned char)data.data[i] != (offset + i) % 251) {
			return false;
		}
	}
	return true;
}

/* Takes DATA of that call up to size bytes. */
static void take_data(struct host_rig *host, uint64_t id, size_t *offset, size_t size)
{
	for (size_t end = *offset + size; *offset < end;) {
		struct frame frame = host_rig_expect(host, FRAME_DATA);

		ck_assert_uint_eq(frame.header.id, id);
		ck_assert_uint_le(frame.payload.size, FRAME_DATA_MAX);
		ck_assert_uint_le(frame.payload.size, end - *offset);
		ck_assert(is_heavy(frame.payload, *offset));
		*offset += frame.payload.size;
	}
}

START_TEST(a_big_reply_waits_for_its_window_and_others_pass_it)
{
	struct host_rig host;
	size_t offset = 0;

	host_rig_start(&host, "heavy");
	host_rig_get(&host, 1, "/big");
	host_rig_send(&host);
	ck_assert_uint_eq(host_rig_expect(&host, FRAME_START).header.code, 200);
	take_data(&host, 1, &offset, FRAME_WINDOW);
	host_rig_get(&host, 2, "/small");
	host_rig_send(&host);
	ck_assert_uint_eq(host_rig_expect(&host, FRAME_REPLY).header.id, 2);
	send_window(&host, 1, 1000);
	take_data(&host, 1, &offset, 1000);
	send_window(&host, 1, FRAME_WINDOW);
	take_data(&host, 1, &offset, FRAME_WINDOW);
	send_window(&host, 1, 1 << 20);
	take_data(&host, 1, &offset, 1000000 - offset);
	ck_assert_uint_eq(host_rig_expect(&host, FRAME_END).header.id, 1);
	host_rig_close(&host);
}
END_TEST

START_TEST(a_cancelled_reply_stops)
{
	struct host_rig host;
	struct frame frame;
	size_t offset = 0;

	host_rig_start(&host, "heavy");
	host_rig_get(&host, 1, "/big");
	host_rig_send(&host);
	host_rig_expect(&host, FRAME_START);
	take_data(&host, 1, &offset, FRAME_WINDOW);
	host_rig_pack(&host, FRAME_CANCEL, 1);
	send_window(&host, 1, FRAME_WINDOW);
	host_rig_get(&host, 2, "/small");
	host_rig_send(&host);
	frame = host_rig_expect(&host, FRAME_END);
	ck_assert_uint_eq(frame.header.id, 1);
	ck_assert_uint_eq(frame.header.flags, FRAME_BROKEN);
	ck_assert_uint_eq(host_rig_expect(&host, FRAME_REPLY).header.id, 2);
	host_rig_close(&host);
}
END_TEST

START_TEST(a_file_goes_as_a_descriptor)
{
	struct host_rig host;
	struct frame frame;
	struct unpack in;
	char bytes[3];

	host_rig_start(&host, "sender");
	host_rig_get(&host, 1, "/file");
	host_rig_send(&host);
	host_rig_expect(&host, FRAME_START);
	frame = host_rig_expect(&host, FRAME_FILE);
	in = (struct unpack){ .rest = frame.payload };
	ck_assert_uint_eq(unpack_u64(&in), 1);
	ck_assert_uint_eq(unpack_u64(&in), 3);
	ck_assert(unpack_done(&in));
	ck_assert_int_ge(host.file, 0);
	ck_assert_int_eq(pread(host.file, bytes, 3, 1), 3);
	ck_assert_mem_eq(bytes, "ELF", 3);
	host_rig_expect(&host, FRAME_END);
	host_rig_close(&host);
}
END_TEST

START_TEST(a_reply_cut_short_is_broken)
{
	struct host_rig host;
	struct frame frame;

	host_rig_start(&host, "rude");
	host_rig_get(&host, 1, "/short");
	host_rig_send(&host);
	host_rig_expect(&host, FRAME_LOG);
	host_rig_expect(&host, FRAME_START);
	host_rig_expect(&host, FRAME_DATA);
	frame = host_rig_expect(&host, FRAME_END);
	ck_assert_uint_eq(frame.header.flags, FRAME_BROKEN);
	host_rig_close(&host);
}
END_TEST

START_TEST(a_handler_that_uses_up_its_memory_sends_a_500)
{
	struct host_rig host;
	struct frame frame;

	host_rig_start(&host, "rude");
	host_rig_get(&host, 1, "/all-memory");
	host_rig_get(&host, 2, "/file");
	host_rig_send(&host);
	do {
		ck_assert_int_eq(host_rig_next(&host, &frame), 0);
	} while (frame.header.type == FRAME_LOG);
	ck_assert_int_eq(frame.header.type, FRAME_REPLY);
	ck_assert_uint_eq(frame.header.code, 500);
	ck_assert_uint_eq(host_rig_expect(&host, FRAME_REPLY).header.code, 200);
	host_rig_close(&host);
}
END_TEST

START_TEST(logs_under_the_call_or_from_a_thread_under_none)
{
	struct host_rig host;
	struct frame frame;

	host_rig_start(&host, "mortal");
	host_rig_get(&host, 9, "/log");
	host_rig_send(&host);
	frame = host_rig_expect(&host, FRAME_LOG);
	ck_assert_uint_eq(frame.header.id, 9);
	ck_assert_uint_eq(frame.header.code, 2);
	ck_assert(slice_equal(frame.payload, SLICE("a line of the request")));
	frame = host_rig_expect(&host, FRAME_LOG);
	ck_assert_uint_eq(frame.header.id, 0);
	ck_assert_uint_eq(frame.header.code, 3);
	ck_assert(slice_equal(frame.payload, SLICE("a line from a thread")));
	ck_assert_uint_eq(host_rig_expect(&host, FRAME_REPLY).header.id, 9);
	host_rig_close(&host);
}
END_TEST

START_TEST(a_call_of_an_instance_that_is_not_there_gets_503)
{
	struct host_rig host;
	struct rig_exchange exchange = { 0 };

	host_rig_start(&host, "mortal");
	rig_begin(&exchange, HTTP_GET, "/");
	exchange.exchange.match.pattern = "/";
	host_rig_request(&host, 1, 99, &exchange);
	rig_end(&exchange);
	host_rig_pack(&host, FRAME_SHUT, 1);
	host_rig_get(&host, 2, "/");
	host_rig_send(&host);
	ck_assert_uint_eq(host_rig_expect(&host, FRAME_REPLY).header.code, 503);
	ck_assert_uint_eq(host_rig_expect(&host, FRAME_REPLY).header.code, 503);
	host_rig_close(&host);
}
END_TEST

START_TEST(a_forked_child_answers_nothing)
{
	struct host_rig host;

	host_rig_start(&host, "mortal");
	for (unsigned i = 1; i <= 10; i++) {
		host_rig_get(&host, i, i == 3 ? "/fork" : "/x");
	}
	host_rig_send(&host);
	for (unsigned i = 1; i <= 10; i++) {
		ck_assert_uint_eq(host_rig_expect(&host, FRAME_REPLY).header.id, i);
	}
	host_rig_pack(&host, FRAME_STOP, 0);
	host_rig_send(&host);
	ck_assert_int_eq(host_rig_wait(&host), 0);
	ck_assert_uint_eq(atomic_load(&host.page->finished), 10);
	host_rig_close(&host);
}
END_TEST

START_TEST(a_handler_that_closes_the_socket_loses_no_reply)
{
	struct host_rig host;
	struct frame frame;
	unsigned replies = 0;
	int status;
	int rc;

	host_rig_start(&host, "mortal");
	for (unsigned i = 1; i <= 10; i++) {
		host_rig_get(&host, i, i == 3 ? "/close" : "/x");
	}
	host_rig_send(&host);
	/* How many it begins before it notices depends on how long they take; those it
	 * has not begun are for the next host. */
	while ((rc = host_rig_next(&host, &frame)) == 0) {
		ck_assert_uint_eq(frame.header.type, FRAME_REPLY);
		ck_assert_uint_eq(frame.header.id, ++replies);
	}
	ck_assert_int_eq(rc, ERR_EOF);
	ck_assert_uint_ge(replies, 3);
	status = host_rig_wait(&host);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	host_rig_close(&host);
}
END_TEST

START_TEST(stops_when_told_to_but_after_what_it_has_begun)
{
	struct host_rig host;
	size_t offset = 0;

	host_rig_start(&host, "heavy");
	host_rig_get(&host, 1, "/big");
	host_rig_pack(&host, FRAME_STOP, 0);
	host_rig_send(&host);
	host_rig_expect(&host, FRAME_START);
	take_data(&host, 1, &offset, FRAME_WINDOW);
	send_window(&host, 1, 1 << 20);
	take_data(&host, 1, &offset, 1000000 - offset);
	host_rig_expect(&host, FRAME_END);
	ck_assert_int_eq(host_rig_wait(&host), 0);
	ck_assert_uint_eq(atomic_load(&host.page->exited), 0);
	host_rig_close(&host);
}
END_TEST

START_TEST(ends_quietly_when_its_peer_goes)
{
	struct host_rig host;

	host_rig_start(&host, "mortal");
	shutdown(host.fd, SHUT_WR);
	ck_assert_int_eq(host_rig_wait(&host), 0);
	ck_assert_uint_eq(atomic_load(&host.page->exited), 0);
	host_rig_close(&host);
}
END_TEST

START_TEST(ends_with_a_failure_when_its_peer_makes_no_sense)
{
	/* All of them empty: what must have a payload, or a code, is cut short. */
	static const uint8_t types[] = { 0, FRAME_REPLY, FRAME_CHECK, FRAME_OPEN,
		FRAME_REQUEST, FRAME_RETIRE, FRAME_WINDOW_MORE };
	struct host_rig host;
	int status;

	host_rig_start(&host, "mortal");
	host_rig_pack(&host, (enum frame_type)types[_i], 2);
	host_rig_send(&host);
	status = host_rig_wait(&host);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	host_rig_close(&host);
}
END_TEST

/* What a way of dying leaves behind. */
static const struct {
	const char *path;
	int signal;		/* that the kernel tells of; 0: it exits */
	int caught;		/* that the page tells of */
	uint32_t exited;
} ways[] = {
	{ "/segv", SIGSEGV, SIGSEGV, 0 },
	{ "/abort", SIGABRT, SIGABRT, 0 },
	{ "/exit", 0, 0, 1 },
	{ "/_exit", 0, 0, 0 },
	{ "/kill", SIGKILL, 0, 0 },
	{ "/ill", SIGILL, SIGILL, 0 },
	{ "/stack", SIGSEGV, SIGSEGV, 0 },
	{ "/heap", SIGABRT, SIGABRT, 0 },
};

#define WAYS ((int)(sizeof(ways) / sizeof(ways[0])))

static void check_end(const struct host_rig *host, int status, int way)
{
	const struct page *page = host->page;

	if (ways[way].signal == 0) {
		ck_assert(WIFEXITED(status));
	} else {
		ck_assert(WIFSIGNALED(status));
		ck_assert_int_eq(WTERMSIG(status), ways[way].signal);
	}
	ck_assert_uint_eq(atomic_load(&page->signal), (unsigned)ways[way].caught);
	ck_assert_uint_eq(atomic_load(&page->exited), ways[way].exited);
	ck_assert_str_eq(page_callback_name(page), "on_request");
	ck_assert_uint_eq(atomic_load(&page->running), POISONED);
	ck_assert_uint_eq(atomic_load(&page->finished), POISONED - 1);
	ck_assert_str_eq(page->request, "request37");
}

/* One of the frames is in the plugin. */
static void check_backtrace(const struct page *page)
{
	uint32_t count = atomic_load(&page->frame_count);
	bool found = false;

	ck_assert_uint_gt(count, 0);
	ck_assert_uint_le(count, PAGE_FRAMES);
	for (uint32_t i = 0; i < count; i++) {
		found = found || page->frames[i] != 0;
	}
	ck_assert(found);
}

START_TEST(costs_the_poisoned_call_alone)
{
	struct host_rig host;
	struct frame frame;
	unsigned answered = 0;

	host_rig_start(&host, "mortal");
	for (unsigned i = 1; i <= BATCH; i++) {
		host_rig_get(&host, i, i == POISONED ? ways[_i].path : "/fine");
	}
	host_rig_send(&host);
	while (host_rig_next(&host, &frame) == 0) {
		ck_assert_int_eq(frame.header.type, FRAME_REPLY);
		ck_assert_uint_eq(frame.header.code, 200);
		ck_assert_uint_eq(frame.header.id, ++answered);
	}
	ck_assert_uint_eq(answered, POISONED - 1);
	check_end(&host, host_rig_wait(&host), _i);
	if (ways[_i].caught != 0) {
		check_backtrace(host.page);
	}
	host_rig_close(&host);
}
END_TEST

START_TEST(a_probe_reports_the_checks_that_fail)
{
	static const char *const wrong[][2] = { { "GET /alive%20too?x=1 404",
						    "expected 404, found 200" },
		{ "nonsense", "expected a line like 'GET /path 200'" } };
	struct host_rig host;

	host_rig_open(&host, "mortal", true);
	host_rig_mount(&host, 1, "/{name}");
	host_rig_pack(&host, FRAME_CHECK, 0);
	host_rig_send(&host);
	host_rig_expect(&host, FRAME_HELLO);
	host_rig_expect(&host, FRAME_OPENED);
	for (int i = 0; i < 2; i++) {
		struct frame frame = host_rig_expect(&host, FRAME_PROBLEM);
		struct unpack in = { .rest = frame.payload };

		ck_assert_ptr_nonnull(strstr(unpack_string(&in), wrong[i][0]));
		ck_assert_str_eq(unpack_string(&in), wrong[i][1]);
	}
	host_rig_expect(&host, FRAME_CHECKED);
	host_rig_close(&host);
}
END_TEST

static TCase *calls(void)
{
	TCase *tcase = tcase_create("calls");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, answers_a_hundred_requests_of_one_write_in_order);
	tcase_add_test(tcase, shows_the_handler_all_of_the_request);
	tcase_add_test(tcase, takes_a_body_that_comes_in_frames);
	tcase_add_test(tcase, a_big_reply_waits_for_its_window_and_others_pass_it);
	tcase_add_test(tcase, a_cancelled_reply_stops);
	tcase_add_test(tcase, a_file_goes_as_a_descriptor);
	tcase_add_test(tcase, a_reply_cut_short_is_broken);
	tcase_add_test(tcase, a_handler_that_uses_up_its_memory_sends_a_500);
	tcase_add_test(tcase, logs_under_the_call_or_from_a_thread_under_none);
	tcase_add_test(tcase, a_call_of_an_instance_that_is_not_there_gets_503);
	tcase_add_test(tcase, a_forked_child_answers_nothing);
	tcase_add_test(tcase, a_handler_that_closes_the_socket_loses_no_reply);
	return tcase;
}

static TCase *lives(void)
{
	TCase *tcase = tcase_create("lives");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, says_hello_and_opens_what_it_is_told_to);
	tcase_add_test(tcase, maps_no_library_that_a_plugin_could_clash_with);
	tcase_add_test(tcase, has_little_memory_of_its_own);
	tcase_add_test(tcase, says_why_a_plugin_cannot_be_loaded);
	tcase_add_test(tcase, passes_on_what_an_instance_has_against_its_settings);
	tcase_add_test(tcase, stops_when_told_to_but_after_what_it_has_begun);
	tcase_add_test(tcase, ends_quietly_when_its_peer_goes);
	tcase_add_loop_test(tcase, ends_with_a_failure_when_its_peer_makes_no_sense, 0,
	    7);
	tcase_add_loop_test(tcase, costs_the_poisoned_call_alone, 0, WAYS);
	tcase_add_test(tcase, a_probe_reports_the_checks_that_fail);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("host");

	suite_add_tcase(suite, lives());
	suite_add_tcase(suite, calls());
	return unit_run(suite);
}

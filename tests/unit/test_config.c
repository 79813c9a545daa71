/* SPDX-License-Identifier: MIT */
/* Defaults, values; and every file of tests/config, the bad ones by their message. */
#include "config/config.h"

#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configs.h"

START_TEST(every_key_has_a_default)
{
	struct config *config = configs_parse("server.json", "{}");

	ck_assert_str_eq(config->file, "server.json");
	ck_assert_str_eq(config->directory, ".");
	ck_assert_str_eq(config->state, "run");
	ck_assert_uint_eq(config->listener_count, 1);
	ck_assert_str_eq(config->listeners[0].address, "127.0.0.1:8443");
	ck_assert_str_eq(config->listeners[0].host, "127.0.0.1");
	ck_assert_uint_eq(config->listeners[0].port, 8443);
	ck_assert_ptr_null(config->listeners[0].stream);
	ck_assert_uint_eq(config->alpn_count, 0);
	ck_assert_uint_eq(config->certificate_count, 1);
	ck_assert_str_eq(config->certificates[0].where, "server.json: certificates");
	ck_assert_str_eq(config->certificates[0].chain, "run/dev.crt");
	ck_assert_str_eq(config->certificates[0].key, "run/dev.key");
	ck_assert(config->development_certificate);
	ck_assert_int_eq(config->tls_min_version, CONFIG_TLS_1_2);
	ck_assert_str_eq(config->plugin_directory, "plugins");
	ck_assert(config->serve_unrouted);
	ck_assert(config->plugin_watch);
	ck_assert_uint_eq(config->handler_count, 0);
	ck_assert_uint_eq(config->route_count, 0);
	ck_assert_uint_eq(config->limits.max_connections, 10000);
	ck_assert_uint_eq(config->limits.max_target_bytes, 8192);
	ck_assert_uint_eq(config->limits.max_header_bytes, 32768);
	ck_assert_uint_eq(config->limits.max_header_fields, 100);
	ck_assert_uint_eq(config->limits.max_body_bytes, 1048576);
	ck_assert_uint_eq(config->limits.max_streams, 100);
	ck_assert_uint_eq(config->timeouts.handshake_ms, 10000);
	ck_assert_uint_eq(config->timeouts.header_ms, 10000);
	ck_assert_uint_eq(config->timeouts.body_ms, 30000);
	ck_assert_uint_eq(config->timeouts.write_ms, 30000);
	ck_assert_uint_eq(config->timeouts.idle_ms, 60000);
	ck_assert_uint_eq(config->timeouts.stream_idle_ms, 600000);
	ck_assert_uint_eq(config->timeouts.ping_ms, 30000);
	ck_assert_uint_eq(config->timeouts.drain_ms, 600000);
	ck_assert_str_eq(config->log.access, "-");
	ck_assert_str_eq(config->log.error, "-");
	ck_assert_int_eq(config->log.level, 2);
	ck_assert_int_eq(config->log.format, CONFIG_LOG_AUTO);
	ck_assert_str_eq(config->control, "run/tincan.sock");
	ck_assert_uint_eq(config->workers, 0);
	config_free(config);
}
END_TEST

START_TEST(every_key_takes_a_value)
{
	struct config *config = configs_parse("server.json",
	    "{ \"tls\": { \"min_version\": \"1.3\" },"
	    "\"plugins\": { \"directory\": \"p\", \"serve_unrouted\": false,"
	    "\"watch\": false },"
	    "\"limits\": { \"max_connections\": 1, \"max_target_bytes\": 64,"
	    "\"max_header_bytes\": 256, \"max_header_fields\": 4,"
	    "\"max_body_bytes\": 1099511627776, \"max_streams\": 1 },"
	    "\"timeouts\": { \"handshake_ms\": 1, \"header_ms\": 2, \"body_ms\": 3,"
	    "\"write_ms\": 4, \"idle_ms\": 5, \"stream_idle_ms\": 6, \"ping_ms\": 7,"
	    "\"drain_ms\": 0 },"
	    "\"log\": { \"access\": \"off\", \"error\": \"e.log\", \"level\": \"error\","
	    "\"format\": \"text\" }, \"state\": \"s\", \"control\": \"c\","
	    "\"workers\": 256 }");

	ck_assert_int_eq(config->tls_min_version, CONFIG_TLS_1_3);
	ck_assert_str_eq(config->plugin_directory, "p");
	ck_assert(!config->serve_unrouted);
	ck_assert(!config->plugin_watch);
	ck_assert_uint_eq(config->limits.max_connections, 1);
	ck_assert_uint_eq(config->limits.max_target_bytes, 64);
	ck_assert_uint_eq(config->limits.max_header_bytes, 256);
	ck_assert_uint_eq(config->limits.max_header_fields, 4);
	ck_assert(config->limits.max_body_bytes == UINT64_C(1) << 40);
	ck_assert_uint_eq(config->limits.max_streams, 1);
	ck_assert_uint_eq(config->timeouts.handshake_ms, 1);
	ck_assert_uint_eq(config->timeouts.header_ms, 2);
	ck_assert_uint_eq(config->timeouts.body_ms, 3);
	ck_assert_uint_eq(config->timeouts.write_ms, 4);
	ck_assert_uint_eq(config->timeouts.idle_ms, 5);
	ck_assert_uint_eq(config->timeouts.stream_idle_ms, 6);
	ck_assert_uint_eq(config->timeouts.ping_ms, 7);
	ck_assert_uint_eq(config->timeouts.drain_ms, 0);
	ck_assert_str_eq(config->log.access, "off");
	ck_assert_str_eq(config->log.error, "e.log");
	ck_assert_int_eq(config->log.level, 4);
	ck_assert_int_eq(config->log.format, CONFIG_LOG_TEXT);
	ck_assert_str_eq(config->state, "s");
	ck_assert_str_eq(config->control, "c");
	ck_assert_uint_eq(config->workers, 256);
	config_free(config);
}
END_TEST

START_TEST(handlers_run_as_told)
{
	struct config *config = configs_parse("server.json",
	    "{ \"handlers\": { \"plain\": {},\n"
	    "\"files\": { \"isolation\": \"worker\" },\n"
	    "\"report\": { \"isolation\": \"host\", \"timeout_ms\": 86400000,"
	    "\"max_memory_bytes\": 1048576, \"max_message_bytes\": 1024,"
	    "\"max_body_bytes\": 0,"
	    "\"processes\": 256, \"max_queue\": 0, \"threads\": 3 } } }");
	const struct config_handler *handler;

	ck_assert_uint_eq(config->handler_count, 3);
	handler = config_find_handler(config, "plain");
	ck_assert_str_eq(handler->where, "server.json:1: handlers.plain");
	ck_assert(!handler->in_worker);
	ck_assert_uint_eq(handler->timeout_ms, CONFIG_HANDLER_TIMEOUT_MS);
	ck_assert(handler->max_memory_bytes == 0);
	ck_assert_uint_eq(handler->max_message_bytes, CONFIG_MESSAGE_MAX_BYTES);
	ck_assert(handler->max_body_bytes == CONFIG_BODY_LIMITS);
	ck_assert_uint_eq(handler->processes, CONFIG_HANDLER_PROCESSES);
	ck_assert_uint_eq(handler->max_queue, CONFIG_HANDLER_QUEUE);
	ck_assert_uint_eq(handler->threads, CONFIG_HANDLER_THREADS);
	handler = config_find_handler(config, "files");
	ck_assert_str_eq(handler->where, "server.json:2: handlers.files");
	ck_assert(handler->in_worker);
	handler = config_find_handler(config, "report");
	ck_assert(!handler->in_worker);
	ck_assert_uint_eq(handler->timeout_ms, 86400000);
	ck_assert(handler->max_memory_bytes == 1048576);
	ck_assert_uint_eq(handler->max_message_bytes, 1024);
	ck_assert(handler->max_body_bytes == 0);
	ck_assert_uint_eq(handler->processes, 256);
	ck_assert_uint_eq(handler->max_queue, 0);
	ck_assert_uint_eq(handler->threads, 3);
	ck_assert_ptr_null(config_find_handler(config, "Report"));
	config_free(config);
}
END_TEST

START_TEST(a_certificate_is_made_only_where_none_is_named)
{
	struct config *config = configs_parse("/etc/server.json",
	    "{ \"certificates\": [], \"state\": \"s\" }");
	struct problems problems;
	static const char bad[] = "{ \"certificates\": [ { \"chain\": \"c\" } ] }";

	ck_assert(config->development_certificate);
	ck_assert_str_eq(config->certificates[0].chain, "/etc/s/dev.crt");
	config_free(config);
	config = configs_parse("server.json",
	    "{ \"certificates\": [ { \"chain\": \"c\", \"key\": \"k\" } ] }");
	ck_assert(!config->development_certificate);
	ck_assert_str_eq(config->certificates[0].chain, "c");
	config_free(config);
	problems_init(&problems);
	config = config_parse("f", bad, strlen(bad), &problems);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert(!config->development_certificate);
	config_free(config);
	problems_release(&problems);
}
END_TEST

START_TEST(relative_names_belong_to_the_folder_of_the_file)
{
	static const char text[] = "{ \"certificates\": [ { \"chain\": \"c.crt\","
	    "\"key\": \"/k.key\" } ], \"log\": { \"access\": \"a.log\" } }";
	struct config *config = configs_parse("/etc/tincan/server.json", text);

	ck_assert_str_eq(config->directory, "/etc/tincan");
	ck_assert_str_eq(config->certificates[0].chain, "/etc/tincan/c.crt");
	ck_assert_str_eq(config->certificates[0].key, "/k.key");
	ck_assert_str_eq(config->log.access, "/etc/tincan/a.log");
	ck_assert_str_eq(config->log.error, "-");
	ck_assert_str_eq(config->plugin_directory, "/etc/tincan/plugins");
	ck_assert_str_eq(config->state, "/etc/tincan/run");
	config_free(config);
	config = configs_parse("/server.json", text);
	ck_assert_str_eq(config->directory, "/");
	ck_assert_str_eq(config->certificates[0].chain, "/c.crt");
	config_free(config);
	config = configs_parse("../x/server.json", text);
	ck_assert_str_eq(config->certificates[0].chain, "../x/c.crt");
	config_free(config);
}
END_TEST

START_TEST(a_problem_leaves_the_rest_in_place)
{
	static const char text[] =
	    "{ \"workers\": -1, \"state\": \"s\", \"routes\": ["
	    "{ \"path\": \"a\", \"handler\": \"a\" },"
	    "{ \"path\": \"/b\", \"handler\": \"b\" } ] }";
	struct problems problems;
	struct config *config;

	problems_init(&problems);
	config = config_parse("f", text, strlen(text), &problems);
	ck_assert_uint_eq(problems.errors, 2);
	ck_assert_uint_eq(config->workers, 0);
	ck_assert_str_eq(config->state, "s");
	ck_assert_uint_eq(config->route_count, 1);
	ck_assert_str_eq(config->routes[0].pattern, "/b");
	config_free(config);
	problems_release(&problems);
	config_free(NULL);
}
END_TEST

/* Every file that is not what it should be: none, a folder, one without permission. */
START_TEST(says_why_a_file_cannot_be_read)
{
	struct problems problems;

	problems_init(&problems);
	ck_assert_ptr_null(config_load("/nonexistent/server.json", &problems));
	ck_assert_ptr_null(config_load("/", &problems));
	ck_assert_uint_eq(problems.count, 2);
	ck_assert_str_eq(problems.items[0].where, "/nonexistent/server.json");
	ck_assert_str_eq(problems.items[0].what,
	    "cannot read it: No such file or directory");
	ck_assert_str_eq(problems.items[1].what, "cannot read it: Is a directory");
	problems_release(&problems);
}
END_TEST

static void load_large(size_t size, const char *expected)
{
	char name[] = "/tmp/tincan-test-XXXXXX";
	FILE *file = fdopen(mkstemp(name), "w");
	struct problems problems;

	ck_assert_ptr_nonnull(file);
	fprintf(file, "{ \"workers\": 3");
	for (size_t i = 0; i < size; i += 64) {
		fprintf(file, "%64s", "");
	}
	fprintf(file, "}");
	ck_assert_int_eq(fclose(file), 0);
	problems_init(&problems);
	config_free(config_load(name, &problems));
	if (expected == NULL) {
		ck_assert_uint_eq(problems.count, 0);
	} else {
		ck_assert_uint_eq(problems.count, 1);
		ck_assert_str_eq(problems.items[0].what, expected);
	}
	problems_release(&problems);
	unlink(name);
}

START_TEST(reads_files_up_to_64_mib)
{
	load_large(1 << 20, NULL);
	load_large(65 << 20, "the file is larger than 64 MiB");
}
END_TEST

START_TEST(settings_can_come_by_themselves)
{
	static const char text[] = "{ \"a\": 1,\n  \"b\": [\"c\"] }";
	struct problems problems;
	struct settings settings;

	problems_init(&problems);
	ck_assert_int_eq(config_parse_settings("x", text, sizeof(text) - 1, &settings,
	    &problems), 0);
	ck_assert_uint_eq(settings.count, 4);
	ck_assert_str_eq(settings.items[3].path, "b.0");
	ck_assert_str_eq(settings.items[3].where, "x:2: b[0]");
	settings_release(&settings);
	ck_assert_int_eq(config_parse_settings("x", "[]", 2, &settings, &problems),
	    ERR_INVALID);
	settings_release(&settings);
	ck_assert_int_eq(config_parse_settings("x", "{", 1, &settings, &problems),
	    ERR_INVALID);
	settings_release(&settings);
	ck_assert_uint_eq(problems.errors, 2);
	problems_release(&problems);
}
END_TEST

/* The whole file, NUL-terminated; owned by the caller. */
static char *read_file(const char *name, size_t *size)
{
	FILE *file = fopen(name, "r");
	struct stat status;
	char *text;

	ck_assert_msg(file != NULL, "cannot open %s", name);
	ck_assert_int_eq(fstat(fileno(file), &status), 0);
	*size = (size_t)status.st_size;
	text = calloc(*size + 1, 1);
	ck_assert_uint_eq(fread(text, 1, *size, file), *size);
	fclose(file);
	return text;
}

/* The message beside name.json; "" if there is none. */
static char *read_expected(const char *name)
{
	size_t stem = strlen(name) - strlen(".json");
	char expected[512];
	size_t size;

	snprintf(expected, sizeof(expected), "%.*s.expected", (int)stem, name);
	return access(expected, F_OK) == 0 ? read_file(expected, &size) : calloc(1, 1);
}

static void check_file(const char *name)
{
	char *expected = read_expected(name);
	struct problems problems;
	char *printed;
	size_t size;
	char *text = read_file(name, &size);

	problems_init(&problems);
	config_free(config_parse("server.json", text, size, &problems));
	printed = configs_print(&problems);
	ck_assert_msg(strcmp(printed, expected) == 0, "%s: expected\n%sfound\n%s", name,
	    expected, printed);
	free(expected);
	free(printed);
	free(text);
	problems_release(&problems);
}

/* Every file of that folder of tests/config; at least as many as told. */
static void check_files(const char *folder, size_t least)
{
	const char *source = getenv("srcdir");
	char pattern[512];
	glob_t files;

	snprintf(pattern, sizeof(pattern), "%s/tests/config/%s/*.json",
	    source == NULL ? "." : source, folder);
	ck_assert_int_eq(glob(pattern, 0, NULL, &files), 0);
	ck_assert_uint_ge(files.gl_pathc, least);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		check_file(files.gl_pathv[i]);
	}
	globfree(&files);
}

START_TEST(good_files_have_no_problem)
{
	check_files("good", 7);
}
END_TEST

START_TEST(bad_files_have_the_problems_expected)
{
	check_files("bad", 170);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("config");

	tcase_add_test(tcase, every_key_has_a_default);
	tcase_add_test(tcase, every_key_takes_a_value);
	tcase_add_test(tcase, handlers_run_as_told);
	tcase_add_test(tcase, a_certificate_is_made_only_where_none_is_named);
	tcase_add_test(tcase, relative_names_belong_to_the_folder_of_the_file);
	tcase_add_test(tcase, a_problem_leaves_the_rest_in_place);
	tcase_add_test(tcase, says_why_a_file_cannot_be_read);
	tcase_add_test(tcase, reads_files_up_to_64_mib);
	tcase_add_test(tcase, settings_can_come_by_themselves);
	tcase_add_test(tcase, good_files_have_no_problem);
	tcase_add_test(tcase, bad_files_have_the_problems_expected);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

/* SPDX-License-Identifier: MIT */
/* What the server itself answers, as a client sees it. */
#include "served.h"
#include "unit.h"

static struct served served;

static const char routes
    [] = ",\"plugins\":{\"serve_unrouted\":false},\"routes\":["
	 "{\"path\":\"/get\",\"methods\":[\"GET\"],\"handler\":\"greeter\"},"
	 "{\"path\":\"/any\",\"handler\":\"greeter\"},"
	 "{\"path\":\"/own\",\"methods\":[\"OPTIONS\",\"BREW\"],\"handler\":\"greeter\"},"
	 "{\"path\":\"/gone\",\"handler\":\"bad_name\"},"
	 "{\"path\":\"/old\",\"redirect\":\"/get\",\"status\":308}]";

static const struct {
	const char *line;	/* method and target */
	const char *status;
	const char *also;	/* in the reply; NULL: nothing more */
} cases[] = {
	{ "GET /get", "200 OK", "Hello, world\n" },
	{ "HEAD /get", "200 OK", "content-length: 13\r\n" },
	{ "POST /get", "405 Method Not Allowed", "allow: GET, HEAD, OPTIONS\r\n" },
	{ "OPTIONS /get", "204 No Content", "allow: GET, HEAD, OPTIONS\r\n" },
	{ "OPTIONS *", "204 No Content", "allow: GET, HEAD, POST, PUT, DELETE, OPTIONS" },
	{ "BREW /own", "200 OK", NULL },
	{ "OPTIONS /own", "200 OK", "Hello, world\n" },
	{ "BREW /get", "501 Not Implemented", NULL },
	{ "GET /own", "405 Method Not Allowed", "BREW" },
	{ "TRACE /any", "405 Method Not Allowed", NULL },
	{ "GET /nothing", "404 Not Found", NULL },
	{ "GET /get/", "404 Not Found", NULL },
	{ "GET /old?a=b", "308 Permanent Redirect", "location: /get\r\n" },
	{ "GET /greet/unrouted", "404 Not Found", NULL },
};

static void set_up(void)
{
	rig_open(&served.rig);
	rig_add(&served.rig, "greeter");
	rig_add_as(&served.rig, "no_note", "bad_name.so");
	served_start(&served, routes);
}

static void tear_down(void)
{
	served_stop(&served);
}

static void ask(struct client *client, const char *line)
{
	char *
	    request = memory_printf("%s HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
		line);

	client_open(client, &served);
	client_send(client, request);
	ck_assert_int_eq(client_await_end(client), SSL_ERROR_ZERO_RETURN);
	free(request);
}

START_TEST(answers_as_routed)
{
	char *status = memory_printf("HTTP/1.1 %s\r\n", cases[_i].status);
	struct client client;

	ask(&client, cases[_i].line);
	ck_assert_msg(strncmp(client.text, status, strlen(status)) == 0, "%s",
	    client.text);
	ck_assert_msg(cases[_i].also == NULL ||
		strstr(client.text, cases[_i].also) != NULL,
	    "%s", client.text);
	client_close(&client);
	free(status);
}
END_TEST

START_TEST(answers_503_for_a_plugin_that_was_refused)
{
	struct client client;

	ask(&client, "GET /gone");
	ck_assert_ptr_nonnull(
	    strstr(client.text, "HTTP/1.1 503 Service Unavailable\r\n"));
	ck_assert_ptr_nonnull(strstr(client.text, "retry-after: 30\r\n"));
	client_close(&client);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dispatch");
	TCase *tests = tcase_create("dispatch");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 30);
	tcase_add_loop_test(tests, answers_as_routed, 0,
	    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tests, answers_503_for_a_plugin_that_was_refused);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}

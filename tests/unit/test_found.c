/* SPDX-License-Identifier: MIT */
/* What was found in files goes over to the next reading: what is new, what goes on. */
#include "master/found.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "configs.h"

static const char text[] = "{ \"certificates\": ["
    "{ \"chain\": \"a\", \"key\": \"a.key\" },"
    "{ \"chain\": \"b\", \"key\": \"b.key\" } ],"
    "\"tls\": { \"client_auth\": \"optional\", \"client_ca\": \"ca\" }, \"hosts\": ["
    "{ \"names\": [ \"h\" ], \"tls\": { \"client_auth\": \"required\" } } ] }";

static struct config *live;
static struct config *next;

/* As the preflight leaves it: the host has the server's files. */
static struct config *parse(void)
{
	struct config *config = configs_parse("f", text);

	for (size_t i = 0; i < config->certificate_count; i++) {
		config->certificates[i].shown.pem = memory_text("pem");
		config->certificates[i].shown.names = memory_text("name");
	}
	config->clients.trust.cas = memory_text("cas");
	return config;
}

static void break_trust(struct config *config)
{
	struct config_client_auth *clients;

	for (size_t i = 0; (clients = config_clients_at(config, i)) != NULL; i++) {
		config_trust_release(&clients->trust);
		clients->broken = true;
	}
}

static void set_up(void)
{
	live = parse();
	next = parse();
}

static void tear_down(void)
{
	config_free(live);
	config_free(next);
}

static void replace(char **value, const char *other)
{
	free(*value);
	*value = memory_text(other);
}

START_TEST(the_same_is_not_new)
{
	ck_assert(!found_take(live, next));
}
END_TEST

START_TEST(another_certificate_ca_or_list_is_new)
{
	replace(&next->certificates[1].shown.pem, "other");
	ck_assert(found_take(live, next));
	ck_assert_str_eq(live->certificates[1].shown.pem, "other");
	replace(&next->certificates[1].shown.pem, "other");
	replace(&next->clients.trust.cas, "more");
	ck_assert(found_take(live, next));
	ck_assert_str_eq(live->clients.trust.cas, "more");
	replace(&next->clients.trust.cas, "more");
	next->clients.trust.lists = memory_text("list");
	ck_assert(found_take(live, next));
	ck_assert(!found_has_broken(live, next));
}
END_TEST

START_TEST(what_is_broken_goes_on)
{
	config_shown_release(&next->certificates[0].shown);
	next->certificates[0].broken = true;
	replace(&next->certificates[1].shown.pem, "other");
	break_trust(next);
	ck_assert(found_has_broken(live, next));
	found_inherit(next, live);
	ck_assert_str_eq(next->certificates[0].shown.pem, "pem");
	ck_assert_str_eq(next->certificates[1].shown.pem, "other");
	/* For both, but once. */
	ck_assert_str_eq(next->clients.trust.cas, "cas");
	ck_assert_ptr_null(next->vhosts[1].clients.trust.cas);
	found_take_verdicts(live, next);
	ck_assert(!found_has_broken(live, next));
}
END_TEST

START_TEST(what_is_lost_stays_lost)
{
	config_shown_release(&live->certificates[0].shown);
	live->certificates[0].shown.lost = true;
	config_shown_release(&next->certificates[0].shown);
	next->certificates[0].broken = true;
	found_inherit(next, live);
	ck_assert(next->certificates[0].shown.lost);
	ck_assert_ptr_null(next->certificates[0].shown.pem);
	/* And is not found again where it was. */
	config_shown_release(&next->certificates[1].shown);
	next->certificates[1].broken = true;
	next->certificates[1].shown.lost = true;
	found_inherit(next, live);
	ck_assert_ptr_null(next->certificates[1].shown.pem);
}
END_TEST

START_TEST(the_next_of_the_same_text_gets_all)
{
	config_free(next);
	next = configs_parse("f", text);
	live->certificates[1].broken = true;
	live->vhosts[1].clients.broken = true;
	found_move(next, live);
	ck_assert_str_eq(next->certificates[0].shown.pem, "pem");
	ck_assert(next->certificates[1].broken);
	ck_assert_str_eq(next->clients.trust.cas, "cas");
	ck_assert(next->vhosts[1].clients.broken);
	ck_assert(!next->clients.broken);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("found");
	TCase *tcase = tcase_create("found");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_same_is_not_new);
	tcase_add_test(tcase, another_certificate_ca_or_list_is_new);
	tcase_add_test(tcase, what_is_broken_goes_on);
	tcase_add_test(tcase, what_is_lost_stays_lost);
	tcase_add_test(tcase, the_next_of_the_same_text_gets_all);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

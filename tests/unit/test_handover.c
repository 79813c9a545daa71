/* SPDX-License-Identifier: MIT */
/* Keys on their way to a keeper that answers when the test says so. */
#include "master/handover.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "configs.h"
#include "folder.h"
#include "master/rollout.h"

static const char text_of_one[] = "{ \"certificates\": ["
    "{ \"chain\": \"b\", \"key\": \"b.key\" } ] }";
static const char text[] = "{ \"certificates\": ["
    "{ \"chain\": \"a\", \"key\": \"a.key\" },"
    "{ \"chain\": \"b\", \"key\": \"b.key\" } ] }";

static char folder[FOLDER_BYTES];
static struct master master;
static struct handovers handovers;
static struct handover first;
static struct handover second;
static int fds[2];	/* the master's end, the keeper's */
static int ended;	/* how often */
static const char *how;
static struct handover *whose;

static void on_done(struct handover *handover, const char *failure)
{
	ended++;
	whose = handover;
	how = failure;
}

static void write_key(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, name, 1), 1);
	close(fd);
}

/* As the preflight leaves it: good, each with another key. */
static struct config *parse_of(const char *of)
{
	struct config *config = configs_parse("f", of);

	for (size_t i = 0; i < config->certificate_count; i++) {
		config->certificates[i].shown.pem = memory_text("pem");
		config->certificates[i].shown.names = memory_text("name");
		config->certificates[i].shown.key_name[0] = (unsigned char)(i + 1);
		write_key(config->certificates[i].key);
	}
	return config;
}

static struct config *parse(void)
{
	return parse_of(text);
}

static struct config *live(void)
{
	return rollout_live(&master)->config;
}

static void on_late(struct timer *timer)
{
	(void)timer;
}

static void set_up(void)
{
	struct boot boot = { 0 };

	folder_make(folder);
	ck_assert_int_eq(chdir(folder), 0);
	boot.config = parse();
	problems_init(&boot.problems);
	problems_init(&boot.certificates);
	master.loop = loop_new();
	master.rollout = rollout_new(&master, &boot);
	handovers_init(&handovers, &master);
	timer_init(&handovers.deadline, on_late);
	handover_init(&first, on_done);
	handover_init(&second, on_done);
	ck_assert_int_eq(channel_pair(fds), 0);
	ended = 0;
	whose = NULL;
	how = "not yet";
}

static void tear_down(void)
{
	handovers_release(&handovers);
	rollout_free(master.rollout);
	loop_free(master.loop);
	close(fds[0]);
	close(fds[1]);
	folder_remove(folder);
}

static void send_all(void)
{
	int rc;

	do {
		rc = handovers_send(&handovers, fds[0]);
	} while (rc == 0);
	ck_assert_int_eq(rc, ERR_EOF);
}

/* What the keeper gets next; its file's descriptor is the caller's. */
static struct channel_message hear(enum channel_type type)
{
	struct channel_message message;

	ck_assert_int_eq(channel_receive(fds[1], &message), 0);
	ck_assert_uint_eq(message.type, type);
	return message;
}

/* A key of that first byte, from the file of that inode. */
static uint32_t hear_key(char digit, ino_t file)
{
	struct channel_message message = hear(CHANNEL_KEY);
	struct stat st;

	ck_assert_int_eq(message.text[1], digit);
	ck_assert_int_eq(fstat(message.fds[0], &st), 0);
	ck_assert_uint_eq(st.st_ino, file);
	channel_close_fds(&message);
	return message.number;
}

static ino_t inode(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_ino;
}

static void answer(enum channel_type type, uint32_t number, uint32_t value)
{
	struct channel_message message = { .type = type, .number = number,
		.value = value, .text = "why", .fds = { -1, -1 } };

	handovers_take(&handovers, &message);
}

/* The keeper hears of both, and takes them. */
static void hand_over(struct handover *handover, ino_t a, ino_t b)
{
	handovers_add(&handovers, handover);
	send_all();
	(void)hear_key('1', a);
	(void)hear_key('2', b);
	answer(CHANNEL_KEPT, hear(CHANNEL_KEYS).number, 2);
	ck_assert_ptr_eq(whose, handover);
	ck_assert_ptr_null(how);
}

START_TEST(all_keys_go_and_the_end_comes_with_the_answer)
{
	struct channel_message end;

	first.config = live();
	handovers_add(&handovers, &first);
	send_all();
	(void)hear_key('1', inode("a.key"));
	(void)hear_key('2', inode("b.key"));
	end = hear(CHANNEL_KEYS);
	ck_assert_uint_eq(end.value, 0);
	answer(CHANNEL_KEPT, end.number + 1, 0);
	ck_assert_int_eq(ended, 0);
	answer(CHANNEL_KEPT, end.number, 0);
	ck_assert_int_eq(ended, 1);
	ck_assert_ptr_null(how);
	ck_assert(handovers_idle(&handovers));
	/* Once more is of nobody. */
	answer(CHANNEL_KEPT, end.number, 0);
	ck_assert_int_eq(ended, 1);
}
END_TEST

START_TEST(a_channel_that_is_full_is_gone_on_with_later)
{
	struct channel_message message = { .type = CHANNEL_WORKER, .fds = { -1, -1 } };
	int filled = 0;

	while (channel_offer(fds[0], &message) == 0) {
		filled++;
	}
	first.config = live();
	handovers_add(&handovers, &first);
	ck_assert_int_eq(handovers_send(&handovers, fds[0]), ERR_AGAIN);
	while (filled-- > 0) {
		(void)hear(CHANNEL_WORKER);
	}
	send_all();
	(void)hear_key('1', inode("a.key"));
	(void)hear_key('2', inode("b.key"));
	(void)hear(CHANNEL_KEYS);
}
END_TEST

START_TEST(one_that_is_not_taken_costs_its_certificate)
{
	struct config *config = parse();

	first.config = config;
	handovers_add(&handovers, &first);
	send_all();
	answer(CHANNEL_UNKEPT, hear_key('1', inode("a.key")), 0);
	/* That the keeper has all the same. */
	answer(CHANNEL_UNKEPT, hear_key('2', inode("b.key")), 1);
	/* Nonsense. */
	answer(CHANNEL_UNKEPT, 77, 0);
	answer(CHANNEL_KEPT, hear(CHANNEL_KEYS).number, 1);
	ck_assert(config->certificates[0].broken);
	ck_assert_ptr_null(config->certificates[0].shown.pem);
	ck_assert(!config->certificates[0].shown.lost);
	ck_assert(!config->certificates[1].broken);
	ck_assert_ptr_nonnull(config->certificates[1].shown.pem);
	ck_assert(!first.lost);
	config_free(config);
}
END_TEST

START_TEST(one_whose_file_is_gone_is_not_sent)
{
	ck_assert_int_eq(unlink("a.key"), 0);
	first.config = live();
	handovers_add(&handovers, &first);
	send_all();
	(void)hear_key('2', inode("b.key"));
	ck_assert(live()->certificates[0].broken);
	write_key("a.key");
}
END_TEST

START_TEST(they_come_one_after_the_other)
{
	struct channel_message end;

	handovers_add(&handovers, &first);
	handovers_add(&handovers, &second);
	send_all();
	(void)hear_key('1', inode("a.key"));
	(void)hear_key('2', inode("b.key"));
	end = hear(CHANNEL_KEYS);
	answer(CHANNEL_KEPT, end.number, 2);
	ck_assert_ptr_eq(whose, &first);
	send_all();
	(void)hear_key('1', inode("a.key"));
	(void)hear_key('2', inode("b.key"));
	ck_assert_uint_ne(hear(CHANNEL_KEYS).number, end.number);
	ck_assert_int_eq(ended, 1);
}
END_TEST

START_TEST(what_is_said_of_one_that_was_taken_back_is_of_no_other)
{
	uint32_t number;
	uint32_t end;

	handovers_add(&handovers, &first);
	handovers_add(&handovers, &second);
	send_all();
	number = hear_key('1', inode("a.key"));
	(void)hear_key('2', inode("b.key"));
	end = hear(CHANNEL_KEYS).number;
	handovers_drop(&handovers, &first);
	send_all();
	answer(CHANNEL_UNKEPT, number, 0);
	answer(CHANNEL_KEPT, end, 0);
	ck_assert_int_eq(ended, 0);
	ck_assert(!live()->certificates[0].broken);
}
END_TEST

START_TEST(what_is_said_of_one_is_not_of_what_it_has_become)
{
	struct config *config = parse_of(text_of_one);
	uint32_t number;

	first.config = live();
	handovers_add(&handovers, &first);
	send_all();
	(void)hear_key('1', inode("a.key"));
	number = hear_key('2', inode("b.key"));
	(void)hear(CHANNEL_KEYS);
	first.config = config;
	handovers_add(&handovers, &first);
	send_all();
	ck_assert_uint_ne(hear_key('1', inode("b.key")), number);
	answer(CHANNEL_UNKEPT, number, 0);
	ck_assert(!config->certificates[0].broken);
	handovers_drop(&handovers, &first);
	config_free(config);
}
END_TEST

START_TEST(a_keeper_that_is_gone_fails_what_is_under_way)
{
	handovers_add(&handovers, &first);
	handovers_add(&handovers, &second);
	send_all();
	handovers_fail(&handovers, "gone");
	ck_assert_int_eq(ended, 1);
	ck_assert_ptr_eq(whose, &first);
	ck_assert_str_eq(how, "gone");
	handovers_fail(&handovers, "gone");
	ck_assert_int_eq(ended, 1);
	handovers_fail_all(&handovers, "none");
	ck_assert_ptr_eq(whose, &second);
	ck_assert(handovers_idle(&handovers));
}
END_TEST

START_TEST(what_a_keeper_dies_in_begins_anew_once)
{
	uint32_t end;

	first.config = live();
	handovers_add(&handovers, &first);
	handovers_add(&handovers, &second);
	send_all();
	(void)hear_key('1', inode("a.key"));
	(void)hear_key('2', inode("b.key"));
	end = hear(CHANNEL_KEYS).number;
	handovers_lose(&handovers, "died");
	answer(CHANNEL_KEPT, end, 2);
	ck_assert_int_eq(ended, 0);
	send_all();
	(void)hear_key('1', inode("a.key"));
	(void)hear_key('2', inode("b.key"));
	(void)hear(CHANNEL_KEYS);
	handovers_lose(&handovers, "died");
	ck_assert_int_eq(ended, 1);
	ck_assert_ptr_eq(whose, &first);
	ck_assert_str_eq(how, "died");
}
END_TEST

START_TEST(the_next_keeper_gets_the_files_that_were_taken)
{
	ino_t a = inode("a.key");
	ino_t b = inode("b.key");

	first.config = live();
	hand_over(&first, a, b);
	ck_assert_int_eq(rename("a.key", "b.key"), 0);
	write_key("a.key");
	hand_over(&second, a, b);
	/* But who has new ones gives those that are there. */
	hand_over(&first, inode("a.key"), inode("b.key"));
	hand_over(&second, inode("a.key"), inode("b.key"));
}
END_TEST

START_TEST(a_broken_one_goes_on_by_the_file_before)
{
	struct config *config = parse();
	ino_t a = inode("a.key");

	first.config = live();
	hand_over(&first, a, inode("b.key"));
	ck_assert_int_eq(rename("b.key", "a.key"), 0);
	write_key("b.key");
	config->certificates[0].broken = true;
	second.config = config;
	hand_over(&second, a, inode("b.key"));
	config_free(config);
}
END_TEST

START_TEST(one_that_was_shown_and_is_not_taken_is_lost)
{
	first.config = live();
	hand_over(&first, inode("a.key"), inode("b.key"));
	handovers_add(&handovers, &second);
	send_all();
	answer(CHANNEL_UNKEPT, hear_key('1', inode("a.key")), 0);
	(void)hear_key('2', inode("b.key"));
	answer(CHANNEL_KEPT, hear(CHANNEL_KEYS).number, 1);
	ck_assert(second.lost);
	ck_assert(live()->certificates[0].shown.lost);
	ck_assert(live()->certificates[0].broken);
	ck_assert(!live()->certificates[1].shown.lost);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handover");
	TCase *tcase = tcase_create("handover");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, all_keys_go_and_the_end_comes_with_the_answer);
	tcase_add_test(tcase, a_channel_that_is_full_is_gone_on_with_later);
	tcase_add_test(tcase, one_that_is_not_taken_costs_its_certificate);
	tcase_add_test(tcase, one_whose_file_is_gone_is_not_sent);
	tcase_add_test(tcase, they_come_one_after_the_other);
	tcase_add_test(tcase, what_is_said_of_one_that_was_taken_back_is_of_no_other);
	tcase_add_test(tcase, what_is_said_of_one_is_not_of_what_it_has_become);
	tcase_add_test(tcase, a_keeper_that_is_gone_fails_what_is_under_way);
	tcase_add_test(tcase, what_a_keeper_dies_in_begins_anew_once);
	tcase_add_test(tcase, the_next_keeper_gets_the_files_that_were_taken);
	tcase_add_test(tcase, a_broken_one_goes_on_by_the_file_before);
	tcase_add_test(tcase, one_that_was_shown_and_is_not_taken_is_lost);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

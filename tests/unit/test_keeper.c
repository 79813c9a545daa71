/* SPDX-License-Identifier: MIT */
/* The keeper in a process of its own, as master and workers see it. */
#include "keeper/keeper.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/pem.h>

#include "base/log.h"
#include "ipc/channel.h"
#include "ipc/sign.h"
#include "tls/key_name.h"
#include "unit.h"

#define DEADLINE_MS 30000
#define ECDSA_SECP256R1_SHA256 0x0403
#define NUMBER 7
#define FLOOD_MAX 100000	/* more than sockets hold */

static pid_t pid;
static int orders;
static unsigned char name[SIGN_KEY_BYTES];
static struct channel_message heard;

static void set_up(void)
{
	int fds[2];

	ck_assert_int_eq(channel_pair(fds), 0);
	fflush(NULL);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(fds[0]);
		_exit(keeper_run(fds[1]));
	}
	close(fds[1]);
	orders = fds[0];
}

/* It ends with the master, whoever is connected to it. */
static void tear_down(void)
{
	int status;

	close(orders);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS,
	    "it ends with status 0x%x", (unsigned)status);
}

static void await_readable(int fd)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };

	ck_assert_int_eq(poll(&readable, 1, DEADLINE_MS), 1);
}

static void order(uint32_t type, uint32_t value, const char *text, int fd)
{
	struct channel_message message = { .type = type, .number = NUMBER, .value = value,
		.fds = { fd, -1 } };

	snprintf(message.text, sizeof(message.text), "%s", text);
	ck_assert_int_eq(channel_send(orders, &message), 0);
}

static void hear(uint32_t type, const char *text)
{
	await_readable(orders);
	ck_assert_int_eq(channel_receive(orders, &heard), 0);
	ck_assert_uint_eq(heard.type, type);
	ck_assert_str_eq(heard.text, text);
	ck_assert_uint_eq(heard.number,
	    type == CHANNEL_SAY ? (uint32_t)LOG_ERROR : NUMBER);
}

/* A key's open file; its name goes to name. */
static int make_key(void)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	BIO *out = BIO_new(BIO_s_mem());
	int fd = memfd_create("key", MFD_CLOEXEC);
	char *text;
	long size;

	ck_assert_ptr_nonnull(key);
	ck_assert_int_eq(PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL),
	    1);
	size = BIO_get_mem_data(out, &text);
	ck_assert_int_eq(write(fd, text, (size_t)size), size);
	ck_assert_int_eq(tls_key_name(key, name), 0);
	BIO_free(out);
	EVP_PKEY_free(key);
	return fd;
}

static void offer_key(int fd, const unsigned char *as)
{
	char text[2 * SIGN_KEY_BYTES + 1];
	size_t size;

	ck_assert_int_eq(OPENSSL_buf2hexstr_ex(text, sizeof(text), &size, as,
	    SIGN_KEY_BYTES, '\0'), 1);
	order(CHANNEL_KEY, 0, text, fd);
	close(fd);
}

static void settle(uint32_t kept)
{
	order(CHANNEL_KEYS, 0, "", -1);
	hear(CHANNEL_KEPT, "");
	ck_assert_uint_eq(heard.value, kept);
}

static void give_key(void)
{
	offer_key(make_key(), name);
	settle(1);
}

/* A worker's end of the socket to it. */
static int connect_worker(void)
{
	int fds[2];

	ck_assert_int_eq(sign_pair(fds), 0);
	order(CHANNEL_WORKER, 0, "", fds[1]);
	close(fds[1]);
	return fds[0];
}

/* What sign_send says to one more request. */
static int ask(int fd, uint64_t id)
{
	static const char label[] = "TLS 1.3, server CertificateVerify";
	struct sign_request request = { .id = id, .scheme = ECDSA_SECP256R1_SHA256,
		.size = 64 + sizeof(label) + 32 };
	struct sign_packet packet = { .size = 0 };

	memcpy(request.key, name, sizeof(request.key));
	memset(request.text, ' ', 64);
	memcpy(request.text + 64, label, sizeof(label));
	ck_assert_int_eq(sign_put_request(&packet, &request), 0);
	return sign_send(fd, &packet);
}

/* The next packet of answers, all of which must be signatures; its last id. */
static uint64_t take_answers(int fd)
{
	struct sign_packet packet;
	struct sign_answer answer = { .id = 0 };
	int rc;

	await_readable(fd);
	ck_assert_int_eq(sign_receive(fd, &packet), 0);
	while ((rc = sign_take_answer(&packet, &answer)) == 0) {
		ck_assert_uint_eq(answer.status, SIGN_DONE);
	}
	ck_assert_int_eq(rc, ERR_AGAIN);
	return answer.id;
}

static void sign_one(int fd, uint64_t id)
{
	ck_assert_int_eq(ask(fd, id), 0);
	ck_assert_uint_eq(take_answers(fd), id);
}

START_TEST(a_key_that_it_was_given_signs)
{
	int worker = connect_worker();

	give_key();
	sign_one(worker, 1);
	close(worker);
}
END_TEST

START_TEST(a_key_that_has_changed_since_it_was_checked_is_not_kept)
{
	static const unsigned char other[SIGN_KEY_BYTES] = { 1 };

	offer_key(make_key(), other);
	hear(CHANNEL_UNKEPT, "it has changed since it was checked");
	settle(0);
}
END_TEST

START_TEST(a_file_that_is_no_key_is_told)
{
	static const unsigned char any[SIGN_KEY_BYTES] = { 1 };
	int fd = memfd_create("key", MFD_CLOEXEC);

	ck_assert_int_eq(write(fd, "nonsense", 8), 8);
	offer_key(fd, any);
	hear(CHANNEL_UNKEPT, "it is no key that can be used");
	settle(0);
}
END_TEST

START_TEST(an_order_that_it_does_not_know_is_told_and_passed_over)
{
	int worker = connect_worker();

	order(200, 0, "", worker);
	hear(CHANNEL_SAY, "an order of unknown type 200");
	give_key();
	sign_one(worker, 1);
	close(worker);
}
END_TEST

START_TEST(a_worker_that_sends_nonsense_is_cut_off_alone)
{
	int bad = connect_worker();
	int good = connect_worker();
	char byte;

	give_key();
	ck_assert_int_eq(send(bad, "nonsense", 8, 0), 8);
	hear(CHANNEL_SAY, "a worker sends nonsense: it is cut off");
	await_readable(bad);
	ck_assert_int_eq(recv(bad, &byte, 1, 0), 0);
	sign_one(good, 1);
	close(bad);
	close(good);
}
END_TEST

/* Nothing is lost, either: what it has asked for comes when it takes it. */
START_TEST(a_worker_that_takes_no_answers_holds_up_nobody)
{
	int slow = connect_worker();
	int good = connect_worker();
	uint64_t asked = 0;

	give_key();
	while (ask(slow, asked + 1) == 0) {
		asked++;
		ck_assert_uint_lt(asked, FLOOD_MAX);
		sign_one(good, asked);
	}
	sign_one(good, asked);
	while (take_answers(slow) != asked) {
	}
	sign_one(slow, asked + 1);
	close(slow);
	close(good);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keeper");
	TCase *tcase = tcase_create("keeper");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_key_that_it_was_given_signs);
	tcase_add_test(tcase, a_key_that_has_changed_since_it_was_checked_is_not_kept);
	tcase_add_test(tcase, a_file_that_is_no_key_is_told);
	tcase_add_test(tcase, an_order_that_it_does_not_know_is_told_and_passed_over);
	tcase_add_test(tcase, a_worker_that_sends_nonsense_is_cut_off_alone);
	tcase_add_test(tcase, a_worker_that_takes_no_answers_holds_up_nobody);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}

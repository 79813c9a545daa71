/* SPDX-License-Identifier: MIT */
/* Sockets and addresses; who owns a port. */
#include "os/socket.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

static const struct {
	const char *host;
	const char *name; /* with port 8443 */
} names[] = {
	{ "127.0.0.1", "127.0.0.1:8443" },
	{ "::1", "[::1]:8443" },
	{ "", "[::]:8443" },
	{ "::ffff:192.0.2.1", "192.0.2.1:8443" },
	{ "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
	    "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:8443" },
};

START_TEST(names_addresses)
{
	union socket_address address;
	char name[SOCKET_NAME_BYTES];

	ck_assert_int_eq(socket_address_set(&address, names[_i].host, 8443), 0);
	socket_address_name(&address, name);
	ck_assert_str_eq(name, names[_i].name);
	ck_assert_uint_eq(socket_address_port(&address), 8443);
}
END_TEST

START_TEST(refuses_hosts_that_are_no_numbers)
{
	union socket_address address;

	ck_assert_int_eq(socket_address_set(&address, "localhost", 1), ERR_INVALID);
	ck_assert_int_eq(socket_address_set(&address, "127.0.0.1:80", 1), ERR_INVALID);
}
END_TEST

static void claim_any(union socket_address *address)
{
	ck_assert_int_eq(socket_address_set(address, "127.0.0.1", 0), 0);
	ck_assert_int_eq(socket_claim(address), 0);
	ck_assert_uint_ne(socket_address_port(address), 0);
}

START_TEST(listens_several_times_on_one_port)
{
	union socket_address address;
	int fds[3];

	claim_any(&address);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(socket_listen(&address, &fds[i]), 0);
	}
	for (int i = 0; i < 3; i++) {
		close(fds[i]);
	}
}
END_TEST

/* The kernel would let a second server in, and give it half of the clients. */
START_TEST(claims_no_port_that_another_server_shares)
{
	union socket_address address;
	int fd;

	claim_any(&address);
	ck_assert_int_eq(socket_listen(&address, &fd), 0);
	ck_assert_int_eq(socket_claim(&address), ERR_SYSTEM);
	ck_assert_int_eq(errno, EADDRINUSE);
	close(fd);
	ck_assert_int_eq(socket_claim(&address), 0);
}
END_TEST

START_TEST(claims_no_port_of_a_server_with_reuseaddr)
{
	union socket_address address;
	int on = 1;
	int fd;

	claim_any(&address);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	ck_assert_int_eq(bind(fd, &address.any, sizeof(address.v4)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(socket_claim(&address), ERR_SYSTEM);
	ck_assert_int_eq(errno, EADDRINUSE);
	close(fd);
}
END_TEST

/* A client and the server's end of its connection; the server closes first. */
static void leave_time_wait(const union socket_address *address, int listen_fd)
{
	union socket_address peer;
	char byte;
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int server;

	ck_assert_int_eq(connect(client, &address->any, sizeof(address->v4)), 0);
	ck_assert_int_eq(socket_accept(listen_fd, &server, &peer), 0);
	close(server);
	ck_assert_int_eq(read(client, &byte, 1), 0);
	close(client);
}

/* For a minute after it had closed a connection, the server could not start again. */
START_TEST(listens_again_right_after_closing_connections)
{
	union socket_address address;
	int fd;

	claim_any(&address);
	ck_assert_int_eq(socket_listen(&address, &fd), 0);
	leave_time_wait(&address, fd);
	close(fd);
	ck_assert_int_eq(socket_claim(&address), 0);
	ck_assert_int_eq(socket_listen(&address, &fd), 0);
	close(fd);
}
END_TEST

/* The connections of a server that drains are no reason either. */
START_TEST(listens_beside_connections_that_live_on)
{
	union socket_address address;
	union socket_address peer;
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int server;
	int fd;

	claim_any(&address);
	ck_assert_int_eq(socket_listen(&address, &fd), 0);
	ck_assert_int_eq(connect(client, &address.any, sizeof(address.v4)), 0);
	ck_assert_int_eq(socket_accept(fd, &server, &peer), 0);
	close(fd);
	ck_assert_int_eq(socket_claim(&address), 0);
	ck_assert_int_eq(socket_listen(&address, &fd), 0);
	close(fd);
	close(client);
	close(server);
}
END_TEST

START_TEST(accepts_until_there_is_none)
{
	union socket_address address;
	union socket_address peer;
	union socket_address own;
	socklen_t size = sizeof(own);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int server;
	int fd;

	claim_any(&address);
	ck_assert_int_eq(socket_listen(&address, &fd), 0);
	ck_assert_int_eq(socket_accept(fd, &server, &peer), ERR_AGAIN);
	ck_assert_int_eq(connect(client, &address.any, sizeof(address.v4)), 0);
	ck_assert_int_eq(socket_accept(fd, &server, &peer), 0);
	ck_assert_int_eq(getsockname(client, &own.any, &size), 0);
	ck_assert_uint_eq(socket_address_port(&peer), socket_address_port(&own));
	close(client);
	close(server);
	close(fd);
}
END_TEST

START_TEST(knows_who_owns_a_port)
{
	union socket_address address;
	char name[32];
	int fd;

	claim_any(&address);
	ck_assert_int_eq(socket_port_owner(socket_address_port(&address), name,
			     sizeof(name)),
	    0);
	ck_assert_str_eq(name, "");
	ck_assert_int_eq(socket_listen(&address, &fd), 0);
	ck_assert_int_eq(socket_port_owner(socket_address_port(&address), name,
			     sizeof(name)),
	    getpid());
	ck_assert_str_ne(name, "");
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("socket");
	TCase *tests = tcase_create("socket");

	tcase_add_loop_test(tests, names_addresses, 0, sizeof(names) / sizeof(names[0]));
	tcase_add_test(tests, refuses_hosts_that_are_no_numbers);
	tcase_add_test(tests, listens_several_times_on_one_port);
	tcase_add_test(tests, claims_no_port_that_another_server_shares);
	tcase_add_test(tests, claims_no_port_of_a_server_with_reuseaddr);
	tcase_add_test(tests, listens_again_right_after_closing_connections);
	tcase_add_test(tests, listens_beside_connections_that_live_on);
	tcase_add_test(tests, accepts_until_there_is_none);
	tcase_add_test(tests, knows_who_owns_a_port);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}

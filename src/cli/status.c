/* SPDX-License-Identifier: MIT */
/* tincan status: the running server, its workers and plugins. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/ask.h"
#include "cli/columns.h"
#include "cli/plugins.h"

#define DURATION_BYTES 48

/* The two largest units: "3 d 4 h", "5 min 12 s", "7 s". */
static void format_duration(long long seconds, char out[DURATION_BYTES])
{
	static const struct {
		const char *name;
		long long seconds;
	} units[] = { { "d", 86400 }, { "h", 3600 }, { "min", 60 }, { "s", 1 } };
	size_t i = 0;

	while (i < 3 && seconds < units[i].seconds) {
		i++;
	}
	if (i == 3) {
		snprintf(out, DURATION_BYTES, "%lld s", seconds);
	} else {
		snprintf(out, DURATION_BYTES, "%lld %s %lld %s",
		    seconds / units[i].seconds, units[i].name,
		    seconds % units[i].seconds / units[i + 1].seconds,
		    units[i + 1].name);
	}
}

static void print_listener(const json_t *listener)
{
	const char *address = ask_text(listener, "address");
	const char *scheme = ask_text(listener, "scheme");
	const char *colon = strrchr(address, ':');
	long long port = ask_number(listener, "port");

	printf("listening on ");
	/* The port that it has, where the configuration says 0; a path has none. */
	if (port == 0 || colon == NULL) {
		printf("%s", address);
	} else {
		printf("%.*s:%lld", (int)(colon - address), address, port);
	}
	if (strcmp(scheme, "https") != 0) {
		printf(" (%s)", scheme);
	}
	putchar('\n');
}

static void print_server(const json_t *reply)
{
	json_t *listeners = json_object_get(reply, "listeners");
	char uptime[DURATION_BYTES];
	json_t *listener;
	size_t i;

	format_duration(ask_number(reply, "uptime_s"), uptime);
	printf("tincan %s, pid %lld, generation %lld, up %s\n",
	    ask_text(reply, "version"), ask_number(reply, "pid"),
	    ask_number(reply, "generation"), uptime);
	json_array_foreach(listeners, i, listener) {
		print_listener(listener);
	}
}

static void print_tickets(const json_t *reply)
{
	const json_t *tickets = json_object_get(reply, "tickets");
	const char *source = ask_text(tickets, "source");
	const char *problem = json_string_value(json_object_get(tickets, "problem"));
	char age[DURATION_BYTES];

	if (strcmp(source, "off") == 0) {
		printf("session tickets: off\n");
		return;
	}
	format_duration(ask_number(tickets, "age_s"), age);
	if (strcmp(source, "own") == 0) {
		printf("session tickets: keys of its own");
	} else {
		printf("session tickets: keys by the %s '%s'", source,
		    ask_text(tickets, "file"));
	}
	printf(", %lld accepted, the newest %s old\n", ask_number(tickets, "keys"), age);
	if (problem != NULL) {
		printf("session tickets: %s\n", problem);
	}
}

/* Who serves, and what it cannot do. */
static void print_sandbox(const json_t *reply)
{
	const json_t *sandbox = json_object_get(reply, "sandbox");
	const char *user = ask_text(sandbox, "user");
	long long landlock = ask_number(sandbox, "landlock");

	if (user[0] == '\0') {
		printf("sandbox: the master's user, ");
	} else {
		printf("sandbox: user '%s', ", user);
	}
	printf("%s, ", json_is_true(json_object_get(sandbox, "seccomp")) ? "seccomp" :
	    "no seccomp");
	if (landlock > 0) {
		printf("landlock %lld, ", landlock);
	} else {
		printf("no landlock, ");
	}
	printf("%s\n", json_is_true(json_object_get(sandbox, "handlers_in_workers")) ?
	    "workers run handlers" : "workers run no handlers");
}

static void print_workers(const json_t *reply)
{
	static const char *const heads[] = { ">worker", ">pid", "state", ">connections",
		">requests", ">generation", NULL };
	json_t *workers = json_object_get(reply, "workers");
	struct columns columns;
	json_t *worker;
	size_t i;

	columns_init(&columns, heads);
	json_array_foreach(workers, i, worker) {
		columns_add(&columns, "%lld", ask_number(worker, "index"));
		columns_add(&columns, "%lld", ask_number(worker, "pid"));
		columns_add(&columns, "%s", ask_text(worker, "state"));
		columns_add(&columns, "%lld", ask_number(worker, "connections"));
		columns_add(&columns, "%lld", ask_number(worker, "requests"));
		columns_add(&columns, "%lld", ask_number(worker, "generation"));
	}
	columns_print(&columns, stdout);
	columns_release(&columns);
}

/* Those that clients have met. */
static void print_limits(const json_t *reply)
{
	static const char *const heads[] = { "limit", ">met", NULL };
	json_t *limits = json_object_get(reply, "limits");
	struct columns columns;
	bool met = false;
	const char *name;
	json_t *times;

	columns_init(&columns, heads);
	json_object_foreach(limits, name, times) {
		if (json_integer_value(times) > 0) {
			columns_add(&columns, "%s", name);
			columns_add(&columns, "%" JSON_INTEGER_FORMAT,
			    json_integer_value(times));
			met = true;
		}
	}
	if (met) {
		putchar('\n');
		columns_print(&columns, stdout);
	}
	columns_release(&columns);
}

/* "2027-01-15 08:00"; "" for never. */
static const char *format_moment(long long seconds, char out[DURATION_BYTES])
{
	time_t moment = (time_t)seconds;
	struct tm parts;

	out[0] = '\0';
	if (seconds > 0 && gmtime_r(&moment, &parts) != NULL) {
		(void)strftime(out, DURATION_BYTES, "%Y-%m-%d %H:%M", &parts);
	}
	return out;
}

static void print_certificates(const json_t *reply)
{
	static const char *const heads[] = { "certificate", "state", "expires (UTC)",
		"names", NULL };
	json_t *certificates = json_object_get(reply, "certificates");
	struct columns columns;
	json_t *certificate;
	size_t i;

	columns_init(&columns, heads);
	json_array_foreach(certificates, i, certificate) {
		char moment[DURATION_BYTES];

		columns_add(&columns, "%s", ask_text(certificate, "chain"));
		columns_add(&columns, "%s", ask_text(certificate, "state"));
		columns_add(&columns, "%s", format_moment(ask_number(certificate,
		    "expires_s"), moment));
		columns_add(&columns, "%s", ask_text(certificate, "names"));
	}
	columns_print(&columns, stdout);
	columns_release(&columns);
}

static void print_status(const json_t *reply)
{
	print_server(reply);
	print_tickets(reply);
	print_sandbox(reply);
	putchar('\n');
	print_workers(reply);
	print_limits(reply);
	putchar('\n');
	print_certificates(reply);
	putchar('\n');
	plugins_print(reply);
}

int cli_status(const struct cli *cli)
{
	return ask_and_show(cli, print_status);
}

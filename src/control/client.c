/* SPDX-License-Identifier: MIT */
/* A client of the control socket. */
#include "control/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

#define READ_BYTES 4096
#define OUT_BYTES (64u << 20)	/* of an answer; one that is larger is not sent */

static const struct {
	const char *name;
	bool has_name;		/* must come with "name" */
} commands[] = {
	{ "status", false }, { "plugins", false }, { "reload", false },
	{ "stop", false }, { "upgrade", false }, { "reset", true },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* No more bytes to or from it. */
static void leave(struct control_client *client)
{
	if (!client->left) {
		client->left = true;
		loop_remove(client->loop, &client->watch);
		buffer_release(&client->out);
	}
}

static void flush(struct control_client *client)
{
	while (!client->left && client->out.size > 0) {
		struct slice all = buffer_slice(&client->out);
		ssize_t sent = send(client->watch.fd, all.data, all.size, MSG_NOSIGNAL);

		if (sent >= 0) {
			buffer_consume(&client->out, (size_t)sent);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR) {
			leave(client);
		}
	}
}

/* Takes reply; NULL is what jansson makes of texts that are no UTF-8. */
static void say(struct control_client *client, json_t *reply)
{
	static const char unsayable[] =
	    "{\"ok\":false,\"error\":\"the answer cannot be written as JSON\"}";
	char *text = reply == NULL ? NULL : json_dumps(reply, JSON_COMPACT);
	const char *line = text == NULL ? unsayable : text;

	if (!client->left && (buffer_append(&client->out, line, strlen(line)) != 0 ||
	    buffer_append(&client->out, "\n", 1) != 0)) {
		leave(client);
	}
	free(text);
	json_decref(reply);
	flush(client);
}

static void refuse(struct control_client *client, const char *hint, char *error)
{
	say(client, json_pack("{s:b, s:s, s:s*}", "ok", 0, "error", error, "hint", hint));
	free(error);
}

static void refuse_command(struct control_client *client, const char *command)
{
	const char *names[COMMANDS];
	const char *nearest;
	char *hint = NULL;

	for (size_t i = 0; i < COMMANDS; i++) {
		names[i] = commands[i].name;
	}
	nearest = text_nearest(command, names, COMMANDS);
	if (nearest != NULL) {
		hint = memory_printf("did you mean '%s'", nearest);
	}
	refuse(client, hint, memory_printf("unknown command '%s'", command));
	free(hint);
}

static void run_command(struct control_client *client, const char *command,
    const char *name)
{
	size_t i = 0;

	while (i < COMMANDS && strcmp(commands[i].name, command) != 0) {
		i++;
	}
	if (i == COMMANDS) {
		refuse_command(client, command);
	} else if (commands[i].has_name && name[0] == '\0') {
		refuse(client, NULL, memory_printf("'%s' needs a name", command));
	} else {
		client->busy = true;
		client->control->fn(client->control->arg, client, command, name);
	}
}

static void run_line(struct control_client *client, struct slice line)
{
	const char *command;
	const char *name = "";
	json_error_t error;
	json_t *request = json_loadb(line.data, line.size, JSON_REJECT_DUPLICATES,
	    &error);

	buffer_consume(&client->in, line.size + 1);
	if (request == NULL) {
		refuse(client, "one JSON object on a line of its own",
		    memory_printf("this is not JSON: %s", error.text));
	} else if (json_unpack_ex(request, &error, 0, "{s:s, s?s !}", "command", &command,
	    "name", &name) != 0) {
		refuse(client, "{\"command\":\"status\"}", memory_printf(
		    "this is no command: %s", error.text));
	} else {
		run_command(client, command, name);
	}
	json_decref(request);
}

/* The next whole line, without its end; borrowed until it is consumed. */
static bool next_line(struct control_client *client, struct slice *line)
{
	struct slice all = buffer_slice(&client->in);
	const char *end = memchr(all.data, '\n', all.size);

	if (end != NULL) {
		*line = (struct slice){ all.data, (size_t)(end - all.data) };
		return true;
	}
	if (all.size >= CLIENT_LINE_BYTES) {
		/* Where the next command begins can no longer be known. */
		buffer_reset(&client->in);
		client->ended = true;
		refuse(client, NULL, memory_printf("a line has %d bytes at most",
		    CLIENT_LINE_BYTES));
	}
	return false;
}

static void wait_for_more(struct control_client *client)
{
	struct loop *loop = client->loop;
	bool writes = client->out.size > 0;

	if (client->left || client->busy) {
		timer_cancel(&client->quiet);
	} else {
		timer_set(&loop->timers, &client->quiet, loop->now_ms + CLIENT_QUIET_MS);
	}
	/* That it leaves is told without being asked for. */
	if (!client->left) {
		loop_modify(loop, &client->watch, writes ? EPOLLOUT :
		    client->busy || client->ended ? 0 : EPOLLIN);
	}
}

static void client_free(struct control_client *client)
{
	leave(client);
	close(client->watch.fd);
	timer_cancel(&client->quiet);
	deferred_cancel(&client->turn);
	buffer_release(&client->in);
	if (client->control != NULL) {
		list_remove(&client->link);
		client->control->count--;
	}
	free(client);
}

static void take_turn(struct control_client *client)
{
	struct slice line;

	/* Who does not read answers cannot have more of them. */
	while (!client->busy && client->out.size == 0 && next_line(client, &line)) {
		run_line(client, line);
	}
	if (!client->busy && client->out.size == 0 && (client->ended || client->left)) {
		client_free(client);
	} else {
		wait_for_more(client);
	}
}

static void on_turn(struct deferred *turn)
{
	struct control_client *client = LIST_OWNER(turn, struct control_client, turn);

	if (client->control != NULL) {
		take_turn(client);
	} else if (!client->busy) {
		client_free(client);
	}
}

/* All that is there, or as much as a line may have. */
static void receive(struct control_client *client)
{
	while (!client->ended && client->in.size < CLIENT_LINE_BYTES) {
		size_t room = CLIENT_LINE_BYTES - client->in.size;
		size_t size = room < READ_BYTES ? room : READ_BYTES;
		ssize_t got;
		char *space;

		if (buffer_reserve(&client->in, size, &space) != 0) {
			client->ended = true;
			return;
		}
		got = recv(client->watch.fd, space, size, 0);
		if (got > 0) {
			buffer_commit(&client->in, (size_t)got);
		} else if (got == 0) {
			client->ended = true;
		} else if (errno != EINTR) {
			client->ended = errno != EAGAIN;
			return;
		}
	}
}

static void on_event(struct watch *watch, uint32_t events)
{
	struct control_client *client = LIST_OWNER(watch, struct control_client, watch);

	if (client->control == NULL) {
		return;
	}
	if (events & EPOLLIN) {
		receive(client);
	}
	if (events & EPOLLOUT) {
		flush(client);
	}
	if (events & (EPOLLHUP | EPOLLERR)) {
		leave(client);
	}
	loop_defer(client->loop, &client->turn);
}

static void on_quiet(struct timer *timer)
{
	struct control_client *client = LIST_OWNER(timer, struct control_client, quiet);

	leave(client);
	loop_defer(client->loop, &client->turn);
}

void client_new(struct control *control, int fd)
{
	struct control_client *client = memory_new(1, sizeof(*client));

	client->loop = control->loop;
	client->control = control;
	client->watch = (struct watch){ fd, on_event };
	timer_init(&client->quiet, on_quiet);
	deferred_init(&client->turn, on_turn);
	buffer_init(&client->in, CLIENT_LINE_BYTES);
	buffer_init(&client->out, OUT_BYTES);
	list_append(&control->clients, &client->link);
	control->count++;
	if (loop_add(control->loop, &client->watch, EPOLLIN) == 0) {
		wait_for_more(client);
	} else {
		client_free(client);
	}
}

void client_part(struct control_client *client)
{
	list_remove(&client->link);
	client->control = NULL;
	timer_cancel(&client->quiet);
	loop_remove(client->loop, &client->watch);
	loop_defer(client->loop, &client->turn);
}

void control_reply(struct control_client *client, json_t *reply)
{
	client->busy = false;
	say(client, reply);
	loop_defer(client->loop, &client->turn);
}

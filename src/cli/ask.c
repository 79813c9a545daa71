/* SPDX-License-Identifier: MIT */
/* What the commands that talk to the running server share. */
#include "cli/ask.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "config/config.h"

#define WHY_BYTES 1024

const char *ask_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

long long ask_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/*
 * Where the control socket is, owned by the caller. A file with mistakes may still say
 * so; for one that is no JSON now (*readable is false) the default is the best guess.
 */
static char *find_socket(const char *file, struct problems *problems, bool *readable)
{
	struct config *config = config_load(file, problems);
	struct problems none;
	char *path;

	*readable = config != NULL;
	problems_init(&none);
	if (config == NULL) {
		config = config_parse(file, "{}", 2, &none);
	}
	path = memory_text(config->control);
	config_free(config);
	problems_release(&none);
	return path;
}

int ask_server(const struct cli *cli, bool must_run, json_t **reply)
{
	json_t *request = json_pack("{s:s, s:s*}", "command", cli->command, "name",
	    cli->words[0]);
	struct problems problems;
	char why[WHY_BYTES];
	int status;
	bool readable;
	char *path;
	int rc;

	problems_init(&problems);
	path = find_socket(cli->config, &problems, &readable);
	rc = control_call(path, request, reply, why, sizeof(why));
	if (rc == 0 || (rc == ERR_MISSING && !must_run)) {
		status = ASK_GO_ON;
	} else if (rc == ERR_MISSING && !readable) {
		problems_print(&problems, stderr);
		status = CLI_MISUSE;
	} else {
		fprintf(stderr, "tincan: %s\n", why);
		if (rc == ERR_MISSING) {
			fprintf(stderr, "  hint: 'tincan --config %s' starts one\n",
			    cli->config);
		}
		status = CLI_FAILED;
	}
	free(path);
	problems_release(&problems);
	return status;
}

static void print_problems(const json_t *reply)
{
	json_t *list = json_object_get(reply, "problems");
	struct problems problems;
	json_t *problem;
	size_t i;

	problems_init(&problems);
	json_array_foreach(list, i, problem) {
		const char *hint = json_string_value(json_object_get(problem, "hint"));
		const char *level = ask_text(problem, "level");

		(level[0] == 'w' ? problems_warn : problems_add)(&problems,
		    ask_text(problem, "where"), hint, "%s", ask_text(problem, "what"));
	}
	problems_print(&problems, stderr);
	problems_release(&problems);
}

static void print_failure(const json_t *reply)
{
	const char *error = ask_text(reply, "error");
	const char *hint = ask_text(reply, "hint");

	if (error[0] != '\0') {
		fprintf(stderr, "tincan: %s\n", error);
	}
	if (hint[0] != '\0') {
		fprintf(stderr, "  hint: %s\n", hint);
	}
}

int ask_show(const struct cli *cli, json_t *reply, void (*print)(const json_t *reply))
{
	bool good = json_is_true(json_object_get(reply, "ok"));

	if (cli->json) {
		json_dumpf(reply, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		print_problems(reply);
		if (good) {
			print(reply);
		} else {
			print_failure(reply);
		}
	}
	json_decref(reply);
	return good ? CLI_DONE : CLI_FAILED;
}

int ask_and_show(const struct cli *cli, void (*print)(const json_t *reply))
{
	json_t *reply;
	int status = ask_server(cli, true, &reply);

	return status == ASK_GO_ON ? ask_show(cli, reply, print) : status;
}

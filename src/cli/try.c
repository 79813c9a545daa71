/* SPDX-License-Identifier: MIT */
/* tincan try: one request through a handler's file, without a server. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/trial.h"
#include "cli/try_request.h"
#include "config/config.h"
#include "master/hostexec.h"

/* A folder of our own for the private copy. NULL, with a problem. */
static char *make_state(struct problems *problems)
{
	const char *parent = getenv("TMPDIR");
	char *state = memory_printf("%s/tincan-try-XXXXXX",
	    parent == NULL || parent[0] == '\0' ? "/tmp" : parent);

	if (mkdtemp(state) == NULL) {
		problems_add(problems, state, NULL, "cannot make the folder: %s",
		    strerror(errno));
		free(state);
		return NULL;
	}
	return state;
}

static void remove_state(char *state, const struct plugin_set *plugins)
{
	char *copies;

	if (state == NULL) {
		return;
	}
	copies = memory_printf("%s/plugins", state);
	if (plugins->count > 0 && plugins->items[0].copy != NULL) {
		unlink(plugins->items[0].copy);
	}
	rmdir(copies);
	rmdir(state);
	free(copies);
	free(state);
}

/* The file, judged as the server does; NULL with problems. */
static struct plugin *judge(const char *file, const char *state,
    struct plugin_set *plugins, struct problems *problems)
{
	size_t size = strlen(file);
	struct plugin *plugin;

	if (size < 4 || strcmp(file + size - 3, ".so") != 0) {
		problems_add(problems, file, "cc -shared -fPIC -o NAME.so NAME.c",
		    "expected the name of a .so file");
		return NULL;
	}
	plugin_scan_file(plugins, file, state, problems);
	plugin = plugins->count == 0 ? NULL : &plugins->items[0];
	if (plugin != NULL && plugin->refusal != NULL) {
		problems_add(problems, plugin->file, NULL, "%s", plugin->refusal);
	}
	return problems->errors == 0 ? plugin : NULL;
}

/* What a file of settings names is relative to its folder. */
static char *directory_of(const char *settings)
{
	const char *slash = settings == NULL || settings[0] != '@'
	    ? NULL
	    : strrchr(settings, '/');

	return slash == NULL ? memory_text(".")
			     : memory_copy(settings + 1, (size_t)(slash - settings));
}

static int read_settings(const struct cli *cli, struct settings *settings,
    struct problems *problems)
{
	struct try_text text;
	int rc;

	settings_init(settings);
	if (cli->settings == NULL) {
		return 0;
	}
	rc = try_text_read("--settings", cli->settings, &text, problems);
	if (rc == 0) {
		rc = config_parse_settings(text.where, text.data, text.size, settings,
		    problems);
	}
	free(text.data);
	return rc;
}

static int read_request(const struct cli *cli, struct trial *trial)
{
	struct try_text body;
	int rc = try_text_read("--data", cli->data, &body, trial->problems);

	if (rc == 0) {
		rc = try_request_make(cli, cli->data == NULL ? NULL : &body,
		    &trial->exchange, trial->problems);
	}
	free(body.data);
	return rc;
}

static enum trial_result run(const struct cli *cli, const char *state,
    struct plugin_set *plugins, struct trial *trial)
{
	struct problems *problems = trial->problems;
	struct settings settings;
	char *directory = directory_of(cli->settings);
	enum trial_result result = TRIAL_REFUSED;
	int rc = read_settings(cli, &settings, problems);

	rc = read_request(cli, trial) != 0 ? ERR_INVALID : rc;
	trial->plugin = judge(cli->words[0], state, plugins, problems);
	if (rc == 0 && trial->plugin != NULL && hostexec_open(problems) == 0) {
		trial->settings = &settings;
		trial->directory = directory;
		trial->route = cli->route;
		trial->timeout_ms = cli->timeout_ms;
		result = trial_run(trial);
	}
	settings_release(&settings);
	free(directory);
	return result;
}

/* As if we had not caught it. */
static void end_by(int number)
{
	sigset_t none;

	signal(number, SIG_DFL);
	sigemptyset(&none);
	raise(number);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int cli_try(const struct cli *cli)
{
	static const int statuses[] = { [TRIAL_REPLIED] = CLI_DONE,
		[TRIAL_FAILED] = CLI_FAILED, [TRIAL_REFUSED] = CLI_MISUSE };
	enum trial_result result = TRIAL_FAILED;
	struct plugin_set plugins = { 0 };
	struct problems problems;
	struct trial trial;
	char *state;
	int interrupted;

	if (cli->log_level != 0 &&
	    log_open("-", (enum log_level)cli->log_level, false, true) != 0) {
		return CLI_FAILED;
	}
	problems_init(&problems);
	trial_init(&trial);
	trial.problems = &problems;
	state = make_state(&problems);
	if (state != NULL) {
		result = run(cli, state, &plugins, &trial);
	}
	problems_print(&problems, stderr);
	interrupted = trial.interrupted;
	trial_release(&trial);
	remove_state(state, &plugins);
	plugin_set_release(&plugins);
	problems_release(&problems);
	if (interrupted != 0) {
		end_by(interrupted);
	}
	return statuses[result];
}

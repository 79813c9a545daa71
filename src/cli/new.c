/* SPDX-License-Identifier: MIT */
/* tincan new: a folder with a handler to start from, its test and its Makefile. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/cli.h"
#include "cli/templates.inc"

#define NAME_MAX_BYTES 47	/* as in tincan/handler.h */

static const struct kind {
	const char *name;
	const char *source;
	const char *test;
	const char *test_file;
	const char *entry;	/* for server.json; a template, too */
} kinds[] = {
	{ "http", template_http_c, template_http_sh, "test.sh",
	    "\"routes\": [ { \"path\": \"/@NAME@/{name}\", \"handler\": \"@NAME@\" } ]" },
	{ "websocket", template_websocket_c, template_websocket_py, "test.py",
	    "\"routes\": [ { \"path\": \"/@NAME@\", \"handler\": \"@NAME@\" } ]" },
	{ "stream", template_stream_c, template_stream_py, "test.py",
	    "\"listeners\": [ { \"address\": \"*:7443\", \"stream\": \"@NAME@\" } ]" },
	{ "filter", template_filter_c, template_filter_sh, "test.sh",
	    "\"filters\": [ { \"handler\": \"@NAME@\", "
	    "\"settings\": { \"key\": \"sesame\" } } ]" },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* What stands for each "@WORD@" of a template. */
struct words {
	const char *name;	/* @NAME@ */
	const char *test;	/* @TEST@ */
	char *tincan;		/* @TINCAN@; owned, as are those below */
	char *include;		/* @INCLUDE@: "-I/path", or "" */
	char *handlers;		/* @HANDLERS@: a folder, or "" */
};

static const struct kind *find_kind(const char *name)
{
	const char *names[KINDS];
	int found;

	for (size_t i = 0; i < KINDS; i++) {
		names[i] = kinds[i].name;
	}
	found = name == NULL ? 0 : cli_find_word("kind", name, names, KINDS);
	return found < 0 ? NULL : &kinds[found];
}

static bool check_name(const char *name)
{
	size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	if (size > 0 && size <= NAME_MAX_BYTES && name[size] == '\0' && name[0] != '-') {
		return true;
	}
	fprintf(stderr, "tincan: '%s' is no handler's name\n"
	    "  hint: up to %d of a-z, 0-9, '_' and '-'\n", name, NAME_MAX_BYTES);
	return false;
}

/* Can make read it as it is? */
static bool is_plain(const char *path)
{
	return path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789/._+-")] == '\0';
}

/* prefix, folder and path in one, if there is such a path and in it file; else "". */
static char *find_beside(const char *folder, const char *prefix, const char *path,
    const char *file)
{
	char *there = memory_printf("%s%s%s", folder, path, file);
	bool found = is_plain(there) && access(there, F_OK) == 0;
	char *result = found ? memory_printf("%s%s%s", prefix, folder, path)
			     : memory_text("");

	free(there);
	return result;
}

/* Where this program, the header and the handlers are: in a checkout all are in one
 * folder; of what is installed, pkg-config knows. */
static void find_tincan(struct words *words)
{
	char program[PATH_MAX] = "";
	ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 1);
	char *slash;

	program[size < 0 ? 0 : size] = '\0';
	words->tincan = memory_text(size > 0 && is_plain(program) ? program : "tincan");
	slash = strrchr(program, '/');
	if (slash != NULL) {
		*slash = '\0';
	}
	words->include = find_beside(program, "-I", "/include", "/tincan/handler.h");
	words->handlers = find_beside(program, "", "/plugins", "");
}

static const char *find_word(const struct words *words, const char *at, size_t size)
{
	const struct {
		const char *word;
		const char *text;
	} all[] = { { "@NAME@", words->name }, { "@TEST@", words->test },
		{ "@TINCAN@", words->tincan }, { "@INCLUDE@", words->include },
		{ "@HANDLERS@", words->handlers } };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strlen(all[i].word) == size && memcmp(all[i].word, at, size) == 0) {
			return all[i].text;
		}
	}
	return NULL;
}

/* Writes the template with its words filled in. An "@" that begins none is left. */
static void fill_in(const char *template, const struct words *words, FILE *out)
{
	while (*template != '\0') {
		size_t plain = strcspn(template, "@");
		size_t size;
		const char *word;

		fwrite(template, 1, plain, out);
		template += plain;
		if (*template == '@') {
			size = strcspn(template + 1, "@") + 2;
			word = find_word(words, template, size);
			fputs(word == NULL ? "@" : word, out);
			template += word == NULL ? 1 : size;
		}
	}
}

/* One new file of the folder; says so. */
static int write_file(const char *folder, const char *file, mode_t mode,
    const char *template, const struct words *words)
{
	char *path = memory_printf("%s/%s", folder, file);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	bool written = false;

	if (out != NULL) {
		fill_in(template, words, out);
		written = !ferror(out);
		written = fclose(out) == 0 && written;
	}
	if (written) {
		printf("wrote %s\n", path);
	} else {
		fprintf(stderr, "tincan: cannot write '%s': %s\n", path, strerror(errno));
	}
	free(path);
	return written ? 0 : -1;
}

/* No folder that others may write to, whatever the umask: a handler in one is refused. */
static int write_all(const struct kind *kind, const struct words *words)
{
	const char *name = words->name;
	char *source;
	int rc;

	if (mkdir(name, 0755) != 0) {
		fprintf(stderr, "tincan: cannot make the folder '%s': %s\n", name,
		    strerror(errno));
		return -1;
	}
	source = memory_printf("%s.c", name);
	rc = write_file(name, source, 0644, kind->source, words);
	rc = rc != 0 ? rc : write_file(name, kind->test_file, 0755, kind->test, words);
	rc = rc != 0 ? rc
		     : write_file(name, "Makefile", 0644, template_handler_mk, words);
	free(source);
	return rc;
}

static void say_next(const struct kind *kind, const struct words *words)
{
	fill_in("\n"
		"next:\n"
		"  cd @NAME@\n"
		"  make            builds @NAME@.so\n"
		"  make test       tries it\n"
		"  make install    puts it where a server takes its handlers from\n"
		"\n"
		"then, in server.json:\n"
		"  ",
	    words, stdout);
	fill_in(kind->entry, words, stdout);
	putchar('\n');
}

int cli_new(const struct cli *cli)
{
	const struct kind *kind = find_kind(cli->kind);
	struct words words = { .name = cli->words[0] };
	int rc;

	if (kind == NULL || !check_name(cli->words[0])) {
		return CLI_MISUSE;
	}
	words.test = kind->test_file;
	find_tincan(&words);
	rc = write_all(kind, &words);
	if (rc == 0) {
		say_next(kind, &words);
	}
	free(words.tincan);
	free(words.include);
	free(words.handlers);
	return rc == 0 ? CLI_DONE : CLI_FAILED;
}

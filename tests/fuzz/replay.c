/* SPDX-License-Identifier: MIT */
/*
 * The main of a fuzz target without libFuzzer: runs every file of its corpus once. For
 * tests/fuzz/fuzz_x that is tests/fuzz/corpus/x, below $srcdir or here; or the files, and
 * those in the folders, that are named on the command line.
 */
#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_BYTES 4096
#define INPUT_MAX_BYTES (1 << 20)	/* libFuzzer's own default is 4096 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	static uint8_t buffer[INPUT_MAX_BYTES];
	FILE *file = fopen(path, "rb");
	uint8_t *input;
	size_t size;

	if (file == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	size = fread(buffer, 1, sizeof(buffer), file);
	fclose(file);
	/* A copy of just that size, so that a sanitizer sees a byte read too far. */
	input = malloc(size == 0 ? 1 : size);
	if (input == NULL) {
		return 1;
	}
	memcpy(input, buffer, size);
	fprintf(stderr, "%s: %zu bytes\n", path, size);
	LLVMFuzzerTestOneInput(input, size);
	free(input);
	return 0;
}

/* Every file in a folder, of which there must be one. */
static int replay_folder(const char *folder)
{
	char pattern[PATH_BYTES];
	int failed = 0;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*", folder);
	if (glob(pattern, 0, NULL, &found) != 0) {
		fprintf(stderr, "%s: there is nothing\n", pattern);
		return 1;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		failed |= replay(found.gl_pathv[i]);
	}
	globfree(&found);
	return failed;
}

static int replay_corpus(const char *program)
{
	const char *srcdir = getenv("srcdir");
	const char *slash = strrchr(program, '/');
	const char *name = strstr(slash == NULL ? program : slash, "fuzz_");
	char folder[PATH_BYTES - 2];

	snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s",
	    srcdir == NULL ? "." : srcdir, name == NULL ? "" : name + strlen("fuzz_"));
	return replay_folder(folder);
}

static bool is_folder(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc < 2) {
		return replay_corpus(argv[0]);
	}
	for (int i = 1; i < argc; i++) {
		failed |= is_folder(argv[i]) ? replay_folder(argv[i]) : replay(argv[i]);
	}
	return failed;
}

/* SPDX-License-Identifier: MIT */
/* Config texts in, what was said about them out. */
#ifndef TINCAN_TESTS_CONFIGS_H
#define TINCAN_TESTS_CONFIGS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "unit.h"

/* What problems_print writes, owned by the caller. */
static inline char *configs_print(const struct problems *problems)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	problems_print(problems, out);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

/* Parses a text that has no problem. */
static inline struct config *configs_parse(const char *file, const char *text)
{
	struct problems problems;
	struct config *config;
	char *printed;

	problems_init(&problems);
	config = config_parse(file, text, strlen(text), &problems);
	printed = configs_print(&problems);
	ck_assert_str_eq(printed, "");
	free(printed);
	problems_release(&problems);
	return config;
}

/* Parses a text, named "f", that has exactly these problems. */
static inline void configs_refuse(const char *text, const char *expected)
{
	struct problems problems;
	char *printed;

	problems_init(&problems);
	config_free(config_parse("f", text, strlen(text), &problems));
	printed = configs_print(&problems);
	ck_assert_str_eq(printed, expected);
	free(printed);
	problems_release(&problems);
}

#endif

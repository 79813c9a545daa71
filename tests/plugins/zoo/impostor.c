/* SPDX-License-Identifier: MIT */
/* Bad: has functions that are named as those of the server's libraries, and of libc. */
#include <stdlib.h>
#include <tincan/handler.h>

#define SHOWN __attribute__((visibility("default")))

SHOWN void *SSL_new(void *context);
SHOWN void *json_loadb(const char *text, size_t size, size_t flags, void *error);
SHOWN int log_say(int level, const char *format, ...);

void *SSL_new(void *context)
{
	(void)context;
	abort();
}

void *json_loadb(const char *text, size_t size, size_t flags, void *error)
{
	(void)text;
	(void)size;
	(void)flags;
	(void)error;
	abort();
}

int log_say(int level, const char *format, ...)
{
	(void)level;
	(void)format;
	abort();
}

static int answer(tc_req *r)
{
	return tc.text(r, 200, "here\n");
}

TINCAN_HANDLER("impostor", .on_request = answer);

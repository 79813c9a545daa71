/* SPDX-License-Identifier: MIT */
/* Bad: changes what its whole process has in common: folder, mask, locale. */
#include <locale.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <tincan/handler.h>
#include <unistd.h>

static int open_it(tc_conf *cf, void **state)
{
	(void)cf;
	(void)state;
	umask(0);
	clearenv();
	setlocale(LC_ALL, "C.UTF-8");
	return chdir("/") == 0 ? TC_OK : TC_FAIL;
}

static int answer(tc_req *r)
{
	return tc.text(r, 200, "here\n");
}

TINCAN_HANDLER("mover", .on_open = open_it, .on_request = answer);

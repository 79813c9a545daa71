/* SPDX-License-Identifier: MIT */
/* Nobody is there to be asked for a passphrase. */
#include "tls/passphrase.h"

int tls_no_passphrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

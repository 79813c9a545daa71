/* SPDX-License-Identifier: MIT */
/* Passphrases of private keys. */
#include "tls/passphrase.h"

#include <string.h>

#include "os/file.h"

int tls_passphrase_give(char *out, int size, int writing, void *arg)
{
	struct tls_passphrase *passphrase = arg;
	size_t length = passphrase->text == NULL ? 0 : strlen(passphrase->text);

	(void)writing;
	passphrase->asked = true;
	if (passphrase->text == NULL || length > (size_t)size) {
		return -1;
	}
	memcpy(out, passphrase->text, length);
	return (int)length;
}

int tls_no_passphrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

int tls_passphrase_read(int fd, char out[TLS_PASSPHRASE_BYTES])
{
	size_t size;
	size_t length = 0;
	int rc = file_read(fd, out, TLS_PASSPHRASE_BYTES, &size);

	if (rc != 0) {
		return rc;
	}
	while (length < size && out[length] != '\n' && out[length] != '\0') {
		length++;
	}
	if (length == TLS_PASSPHRASE_BYTES) {
		return ERR_LIMIT;
	}
	if (length > 0 && out[length - 1] == '\r') {
		length--;
	}
	out[length] = '\0';
	return length == 0 ? ERR_MISSING : 0;
}

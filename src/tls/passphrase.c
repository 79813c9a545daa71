/* SPDX-License-Identifier: MIT */
/* Passphrases of private keys. */
#include "tls/passphrase.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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

static int read_all(int fd, char out[TLS_PASSPHRASE_BYTES], size_t *size)
{
	ssize_t got = 1;

	*size = 0;
	if (lseek(fd, 0, SEEK_SET) != 0) {
		return ERR_SYSTEM;
	}
	while (got > 0 && *size < TLS_PASSPHRASE_BYTES) {
		do {
			got = read(fd, out + *size, TLS_PASSPHRASE_BYTES - *size);
		} while (got < 0 && errno == EINTR);
		*size += got > 0 ? (size_t)got : 0;
	}
	return got < 0 ? ERR_SYSTEM : 0;
}

int tls_passphrase_read(int fd, char out[TLS_PASSPHRASE_BYTES])
{
	size_t size;
	size_t length = 0;
	int rc = read_all(fd, out, &size);

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

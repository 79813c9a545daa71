/* SPDX-License-Identifier: MIT */
/* Where a control socket is. */
#include "control/address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

static int set_socket(struct control_address *address, const char *path)
{
	struct sockaddr_un *to = &address->socket;
	int size;

	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(to->sun_path)) {
		size = snprintf(to->sun_path, sizeof(to->sun_path), "%s", path);
	} else {
		size = snprintf(to->sun_path, sizeof(to->sun_path), "/proc/self/fd/%d/%s",
		    address->folder, address->name);
	}
	if (address->name[0] == '\0' || size >= (int)sizeof(to->sun_path)) {
		errno = address->name[0] == '\0' ? EISDIR : ENAMETOOLONG;
		return ERR_SYSTEM;
	}
	return 0;
}

int control_address_open(struct control_address *address, const char *path, bool make)
{
	const char *slash = strrchr(path, '/');
	char *folder = memory_folder(path);
	int rc = ERR_SYSTEM;

	address->name = slash == NULL ? path : slash + 1;
	address->folder = -1;
	if (!make || mkdir(folder, 0700) == 0 || errno == EEXIST) {
		address->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	free(folder);
	if (address->folder >= 0) {
		rc = set_socket(address, path);
	}
	if (rc != 0) {
		control_address_close(address);
	}
	return rc;
}

void control_address_close(struct control_address *address)
{
	int error = errno;

	if (address->folder >= 0) {
		close(address->folder);
		address->folder = -1;
	}
	errno = error;
}

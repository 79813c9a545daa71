/* SPDX-License-Identifier: MIT */
/*
 * Where a control socket is, for both of its ends. A path may be longer than the 107
 * bytes of a socket address: then the kernel is shown the way through the folder, held
 * open.
 */
#ifndef TINCAN_CONTROL_ADDRESS_H
#define TINCAN_CONTROL_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/error.h"

struct control_address {
	int folder;		/* owned; -1: not open */
	const char *name;	/* in the folder; borrowed from the path */
	struct sockaddr_un socket;
};

/* Opens the folder of path; with make, makes it first if it is missing. ERR_SYSTEM with
 * errno. */
int control_address_open(struct control_address *address, const char *path, bool make)
    MUST_USE;

/* Keeps errno. */
void control_address_close(struct control_address *address);

#endif

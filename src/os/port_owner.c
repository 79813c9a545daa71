/* SPDX-License-Identifier: MIT */
/*
 * Which process listens on a port: the kernel's tables name the socket's inode, and the
 * process that holds it has a descriptor that links there. Another user's processes can
 * only be seen by root; then the answer is "not to be known".
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/socket.h"

#define STATE_LISTEN 0x0a	/* of /proc/net/tcp */

static uint64_t listening_inode(const char *table, uint16_t port)
{
	char line[512];
	uint64_t found = 0;
	FILE *in = fopen(table, "re");

	while (in != NULL && found == 0 && fgets(line, sizeof(line), in) != NULL) {
		unsigned local;
		unsigned state;
		uint64_t inode;

		if (sscanf(line,
			"%*d: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*s %*s %" SCNu64,
			&local, &state, &inode) == 3 &&
		    local == port && state == STATE_LISTEN) {
			found = inode;
		}
	}
	if (in != NULL) {
		fclose(in);
	}
	return found;
}

static bool holds_socket(int pid, const char *link)
{
	char path[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
		char target[64];
		ssize_t size = readlinkat(dirfd(dir), entry->d_name, target,
		    sizeof(target) - 1);

		if (size > 0) {
			target[size] = '\0';
			found = strcmp(target, link) == 0;
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return found;
}

void socket_process_name(int pid, char *name, size_t size)
{
	char path[64];
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	in = fopen(path, "re");
	if (in == NULL || fgets(name, (int)size, in) == NULL) {
		name[0] = '\0';
	}
	name[strcspn(name, "\n")] = '\0';
	if (in != NULL) {
		fclose(in);
	}
}

/* 0 if that cannot be known. */
static int parent_of(int pid)
{
	char path[64];
	char line[512] = "";
	char *rest;
	int parent = 0;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	in = fopen(path, "re");
	if (in != NULL) {
		(void)!fgets(line, sizeof(line), in);
		fclose(in);
	}
	/* Its name, in parentheses, may hold anything. */
	rest = strrchr(line, ')');
	return rest != NULL && sscanf(rest, ") %*c %d", &parent) == 1 ? parent : 0;
}

/* Of a server whose processes all hold the socket: the one that started the others. */
static int first_holder(int pid, const char *link)
{
	int parent = parent_of(pid);

	while (parent > 0 && holds_socket(parent, link)) {
		pid = parent;
		parent = parent_of(pid);
	}
	return pid;
}

int socket_port_owner(uint16_t port, char *name, size_t name_size)
{
	char link[64];
	struct dirent *entry;
	int owner = 0;
	DIR *proc;
	uint64_t inode = listening_inode("/proc/net/tcp", port);

	name[0] = '\0';
	if (inode == 0) {
		inode = listening_inode("/proc/net/tcp6", port);
	}
	if (inode == 0) {
		return 0;
	}
	snprintf(link, sizeof(link), "socket:[%" PRIu64 "]", inode);
	proc = opendir("/proc");
	while (proc != NULL && owner == 0 && (entry = readdir(proc)) != NULL) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid > 0 && holds_socket((int)pid, link)) {
			owner = first_holder((int)pid, link);
			socket_process_name(owner, name, name_size);
		}
	}
	if (proc != NULL) {
		closedir(proc);
	}
	return owner;
}

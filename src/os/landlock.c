/* SPDX-License-Identifier: MIT */
/* A process that gives up rights to files and ports. */
#define _GNU_SOURCE 1
#include "os/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The system's header may be older than its kernel: numbers of later versions. */
#define FS_TRUNCATE (1ULL << 14)	/* 3 */
#define FS_IOCTL_DEV (1ULL << 15)	/* 5 */
#define NET_BIND (1ULL << 0)		/* 4 */
#define NET_CONNECT (1ULL << 1)
#define SCOPE_SIGNAL (1ULL << 1)	/* 6 */

#define MAKE_DEVICES (LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK)
#define READ_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE)
#define READ (READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	FS_TRUNCATE | FS_IOCTL_DEV)
#define WRITE (WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | \
	LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
	LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
	LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)
#define ALL (READ | WRITE | MAKE_DEVICES)

/* The kernel's struct, as of version 6; an older kernel takes zeroes behind its own. */
struct ruleset {
	uint64_t files;
	uint64_t ports;
	uint64_t scopes;
};

int landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return version < 0 ? 0 : (int)version;
}

static uint64_t known_files(int version)
{
	uint64_t unknown = (version < 2 ? LANDLOCK_ACCESS_FS_REFER : 0) |
	    (version < 3 ? FS_TRUNCATE : 0) | (version < 5 ? FS_IOCTL_DEV : 0);

	return ALL & ~unknown;
}

static int add_rule(struct landlock ruleset, int fd, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .parent_fd = fd,
		.allowed_access = rights & known_files(ruleset.version) };

	return syscall(SYS_landlock_add_rule, ruleset.fd, LANDLOCK_RULE_PATH_BENEATH,
	    &rule, 0) == 0 ? 0 : ERR_SYSTEM;
}

static int open_path(const char *path)
{
	return open(path, O_PATH | O_CLOEXEC);
}

/* No ruleset lets a file move to another folder unless that is granted. */
static void grant_moves(struct landlock ruleset)
{
	int root = open_path("/");

	if (root >= 0) {
		(void)!add_rule(ruleset, root, LANDLOCK_ACCESS_FS_REFER);
		close(root);
	}
}

struct landlock landlock_begin(unsigned rights)
{
	int version = landlock_version();
	uint64_t wanted = rights & LANDLOCK_FILES ? ALL :
	    rights & LANDLOCK_DEVICES ? MAKE_DEVICES | LANDLOCK_ACCESS_FS_REFER : 0;
	struct ruleset attributes = { .files = wanted & known_files(version),
		.ports = rights & LANDLOCK_PORTS && version >= 4 ?
		    NET_BIND | NET_CONNECT : 0,
		.scopes = version >= 6 ? SCOPE_SIGNAL : 0 };
	struct landlock ruleset = { .fd = -1, .version = version };

	if (version > 0) {
		ruleset.fd = (int)syscall(SYS_landlock_create_ruleset, &attributes,
		    sizeof(attributes), 0);
	}
	if (ruleset.fd >= 0 && (rights & LANDLOCK_FILES) == 0 && version >= 2) {
		grant_moves(ruleset);
	}
	return ruleset;
}

int landlock_grant_fd(struct landlock ruleset, int fd, enum landlock_grant grant)
{
	struct stat status;

	if (fstat(fd, &status) != 0) {
		return ERR_SYSTEM;
	}
	if (S_ISDIR(status.st_mode)) {
		return add_rule(ruleset, fd, grant == LANDLOCK_READ ? READ : WRITE);
	}
	return add_rule(ruleset, fd, grant == LANDLOCK_READ ? READ_FILE : WRITE_FILE);
}

int landlock_grant(struct landlock ruleset, const char *path, enum landlock_grant grant)
{
	int fd = open_path(path);
	int rc;

	if (fd < 0) {
		return ERR_SYSTEM;
	}
	rc = landlock_grant_fd(ruleset, fd, grant);
	close(fd);
	return rc;
}

int landlock_enter(struct landlock ruleset)
{
	long rc = -1;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
		rc = syscall(SYS_landlock_restrict_self, ruleset.fd, 0);
	}
	close(ruleset.fd);
	return rc == 0 ? 0 : ERR_SYSTEM;
}

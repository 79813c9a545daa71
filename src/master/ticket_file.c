/* SPDX-License-Identifier: MIT */
/* The file that "tls.tickets" names. */
#include "master/ticket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/secret.h"

#define FILE_MAX 16384

struct ticket_secrets *ticket_secrets_new(void)
{
	return secret_new(sizeof(struct ticket_secrets), false);
}

void ticket_secrets_free(struct ticket_secrets *secrets)
{
	secret_free(secrets, sizeof(*secrets));
}

static int refuse(const struct config_tickets *config, struct problems *problems,
    const char *why)
{
	problems_add(problems, config->where, NULL, "cannot use '%s': %s", config->file,
	    why);
	return ERR_INVALID;
}

/* Who has it resumes, and reads, the sessions of others. */
static int judge(const struct config_tickets *config, int fd, struct problems *problems)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		return refuse(config, problems, "it is no file");
	}
	if ((st.st_mode & S_IRWXO) != 0) {
		problems_add(problems, config->where, "chmod o-rwx",
		    "cannot use '%s': it is open to everybody (mode %03o)", config->file,
		    (unsigned)(st.st_mode & 0777));
		return ERR_INVALID;
	}
	return 0;
}

static int read_all(const struct config_tickets *config, int fd, char *out, size_t *size,
    struct problems *problems)
{
	if (file_read(fd, out, FILE_MAX, size) != 0) {
		return refuse(config, problems, strerror(errno));
	}
	return *size < FILE_MAX ? 0 : refuse(config, problems, "it is too large");
}

static int take(const struct config_tickets *config, struct ticket_secrets *secrets,
    struct slice text, int64_t now_s, struct problems *problems)
{
	int rc;

	if (config->source == CONFIG_TICKETS_FILE) {
		return ticket_keys_parse(&secrets->keys, config->file, text, now_s,
		    problems);
	}
	rc = ticket_seed(secrets->seed, config->file, text, problems);
	secrets->seeded = secrets->seeded || rc == 0;
	return rc;
}

int ticket_file_read(const struct config_tickets *config, struct ticket_secrets *secrets,
    int64_t now_s, struct problems *problems)
{
	char *text;
	size_t size;
	int fd;
	int rc;

	if (config->file == NULL) {
		return 0;
	}
	fd = open(config->file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		return refuse(config, problems, strerror(errno));
	}
	text = secret_new(FILE_MAX, false);
	rc = judge(config, fd, problems);
	rc = rc != 0 ? rc : read_all(config, fd, text, &size, problems);
	rc = rc != 0 ? rc :
	    take(config, secrets, (struct slice){ text, size }, now_s, problems);
	secret_free(text, FILE_MAX);
	close(fd);
	return rc;
}

void ticket_file_check(const struct config *config, struct problems *problems)
{
	struct ticket_secrets *secrets = ticket_secrets_new();

	(void)!ticket_file_read(&config->tickets, secrets, 0, problems);
	ticket_secrets_free(secrets);
}

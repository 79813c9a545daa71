/* SPDX-License-Identifier: MIT */
/* The file that "tls.tickets" names, of keys or with the secret of a cluster. */
#ifndef TINCAN_MASTER_TICKET_FILE_H
#define TINCAN_MASTER_TICKET_FILE_H

#include "config/config.h"
#include "tls/ticket_keys.h"

/* What nobody but the master may see; zeroed when new. */
struct ticket_secrets {
	struct ticket_keys keys;
	bool seeded;
	unsigned char seed[TICKET_SEED_BYTES];	/* what keys are derived from */
};

/* In memory that no child has. Aborts if the kernel gives none. */
struct ticket_secrets *ticket_secrets_new(void);
void ticket_secrets_free(struct ticket_secrets *secrets);	/* NULL is accepted */

/*
 * Reads the file into keys or seed, if there is one. ERR_INVALID, with problems: nothing
 * has changed.
 */
int ticket_file_read(const struct config_tickets *config, struct ticket_secrets *secrets,
    int64_t now_s, struct problems *problems) MUST_USE;

/* Could it be read? If not, problems say why. */
void ticket_file_check(const struct config *config, struct problems *problems);

#endif

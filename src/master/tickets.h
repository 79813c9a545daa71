/* SPDX-License-Identifier: MIT */
/*
 * The keys of session tickets while the server runs: made anew, read anew or derived anew
 * when it is time, and put where the workers find them (ipc/ticket_page.h). Lifetime:
 * boot.
 */
#ifndef TINCAN_MASTER_TICKETS_H
#define TINCAN_MASTER_TICKETS_H

#include "control/control.h"
#include "ipc/channel.h"
#include "master/master.h"

struct tickets;

struct tickets *tickets_new(struct master *master);
void tickets_free(struct tickets *tickets);	/* NULL is accepted */

/* For the workers. */
struct ticket_page *tickets_page(const struct master *master);

/* What is live has changed: from now on keys come from where it says. To be called before
 * it is handed out. A file that is bad is logged; the keys before go on. */
void tickets_serve(struct master *master);

/* Upgrade: the keys that this server has made go to the next one, which takes them before
 * tickets_serve. ERR_CLOSED. */
int tickets_hand_over(const struct master *master, int channel_fd) MUST_USE;
void tickets_take(struct master *master, const struct channel_message *message);

/* For status; a new reference. */
json_t *tickets_describe(const struct master *master);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The files that workers write to: the access log, the error log, the key log. The master
 * opens them, as workers may not be allowed to, and as they need no file system then.
 */
#ifndef TINCAN_MASTER_LOGS_H
#define TINCAN_MASTER_LOGS_H

#include "master/master.h"

void logs_init(struct master *master);

/* Opens them as the live configuration says, or once more, as after a rotation, and gives
 * them to the workers. One that cannot be opened is said so, and stays as it was. */
void logs_open(struct master *master);

/* Gives them to a worker that has just been started. */
void logs_send(struct child *child);

void logs_release(struct master *master);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The keeper: the one process that has the private keys. It signs for workers, reads key
 * files that the master has opened, and does nothing else: no file, no network, no
 * plugin.
 */
#ifndef TINCAN_KEEPER_KEEPER_H
#define TINCAN_KEEPER_KEEPER_H

/* Serves until the master is gone. Returns the exit status. */
int keeper_run(int channel_fd);

#endif

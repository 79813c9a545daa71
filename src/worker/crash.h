/* SPDX-License-Identifier: MIT */
/*
 * Whom to blame when code of a handler ends the worker from another thread than the loop.
 * What the loop runs it says before it runs it; there may be many threads, so each tells
 * when it dies.
 */
#ifndef TINCAN_WORKER_CRASH_H
#define TINCAN_WORKER_CRASH_H

#include "ipc/scoreboard.h"

/* From now on, for the rest of the process, writes into blames (borrowed) what a thread
 * of a crew was at when it crashed or called exit, and which system call was refused. */
void crash_watch(struct scoreboard_blames *blames);

#endif

/* SPDX-License-Identifier: MIT */
/* The other end of the control socket: one command and its answer, waiting for it. */
#ifndef TINCAN_CONTROL_CALL_H
#define TINCAN_CONTROL_CALL_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

#define CALL_SEND_MS 10000
#define CALL_ANSWER_MS 300000	/* a reload tries every plugin that has changed */

/*
 * Sends request (taken) to the server whose control socket is at path.
 *
 * @return 0, the answer in *reply, an object owned by the caller; ERR_MISSING if no
 *	server is there; ERR_CLOSED if it ended before it answered; ERR_SYSTEM or
 *	ERR_PROTOCOL otherwise. Why then says what is wrong.
 */
int control_call(const char *path, json_t *request, json_t **reply, char *why,
    size_t why_size) MUST_USE;

#endif

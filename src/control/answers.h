/* SPDX-License-Identifier: MIT */
/* Clients of the control socket that wait for a reload, and what they are told. */
#ifndef TINCAN_CONTROL_ANSWERS_H
#define TINCAN_CONTROL_ANSWERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "control/control.h"

struct waiters {
	struct control_client **items;	/* owned array; the clients are the control's */
	size_t count;
};

/* A client of NULL is accepted and is nobody. */
void waiters_add(struct waiters *waiters, struct control_client *client);
void waiters_move(struct waiters *to, struct waiters *from);
void waiters_release(struct waiters *waiters);

/* Problems as a JSON array, and the JSON of a refusal; owned by the caller. */
json_t *answer_list(const struct problems *problems);
json_t *answer_of_problems(const struct problems *problems);

/* Tells all, and forgets them. */
void answer_problems(struct waiters *waiters, const struct problems *problems);
void answer_generation(struct waiters *waiters, uint32_t number,
    const struct problems *warnings);

#endif

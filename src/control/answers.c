/* SPDX-License-Identifier: MIT */
/* Clients of the control socket that wait for a reload. */
#include "control/answers.h"

#include <stdlib.h>

#include "base/memory.h"

void waiters_add(struct waiters *waiters, struct control_client *client)
{
	if (client != NULL) {
		waiters->items = memory_grow(waiters->items, waiters->count + 1,
		    sizeof(struct control_client *));
		waiters->items[waiters->count++] = client;
	}
}

void waiters_move(struct waiters *to, struct waiters *from)
{
	for (size_t i = 0; i < from->count; i++) {
		waiters_add(to, from->items[i]);
	}
	from->count = 0;
}

static void reply_all(struct waiters *waiters, json_t *reply)
{
	for (size_t i = 0; i < waiters->count; i++) {
		control_reply(waiters->items[i], json_incref(reply));
	}
	waiters->count = 0;
	json_decref(reply);
}

void waiters_release(struct waiters *waiters)
{
	if (waiters->count > 0) {
		reply_all(waiters, json_pack("{s:b, s:s}", "ok", 0, "error",
		    "the server has stopped"));
	}
	free(waiters->items);
	*waiters = (struct waiters){ 0 };
}

json_t *answer_list(const struct problems *problems)
{
	json_t *list = json_array();

	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->items[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s?}",
		    "level", problem->level == PROBLEM_ERROR ? "error" : "warning",
		    "where", problem->where, "what", problem->what, "hint",
		    problem->hint));
	}
	return list;
}

json_t *answer_of_problems(const struct problems *problems)
{
	return json_pack("{s:b, s:o}", "ok", 0, "problems", answer_list(problems));
}

void answer_problems(struct waiters *waiters, const struct problems *problems)
{
	if (waiters->count > 0) {
		reply_all(waiters, answer_of_problems(problems));
	}
}

void answer_generation(struct waiters *waiters, uint32_t number,
    const struct problems *warnings)
{
	if (waiters->count > 0) {
		reply_all(waiters, json_pack("{s:b, s:I, s:o}", "ok", 1,
		    "generation", (json_int_t)number, "problems",
		    answer_list(warnings)));
	}
}

/* SPDX-License-Identifier: MIT */
/* For handlers that say by hand what TINCAN_HANDLER says right. */
#ifndef TINCAN_TESTS_BY_HAND_H
#define TINCAN_TESTS_BY_HAND_H

#include <tincan/handler.h>

#define BY_HAND_NOTE(abi_, need_, name_)				\
	TC_NOTE static const tc_note note = { 7,			\
	    sizeof(tc_note) - offsetof(tc_note, abi), 1, "TINCAN",	\
	    abi_, need_, 2, 2, name_ }

/* A descriptor with a member that level 1 does not have yet. */
struct future_handler {
	tc_handler now;
	int (*on_nothing)(tc_req *r);
	int (*on_something)(tc_req *r);
};

#endif

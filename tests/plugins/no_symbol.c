/* SPDX-License-Identifier: MIT */
/* Bad: has the note, but does not export its handler. */
#include <tincan/handler.h>

TC_NOTE static const tc_note note = { 7, sizeof(tc_note) - offsetof(tc_note, abi), 1, "TINCAN",
	1, 1, 1, 1, "no_symbol" };

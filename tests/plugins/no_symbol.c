/* SPDX-License-Identifier: MIT */
/* Bad: has the note, but does not export its handler. */
#include "by_hand.h"

BY_HAND_NOTE(1, 1, "no_symbol");

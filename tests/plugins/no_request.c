/* SPDX-License-Identifier: MIT */
/* Bad: answers nothing. */
#include <tincan/handler.h>

TINCAN_HANDLER("no_request", .about = "nothing");

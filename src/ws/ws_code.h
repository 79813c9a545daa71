/* SPDX-License-Identifier: MIT */
/* Why a WebSocket ends: the codes of RFC 6455 section 7.4 and of IANA's registry. */
#ifndef TINCAN_WS_WS_CODE_H
#define TINCAN_WS_WS_CODE_H

#include <stdbool.h>
#include <stdint.h>

enum ws_code {
	WS_CODE_GOING_AWAY = 1001,
	WS_CODE_PROTOCOL = 1002,	/* the peer broke a rule */
	WS_CODE_NONE = 1005,		/* never sent: the peer's close frame had none */
	WS_CODE_DATA = 1007,		/* text that is not UTF-8, or a broken deflate */
	WS_CODE_TOO_BIG = 1009,
	WS_CODE_INTERNAL = 1011
};

/* May a close frame hold that code? Registered ones but those that stand for something
 * else, and 3000 to 4999. */
static inline bool ws_code_may_be_sent(int code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
	    (code >= 3000 && code <= 4999);
}

#endif

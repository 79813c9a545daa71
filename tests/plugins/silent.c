/* SPDX-License-Identifier: MIT */
/* Connects, and does nothing else. */
#include <tincan/handler.h>

static int on_connect(tc_conn *c, tc_req *upgrade)
{
	(void)c;
	(void)upgrade;
	return TC_OK;
}

TINCAN_HANDLER("silent", .on_connect = on_connect);

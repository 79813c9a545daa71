/* SPDX-License-Identifier: MIT */
/* HTTP dates (RFC 9110 section 5.6.7). */
#ifndef TINCAN_HTTP_DATE_H
#define TINCAN_HTTP_DATE_H

#include <stdint.h>

#define HTTP_DATE_BYTES 30	/* "Sun, 06 Nov 1994 08:49:37 GMT" and NUL */

/* The date of seconds since 1970, years 1970 to 9999. No locale, no locks. */
void http_date(int64_t seconds, char out[HTTP_DATE_BYTES]);

#endif

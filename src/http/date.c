/* SPDX-License-Identifier: MIT */
/* HTTP dates: IMF-fixdate, by arithmetic alone. */
#include "http/date.h"

#include <string.h>

#define DAY_SECONDS 86400
#define LAST_SECOND INT64_C(253402300799)	/* of the year 9999 */

struct day {
	int year;
	int month;	/* from 0 */
	int day;	/* from 1 */
};

/* Days since 1970 to a date. Years are counted from 1 March 0000, so that a leap day is
 * the last of its year and every 400 years are alike (H. Hinnant's civil_from_days). */
static struct day day_of(int64_t days)
{
	int since_march = (int)(days + 719468);
	int era = since_march / 146097;
	int of_era = since_march % 146097;
	int year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int of_year = of_era - (365 * year + year / 4 - year / 100);
	int march_month = (5 * of_year + 2) / 153;
	int month = (march_month + 2) % 12;

	return (struct day){ .year = era * 400 + year + (month < 2 ? 1 : 0),
		.month = month,
		.day = of_year - (153 * march_month + 2) / 5 + 1 };
}

static void put_two(char *out, int value)
{
	out[0] = (char)('0' + value / 10);
	out[1] = (char)('0' + value % 10);
}

void http_date(int64_t seconds, char out[HTTP_DATE_BYTES])
{
	static const char days[] = "ThuFriSatSunMonTueWed";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct day date;
	int64_t day;
	int time;

	if (seconds < 0) {
		seconds = 0;
	} else if (seconds > LAST_SECOND) {
		seconds = LAST_SECOND;
	}
	day = seconds / DAY_SECONDS;
	time = (int)(seconds % DAY_SECONDS);
	date = day_of(day);
	memcpy(out, "ddd, dd mmm yyyy hh:mm:ss GMT", HTTP_DATE_BYTES);
	memcpy(out, days + 3 * (day % 7), 3);
	put_two(out + 5, date.day);
	memcpy(out + 8, months + 3 * date.month, 3);
	put_two(out + 12, date.year / 100);
	put_two(out + 14, date.year % 100);
	put_two(out + 17, time / 3600);
	put_two(out + 20, time / 60 % 60);
	put_two(out + 23, time % 60);
}

/* SPDX-License-Identifier: MIT */
/*
 * HTTP dates (RFC 9110 section 5.6.7): written in one form, read in three. strftime and
 * strptime are no help here: they speak the language of the process's locale.
 *
 * Reading is strict by writing: a text is a date if what was read from it, written in the
 * same form, is that text again. So a wrong weekday, a 30 February and blanks in odd
 * places need no rule of their own.
 */
#define _GNU_SOURCE 1	/* timegm */
#include "files.h"

#include <string.h>

static const char *const days[] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"
};
static const char *const months[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};

void date_format(char text[DATE_BYTES], time_t time)
{
	struct tm tm = { .tm_mday = 1 };

	gmtime_r(&time, &tm);
	snprintf(text, DATE_BYTES, "%.3s, %02d %s %04d %02d:%02d:%02d GMT",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* "Sunday, 06-Nov-94 08:49:37 GMT", of RFC 850. */
static void format_rfc850(char text[DATE_BYTES], const struct tm *tm)
{
	snprintf(text, DATE_BYTES, "%s, %02d-%s-%02d %02d:%02d:%02d GMT",
	    days[tm->tm_wday], tm->tm_mday, months[tm->tm_mon], tm->tm_year % 100,
	    tm->tm_hour, tm->tm_min, tm->tm_sec);
}

/* "Sun Nov  6 08:49:37 1994", of asctime. */
static void format_asctime(char text[DATE_BYTES], const struct tm *tm)
{
	snprintf(text, DATE_BYTES, "%.3s %s %2d %02d:%02d:%02d %04d", days[tm->tm_wday],
	    months[tm->tm_mon], tm->tm_mday, tm->tm_hour, tm->tm_min, tm->tm_sec,
	    tm->tm_year + 1900);
}

static int month_of(const char *name)
{
	int month = 0;

	while (month < 12 && strcmp(name, months[month]) != 0) {
		month++;
	}
	return month;
}

/* A year of two digits is in the last 50 years or the next 50 (section 5.6.7). */
static int whole_year(int year)
{
	time_t now = time(NULL);
	struct tm tm = { 0 };
	int this_year;

	gmtime_r(&now, &tm);
	this_year = tm.tm_year + 1900;
	year += this_year - this_year % 100;
	return year > this_year + 50 ? year - 100 : year;
}

/* Normalises tm, weekday included, and says what its time is. */
static time_t time_of(struct tm *tm, int year, const char *month)
{
	tm->tm_year = year - 1900;
	tm->tm_mon = month_of(month);
	return timegm(tm);
}

bool date_parse(const char *text, time_t *time)
{
	struct tm tm = { 0 };
	char month[4] = "";
	char again[DATE_BYTES] = "";
	int year = 0;

	if (sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d", &tm.tm_mday, month, &year,
	    &tm.tm_hour, &tm.tm_min, &tm.tm_sec) == 6) {
		*time = time_of(&tm, year, month);
		date_format(again, *time);
	} else if (sscanf(text, "%*[a-zA-Z], %2d-%3s-%2d %2d:%2d:%2d", &tm.tm_mday, month,
	    &year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) == 6) {
		*time = time_of(&tm, whole_year(year), month);
		format_rfc850(again, &tm);
	} else if (sscanf(text, "%*3s %3s %2d %2d:%2d:%2d %4d", month, &tm.tm_mday,
	    &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &year) == 6) {
		*time = time_of(&tm, year, month);
		format_asctime(again, &tm);
	}
	return strcmp(text, again) == 0 && *again != '\0';
}

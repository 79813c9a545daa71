/* SPDX-License-Identifier: MIT */
/* When certificates expire: warnings and figures. */
#include "master/expiry.h"

#include <time.h>

#define DAY_S (24 * 60 * 60)

static const int64_t steps[] = { 1, 3, 7, 14, 30 };	/* days */

static void format_time(int64_t time_s, char out[32])
{
	time_t time = (time_t)time_s;
	struct tm parts;

	gmtime_r(&time, &parts);
	(void)strftime(out, 32, "%Y-%m-%d %H:%M UTC", &parts);
}

/* The step that is reached, in days; 0: none. */
static int64_t step_of(const struct config_shown *shown, int64_t now_s)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int64_t step_s = steps[i] * DAY_S;

		if (shown->ends_s - now_s < step_s) {
			return step_s <= (shown->ends_s - shown->begins_s) / 3 ?
			    steps[i] : 0;
		}
	}
	return 0;
}

static void warn(const struct config_certificate *certificate, int64_t now_s,
    struct problems *problems)
{
	const struct config_shown *shown = &certificate->shown;
	int64_t step = step_of(shown, now_s);
	char when[32];

	format_time(shown->begins_s > now_s ? shown->begins_s : shown->ends_s, when);
	if (shown->ends_s <= now_s) {
		problems_warn(problems, certificate->where, NULL,
		    "the certificate '%s' has expired, on %s", certificate->chain, when);
	} else if (shown->begins_s > now_s) {
		problems_warn(problems, certificate->where, NULL,
		    "the certificate '%s' is not valid before %s", certificate->chain,
		    when);
	} else if (step > 0) {
		problems_warn(problems, certificate->where, NULL,
		    "the certificate '%s' expires in less than %d day%s, on %s",
		    certificate->chain, (int)step, step == 1 ? "" : "s", when);
	}
}

void expiry_warn(const struct config *config, int64_t now_s, struct problems *problems)
{
	for (size_t i = 0; i < config->certificate_count; i++) {
		if (config->certificates[i].shown.pem != NULL) {
			warn(&config->certificates[i], now_s, problems);
		}
	}
}

void expiry_show(const struct config *config, struct scoreboard *board)
{
	for (size_t i = 0; i < config->certificate_count; i++) {
		const struct config_certificate *certificate = &config->certificates[i];

		if (certificate->shown.pem != NULL) {
			scoreboard_certificate_show(board, certificate->shown.names,
			    certificate->chain, certificate->shown.ends_s);
		}
	}
	scoreboard_certificates_end(board);
}

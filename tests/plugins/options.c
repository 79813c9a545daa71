/* SPDX-License-Identifier: MIT */
/* Good: reads a setting of each kind in on_open and shows them. */
#include <stdlib.h>
#include <tincan/handler.h>

struct options {
	const char *text;
	int64_t number;
	int flag;
	int rules;
	const char *first_rule;
	const char *json;
	const char *file;
	tc_conf *stale;		/* a mistake that the server has to survive */
};

static int options_open(tc_conf *cf, void **state)
{
	struct options *options = calloc(1, sizeof *options);
	size_t size;

	*state = options;
	options->text = tc.conf_str(cf, "text", "none");
	options->number = tc.conf_int(cf, "limits.number", 7, 1, 100);
	options->flag = tc.conf_bool(cf, "flag", 0);
	options->rules = tc.conf_len(cf, "rules");
	options->first_rule = tc.conf_name(cf, "rules", 0);
	options->json = tc.conf_json(cf, "rules", &size);
	options->file = tc.conf_path(cf, "file", NULL);
	options->stale = cf;
	for (int i = 0; i < tc.conf_len(cf, "list"); i++) {
		char key[32];

		snprintf(key, sizeof key, "list.%d.rate", i);
		tc.conf_int(cf, key, 1, 0, INT64_MAX);
		snprintf(key, sizeof key, "list.%d.name", i);
		if (tc.conf_str(cf, key, "")[0] == '!') {
			return tc.conf_error(cf, key, "begins with '!'");
		}
	}
	return TC_OK;
}

static void options_close(void *state)
{
	free(state);
}

static int show(tc_req *r)
{
	const struct options *o = tc.state(r);

	return tc.text(r, 200, tc_printf(r, "%s %lld %d %d %s %s %s %s\n", o->text,
	    (long long)o->number, o->flag, o->rules, o->first_rule ? o->first_rule : "-",
	    o->json ? o->json : "-", o->file ? o->file : "-",
	    tc.conf_str(o->stale, "text", "gone")));
}

static int refuse(tc_conn *c, tc_req *upgrade)
{
	(void)c;
	(void)upgrade;
	return 501;
}

static int let_on(tc_req *r)
{
	(void)r;
	return TC_NEXT;
}

TINCAN_HANDLER("options", .on_open = options_open, .on_close = options_close,
    .on_request = show, .on_connect = refuse, .on_filter = let_on);

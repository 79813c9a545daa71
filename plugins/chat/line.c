/* SPDX-License-Identifier: MIT */
/* Something to tell people: made once, sent to many. chat.c has the two languages. */
#include "chat.h"

void line_note(struct line *line, const char *text)
{
	out_text(&line->json, "{\"note\":");
	out_json(&line->json, text);
	out_text(&line->json, "}");
	out_printf(&line->text, "(%s)\n", text);
}

void line_said(struct line *line, const char *name, const char *text, bool mine)
{
	out_text(&line->json, "{\"from\":");
	out_json(&line->json, name);
	out_text(&line->json, ",\"text\":");
	out_json(&line->json, text);
	out_text(&line->json, mine ? ",\"mine\":true}" : "}");
	out_printf(&line->text, "%s: %s\n", name, text);
}

void line_release(struct line *line)
{
	free(line->json.data);
	free(line->text.data);
	*line = (struct line){ { 0 }, { 0 } };
}

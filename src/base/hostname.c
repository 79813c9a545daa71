/* SPDX-License-Identifier: MIT */
/* Host names, and a table of them. */
#include "base/hostname.h"

#include <ctype.h>

#define LABEL_MAX 63		/* RFC 1035 section 2.3.4 */

static bool is_letter_or_digit(char c)
{
	return isascii((unsigned char)c) && isalnum((unsigned char)c);
}

/* What is wrong with a label, or NULL. */
static const char *label_fault(struct slice label)
{
	if (label.size == 0) {
		return "has an empty label";
	}
	if (label.size > LABEL_MAX) {
		return "has a label of more than 63 characters";
	}
	for (size_t i = 0; i < label.size; i++) {
		char c = label.data[i];

		if (!is_letter_or_digit(c) && c != '-' && c != '_') {
			return "is no host name";
		}
	}
	if (label.data[0] == '-' || label.data[label.size - 1] == '-') {
		return "has a label that begins or ends with '-'";
	}
	return NULL;
}

static const char *name_fault(struct slice name)
{
	const char *fault = NULL;
	bool last = false;

	if (name.size >= HOSTNAME_BYTES) {
		return "is longer than 253 characters";
	}
	while (fault == NULL && !last) {
		const char *dot = memchr(name.data, '.', name.size);
		struct slice label = { name.data,
			dot == NULL ? name.size : (size_t)(dot - name.data) };

		fault = label_fault(label);
		last = dot == NULL;
		slice_skip(&name, label.size + !last);
	}
	return fault;
}

int hostname_check(const char *text, const char **what)
{
	struct slice name = slice_of(text);

	if (name.size > 1 && name.data[name.size - 1] == '.') {
		name.size--;
	}
	if (name.size > 2 && strncmp(name.data, "*.", 2) == 0) {
		slice_skip(&name, 2);
	}
	*what = name.size == 0 ? "is no host name" : name_fault(name);
	return *what == NULL ? 0 : ERR_INVALID;
}

struct slice hostname_normal(struct slice name, char out[HOSTNAME_BYTES])
{
	if (name.size > 0 && name.data[name.size - 1] == '.') {
		name.size--;
	}
	if (name.size >= HOSTNAME_BYTES) {
		name.size = 0;
	}
	for (size_t i = 0; i < name.size; i++) {
		char c = name.data[i];

		out[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	out[name.size] = '\0';
	return (struct slice){ out, name.size };
}

struct slice hostname_of_authority(struct slice authority, char out[HOSTNAME_BYTES])
{
	size_t size = 0;

	/* The colons of an IPv6 address are in brackets; no name here begins so. */
	while (size < authority.size && authority.data[size] != ':') {
		size++;
	}
	return hostname_normal((struct slice){ authority.data, size }, out);
}

void hostnames_init(struct hostnames *names)
{
	table_init(&names->table);
}

void hostnames_release(struct hostnames *names)
{
	table_release(&names->table);
}

/* No host begins with a dot, so that wildcards are never found as hosts. */
static struct slice key_of(const char *name)
{
	return slice_of(name[0] == '*' ? name + 1 : name);
}

void hostnames_set(struct hostnames *names, const char *name, void *value)
{
	table_set(&names->table, key_of(name), value);
}

void *hostnames_get(const struct hostnames *names, const char *name)
{
	return table_get(&names->table, key_of(name));
}

void *hostnames_find(const struct hostnames *names, struct slice host)
{
	const char *dot;
	void *value;

	if (host.size == 0 || host.data[0] == '.') {
		return NULL;
	}
	value = table_get(&names->table, host);
	dot = value != NULL ? NULL : memchr(host.data, '.', host.size);
	if (dot != NULL) {
		slice_skip(&host, (size_t)(dot - host.data));
		value = table_get(&names->table, host);
	}
	return value;
}

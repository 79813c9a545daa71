/* SPDX-License-Identifier: MIT */
/* The groups of the key exchange. */
#include "tls/groups.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#define LIST_BYTES 256		/* of all names that there are */

struct group_list {
	char text[LIST_BYTES];	/* NAME:NAME:... */
	size_t size;
};

/* OpenSSL refuses a whole list for one name, so each is tried alone. */
static bool add(struct group_list *list, SSL_CTX *ssl, const char *name)
{
	if (SSL_CTX_set1_groups_list(ssl, name) != 1) {
		ERR_clear_error();
		return false;
	}
	list->size += (size_t)snprintf(list->text + list->size, LIST_BYTES - list->size,
	    "%s%s", list->size == 0 ? "" : ":", name);
	return true;
}

static void add_ours(struct group_list *list, SSL_CTX *ssl)
{
	static const char *const names[] = {
		"X25519MLKEM768", "X25519", "P-256", "P-384"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)add(list, ssl, names[i]);
	}
}

static void add_configured(struct group_list *list, SSL_CTX *ssl,
    const struct config *config, struct problems *problems)
{
	for (size_t i = 0; i < config->tls_group_count; i++) {
		const struct config_group *group = &config->tls_groups[i];

		if (!add(list, ssl, group->name)) {
			problems_add(problems, group->where, NULL,
			    "OpenSSL %s does not have the group '%s'",
			    OpenSSL_version(OPENSSL_VERSION_STRING), group->name);
		}
	}
}

bool tls_groups_set(SSL_CTX *ssl, const struct config *config, struct problems *problems)
{
	struct group_list list = { .size = 0 };

	if (config->tls_group_count == 0) {
		add_ours(&list, ssl);
	} else {
		add_configured(&list, ssl, config, problems);
	}
	return SSL_CTX_set1_groups_list(ssl, list.text) == 1;
}

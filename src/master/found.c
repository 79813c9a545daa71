/* SPDX-License-Identifier: MIT */
/* What the preflight has found, as it goes from one configuration to another. */
#include "master/found.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static bool take_shown(struct config_shown *now, struct config_shown *next)
{
	bool fresh = !text_same(now->pem, next->pem);
	struct config_shown before = *now;

	*now = *next;
	*next = before;
	return fresh;
}

static bool take_trust(struct config_client_auth *now, struct config_client_auth *next)
{
	bool fresh = !text_same(now->trust.cas, next->trust.cas) ||
	    !text_same(now->trust.lists, next->trust.lists);
	struct config_trust before = now->trust;

	now->broken = next->broken;
	now->trust = next->trust;
	next->trust = before;
	return fresh;
}

bool found_take(struct config *live, struct config *candidate)
{
	struct config_client_auth *now;
	struct config_client_auth *next;
	bool fresh = false;

	for (size_t i = 0; i < live->certificate_count; i++) {
		fresh = take_shown(&live->certificates[i].shown,
			    &candidate->certificates[i].shown) || fresh;
	}
	for (size_t i = 0; (now = config_clients_at(live, i)) != NULL &&
	    (next = config_clients_at(candidate, i)) != NULL; i++) {
		fresh = take_trust(now, next) || fresh;
	}
	return fresh;
}

void found_take_verdicts(struct config *live, const struct config *candidate)
{
	for (size_t i = 0; i < live->certificate_count; i++) {
		live->certificates[i].broken = candidate->certificates[i].broken;
	}
}

bool found_has_broken(const struct config *live, const struct config *candidate)
{
	for (size_t i = 0; i < live->certificate_count; i++) {
		if (candidate->certificates[i].broken && !live->certificates[i].broken) {
			return true;
		}
	}
	return false;
}

/* What is shown of the same files, or was until it was lost; or NULL. */
static const struct config_shown *find_shown(const struct config *config,
    const struct config_certificate *certificate)
{
	for (size_t i = 0; i < config->certificate_count; i++) {
		const struct config_certificate *other = &config->certificates[i];

		if ((other->shown.pem != NULL || other->shown.lost) &&
		    strcmp(other->chain, certificate->chain) == 0 &&
		    strcmp(other->key, certificate->key) == 0) {
			return &other->shown;
		}
	}
	return NULL;
}

static void inherit_shown(struct config_certificate *certificate,
    const struct config *live)
{
	const struct config_shown *shown = find_shown(live, certificate);

	if (shown != NULL) {
		config_shown_release(&certificate->shown);
		certificate->shown = *shown;
		certificate->shown.pem = memory_optional(shown->pem);
		certificate->shown.names = memory_optional(shown->names);
	}
}

/* What was found in the same files, or NULL. */
static const struct config_trust *find_trust(const struct config *config,
    const struct config_client_auth *clients)
{
	const struct config_client_auth *other;

	for (size_t i = 0; (other = config_clients_at(config, i)) != NULL; i++) {
		if (other->trust.cas != NULL && text_same(other->ca, clients->ca) &&
		    text_same(other->crl, clients->crl)) {
			return &other->trust;
		}
	}
	return NULL;
}

/* Lists are large, and many hosts may have the same: one has them for all. */
static void inherit_trust(struct config *config, struct config_client_auth *clients,
    const struct config *live)
{
	const struct config_trust *trust =
	    find_trust(config, clients) != NULL ? NULL : find_trust(live, clients);

	if (trust != NULL) {
		clients->trust.cas = memory_text(trust->cas);
		clients->trust.lists = memory_optional(trust->lists);
	}
}

void found_inherit(struct config *config, const struct config *live)
{
	struct config_client_auth *clients;

	for (size_t i = 0; i < config->certificate_count; i++) {
		struct config_certificate *certificate = &config->certificates[i];

		if (certificate->broken && !certificate->shown.lost) {
			inherit_shown(certificate, live);
		}
	}
	for (size_t i = 0; (clients = config_clients_at(config, i)) != NULL; i++) {
		if (clients->broken) {
			inherit_trust(config, clients, live);
		}
	}
}

void found_move(struct config *config, struct config *live)
{
	found_take_verdicts(config, live);
	(void)found_take(config, live);
}

/* SPDX-License-Identifier: MIT */
/* Which certificates are presented under which name. */
#include "tls/identities.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/hostname.h"
#include "base/memory.h"
#include "base/table.h"
#include "tls/certificate.h"

#define KINDS_MAX 5		/* RSA, RSA-PSS, ECDSA, Ed25519, Ed448 */
#define SESSION_ID_BYTES 32	/* SHA-256 */

struct tls_identity {
	struct tls_certificate *certificates[KINDS_MAX];	/* references */
	size_t count;
	/* Of its files: a session begun under one identity is not resumed under another,
	 * but may well be when the certificate has been renewed. */
	unsigned char session_id[SESSION_ID_BYTES];
};

/* What a virtual host chooses from. */
struct choice {
	struct tls_identity **items;	/* owned, each, too */
	size_t count;
	struct hostnames by_name;	/* those of the certificates */
	bool named;			/* certificates, whether or not one is good */
};

struct tls_identities {
	struct choice *choices;		/* one per virtual host */
	size_t count;
	struct choice *fallback;	/* of hosts that have no certificates */
	struct hostnames by_host;	/* from names of virtual hosts to choices */
	char **names;			/* owned, NULL-ended; the keys of by_host */
	struct table by_files;		/* certificates; a reference each */
};

struct build {
	struct tls_identities *identities;
	enum tls_keys keys;
	const struct tls_identities *before;
	const struct config *config;
	SSL *trial;			/* a connection to try them on */
	struct problems *problems;
};

static bool covers_names(const struct tls_certificate *certificate,
    const struct tls_certificate *other)
{
	char *const *name = tls_certificate_names(other);

	while (*name != NULL && tls_certificate_covers(certificate, *name)) {
		name++;
	}
	return *name == NULL;
}

static bool has_kind(const struct tls_identity *identity, int kind)
{
	for (size_t i = 0; i < identity->count; i++) {
		if (tls_certificate_kind(identity->certificates[i]) == kind) {
			return true;
		}
	}
	return false;
}

/* The identity that the certificate joins: one of its names, without its kind. */
static struct tls_identity *find_partner(const struct choice *choice,
    const struct tls_certificate *certificate)
{
	for (size_t i = 0; i < choice->count; i++) {
		struct tls_identity *identity = choice->items[i];

		if (identity->count < KINDS_MAX &&
		    covers_names(identity->certificates[0], certificate) &&
		    covers_names(certificate, identity->certificates[0]) &&
		    !has_kind(identity, tls_certificate_kind(certificate))) {
			return identity;
		}
	}
	return NULL;
}

static struct tls_identity *new_identity(struct choice *choice)
{
	choice->items = memory_grow(choice->items, choice->count + 1,
	    sizeof(*choice->items));
	choice->items[choice->count] = memory_new(1, sizeof(struct tls_identity));
	return choice->items[choice->count++];
}

/* False: nobody will ever be shown it, as others stand before it for all of its names. */
static bool take(struct choice *choice, struct tls_certificate *certificate)
{
	struct tls_identity *identity = find_partner(choice, certificate);
	char *const *names = tls_certificate_names(certificate);
	bool shown = identity != NULL || choice->count == 0;

	if (identity == NULL) {
		identity = new_identity(choice);
	}
	identity->certificates[identity->count++] = tls_certificate_ref(certificate);
	for (size_t i = 0; names[i] != NULL; i++) {
		if (hostnames_get(&choice->by_name, names[i]) == NULL) {
			hostnames_set(&choice->by_name, names[i], identity);
			shown = true;
		}
	}
	return shown;
}

/* The first of those with its names, or of all. */
static void tell_hidden(const struct build *build, const struct choice *choice,
    const struct config_certificate *config, const struct tls_certificate *certificate)
{
	const char *name = tls_certificate_names(certificate)[0];
	const struct tls_identity *other =
	    name == NULL ? NULL : hostnames_get(&choice->by_name, name);
	const char *files = tls_certificate_files((other == NULL ? choice->items[0] :
	    other)->certificates[0]);

	problems_warn(build->problems, config->where, NULL,
	    "the certificate '%s' is never used: '%.*s' stands before it for the same "
	    "names", config->chain, (int)strcspn(files, "\n"), files);
}

/* OpenSSL's policy says "ee key too small" and the like only when it is to use one. */
static bool is_fit(const struct build *build, const struct config_certificate *config,
    const struct tls_certificate *certificate, struct problems *problems)
{
	SSL_certs_clear(build->trial);
	if (tls_certificate_offer(certificate, build->trial)) {
		return true;
	}
	problems_add(problems, config->where, NULL,
	    "cannot use the certificate '%s': %s", config->chain, tls_last_reason());
	ERR_clear_error();
	return false;
}

/* What a tolerated certificate's problems are: nothing that stops anything. */
static void tell(const struct build *build, const struct config_certificate *config,
    struct problems *found)
{
	if (config->tolerated) {
		problems_tolerate(found);
	}
	problems_move(build->problems, found);
}

static struct tls_certificate *read_certificate(const struct build *build,
    const struct config_certificate *config)
{
	struct tls_certificate *certificate;
	struct problems found;

	problems_init(&found);
	certificate = tls_certificate_read(config, build->keys, &found);
	if (certificate != NULL && !is_fit(build, config, certificate, &found)) {
		tls_certificate_unref(certificate);
		certificate = NULL;
	}
	tell(build, config, &found);
	problems_release(&found);
	return certificate;
}

/* What is unchanged need not be parsed again. NULL: there is none. */
static struct tls_certificate *renew_certificate(const struct build *build,
    const struct config_certificate *config, struct tls_certificate *before)
{
	if (build->keys == TLS_KEYS_HERE) {
		return read_certificate(build, config);
	}
	if (config->shown.pem == NULL) {
		return NULL;
	}
	return before != NULL && tls_certificate_current(before, &config->shown) ?
	    tls_certificate_ref(before) : read_certificate(build, config);
}

static struct tls_certificate *find_certificate(const struct table *table,
    const struct config_certificate *config)
{
	char *files = memory_printf("%s\n%s", config->chain, config->key);
	struct tls_certificate *certificate = table_get(table, slice_of(files));

	free(files);
	return certificate;
}

bool tls_identities_show(const struct tls_identities *identities,
    const struct config_certificate *config, struct config_shown *shown)
{
	struct tls_certificate *certificate =
	    find_certificate(&identities->by_files, config);

	if (certificate != NULL) {
		tls_certificate_show(certificate, shown);
	}
	return certificate != NULL;
}

/* Many hosts may share one. Borrowed from the table; NULL. */
static struct tls_certificate *get_certificate(const struct build *build,
    const struct config_certificate *config)
{
	struct table *table = &build->identities->by_files;
	struct tls_certificate *certificate = find_certificate(table, config);

	if (certificate == NULL) {
		certificate = renew_certificate(build, config, build->before == NULL ?
		    NULL : find_certificate(&build->before->by_files, config));
		if (certificate != NULL) {
			table_set(table, slice_of(tls_certificate_files(certificate)),
			    certificate);
		}
	}
	return certificate;
}

static void take_certificates(const struct build *build)
{
	const struct config *config = build->config;

	for (size_t i = 0; i < config->certificate_count; i++) {
		struct choice *choice =
		    &build->identities->choices[config->certificates[i].vhost];
		struct tls_certificate *certificate = get_certificate(build,
		    &config->certificates[i]);

		choice->named = true;
		if (certificate != NULL && !take(choice, certificate)) {
			tell_hidden(build, choice, &config->certificates[i], certificate);
		}
	}
}

static bool sign(struct tls_identity *identity)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	bool good = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;

	for (size_t i = 0; good && i < identity->count; i++) {
		const char *files = tls_certificate_files(identity->certificates[i]);

		/* With its NUL, so that no two lists make one text. */
		good = EVP_DigestUpdate(digest, files, strlen(files) + 1) == 1;
	}
	good = good && EVP_DigestFinal_ex(digest, identity->session_id, NULL) == 1;
	EVP_MD_CTX_free(digest);
	return good;
}

static void sign_all(const struct build *build)
{
	for (size_t i = 0; i < build->identities->count; i++) {
		const struct choice *choice = &build->identities->choices[i];

		for (size_t k = 0; k < choice->count; k++) {
			if (!sign(choice->items[k])) {
				memory_exhausted();
			}
		}
	}
}

/* The server's own certificates; where it has none, those of the first host with any. */
static void set_fallback(struct tls_identities *identities)
{
	for (size_t i = 0; i < identities->count; i++) {
		if (identities->choices[i].named) {
			identities->fallback = &identities->choices[i];
			return;
		}
	}
	identities->fallback = &identities->choices[0];
}

static void set_names(const struct build *build)
{
	struct tls_identities *identities = build->identities;
	const struct config *config = build->config;
	size_t count = 0;

	identities->names = config_host_names(config);
	for (size_t i = 1; i < identities->count; i++) {
		struct choice *choice = &identities->choices[i];

		choice = choice->named ? choice : identities->fallback;
		for (char **name = config->vhosts[i].names; *name != NULL; name++) {
			hostnames_set(&identities->by_host, identities->names[count++],
			    choice);
		}
	}
}

static const struct tls_identity *choose(const struct choice *choice, struct slice host)
{
	const struct tls_identity *identity = hostnames_find(&choice->by_name, host);

	if (identity == NULL && choice->count > 0) {
		identity = choice->items[0];
	}
	return identity;
}

/* Clients would refuse it, which is better heard from us. */
static void check_name(const struct build *build, const struct config_vhost *vhost,
    const char *name)
{
	const struct choice *choice = hostnames_get(&build->identities->by_host, name);

	for (size_t i = 0; i < choice->count; i++) {
		if (tls_certificate_covers(choice->items[i]->certificates[0], name)) {
			return;
		}
	}
	if (choice->count > 0) {
		problems_warn(build->problems, vhost->where, NULL,
		    "no certificate is for its name '%s'", name);
	}
}

static void check_names(const struct build *build)
{
	const struct config *config = build->config;

	/* The one for development is known to be for nothing else. */
	for (size_t i = 1; !config->development_certificate && i < config->vhost_count;
	     i++) {
		for (char **name = config->vhosts[i].names; *name != NULL; name++) {
			check_name(build, &config->vhosts[i], *name);
		}
	}
}

struct tls_identities *tls_identities_new(const struct config *config,
    enum tls_keys keys, const struct tls_identities *before, SSL_CTX *policy,
    struct problems *problems)
{
	struct tls_identities *identities = memory_new(1, sizeof(*identities));
	struct build build = { .identities = identities, .keys = keys,
		.before = before, .config = config, .trial = SSL_new(policy),
		.problems = problems };

	if (build.trial == NULL) {
		memory_exhausted();
	}
	identities->count = config->vhost_count;
	identities->choices = memory_new(identities->count, sizeof(struct choice));
	for (size_t i = 0; i < identities->count; i++) {
		hostnames_init(&identities->choices[i].by_name);
	}
	hostnames_init(&identities->by_host);
	table_init(&identities->by_files);
	take_certificates(&build);
	sign_all(&build);
	set_fallback(identities);
	set_names(&build);
	check_names(&build);
	SSL_free(build.trial);
	return identities;
}

static void release_choice(struct choice *choice)
{
	for (size_t i = 0; i < choice->count; i++) {
		struct tls_identity *identity = choice->items[i];

		for (size_t k = 0; k < identity->count; k++) {
			tls_certificate_unref(identity->certificates[k]);
		}
		free(identity);
	}
	free(choice->items);
	hostnames_release(&choice->by_name);
}

void tls_identities_free(struct tls_identities *identities)
{
	const struct table_entry *entry;
	size_t place = 0;

	if (identities == NULL) {
		return;
	}
	for (size_t i = 0; i < identities->count; i++) {
		release_choice(&identities->choices[i]);
	}
	while ((entry = table_next(&identities->by_files, &place)) != NULL) {
		tls_certificate_unref(entry->value);
	}
	memory_free_texts(identities->names);
	free(identities->choices);
	hostnames_release(&identities->by_host);
	table_release(&identities->by_files);
	free(identities);
}

const struct tls_identity *tls_identities_find(const struct tls_identities *identities,
    struct slice host)
{
	const struct choice *choice = hostnames_find(&identities->by_host, host);

	return choose(choice == NULL ? identities->fallback : choice, host);
}

const struct tls_identity *tls_identities_only(const struct tls_identities *identities)
{
	for (size_t i = 0; i < identities->count; i++) {
		if (&identities->choices[i] != identities->fallback &&
		    identities->choices[i].named) {
			return NULL;
		}
	}
	return identities->fallback->count == 1 ? identities->fallback->items[0] : NULL;
}

const unsigned char *tls_identity_session_id(const struct tls_identity *identity)
{
	return identity->session_id;
}

bool tls_identity_same(const struct tls_identity *a, const struct tls_identity *b)
{
	if (a == NULL || b == NULL) {
		return a == b;
	}
	return a == b || tls_certificate_same(a->certificates[0], b->certificates[0]);
}

bool tls_identity_offer(const struct tls_identity *identity, SSL *ssl)
{
	bool good = SSL_set_session_id_context(ssl, identity->session_id,
			SESSION_ID_BYTES) == 1;

	SSL_certs_clear(ssl);
	for (size_t i = 0; good && i < identity->count; i++) {
		good = tls_certificate_offer(identity->certificates[i], ssl);
	}
	return good;
}

bool tls_identity_offer_all(const struct tls_identity *identity, SSL_CTX *ssl)
{
	bool good = SSL_CTX_set_session_id_context(ssl, identity->session_id,
			SESSION_ID_BYTES) == 1;

	for (size_t i = 0; good && i < identity->count; i++) {
		good = tls_certificate_offer_all(identity->certificates[i], ssl);
	}
	return good;
}

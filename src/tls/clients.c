/* SPDX-License-Identifier: MIT */
/* What is demanded of clients, by listener and host. */
#include "tls/clients.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "base/hostname.h"
#include "base/memory.h"

struct tls_clients {
	struct tls_client_auth server;
	struct tls_client_auth *listeners;	/* CONFIG_CLIENTS_INHERIT: the server's */
	size_t listener_count;
	struct tls_client_auth *hosts;	/* likewise; of vhosts */
	size_t host_count;
	struct hostnames by_name;	/* from names of vhosts with a demand to it */
	char **names;			/* owned, NULL-ended; the keys of by_name */
};

struct build {
	struct tls_clients *clients;
	enum tls_keys keys;
	const struct tls_clients *before;
	struct problems *problems;
};

/* The index-th: the server's, those of listeners, of hosts. NULL: there are no more. */
static struct tls_client_auth *auth_at(const struct tls_clients *clients, size_t index)
{
	if (index == 0) {
		return (struct tls_client_auth *)&clients->server;
	}
	index--;
	if (index < clients->listener_count) {
		return &clients->listeners[index];
	}
	index -= clients->listener_count;
	return index < clients->host_count ? &clients->hosts[index] : NULL;
}

/* What was read from these files already. */
static struct tls_trust *find_trust(const struct tls_clients *clients,
    const struct config_client_auth *config)
{
	const struct tls_client_auth *auth;

	for (size_t i = 0; clients != NULL && (auth = auth_at(clients, i)) != NULL; i++) {
		if (auth->trust != NULL && tls_trust_is_of(auth->trust, config)) {
			return auth->trust;
		}
	}
	return NULL;
}

static struct tls_trust *read_trust(const struct build *build,
    const struct config_client_auth *config)
{
	struct problems found;
	struct tls_trust *trust;

	problems_init(&found);
	trust = tls_trust_read(config, build->keys, &found);
	if (config->tolerated) {
		problems_tolerate(&found);
	}
	problems_move(build->problems, &found);
	problems_release(&found);
	return trust;
}

/* What is unchanged need not be parsed again. NULL: there is none. */
static struct tls_trust *renew_trust(const struct build *build,
    const struct config_client_auth *config)
{
	struct tls_trust *trust = find_trust(build->clients, config);
	struct tls_trust *before = find_trust(build->before, config);

	if (trust != NULL) {
		return tls_trust_ref(trust);
	}
	if (build->keys == TLS_KEYS_HERE) {
		return read_trust(build, config);
	}
	if (config->trust.cas == NULL) {
		return NULL;
	}
	return before != NULL && tls_trust_current(before, &config->trust) ?
	    tls_trust_ref(before) : read_trust(build, config);
}

static void take(const struct build *build, struct tls_client_auth *auth,
    const struct config_client_auth *config)
{
	auth->mode = config->mode;
	if (config->mode > CONFIG_CLIENTS_NONE && config->ca != NULL) {
		auth->trust = renew_trust(build, config);
		auth->broken = auth->trust == NULL;
	}
}

static bool is_demanding(const struct config *config)
{
	const struct config_client_auth *clients;

	for (size_t i = 0; (clients = config_clients_at(config, i)) != NULL; i++) {
		if (clients->mode != CONFIG_CLIENTS_NONE) {
			return true;
		}
	}
	return false;
}

static void set_names(struct tls_clients *clients, const struct config *config)
{
	size_t count = 0;

	clients->names = config_host_names(config);
	for (size_t i = 0; i < config->vhost_count; i++) {
		for (char **name = config->vhosts[i].names; *name != NULL; name++) {
			hostnames_set(&clients->by_name, clients->names[count++],
			    &clients->hosts[i]);
		}
	}
}

struct tls_clients *tls_clients_new(const struct config *config, enum tls_keys keys,
    const struct tls_clients *before, struct problems *problems)
{
	struct tls_clients *clients;
	struct build build = { .keys = keys, .before = before, .problems = problems };

	if (!is_demanding(config)) {
		return NULL;
	}
	clients = memory_new(1, sizeof(*clients));
	build.clients = clients;
	clients->listener_count = config->listener_count;
	clients->listeners = memory_new(config->listener_count,
	    sizeof(*clients->listeners));
	clients->host_count = config->vhost_count;
	clients->hosts = memory_new(config->vhost_count, sizeof(*clients->hosts));
	take(&build, &clients->server, &config->clients);
	for (size_t i = 0; i < config->listener_count; i++) {
		take(&build, &clients->listeners[i], &config->listeners[i].clients);
	}
	for (size_t i = 0; i < config->vhost_count; i++) {
		take(&build, &clients->hosts[i], &config->vhosts[i].clients);
	}
	hostnames_init(&clients->by_name);
	set_names(clients, config);
	return clients;
}

void tls_clients_free(struct tls_clients *clients)
{
	struct tls_client_auth *auth;

	if (clients == NULL) {
		return;
	}
	for (size_t i = 0; (auth = auth_at(clients, i)) != NULL; i++) {
		tls_trust_unref(auth->trust);
	}
	memory_free_texts(clients->names);
	hostnames_release(&clients->by_name);
	free(clients->listeners);
	free(clients->hosts);
	free(clients);
}

bool tls_clients_show(const struct tls_clients *clients,
    const struct config_client_auth *config, struct config_trust *shown)
{
	struct tls_trust *trust;

	*shown = (struct config_trust){ 0 };
	if (config->mode == CONFIG_CLIENTS_NONE || config->ca == NULL) {
		return true;
	}
	trust = find_trust(clients, config);
	if (trust != NULL) {
		tls_trust_show(trust, shown);
	}
	return trust != NULL;
}

const struct tls_client_auth *tls_clients_find(const struct tls_clients *clients,
    size_t listener, struct slice host)
{
	const struct tls_client_auth *auth = hostnames_find(&clients->by_name, host);

	if (auth != NULL && auth->mode != CONFIG_CLIENTS_INHERIT) {
		return auth;
	}
	if (listener < clients->listener_count &&
	    clients->listeners[listener].mode != CONFIG_CLIENTS_INHERIT) {
		return &clients->listeners[listener];
	}
	return &clients->server;
}

static bool bind_sessions(const struct tls_client_auth *auth, SSL *ssl,
    const unsigned char *identity)
{
	unsigned char id[EVP_MAX_MD_SIZE];
	unsigned char text[2 * TLS_TRUST_ID_BYTES + 1] = { 0 };

	memcpy(text, identity, TLS_TRUST_ID_BYTES);
	if (auth->trust != NULL) {
		memcpy(text + TLS_TRUST_ID_BYTES, tls_trust_id(auth->trust),
		    TLS_TRUST_ID_BYTES);
	}
	text[2 * TLS_TRUST_ID_BYTES] = (unsigned char)auth->mode;
	return EVP_Digest(text, sizeof(text), id, NULL, EVP_sha256(), NULL) == 1 &&
	    SSL_set_session_id_context(ssl, id, TLS_TRUST_ID_BYTES) == 1;
}

/* What is wrong becomes the connection's verify_result: what is found first, as the rest
 * may only follow from that. It is put back each time, as later findings, and what
 * tls_trust_judge lets pass, take its place. */
static int take_any(int good, X509_STORE_CTX *check)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(check,
	    SSL_get_ex_data_X509_STORE_CTX_idx());

	good = tls_trust_judge(good, check);
	if (SSL_get_verify_result(ssl) != X509_V_OK) {
		X509_STORE_CTX_set_error(check, (int)SSL_get_verify_result(ssl));
	} else if (good == 0) {
		SSL_set_verify_result(ssl, X509_STORE_CTX_get_error(check));
	}
	return 1;
}

bool tls_client_auth_offer(const struct tls_client_auth *auth, SSL *ssl,
    const unsigned char *identity)
{
	bool required = auth->mode == CONFIG_CLIENTS_REQUIRED;

	if (auth->mode == CONFIG_CLIENTS_NONE) {
		SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
		return true;
	}
	if (auth->broken || (auth->trust != NULL && !tls_trust_offer(auth->trust, ssl))) {
		return false;
	}
	SSL_set_verify(ssl, SSL_VERIFY_PEER |
	    (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
	    auth->mode == CONFIG_CLIENTS_ANY ? take_any : tls_trust_judge);
	return bind_sessions(auth, ssl, identity);
}

/* Is what they demand the same, but for what the files said at the time? */
static bool is_akin(const struct tls_client_auth *now, const struct tls_client_auth *then)
{
	if (now->mode == CONFIG_CLIENTS_NONE || then->mode == CONFIG_CLIENTS_NONE) {
		return now->mode == then->mode;
	}
	return now->trust == then->trust || (now->trust != NULL && then->trust != NULL &&
	    tls_trust_akin(now->trust, then->trust));
}

bool tls_client_auth_admits(const struct tls_client_auth *now,
    const struct tls_client_auth *then, SSL *ssl)
{
	bool shown = SSL_get0_peer_certificate(ssl) != NULL;
	bool good = shown && SSL_get_verify_result(ssl) == X509_V_OK;

	if (now->broken || !is_akin(now, then)) {
		return false;
	}
	if (good && now->trust != then->trust && !tls_trust_covers(now->trust, ssl)) {
		return false;
	}
	return good || now->mode == CONFIG_CLIENTS_ANY ||
	    (!shown && now->mode != CONFIG_CLIENTS_REQUIRED);
}

bool tls_client_auth_resumes(const struct tls_client_auth *auth,
    const SSL_SESSION *session)
{
	X509 *leaf = SSL_SESSION_get0_peer((SSL_SESSION *)session);

	if (leaf == NULL) {
		return true;
	}
	return X509_cmp_current_time(X509_get0_notAfter(leaf)) > 0 &&
	    (auth->trust == NULL || !tls_trust_is_over(auth->trust, time(NULL)));
}

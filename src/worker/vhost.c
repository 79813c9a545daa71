/* SPDX-License-Identifier: MIT */
/* Which virtual host a request is for. */
#include "worker/vhost.h"

/* The name that TLS was asked for, "" if for none. */
static struct slice asked_host(const struct exchange *exchange,
    char space[HOSTNAME_BYTES])
{
	const char *sni = exchange->ops->info(exchange, "tls.sni");

	return hostname_normal(slice_of(sni == NULL ? "" : sni), space);
}

/*
 * A client may send requests for all names of the certificate that it was shown on one
 * connection, and browsers do. For a name of another certificate nobody has been proved
 * to it. By what is served now, not by what was when the connection began: a renewed
 * certificate is no other. Who asked TLS for no name could not be shown the right one.
 */
static bool is_misdirected(const struct generation *generation, struct slice asked,
    struct slice host)
{
	return asked.size > 0 && !slice_equal(asked, host) &&
	    !tls_context_same(generation->tls, asked, host);
}

/* Its client was asked for a certificate as this host demands it, or for none. */
static bool is_admitted(const struct exchange *exchange, struct slice host)
{
	return exchange->ops->admits == NULL || exchange->ops->admits(exchange, host);
}

int vhost_choose(const struct generation *generation, struct exchange *exchange,
    size_t *vhost)
{
	const struct site *site = &generation->site;
	const struct site_name *name;
	char asked_space[HOSTNAME_BYTES];
	char space[HOSTNAME_BYTES];
	struct slice asked;
	struct slice host;

	*vhost = 0;
	if (site->name_count == 0) {
		return is_admitted(exchange, SLICE("")) ? 0 : ERR_INVALID;
	}
	asked = asked_host(exchange, asked_space);
	host = hostname_of_authority(exchange->request.authority, space);
	if (exchange->request.authority.size == 0) {
		/* HTTP/1.0 need not name a host. */
		host = asked;
	}
	if (is_misdirected(generation, asked, host) || !is_admitted(exchange, host)) {
		return ERR_INVALID;
	}
	name = site_find_name(site, host);
	if (name != NULL) {
		exchange->vhost = name->name;
		*vhost = name->vhost;
	}
	return 0;
}

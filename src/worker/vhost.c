/* SPDX-License-Identifier: MIT */
/* Which virtual host a request is for. */
#include "worker/vhost.h"

/* A request of HTTP/1.0 may name no host: then it is the one that TLS was asked for. */
static struct slice host_of(const struct exchange *exchange, char space[HOSTNAME_BYTES])
{
	const char *sni;

	if (exchange->request.authority.size > 0) {
		return hostname_of_authority(exchange->request.authority, space);
	}
	sni = exchange->ops->info(exchange, "tls.sni");
	return hostname_normal(slice_of(sni == NULL ? "" : sni), space);
}

const struct router *vhost_router(const struct generation *generation,
    struct exchange *exchange)
{
	const struct site *site = &generation->site;
	const struct site_name *name;
	char space[HOSTNAME_BYTES];

	if (site->name_count == 0) {
		return site->routers[0];
	}
	name = site_find_name(site, host_of(exchange, space));
	if (name == NULL) {
		return site->routers[0];
	}
	exchange->vhost = name->name;
	return site->routers[name->vhost];
}

/* SPDX-License-Identifier: MIT */
/*
 * What the keeper is compared with: the server as it is, but with the private keys in its
 * workers, as other servers have them. Linked with --wrap, so that nothing of it is in
 * the server that ships; for bench/handshakes.py only.
 */
#include "tls/context.h"
#include "tls/provider.h"

__typeof__(tls_context_new) __real_tls_context_new;
__typeof__(tls_context_new) __wrap_tls_context_new;
__typeof__(provider_load) __wrap_provider_load;

struct tls_context *__wrap_tls_context_new(const struct config *config,
    enum tls_keys keys, const struct ticket_page *tickets,
    const struct tls_context *before, struct problems *problems)
{
	(void)keys;
	return __real_tls_context_new(config, TLS_KEYS_HERE, tickets, before, problems);
}

/* No provider is looked through but OpenSSL's own. */
int __wrap_provider_load(provider_sign_fn *sign)
{
	(void)sign;
	return 0;
}

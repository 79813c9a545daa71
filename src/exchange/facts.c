/* SPDX-License-Identifier: MIT */
/* The facts of a connection. */
#include "exchange/facts.h"

#include <stddef.h>

const char *const exchange_facts[EXCHANGE_FACTS + 1] = { "client.address", "client.port",
	"server.port", "tls.version", "tls.cipher", "tls.group", "tls.alpn", "tls.sni",
	"tls.resumed",
	[EXCHANGE_FACTS_PLAIN] = EXCHANGE_FACT_VERIFY, "client.certificate.subject",
	"client.certificate.issuer", "client.certificate.serial",
	"client.certificate.san", "client.certificate.fingerprint",
	"client.certificate.not_before", "client.certificate.not_after", NULL };

/* SPDX-License-Identifier: MIT */
/* The facts of a connection that a handler may ask for, wherever it runs. */
#ifndef TINCAN_EXCHANGE_FACTS_H
#define TINCAN_EXCHANGE_FACTS_H

/* Their names, as in handler.h, for exchange_ops.info; NULL-ended. Those from
 * EXCHANGE_FACTS_PLAIN on are of the client's certificate: of one that was not asked for
 * a certificate there is none of them, the first one included. */
extern const char *const exchange_facts[];
#define EXCHANGE_FACTS 17
#define EXCHANGE_FACTS_PLAIN 9

/* That first one, and what it says of a client that is who its certificate says. */
#define EXCHANGE_FACT_VERIFY "client.certificate.verify"
#define EXCHANGE_VERIFIED "ok"

#endif

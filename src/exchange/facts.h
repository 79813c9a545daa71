/* SPDX-License-Identifier: MIT */
/* The facts of a connection that a handler may ask for, wherever it runs. */
#ifndef TINCAN_EXCHANGE_FACTS_H
#define TINCAN_EXCHANGE_FACTS_H

/* Their names, as in handler.h, for exchange_ops.info; NULL-ended. */
extern const char *const exchange_facts[];
#define EXCHANGE_FACTS 9

#endif

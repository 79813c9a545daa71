/* SPDX-License-Identifier: MIT */
/* The bus in a host: all that the plugin says goes to its worker, and what it hears comes
 * from there. */
#ifndef TINCAN_HOST_BUS_H
#define TINCAN_HOST_BUS_H

#include "base/error.h"
#include "ipc/frame.h"

struct host;

/* Before the plugin is opened. */
void host_bus_serve(struct host *host);

/* EVENT. */
int host_bus_event(struct host *host, const struct frame *frame) MUST_USE;

#endif

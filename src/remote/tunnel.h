/* SPDX-License-Identifier: MIT */
/*
 * The tunnels of a remote: WebSockets and streams on their way through a host. For this
 * room alone.
 *
 *	WAITING --a host is there--> SENT --CONNECTED--> OPEN --the peer's end--> LEFT
 *	   ^----- it died, not begun ---/                                         |
 *	                                            gone <---------DISCONNECTED---/
 */
#ifndef TINCAN_REMOTE_TUNNEL_H
#define TINCAN_REMOTE_TUNNEL_H

#include "exchange/duplex.h"
#include "ipc/frame.h"
#include "ipc/page.h"
#include "remote/remote.h"

struct tunnel;

struct tunnels {
	struct tunnel **items;	/* owned; by their slots, NULL: free */
	uint16_t *free_slots;	/* owned; free_count of them */
	uint32_t capacity;
	uint32_t free_count;
	uint32_t count;
	struct list waiting;	/* tunnels that no host has */
	struct list stalled;	/* those with something to say to a host that is slow */
	struct timer watch;	/* looks whether a callback does not come back */
};

void tunnels_init(struct remote *remote);

/* Ends all of them. */
void tunnels_release(struct remote *remote);

/* A frame about a duplex: ERR_PROTOCOL if it is not one that may come now. */
int tunnel_take_frame(struct remote *remote, const struct frame *frame) MUST_USE;

/* The host is dead: what it had is lost, but those not begun wait for the next one. */
void tunnels_host_died(struct remote *remote, const struct page *page);

void tunnels_send_waiting(struct remote *remote);
void tunnels_refuse_waiting(struct remote *remote);

/* The link takes more again. */
void tunnels_go_on(struct remote *remote);

/* The id of the request that began that duplex, or NULL. */
const char *tunnel_request(const struct remote *remote, uint64_t id);

#endif

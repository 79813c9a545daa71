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

/* What refuses a peer for the handler. */
enum { STATUS_LOST = 502, STATUS_UNAVAILABLE = 503, STATUS_LATE = 504 };

enum tunnel_state { TUNNEL_WAITING, TUNNEL_SENT, TUNNEL_OPEN, TUNNEL_LEFT };

struct tunnel {
	struct list link;	/* in tunnels.waiting or tunnels.stalled */
	struct timer timer;
	struct remote *remote;
	struct duplex *duplex;		/* NULL: it has ended */
	struct exchange *upgrade;	/* until it has opened; NULL for a stream */
	uint64_t id;
	uint32_t instance;
	uint32_t timeout_ms;
	int32_t window;		/* bytes that the host takes; below 0: overdrawn */
	uint32_t credit;	/* bytes that the host may send */
	uint32_t owed;		/* bytes that it sent and may send again */
	uint16_t code;		/* of its end, for the host */
	uint8_t state;
	uint8_t deaths;
	uint8_t extensions;
	bool begun;		/* the host has said something about it */
	bool closed;		/* the host says no more */
	bool paused;		/* the peer is held up */
	bool unsaid;		/* the host does not know yet that it has ended */
	char request[EXCHANGE_ID_BYTES];	/* its id, for the log */
};

struct tunnels {
	struct tunnel **items;	/* owned; by their slots, NULL: free */
	uint16_t *free_slots;	/* owned; free_count of them */
	uint32_t capacity;
	uint32_t free_count;
	uint32_t count;
	struct list waiting;	/* tunnels that no host has */
	struct list stalled;	/* those with something to say to a host that is slow */
};

void tunnels_init(struct remote *remote);

/* Ends all of them. */
void tunnels_release(struct remote *remote);

/* The one of that id, or NULL. */
struct tunnel *tunnel_find(const struct remote *remote, uint64_t id);

/* Lets the duplex go, if it still has one, and frees the tunnel and its slot. */
void tunnel_free(struct tunnel *tunnel);

/* It never opens, with that status: the peer is told. The tunnel goes on, or ends. */
void tunnel_refuse(struct tunnel *tunnel, int status);
void tunnel_end_refused(struct tunnel *tunnel, int status);

/* The duplex is no more, or no more ours; what is left is to settle that with the
 * host. */
void tunnel_leave(struct tunnel *tunnel, uint16_t code);

/* The host knows it no more: if its peer waits for that, it is answered. */
void tunnel_end(struct tunnel *tunnel);

/* The duplex cannot be carried any more, though the host lives: it is cut, or refused if
 * it has not opened. */
void tunnel_fail(struct tunnel *tunnel);

void tunnel_hold_up(struct tunnel *tunnel, bool on);

/* The host may send again what the peer has taken. */
void tunnel_grant(struct tunnel *tunnel);

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

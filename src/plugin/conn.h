/* SPDX-License-Identifier: MIT */
/* The entries of tc_api that are about a tc_conn, which is a struct duplex. For this room
 * alone; handler.h describes them. */
#ifndef TINCAN_PLUGIN_CONN_H
#define TINCAN_PLUGIN_CONN_H

#include "tincan/handler.h"

int conn_kind(const tc_conn *c);
int conn_send(tc_conn *c, const void *data, size_t size, uint32_t flags);
int conn_close(tc_conn *c, int code, const char *reason);
int conn_pause(tc_conn *c, int on);
const char *conn_info(const tc_conn *c, const char *key);
void *conn_state(const tc_conn *c);
void *conn_data(const tc_conn *c);
void conn_set_data(tc_conn *c, void *data);

#endif

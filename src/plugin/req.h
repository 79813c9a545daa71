/* SPDX-License-Identifier: MIT */
/* The entries of tc_api that are about a tc_req, which is a struct exchange: those that
 * read the request, then those that answer it. For this room alone; handler.h describes
 * them. */
#ifndef TINCAN_PLUGIN_REQ_H
#define TINCAN_PLUGIN_REQ_H

#include "tincan/handler.h"

const char *req_method(const tc_req *r);
const char *req_target(const tc_req *r);
const char *req_path(const tc_req *r);
const char *req_tail(const tc_req *r);
const char *req_query(const tc_req *r);
const char *req_param(const tc_req *r, const char *name);
const char *req_header(const tc_req *r, const char *name);
int req_header_at(const tc_req *r, size_t i, const char **name, const char **value);
int req_trailer_at(const tc_req *r, size_t i, const char **name, const char **value);
const char *req_info(const tc_req *r, const char *key);
const void *req_body(const tc_req *r, size_t *size);
void *req_state(const tc_req *r);
void *req_alloc(tc_req *r, size_t size);
void *req_data(const tc_req *r);
void req_set_data(tc_req *r, void *data);
int req_pause(tc_req *r, int on);
int64_t req_deadline(const tc_req *r);

int req_reply_text(tc_req *r, int status, const char *text);
int req_reply(tc_req *r, int status, const char *type, const void *data, size_t size);
int req_reply_ref(tc_req *r, int status, const char *type, const void *data, size_t size,
    void (*fn)(void *), void *arg);
int req_reply_file(tc_req *r, int status, const char *type, int fd, int64_t offset,
    int64_t size);
int req_set_header(tc_req *r, const char *name, const char *value);
int req_add_header(tc_req *r, const char *name, const char *value);
int req_add_trailer(tc_req *r, const char *name, const char *value);
int req_start(tc_req *r, int status, const char *type);
int req_write(tc_req *r, const void *data, size_t size);
int req_write_file(tc_req *r, int fd, int64_t offset, int64_t size);
int req_end(tc_req *r);
int req_abort(tc_req *r);

#endif

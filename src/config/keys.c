/* SPDX-License-Identifier: MIT */
/*
 * The keys of server.json. What is here, server.schema.json says too: a test holds the
 * two against each other.
 */
#include "config/keys.h"

#include "config/client_auth.h"
#include "config/config.h"
#include "config/sections.h"

#define FIELD(field_) .offset = offsetof(struct config, field_)

/* An enum is read as the uint32_t that it is stored as. */
_Static_assert(sizeof(enum config_log_format) == sizeof(uint32_t), "see KEY_CHOICE");
_Static_assert(sizeof(enum config_tls_version) == sizeof(uint32_t), "see KEY_CHOICE");
_Static_assert(sizeof(enum config_clients) == sizeof(uint32_t), "see KEY_CHOICE");
_Static_assert(sizeof(int) == sizeof(uint32_t), "see KEY_CHOICE");

static const char *const tls_versions[] = { "1.2", "1.3", NULL };
static const char *const log_levels[] = { "debug", "info", "warn", "error", NULL };
static const char *const log_formats[] = { "auto", "json", "text", NULL };

static const struct key tls_keys[] = {
	{ KEY("groups", OTHER), .read = groups_read },
	{ KEY("key_log", FILE), FIELD(tls_key_log) },
	{ KEY("min_version", CHOICE), FIELD(tls_min_version), .choices = tls_versions,
	  .min = CONFIG_TLS_1_2, .number = CONFIG_TLS_1_2 },
	{ KEY("tickets", OTHER), .read = ticket_options_read },
	{ KEY("client_auth", CHOICE), FIELD(clients.mode), .choices = client_auth_modes,
	  .min = CONFIG_CLIENTS_NONE, .number = CONFIG_CLIENTS_NONE },
	{ KEY("client_ca", FILE), FIELD(clients.ca) },
	{ KEY("client_crl", FILE), FIELD(clients.crl) },
	{ .name = NULL }
};

static const struct key plugins_keys[] = {
	{ KEY("confined", BOOL), FIELD(plugins_confined), .number = false },
	{ KEY("directory", FILE), FIELD(plugin_directory), .text = "plugins" },
	{ KEY("serve_unrouted", BOOL), FIELD(serve_unrouted), .number = true },
	{ KEY("watch", BOOL), FIELD(plugin_watch), .number = true },
	{ .name = NULL }
};

static const struct key limits_keys[] = {
	{ KEY("max_connections", U32), FIELD(limits.max_connections),
	  RANGE(1, 10000000, 10000) },
	{ KEY("max_connections_per_address", U32),
	  FIELD(limits.max_connections_per_address), RANGE(0, 10000000, 1000) },
	{ KEY("max_handshakes", U32), FIELD(limits.max_handshakes),
	  RANGE(1, 1000000, 512) },
	{ KEY("max_target_bytes", U32), FIELD(limits.max_target_bytes),
	  RANGE(64, 1 << 20, 8192) },
	{ KEY("max_header_bytes", U32), FIELD(limits.max_header_bytes),
	  RANGE(256, 1 << 20, 32768) },
	{ KEY("max_header_fields", U32), FIELD(limits.max_header_fields),
	  RANGE(1, 10000, 100) },
	{ KEY("max_body_bytes", U64), FIELD(limits.max_body_bytes),
	  RANGE(0, UINT64_C(1) << 40, 1 << 20) },
	{ KEY("max_streams", U32), FIELD(limits.max_streams), RANGE(1, 1000, 100) },
	{ KEY("max_requests_per_connection", U32),
	  FIELD(limits.max_requests_per_connection), RANGE(0, 1000000000, 0) },
	{ KEY("max_connection_bytes", U64), FIELD(limits.max_connection_bytes),
	  RANGE(0, UINT64_C(1) << 40, 32 << 20) },
	{ KEY("max_worker_bytes", U64), FIELD(limits.max_worker_bytes),
	  RANGE(16 << 20, UINT64_C(1) << 40, 1 << 30) },
	{ KEY("min_body_bytes_per_s", U32), FIELD(limits.min_body_bytes_per_s),
	  RANGE(0, 1000000000, 240) },
	{ KEY("min_send_bytes_per_s", U32), FIELD(limits.min_send_bytes_per_s),
	  RANGE(0, 1000000000, 240) },
	{ .name = NULL }
};

static const struct key timeouts_keys[] = {
	{ KEY("handshake_ms", U32), FIELD(timeouts.handshake_ms),
	  RANGE(1, DAY_MS, 10000) },
	{ KEY("header_ms", U32), FIELD(timeouts.header_ms), RANGE(1, DAY_MS, 10000) },
	{ KEY("body_ms", U32), FIELD(timeouts.body_ms), RANGE(1, DAY_MS, 30000) },
	{ KEY("write_ms", U32), FIELD(timeouts.write_ms), RANGE(1, DAY_MS, 30000) },
	{ KEY("slow_ms", U32), FIELD(timeouts.slow_ms), RANGE(1, DAY_MS, 30000) },
	{ KEY("idle_ms", U32), FIELD(timeouts.idle_ms), RANGE(1, DAY_MS, 60000) },
	{ KEY("stream_idle_ms", U32), FIELD(timeouts.stream_idle_ms),
	  RANGE(1, DAY_MS, 600000) },
	{ KEY("ping_ms", U32), FIELD(timeouts.ping_ms), RANGE(1, DAY_MS, 30000) },
	{ KEY("drain_ms", U32), FIELD(timeouts.drain_ms), RANGE(0, DAY_MS, 600000) },
	{ .name = NULL }
};

static const struct key log_keys[] = {
	{ KEY("access", LOG), FIELD(log.access), .text = "-" },
	{ KEY("error", LOG), FIELD(log.error), .text = "-" },
	{ KEY("level", CHOICE), FIELD(log.level), .choices = log_levels,
	  .min = 1, .number = 2 },
	{ KEY("format", CHOICE), FIELD(log.format), .choices = log_formats,
	  .min = CONFIG_LOG_AUTO, .number = CONFIG_LOG_AUTO },
	{ .name = NULL }
};

const struct key config_keys[] = {
	{ KEY("$schema", IGNORED) },
	{ KEY("listeners", OTHER), .read = listeners_read },
	{ KEY("alpn", OTHER), .read = alpns_read },
	{ KEY("certificates", OTHER), .read = certificates_read },
	{ KEY("tls", OBJECT), .keys = tls_keys },
	{ KEY("plugins", OBJECT), .keys = plugins_keys },
	{ KEY("handlers", OTHER), .read = handlers_read },
	{ KEY("filters", OTHER), .read = filters_read },
	{ KEY("routes", OTHER), .read = routes_read },
	{ KEY("hosts", OTHER), .read = vhosts_read },
	{ KEY("limits", OBJECT), .keys = limits_keys },
	{ KEY("timeouts", OBJECT), .keys = timeouts_keys },
	{ KEY("log", OBJECT), .keys = log_keys },
	{ KEY("state", FILE), FIELD(state), .text = "run" },
	{ KEY("control", FILE), FIELD(control), .text = "run/tincan.sock" },
	{ KEY("workers", U32), FIELD(workers), RANGE(0, 256, 0) },
	{ KEY("user", OTHER), .read = user_read },
	{ .name = NULL }
};

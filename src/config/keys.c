/* SPDX-License-Identifier: MIT */
/*
 * The keys of server.json. What is here, server.schema.json says too: a test holds the
 * two against each other.
 */
#include "config/keys.h"

#include "config/config.h"
#include "config/sections.h"

#define DAY_MS (24 * 60 * 60 * 1000)

#define FIELD(field_) .offset = offsetof(struct config, field_)
#define RANGE(min_, max_, default_) .min = (min_), .max = (max_), .number = (default_)

/* An enum is read as the uint32_t that it is stored as. */
_Static_assert(sizeof(enum config_log_format) == sizeof(uint32_t) &&
    sizeof(enum config_tls_version) == sizeof(uint32_t) && sizeof(int) == sizeof(uint32_t),
    "KEY_CHOICE writes 32 bits");

static const char *const tls_versions[] = { "1.2", "1.3", NULL };
static const char *const log_levels[] = { "debug", "info", "warn", "error", NULL };
static const char *const log_formats[] = { "auto", "json", "text", NULL };

static const struct key tls_keys[] = {
	{ .name = "min_version", .kind = KEY_CHOICE, FIELD(tls_min_version), .choices = tls_versions,
	  .min = CONFIG_TLS_1_2, .number = CONFIG_TLS_1_2 },
	{ .name = "client_auth", .kind = KEY_RESERVED },
	{ .name = "client_ca", .kind = KEY_RESERVED },
	{ .name = NULL }
};

static const struct key plugins_keys[] = {
	{ .name = "directory", .kind = KEY_FILE, FIELD(plugin_directory), .text = "plugins" },
	{ .name = "serve_unrouted", .kind = KEY_BOOL, FIELD(serve_unrouted), .number = true },
	{ .name = "watch", .kind = KEY_RESERVED },
	{ .name = NULL }
};

static const struct key limits_keys[] = {
	{ .name = "max_connections", .kind = KEY_U32, FIELD(limits.max_connections),
	  RANGE(1, 10000000, 10000) },
	{ .name = "max_target_bytes", .kind = KEY_U32, FIELD(limits.max_target_bytes),
	  RANGE(64, 1 << 20, 8192) },
	{ .name = "max_header_bytes", .kind = KEY_U32, FIELD(limits.max_header_bytes),
	  RANGE(256, 1 << 20, 32768) },
	{ .name = "max_header_fields", .kind = KEY_U32, FIELD(limits.max_header_fields),
	  RANGE(1, 10000, 100) },
	{ .name = "max_body_bytes", .kind = KEY_U64, FIELD(limits.max_body_bytes),
	  RANGE(0, UINT64_C(1) << 40, 1 << 20) },
	{ .name = NULL }
};

static const struct key timeouts_keys[] = {
	{ .name = "handshake_ms", .kind = KEY_U32, FIELD(timeouts.handshake_ms), RANGE(1, DAY_MS, 10000) },
	{ .name = "header_ms", .kind = KEY_U32, FIELD(timeouts.header_ms), RANGE(1, DAY_MS, 10000) },
	{ .name = "body_ms", .kind = KEY_U32, FIELD(timeouts.body_ms), RANGE(1, DAY_MS, 30000) },
	{ .name = "write_ms", .kind = KEY_U32, FIELD(timeouts.write_ms), RANGE(1, DAY_MS, 30000) },
	{ .name = "idle_ms", .kind = KEY_U32, FIELD(timeouts.idle_ms), RANGE(1, DAY_MS, 60000) },
	{ .name = "drain_ms", .kind = KEY_U32, FIELD(timeouts.drain_ms), RANGE(0, DAY_MS, 600000) },
	{ .name = NULL }
};

static const struct key log_keys[] = {
	{ .name = "access", .kind = KEY_LOG, FIELD(log.access), .text = "-" },
	{ .name = "error", .kind = KEY_LOG, FIELD(log.error), .text = "-" },
	{ .name = "level", .kind = KEY_CHOICE, FIELD(log.level), .choices = log_levels, .min = 1, .number = 2 },
	{ .name = "format", .kind = KEY_CHOICE, FIELD(log.format), .choices = log_formats,
	  .min = CONFIG_LOG_AUTO, .number = CONFIG_LOG_AUTO },
	{ .name = NULL }
};

const struct key config_keys[] = {
	{ .name = "$schema", .kind = KEY_IGNORED },
	{ .name = "listeners", .kind = KEY_OTHER, .read = listeners_read },
	{ .name = "certificates", .kind = KEY_OTHER, .read = certificates_read },
	{ .name = "tls", .kind = KEY_OBJECT, .keys = tls_keys },
	{ .name = "plugins", .kind = KEY_OBJECT, .keys = plugins_keys },
	{ .name = "handlers", .kind = KEY_OTHER, .read = handlers_read },
	{ .name = "routes", .kind = KEY_OTHER, .read = routes_read },
	{ .name = "limits", .kind = KEY_OBJECT, .keys = limits_keys },
	{ .name = "timeouts", .kind = KEY_OBJECT, .keys = timeouts_keys },
	{ .name = "log", .kind = KEY_OBJECT, .keys = log_keys },
	{ .name = "state", .kind = KEY_FILE, FIELD(state), .text = "run" },
	{ .name = "workers", .kind = KEY_U32, FIELD(workers), RANGE(0, 256, 0) },
	{ .name = "filters", .kind = KEY_RESERVED },
	{ .name = "hosts", .kind = KEY_RESERVED },
	{ .name = "alpn", .kind = KEY_RESERVED },
	{ .name = "control", .kind = KEY_RESERVED },
	{ .name = "user", .kind = KEY_RESERVED },
	{ .name = NULL }
};

/* SPDX-License-Identifier: MIT */
/* From a configuration file to all that is needed to serve it. */
#include "master/boot.h"

#include <string.h>

#include "base/memory.h"
#include "master/preflight.h"

/* A file without certificates is a working one, with a certificate made for it. */
static void name_development_certificate(struct config *config)
{
	config->certificates = memory_new(1, sizeof(*config->certificates));
	config->certificate_count = 1;
	config->certificates[0] = (struct config_certificate){
		.where = memory_printf("%s: certificates", config->file),
		.chain = memory_printf("%s/dev.crt", config->state),
		.key = memory_printf("%s/dev.key", config->state),
	};
}

void boot_load(struct boot *boot, const char *file)
{
	struct config *config;
	bool development;

	memset(boot, 0, sizeof(*boot));
	problems_init(&boot->problems);
	config = config_load(file, &boot->problems);
	boot->config = config;
	if (config == NULL) {
		return;
	}
	plugin_scan(&boot->plugins, config->plugin_directory, config->state,
	    &boot->problems);
	development = config->certificate_count == 0 && boot->problems.errors == 0;
	if (development) {
		name_development_certificate(config);
	}
	preflight_run(config, &boot->plugins, development, &boot->problems);
}

void boot_release(struct boot *boot)
{
	plugin_set_release(&boot->plugins);
	config_free(boot->config);
	problems_release(&boot->problems);
}

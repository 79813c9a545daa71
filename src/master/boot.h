/* SPDX-License-Identifier: MIT */
/*
 * From the name of a configuration file to all that is needed to serve it, with every
 * problem found on the way: the file, the plugins, their settings, the certificates. What
 * would run plugin code or read a private key happens in processes of its own (probe,
 * preflight), so that this process never does either. Used at the start, by a reload,
 * when the plugin directory changes, and by every command that takes --config.
 */
#ifndef TINCAN_MASTER_BOOT_H
#define TINCAN_MASTER_BOOT_H

#include "base/error.h"
#include "base/slice.h"
#include "config/config.h"
#include "master/probe.h"
#include "os/user.h"
#include "plugin/plugin.h"

struct boot {
	char *text;			/* owned; the file's content */
	size_t text_size;
	struct config *config; /* owned; NULL if the file could not be understood */
	struct user *user;	/* owned; whom workers and hosts become; NULL: nobody */
	struct plugin_set plugins;
	struct problems problems;
	struct problems certificates;	/* what the preflight has found */
	uint64_t certificate_files;	/* as they were before: renewals_files */
	struct preflight *preflight;	/* while it runs */
	struct passphrases *passphrases;	/* until the keeper has the keys */
	bool reread;			/* the file was read anew, on somebody's wish */
	struct loop *loop;		/* borrowed; while it is under way */
	struct probes *probes;		/* while they run */
	void (*done)(struct boot *boot);
	void *owner;			/* borrowed; for done */
};

/* Lets the owner change the set that was found before it is probed; NULL: nothing to
 * do. */
typedef void boot_adjust_fn(struct boot *boot);

/*
 * Starts on the file; done(boot) comes in a later round of the loop. With text
 * (borrowed), that is used instead of the file's content, and what a plugin refuses is
 * the plugin's refusal and not a problem: for changes of the plugin directory alone.
 */
void boot_begin(struct boot *boot, struct loop *loop, const char *file,
    const struct slice *text, void *owner, boot_adjust_fn *adjust,
    void (*done)(struct boot *boot));

/* The same, without a text, waiting for the end. Serve only if problems.errors is 0
 * afterwards; plugins that are refused are not among the problems: they stay in the
 * set. */
void boot_load(struct boot *boot, const char *file, boot_adjust_fn *adjust);

void boot_release(struct boot *boot);

/* Wipes them: the keeper has the keys. */
void boot_forget_passphrases(struct boot *boot);

/* Exchanges what the two have found; neither may be under way. */
void boot_swap(struct boot *a, struct boot *b);

#endif

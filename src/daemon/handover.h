/* SPDX-License-Identifier: MIT */
/*
 * From one daemon to the next: what is out by our doing stands in a file beside the lock, kept up
 * to date, so that a daemon that is started anew, after an upgrade or a crash, has it for its own:
 * it holds it, brings it back, and doesn't leave a program stopped at its end.
 */
#pragma once
#include "daemon/handover_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HANDOVER_SUFFIX ".held" /* of the lock file's name */
#define LOOKOUT_SUFFIX ".look"

struct daemon;

struct handover {
	int fd;		  /* 0: nothing is handed over (zeroed, dry run) */
	uint64_t written; /* a sum over what stands in the file */
	size_t n_found;	  /* what the daemon before us has left and wasn't taken yet */
	struct handover_record found[HANDOVER_MAX];
	char text[HANDOVER_TEXT_MAX]; /* scratch */
};

/* Opens the files beside the lock and reads what was left there, this one and that of the lookout;
 * says it where that fails: then nothing is handed over. */
void handover_open(struct daemon *daemon);

/* Has the directories of those looked at who have something frozen. Before those are. */
void handover_note_users(struct daemon *daemon);

/* Takes over what of it can be found by now. Before a scan, and after it. What is
 * frozen is kept until it's found, has ended, or is seen to run. */
void handover_take_frozen(struct daemon *daemon);
void handover_take_paged(struct daemon *daemon, uint64_t now_ns);

/* Whether a process is among what wasn't taken yet. */
bool handover_expects(const struct daemon *daemon, int32_t pid);

/* Whether one of them is frozen. */
bool handover_awaits_frozen(const struct daemon *daemon);

/* Has the file tell what is out now. Costs little where nothing has changed. */
void handover_save(struct daemon *daemon);

void handover_close(struct daemon *daemon);

/* SPDX-License-Identifier: MIT */
/* The images of attached programs: of one, and those that nobody will read any more. */
#pragma once
#include "cli/swap_job.h"

/*
 * Looks for the image of the job's program where images of its user lie. 0; -ENOENT; -EBADMSG
 * where one is there that isn't of ours, an older shim's: ret->file_bytes is its length.
 */
int swap_image_find(const struct swap_args *args, const struct job *job, struct imagefile *ret);

/* Whether that program is swapped, or half-way, and, as far as its socket says, without a helper:
 * it is stopped, and the image is of it. Its header goes into the job then. */
bool swap_image_orphaned(const struct swap_args *args, const struct procfs *procfs,
			 struct job *job);

/* Removes the caller's own images whose processes are gone, without a word. */
void swap_image_clean(const struct swap_args *args, const struct procfs *procfs);

/* SPDX-License-Identifier: MIT */
/* May this be swapped to? Facts in, a verdict and a sentence out. */
#pragma once
#include "base/text.h"
#include "cli/swapctl_wish.h"
#include "sys/blkprobe.h"
#include "sys/extents.h"
#include "sys/fstype.h"
#include "sys/swapheader.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What was found under a name. */
struct target_facts {
	const char *path;
	bool exists, is_device, is_file; /* neither: a directory, a character device, ... */
	uint64_t size_bytes;		 /* of the whole */
	uint64_t low_bytes, len_bytes;	 /* what would be swapped to, in whole pages */
	const char *in_use; /* by what the device is held: "is mounted on /srv"; or NULL */
	const char *area; /* the active area that is in the way, as the kernel names it; or NULL */
	bool area_is_direct; /* it doesn't overlap, but without a loop device in between it's alone
			      */
	/* of a file, or of the directory where one is to be made */
	const struct fstype *fs;
	/* of a file */
	uid_t uid;
	mode_t mode;
	struct extents extents;
	bool copy_on_write; /* btrfs */
	bool by_loop;	    /* a loop device comes in between, which takes files as they are */
	/* what is there now */
	bool has_header, blank;
	struct swapheader header;
	struct blkprobe whole, region; /* the same where low_bytes is 0 */
};

enum verdict {
	VERDICT_FINE,
	VERDICT_ASK,	/* only with -i */
	VERDICT_REFUSED /* whatever is asked for */
};

/* Rounds low up and len down to pages and sets them in *ret; without a len it is all behind low, as
 * far as an area can go. low_bytes may lie behind the end: len_bytes is 0 then. */
void check_region(const struct wish *wish, size_t page_bytes, struct target_facts *ret);

/* The worst that there is to say of it goes to *ret: what is wrong, and what to do. */
enum verdict check_target(const struct target_facts *target, const struct wish *wish,
			  size_t page_bytes, struct text *ret);

/* The header has to be written anew: there is none, it is of another length than was asked for, or
 * it promises more than there is. */
bool check_needs_header(const struct target_facts *target, const struct wish *wish);

/* What fits into memory: all that is available but for a twentieth of memory. */
uint64_t check_room_bytes(uint64_t total_bytes, uint64_t available_bytes);

/* Why swapon(2) failed, beyond what strerror says: begins with "; ", or is empty. */
const char *check_swapon_hint(int error);

/* path for a shell: 'it'\''s'. */
void check_quote(struct text *text, const char *path);

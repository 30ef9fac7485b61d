/* SPDX-License-Identifier: MIT */
/* Where the kernel looks for the image of a hibernated system. */
#pragma once
#include "sys/procfs.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct resume {
	bool set;
	dev_t device;	       /* 0: only spec is known */
	char spec[PATH_MAX];   /* "/dev/sda2", "UUID=..."; "" where device is known */
	uint64_t offset_pages; /* where a swap file begins on that device; 0: it is the device */
};

/* Takes "resume=" and "resume_offset=" out of the kernel's command line; "noresume" undoes them. */
void resume_parse_cmdline(const char *text, size_t len, struct resume *ret);

/* From /sys/power where it says so, else from the command line. 0 or -errno. */
int resume_read(const struct procfs *procfs, const struct procfs *sys, struct resume *ret);

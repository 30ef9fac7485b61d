/* SPDX-License-Identifier: MIT */
/* The first page of images, proto/image.h: whose they are, and whether they still are. */
#pragma once
#include "proto/image.h"
#include "sys/procfs.h"

#include <stdbool.h>
#include <stddef.h>

/* Where and when we are; an image of another place or time is none of ours. */
struct imagefile_here {
	uint8_t boot_id[16];
	uint64_t pid_ns;
};

struct imagefile {
	struct image_header header;
	uint64_t file_bytes;
};

/* Reads it. 0 or -errno. */
int imagefile_here(const struct procfs *procfs, struct imagefile_here *ret);

/* "01234567-89ab-..." and a newline, as the kernel writes it. 0 or -EBADMSG. */
int imagefile_parse_boot_id(const char *text, size_t len, uint8_t ret[static 16]);

/*
 * Checks a header as it stands at the beginning of data: magic, version, CRC32C, and that its
 * numbers can be meant. -EBADMSG where anything is wrong; *ret untouched then. It may be of an
 * image that isn't complete.
 */
int imagefile_parse(const void *data, size_t len, struct image_header *ret);

/*
 * Opens name in the directory, a file that has to be owner's, and reads its header. The
 * descriptor, or -errno: -EPERM no file or somebody else's, -ELOOP a link, -EBADMSG as above or
 * shorter than it says. With -EBADMSG ret->file_bytes is set: an older shim's may be one too.
 */
int imagefile_open(int dir_fd, const char *name, uid_t owner, struct imagefile *ret);

/* Whether the image is of the process pid that started then, here and now. */
bool imagefile_is_of(const struct image_header *header, const struct imagefile_here *here,
		     int32_t pid, uint64_t start_ticks);

/* SPDX-License-Identifier: MIT */
/* Swap files: made so that no half-made one is ever seen, and switched on and off. */
#pragma once
#include "sys/swapheader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum swapfile_fill {
	SWAPFILE_RESERVE, /* fallocate(2), and zeroes where the file system can't */
	SWAPFILE_ZEROES	  /* zeroes: takes as long as the disk needs, every kernel takes such a file
			   */
};

/*
 * Makes path (which must not exist) a file of header->bytes, mode 0600, without holes, on btrfs
 * without copy on write, and with that header. Where the file system has nameless files the name
 * appears when all is done; else a file that couldn't be finished is removed. 0 or -errno.
 */
int swapfile_create(const char *path, const struct swapheader *header, enum swapfile_fill fill);

/* The same, and it stays open: the descriptor or -errno (-ESTALE: somebody has put something else
 * in its place already). */
int swapfile_create_open(const char *path, const struct swapheader *header,
			 enum swapfile_fill fill);

/* Removes the name where it is that of the open file still. */
void swapfile_remove(const char *path, int fd);

/* Reads the first page behind offset of an open file or device. 0; -ENOENT, -EBADMSG as
 * swapheader_parse; -errno; -ENODATA where it is too short. *ret_blank where not NULL: there is
 * nothing but zeroes. */
int swapfile_read_header(int fd, uint64_t offset_bytes, struct swapheader *ret, bool *ret_blank);

/* Writes the header there, to the disk. 0 or -errno. */
int swapfile_write_header(int fd, uint64_t offset_bytes, const struct swapheader *header);

/* The kernel swaps to the open file (for writing): in whatever mount namespace, under whatever
 * name.
 */
bool swapfile_is_active(int fd);

/* There is nothing but zeroes in it, or nothing at all. A hole isn't read. */
bool swapfile_is_blank(int fd);

/* Overwrites the file with zeroes, to the disk. 0 or -errno (-ETXTBSY: it is active). */
int swapfile_wipe(int fd);

enum swap_discard { SWAP_DISCARD_NO, SWAP_DISCARD_ALL, SWAP_DISCARD_ONCE, SWAP_DISCARD_PAGES };

#define SWAP_PRIORITY_NONE (-1) /* the kernel gives the next one below all others */
#define SWAP_PRIORITY_MAX 32767

/* swapon(2), of a path or of what is open, whatever it is called by now, and swapoff(2). 0 or
 * -errno. swapoff reads all that is in use back to memory, which can take long; a signal ends it
 * with -EINTR, and the area stays in use. */
int swapfile_on(const char *path, int priority, enum swap_discard discard);
int swapfile_on_fd(int fd, int priority, enum swap_discard discard);
int swapfile_off(const char *path);

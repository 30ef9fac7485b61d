/* SPDX-License-Identifier: MIT */
/* The image file: made, written, read and removed. In which order its chunks are used is the
 * caller's business. */
#pragma once
#include "shim/shim.h"

/* Makes an empty image with its first header. 0 or a failure: the directory isn't fit, the name is
 * taken, no space. */
int image_create(struct shim *shim);

/* Reserves bytes on the disk, so that it isn't full half-way. 0 or a failure. */
int image_reserve(struct shim *shim, uint64_t bytes);

/*
 * Whether what was written will be read again: past the page cache it is on the disk, what went
 * through it may fail on its way there, and is lost then as soon as the cache forgets it. For one
 * thread, before memory is given up: the kernel tells of such a failure once. A file system may use
 * the cache in spite of O_DIRECT. 0 or -errno.
 */
int image_settle(struct shim *shim);

/* Cuts the image to bytes and writes the header that says that it is complete. 0 or a failure. */
int image_finish(struct shim *shim, uint64_t bytes);

/* Removes it, and closes it where its name isn't its own any more. */
void image_remove(struct shim *shim);

/* Closes it, and its directory. Of one that was removed that frees the space on the disk, which
 * takes a good while: who waits for the program needn't wait for it. */
void image_close(struct shim *shim);

/* Takes the image that now lies under its name, where that is another file than the one that is
 * open, and is of this life of this program. True where it did. */
bool image_exchange(struct shim *shim);

/* Reads the first IMAGE_AHEAD heads into their slots; *ret_offset is where the data of the first
 * chunk begins. The jobs have to be idle. 0 or a failure. */
int image_read_first(struct shim *shim, uint64_t *ret_offset);

/* Checks the head of chunk index, which has been read into its slot. 0 or a failure. */
int image_check(struct shim *shim, uint32_t index);

/* Bytes of a chunk's data. */
uint64_t image_data_bytes(const struct shim *shim, const struct image_chunk *chunk);

/* "it can't be written: the disk is full", with the errno. Returns -error. */
int image_fail(struct shim *shim, int error, const char *what);

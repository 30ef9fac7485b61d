/* SPDX-License-Identifier: MIT */
/* The first page of a swap area, as mkswap(8) writes and the kernel reads it. Bytes in, bytes out.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define SWAP_LABEL_MAX 16
#define SWAP_UUID_BYTES 16

/* Labels by which our own areas are known, whoever looks */
#define SWAP_LABEL_DAEMON "swapify-policy"
#define SWAP_LABEL_CTL "swapctl"

/* The kernel counts them in 32 bits, and so does the header. */
#define SWAPHEADER_PAGES_MAX ((uint64_t)UINT32_MAX)

struct swapheader {
	uint64_t bytes; /* of the area, this page included */
	uint32_t bad_pages;
	uint8_t uuid[SWAP_UUID_BYTES];
	char label[SWAP_LABEL_MAX + 1];
};

/*
 * Takes a page of page_size bytes (a power of two, 4096 or more) apart. 0, -ENOENT where it is no
 * header of this machine's page size and byte order, -EBADMSG where it is one that the kernel would
 * refuse; *ret untouched on failure.
 */
int swapheader_parse(const void *page, size_t page_size, struct swapheader *ret);

/* Writes the whole page. bytes is a multiple of page_size, at least two pages and at most
 * SWAPHEADER_PAGES_MAX. */
void swapheader_fill(void *page, size_t page_size, const struct swapheader *header);

/* As fill, of an area of bytes with that label and a new UUID. */
struct swapheader swapheader_new(uint64_t bytes, const char *label);

/* "01234567-89ab-..." and a NUL. */
#define SWAP_UUID_TEXT 37
void swapheader_uuid_text(const struct swapheader *header, char ret[SWAP_UUID_TEXT]);

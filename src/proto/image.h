/* SPDX-License-Identifier: MIT */
/*
 * The image: one page with the header, then chunks of the program's pages. A chunk has a head, one
 * page that says which pages these are, and its data, the pages in the order of its extents. The
 * heads lie IMAGE_AHEAD chunks before their data:
 *
 *     header  head 0  head 1  head 2  head 3  data 0  head 4  data 1  head 5  data 2 ...
 *
 * up to the last data; the heads without data at the end are of chunks without pages. So what is
 * read with one request, data n and head n + IMAGE_AHEAD, says where the data of another request
 * has to go while those between are under way. All numbers are in the byte order of the machine,
 * all offsets and lengths multiples of page_bytes, so that it can be written and read without the
 * page cache.
 *
 * The header is written first, before the program is stopped, without IMAGE_COMPLETE, and again
 * after the last chunk. An image is of one life of one process: (boot_id, pid_ns, pid, start_ticks)
 * name it; any other image under its name is stale.
 */
#pragma once
#include <stdint.h>

#define IMAGE_MAGIC UINT64_C(0x3130594649504157) /* "WAPIFY01" */
#define IMAGE_VERSION 1
#define IMAGE_COMM_SIZE 16
#define IMAGE_AHEAD 4 /* as many requests can be under way, see SHIM_IO_JOBS */

enum image_flag {
	IMAGE_COMPLETE = 1 << 0,      /* all chunks are there */
	IMAGE_STOPPED_BEFORE = 1 << 1 /* the program was stopped by somebody else before */
};

struct image_header {
	uint64_t magic;
	uint32_t version;
	uint32_t page_bytes;
	uint32_t flags;
	uint32_t n_chunks;
	int32_t pid;
	uint32_t uid;
	uint64_t start_ticks; /* proc(5), stat, field 22 */
	uint64_t pid_ns;      /* inode of /proc/self/ns/pid */
	uint8_t boot_id[16];  /* /proc/sys/kernel/random/boot_id */
	uint64_t image_bytes; /* the whole file's */
	uint64_t held_bytes;  /* memory given up; more than the data where pages were zero */
	uint64_t since_ns;    /* CLOCK_BOOTTIME */
	/* Where a thread of the stopped program starts another helper when the first was killed,
	 * and the stack it does it on; it ends with a call of getppid */
	uint64_t revive_pc, revive_sp;
	char comm[IMAGE_COMM_SIZE];
	uint32_t reserved;
	uint32_t crc; /* CRC32C of what stands before it */
};

struct image_extent {
	uint64_t address;
	uint32_t n_pages;
	uint32_t reserved;
};

#define IMAGE_CHUNK_MAGIC UINT32_C(0x4b4e4843) /* "CHNK" */
#define IMAGE_CHUNK_PAGES 1024
/* A head fits into the smallest page */
#define IMAGE_CHUNK_EXTENTS 253

struct image_chunk {
	uint32_t magic;
	uint32_t index; /* from 0 */
	uint32_t n_extents;
	uint32_t n_pages;     /* of all extents: at most IMAGE_CHUNK_PAGES */
	uint32_t data_crc[4]; /* of the pages, see crc32c_lanes */
	uint32_t crc;	      /* CRC32C of this struct up to the last extent, with 0 here */
	uint32_t reserved;
	struct image_extent extents[IMAGE_CHUNK_EXTENTS];
};

_Static_assert(sizeof(struct image_chunk) <= 4096, "a chunk's head fits into a page");

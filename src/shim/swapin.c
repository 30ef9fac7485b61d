/* SPDX-License-Identifier: MIT */
#include "shim/swapin.h"
#include "proto/crc32c.h"
#include "shim/hold.h"
#include "shim/image.h"
#include "shim/iothread.h"
#include "shim/rawsys.h"
#include "shim/regions.h"

#include <errno.h>
#include <linux/prctl.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* 5.14 */
#endif

/* Of x86-64, i386 with PAE, and aarch64 with pages of 4 KiB */
#define HUGE_BYTES (UINT64_C(2) << 20)

static void populate(uint64_t start, uint64_t end)
{
	if (start < end) /* older kernels: then the read itself makes the pages */
		(void)RAW_3(SYS_madvise, start, end - start, MADV_POPULATE_WRITE);
}

static void allow_huge(bool allow)
{
	(void)RAW_5(SYS_prctl, PR_SET_THP_DISABLE, !allow, 0, 0, 0);
}

/*
 * Makes the pages of a chunk, just these: a huge page would bring more back than was there. Where
 * a whole one was, a whole one may come again.
 */
static void populate_chunk(const struct shim *shim, const struct image_chunk *chunk)
{
	for (uint32_t i = 0; i < chunk->n_extents; i++) {
		uint64_t start = chunk->extents[i].address;
		uint64_t end = start + (uint64_t)chunk->extents[i].n_pages * shim->page_bytes;
		uint64_t first = (start + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
		uint64_t last = end / HUGE_BYTES * HUGE_BYTES;

		if (first < last && !shim->huge_disabled) {
			populate(start, first);
			allow_huge(true);
			populate(first, last);
			allow_huge(false);
			start = last;
		}
		populate(start, end);
	}
}

/* Reads the data of chunk i and, where that is needed, the head that lies behind it. */
static void submit(struct shim *shim, uint32_t i, uint64_t offset)
{
	const struct image_chunk *chunk = shim_slot(shim, i);
	struct io_job *job = io_begin(shim, i, false, offset);

	for (uint32_t j = 0; j < chunk->n_extents; j++)
		io_add(job, chunk->extents[j].address,
		       (uint64_t)chunk->extents[j].n_pages * shim->page_bytes);
	if (i + IMAGE_AHEAD < shim->ledger.chunks)
		io_add(job, (uintptr_t)shim_slot(shim, i + IMAGE_AHEAD), shim->page_bytes);
	io_submit(job);
}

static int verify(struct shim *shim, uint32_t i)
{
	const struct image_chunk *chunk = shim_slot(shim, i);
	uint32_t crc[4] = {0};

	for (uint32_t j = 0; j < chunk->n_extents; j++)
		crc32c_lanes(shim->crc_fast, crc,
			     (const void *)(uintptr_t)chunk->extents[j].address,
			     (size_t)chunk->extents[j].n_pages * shim->page_bytes);
	for (int lane = 0; lane < 4; lane++)
		if (crc[lane] != chunk->data_crc[lane])
			return image_fail(shim, EBADMSG, "the image can't be read");
	return 0;
}

/* Awaits the data of chunk i, and the head that came with it. */
static int await_chunk(struct shim *shim, uint32_t i)
{
	int r = io_wait(shim, i);

	if (r)
		return image_fail(shim, r, "the image can't be read");
	return i + IMAGE_AHEAD < shim->ledger.chunks ? image_check(shim, i + IMAGE_AHEAD) : 0;
}

/* While some chunks are read, the next one gets its pages and is asked for too, and the one that
 * was awaited for that is verified. */
static int read_chunks(struct shim *shim, void (*between)(struct shim *))
{
	uint64_t offset = 0;
	uint32_t n = shim->ledger.chunks;
	int r = n ? image_read_first(shim, &offset) : 0;

	for (uint32_t i = 0; !r && n && i < n + IMAGE_AHEAD; i++) {
		if (i >= IMAGE_AHEAD)
			r = await_chunk(shim, i - IMAGE_AHEAD);
		if (!r && i < n) {
			populate_chunk(shim, shim_slot(shim, i));
			submit(shim, i, offset);
			offset += image_data_bytes(shim, shim_slot(shim, i)) + shim->page_bytes;
		}
		if (!r && i >= IMAGE_AHEAD)
			r = verify(shim, i - IMAGE_AHEAD);
		between(shim);
	}
	return r;
}

static int read_memory(struct shim *shim, void (*between)(struct shim *))
{
	int r = regions_open(shim);

	if (r)
		return shim_fail(shim, -r, "there is no room for its memory", NULL);
	allow_huge(false);
	io_start(shim);
	r = read_chunks(shim, between);
	io_stop(shim);
	allow_huge(!shim->huge_disabled);
	if (!r && (regions_restore(shim) || regions_show_code(shim)))
		r = shim_fail(shim, ENOMEM, "its mappings can't be protected as before", NULL);
	return r;
}

int swap_in_memory(struct shim *shim, void (*between)(struct shim *))
{
	const struct cursor start = {0};
	int r;

	atomic_store(&shim->phase, PHASE_IN);
	regions_hide_code(shim);
	r = read_memory(shim, between);
	/* the file may have been put right, under its name: that's another file then */
	if (r && image_exchange(shim))
		r = read_memory(shim, between);
	if (r) {
		struct failure why = shim->failure;

		(void)regions_give_up(shim, &start, &shim->ledger.given_up);
		shim->failure = why;
	}
	return r;
}

void swap_in_resume(struct shim *shim)
{
	atomic_store(&shim->phase, PHASE_RESUMING);
	(void)regions_show_code(shim);
	hold_release(shim);
	image_remove(shim);
	regions_forget(shim);
	shim->since_ns = shim_now_ns();
	atomic_store(&shim->phase, PHASE_RUNNING);
}

int swap_in(struct shim *shim, void (*between)(struct shim *))
{
	int r = swap_in_memory(shim, between);

	if (r) {
		atomic_store(&shim->phase, PHASE_SWAPPED);
		hold_stop_again(shim);
		return r;
	}
	swap_in_resume(shim);
	return 0;
}

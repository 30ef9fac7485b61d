/* SPDX-License-Identifier: MIT */
#include "shim/swapout.h"
#include "proto/crc32c.h"
#include "shim/hold.h"
#include "shim/image.h"
#include "shim/iothread.h"
#include "shim/pages.h"
#include "shim/process.h"
#include "shim/rawsys.h"
#include "shim/regions.h"
#include "shim/swapin.h"

#include <errno.h>
#include <linux/prctl.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* 5.14 */
#endif

/* A chunk that is being made or written */
struct piece {
	struct image_chunk *chunk;
	struct cursor end;   /* everything before it is in this chunk or an earlier one */
	uint64_t held_bytes; /* of its pages, those included that hold zeros only; 0: none left */
};

static bool is_zero(const uint64_t *page, size_t bytes)
{
	const uint64_t *end = page + bytes / sizeof(*page);

	for (; page != end; page += 4)
		if (page[0] | page[1] | page[2] | page[3])
			return false;
	return true;
}

/* Adds pages of one run to the chunk: up to where the chunk is full. Returns where it stopped. */
static uint64_t add_pages(const struct shim *shim, struct image_chunk *chunk, uint64_t address,
			  uint64_t end)
{
	struct image_extent *extent = NULL;

	for (; address < end && chunk->n_pages < IMAGE_CHUNK_PAGES; address += shim->page_bytes) {
		const void *page = (const void *)(uintptr_t)address;

		if (is_zero(page, shim->page_bytes)) {
			extent = NULL; /* comes back by itself */
			continue;
		}
		if (!extent) {
			if (chunk->n_extents == IMAGE_CHUNK_EXTENTS)
				break;
			extent = &chunk->extents[chunk->n_extents++];
			*extent = (struct image_extent){.address = address};
		}
		extent->n_pages++;
		chunk->n_pages++;
		crc32c_lanes(shim->crc_fast, chunk->data_crc, page, shim->page_bytes);
	}
	return address;
}

/* Makes the next chunk of what the walk finds, one without pages where nothing is left. 0 or a
 * failure. */
static int make_chunk(struct shim *shim, struct pages *pages, uint32_t index, struct piece *piece)
{
	struct image_chunk *chunk = shim_slot(shim, index);
	struct page_run run;
	int r = 0;

	*chunk = (struct image_chunk){.magic = IMAGE_CHUNK_MAGIC, .index = index};
	*piece = (struct piece){.chunk = chunk};
	while (chunk->n_pages < IMAGE_CHUNK_PAGES && chunk->n_extents < IMAGE_CHUNK_EXTENTS &&
	       (r = pages_peek(shim, pages, &run)) > 0) {
		uint64_t most = (uint64_t)IMAGE_CHUNK_PAGES * shim->page_bytes;
		uint64_t end = run.end - run.start > most ? run.start + most : run.end;

		/* a page that can't be read is to be an error here, not a signal */
		long populated = RAW_3(SYS_madvise, run.start, end - run.start, MADV_POPULATE_READ);

		if (populated < 0 && populated != -EINVAL)
			return shim_fail(shim, (int)-populated, "some of its memory can't be read",
					 NULL);
		end = add_pages(shim, chunk, run.start, end);
		piece->held_bytes += end - run.start;
		piece->end = (struct cursor){.region = pages->region, .at = end};
		pages_take(pages, end);
		if (end == run.start)
			break; /* full */
	}
	if (r < 0)
		return r;
	chunk->crc = crc32c(0, chunk,
			    offsetof(struct image_chunk, extents) +
				    chunk->n_extents * sizeof(chunk->extents[0]));
	return 0;
}

/* Writes the data of a chunk behind the last head that has been made; before the first come all. */
static void submit(struct shim *shim, const struct image_chunk *chunk)
{
	struct io_job *job = io_begin(shim, chunk->index, true, shim->image_bytes);
	uint32_t n_heads = chunk->index == 0 ? IMAGE_AHEAD : 1;

	for (uint32_t i = IMAGE_AHEAD - n_heads; i < IMAGE_AHEAD; i++)
		io_add(job, (uintptr_t)shim_slot(shim, chunk->index + i), shim->page_bytes);
	for (uint32_t i = 0; i < chunk->n_extents; i++)
		io_add(job, chunk->extents[i].address,
		       (uint64_t)chunk->extents[i].n_pages * shim->page_bytes);
	shim->image_bytes += n_heads * (uint64_t)shim->page_bytes + image_data_bytes(shim, chunk);
	io_submit(job);
}

/* The chunk is in the image: its memory can go. Told to the ledger first, for this helper may end
 * at any instruction, and the next one reads there what is to be brought back. */
static int give_up(struct shim *shim, const struct cursor *from, const struct piece *piece)
{
	int r;

	shim->ledger.held_bytes += piece->held_bytes;
	shim->ledger.chunks++;
	shim->ledger.given_up = piece->end;
	atomic_store(&shim->phase, PHASE_OUT);
	r = regions_give_up(shim, from, &piece->end);
	return r ? shim_fail(shim, -r, "its memory can't be given up", NULL) : 0;
}

/* Awaits the writing of a chunk, and gives its memory up. */
static int finish(struct shim *shim, struct cursor *done, const struct piece *piece)
{
	int r = io_wait(shim, piece->chunk->index);

	if (!r)
		r = image_settle(shim);
	if (r)
		return image_fail(shim, r, "the image can't be written");
	r = give_up(shim, done, piece);
	*done = piece->end;
	hold_look(shim);
	if (!r && shim->wanted)
		r = shim_fail(shim, ECANCELED, "it was continued meanwhile (SIGCONT)", NULL);
	return r;
}

/* While some chunks are written, another is made: the heads of the next ones lie before the data of
 * this one. */
static int write_all(struct shim *shim, struct pages *pages, void (*between)(struct shim *))
{
	struct piece pieces[SHIM_SLOTS] = {0};
	struct cursor done = {0};
	uint32_t made = 0, asked = 0, finished = 0;
	int r = 0;

	while (!r) {
		while (!r && made < asked + IMAGE_AHEAD) {
			r = make_chunk(shim, pages, made, &pieces[made % SHIM_SLOTS]);
			made++;
		}
		if (r || !pieces[asked % SHIM_SLOTS].held_bytes)
			break;
		submit(shim, pieces[asked % SHIM_SLOTS].chunk);
		asked++;
		if (asked - finished == SHIM_IO_JOBS)
			r = finish(shim, &done, &pieces[finished++ % SHIM_SLOTS]);
		between(shim);
	}
	while (!r && finished < asked)
		r = finish(shim, &done, &pieces[finished++ % SHIM_SLOTS]);
	return r;
}

/* How many bytes the image will have, at most; and leaves regions without pages out of the ledger:
 * there is nothing to hide, and the kernel would forget that it has promised memory for them, which
 * it may not have when they come back (vm.overcommit_memory = 2). A failure, or 0. */
static int measure(struct shim *shim, uint64_t *ret)
{
	struct region *regions = shim->ledger.regions;
	struct pages pages;
	struct page_run run;
	uint64_t n_pages = 0, n_runs = 0;
	uint32_t used = 0, last = UINT32_MAX;
	int r = pages_open(shim, &pages);

	if (r)
		return r;
	while ((r = pages_peek(shim, &pages, &run)) > 0) {
		n_pages += (run.end - run.start) / shim->page_bytes;
		n_runs++;
		if (pages.region != last)
			regions[used++] = regions[pages.region];
		last = pages.region;
		pages_take(&pages, run.end);
	}
	pages_close(&pages);
	shim->ledger.n_regions = used;
	*ret = (2 + IMAGE_AHEAD + n_pages + n_pages / IMAGE_CHUNK_PAGES +
		n_runs / IMAGE_CHUNK_EXTENTS) *
	       shim->page_bytes;
	return r;
}

/* With the program held: what is to go, whether there's room for it, and there it goes. */
static int move_memory(struct shim *shim, void (*between)(struct shim *))
{
	struct pages pages;
	struct cursor end;
	uint64_t bytes;
	int r = process_check(shim, true);

	/* from here on it can't any more */
	if (!r && process_is_another(shim))
		r = shim_fail(shim, ESRCH, "it has become another program", NULL);
	if (!r)
		r = regions_list(shim);
	if (!r)
		r = measure(shim, &bytes);
	if (!r)
		r = image_reserve(shim, bytes);
	if (!r)
		r = pages_open(shim, &pages);
	if (r)
		return r;
	/* now, for a helper that is killed while it brings the memory back leaves it disabled */
	shim->huge_disabled = RAW_5(SYS_prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0) > 0;
	regions_hide_code(shim);
	io_start(shim);
	r = write_all(shim, &pages, between);
	io_stop(shim);
	pages_close(&pages);
	if (r)
		return r;
	r = image_finish(shim, shim->image_bytes);
	if (r)
		return r;
	/* the ends of the regions, where nothing was: no touch of them may pass for memory */
	end = regions_end(shim);
	r = regions_give_up(shim, &shim->ledger.given_up, &end);
	shim->ledger.given_up = end;
	return r ? shim_fail(shim, -r, "its memory can't be given up", NULL) : 0;
}

/* Leaves the program as it was found. */
static void undo(struct shim *shim, void (*between)(struct shim *))
{
	struct failure why = shim->failure;

	if (shim->ledger.chunks && swap_in_memory(shim, between)) {
		/* worse than before: it stays where it is, and can be unswapped later */
		atomic_store(&shim->phase, PHASE_SWAPPED);
		shim->since_ns = shim_now_ns();
		return;
	}
	swap_in_resume(shim);
	shim->failure = why;
}

int swap_out(struct shim *shim, void (*between)(struct shim *))
{
	int r = process_is_another(shim)
			? shim_fail(shim, ESRCH, "it has become another program", NULL)
			: process_check(shim, false);

	if (!r)
		r = image_create(shim);
	if (r)
		return r;
	r = regions_prepare(shim);
	if (!r) {
		atomic_store(&shim->phase, PHASE_STOPPING);
		r = hold_stop(shim);
		if (r)
			atomic_store(&shim->phase, PHASE_RUNNING);
	}
	if (r) {
		regions_forget(shim);
		image_remove(shim);
		return r;
	}
	r = hold_seize(shim);
	if (!r)
		r = move_memory(shim, between);
	if (r) {
		undo(shim, between);
		return r;
	}
	shim->since_ns = shim_now_ns();
	atomic_store(&shim->phase, PHASE_SWAPPED);
	return 0;
}

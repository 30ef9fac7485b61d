/* SPDX-License-Identifier: MIT */
/* What the shim believes of an image that has been in other hands: whose it is by its header, and
 * where the pages of a chunk belong by its extents. The first byte says which, and whether CRC and
 * identity are put right, for hardly an input would get past them. */
#include "fuzz/shim.h"

#include "shim/image.c"
#undef REGIONS_MAX
#define close_fd regions_close_fd
#include "shim/regions.c"
#undef close_fd

#include <sys/stat.h>

enum { HEADER = 1, RIGHT_CRC = 2, RIGHT_IDENTITY = 4 };

static struct shim shim;
static struct region table[] = {
	{0x10000, 0x11000, 3, 0},
	{0x20000, 0x40000, 3, 0},
	{0x40000, 0x80000, 1, 0},
	{0x7f0000000000, 0x7f0000400000, 3, 0},
};

int io_now(int fd, bool write, void *memory, uint64_t bytes, uint64_t offset)
{
	(void)fd, (void)write, (void)memory, (void)bytes, (void)offset;
	return -EIO;
}

struct io_job *io_begin(struct shim *of, uint32_t index, bool write, uint64_t offset)
{
	(void)index, (void)write, (void)offset;
	return &of->io[0];
}

void io_add(struct io_job *job, uint64_t address, uint64_t bytes)
{
	(void)job, (void)address, (void)bytes;
}

void io_submit(struct io_job *job)
{
	job->error = -EIO;
}

int io_wait(struct shim *of, uint32_t index)
{
	(void)index;
	return of->io[0].error;
}

int process_status(struct shim *of, const char *key, unsigned base, uint64_t *ret)
{
	(void)of, (void)key, (void)base, (void)ret;
	return -ENOENT;
}

static long look(struct statx *ret)
{
	ret->stx_mode = S_IFREG | 0600;
	ret->stx_uid = shim.uid;
	return 0;
}

static long read_part(const struct iovec *part)
{
	size_t n = file.size < part->iov_len ? file.size : part->iov_len;

	memcpy(part->iov_base, file.data, n);
	return (long)n;
}

static long other_call(long number, const long args[6])
{
	switch (number) {
	case SYS_statx: return look((struct statx *)args[4]);
	case SYS_preadv: return read_part((const struct iovec *)args[1]);
	default: return -ENOSYS;
	}
}

static void try_header(int mode, const uint8_t *data, size_t size)
{
	struct image_header header = {0};
	enum found found;

	memcpy(&header, data, size < sizeof header ? size : sizeof header);
	if (mode & RIGHT_IDENTITY) {
		memcpy(header.boot_id, shim.boot_id, sizeof header.boot_id);
		header.pid_ns = shim.pid_ns;
	}
	if (mode & RIGHT_CRC)
		header.crc = header_crc(&header);
	file.data = (const uint8_t *)&header;
	file.size = size < sizeof header ? size : sizeof header;
	found = identify(&shim, 100);
	if (found == FOUND_FOREIGN)
		return;
	if (file.size == 0) {
		HOLDS(found == FOUND_STALE);
		return;
	}
	HOLDS(file.size == sizeof header && header.magic == IMAGE_MAGIC &&
	      header.version == IMAGE_VERSION);
	if (found == FOUND_OURS)
		HOLDS(header.pid == shim.program && header.start_ticks == shim.start_ticks &&
		      header.pid_ns == shim.pid_ns &&
		      memcmp(header.boot_id, shim.boot_id, 16) == 0);
}

/* In just one of the regions */
static int is_held(uint64_t start, uint64_t bytes)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (start >= table[i].start && start < table[i].end)
			return bytes <= table[i].end - start;
	return 0;
}

static void try_chunk(int mode, const uint8_t *data, size_t size)
{
	struct image_chunk *chunk = shim_slot(&shim, 1);
	uint64_t pages = 0;
	int r;

	memset(chunk, 0, sizeof *chunk);
	memcpy(chunk, data, size < sizeof *chunk ? size : sizeof *chunk);
	if (mode & RIGHT_CRC && chunk->n_extents <= IMAGE_CHUNK_EXTENTS) {
		chunk->crc = 0;
		chunk->crc = crc32c(0, chunk,
				    offsetof(struct image_chunk, extents) +
					    chunk->n_extents * sizeof chunk->extents[0]);
	}
	shim.failure = (struct failure){0};
	r = image_check(&shim, 1);
	HOLDS(r == -shim.failure.error && (r == 0 || r == -EBADMSG));
	if (r < 0)
		return;
	HOLDS(chunk->magic == IMAGE_CHUNK_MAGIC && chunk->index == 1);
	HOLDS(chunk->n_extents <= IMAGE_CHUNK_EXTENTS);
	for (uint32_t i = 0; i < chunk->n_extents; i++) {
		HOLDS(chunk->extents[i].address % shim.page_bytes == 0);
		HOLDS(chunk->extents[i].n_pages > 0);
		HOLDS(is_held(chunk->extents[i].address,
			      (uint64_t)chunk->extents[i].n_pages * shim.page_bytes));
		pages += chunk->extents[i].n_pages;
	}
	HOLDS(pages == chunk->n_pages && pages <= IMAGE_CHUNK_PAGES);
	HOLDS(image_data_bytes(&shim, chunk) == pages * shim.page_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	shim.page_bytes = 4096;
	shim.program = 1234;
	shim.start_ticks = 567890;
	shim.pid_ns = 4026531836;
	memcpy(shim.boot_id, "0123456789abcdef", 16);
	shim.ledger.regions = table;
	shim.ledger.n_regions = sizeof table / sizeof *table;
	if (data[0] & HEADER)
		try_header(data[0], data + 1, size - 1);
	else
		try_chunk(data[0], data + 1, size - 1);
	return 0;
}

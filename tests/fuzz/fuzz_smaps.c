/* SPDX-License-Identifier: MIT */
/* A whole file through the reader: what it tells is in order, and of a region that maps would tell
 * the same way; an error leaves nothing behind. */
#include "sys/smaps.h"

#include "fuzz/fuzz.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static void check_smap(const struct smap *smap)
{
	HOLDS(smap->region.start < smap->region.end && smap->region.kind < REGION__N);
	/* kB of the kernel's, none of them saturated */
	HOLDS(smap->resident_bytes % 1024 == 0 && smap->anon_bytes % 1024 == 0 &&
	      smap->referenced_bytes % 1024 == 0 && smap->swap_bytes % 1024 == 0);
}

/* How many lines can be heads of regions */
static size_t count_heads(const char *text, size_t size)
{
	const char *end = text + size;
	size_t n = 0;

	for (const char *line = text, *newline; line < end; line = newline + 1) {
		struct region region;

		newline = memchr(line, '\n', (size_t)(end - line));
		if (!newline)
			break;
		n += region_parse(line, (size_t)(newline - line), &region) == 0;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct smaps smaps;
	struct smap smap;
	size_t n = 0;
	int r;

	smaps.has_next = false;
	smaps.lines.at = smaps.lines.len = 0;
	smaps.lines.in_line = false;
	smaps.lines.fd = memfd_create("smaps", MFD_CLOEXEC);
	HOLDS(smaps.lines.fd >= 0 && write(smaps.lines.fd, data, size) == (ssize_t)size);
	HOLDS(lseek(smaps.lines.fd, 0, SEEK_SET) == 0);
	do {
		memset(&smap, PATTERN, sizeof smap);
		r = smaps_next(&smaps, &smap);
		if (r == 1) {
			check_smap(&smap);
			n++;
		} else {
			HOLDS((r == 0 || r == -EBADMSG) && is_untouched(&smap, sizeof smap));
		}
	} while (r == 1);
	/* each head is told of, and nothing else */
	if (size < PROCFS_FILE_MAX)
		HOLDS(r == 0 ? n == count_heads((const char *)data, size)
			     : n <= count_heads((const char *)data, size));
	HOLDS(r != 0 || size == 0 || data[size - 1] == '\n');
	smaps_close(&smaps);
	return 0;
}

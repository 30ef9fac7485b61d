/* SPDX-License-Identifier: MIT */
/* A whole file through the reader, and each of its lines by itself: both must agree. */
#include "sys/regions.h"

#include "fuzz/fuzz.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* What the line says of it lies in the line, and agrees with the region. */
static void check_mapping(const char *line, size_t len, const struct region *region)
{
	struct mapping mapping;

	HOLDS(mapping_parse(line, len, &mapping) == 0);
	HOLDS(mapping.start == region->start && mapping.end == region->end);
	HOLDS(mapping.name >= line && mapping.name + mapping.name_len == line + len);
	HOLDS(mapping.name_len == 0 || *mapping.name != ' ');
	HOLDS((mapping.permissions[3] == 'p') == (region->kind != REGION_SHARED));
}

static void check_region(const char *line, size_t len, const struct region *region)
{
	const char *permissions = memchr(line, ' ', len);

	HOLDS(region->start < region->end && region->kind < REGION__N);
	/* what may be moved out says so of itself */
	if (region->kind == REGION_ELIGIBLE)
		HOLDS(permissions[2] == 'w' && permissions[3] != 'x' && permissions[4] == 'p');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct regions regions;
	const char *line = (const char *)data, *end = line + size;
	struct region read_one, parsed;
	int r, expected;

	regions.lines.at = regions.lines.len = 0;
	regions.lines.in_line = false;
	regions.lines.fd = memfd_create("maps", MFD_CLOEXEC);
	HOLDS(regions.lines.fd >= 0 && write(regions.lines.fd, data, size) == (ssize_t)size);
	HOLDS(lseek(regions.lines.fd, 0, SEEK_SET) == 0);
	do {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((newline ? newline : end) - line);

		memset(&parsed, PATTERN, sizeof parsed);
		expected = region_parse(line, len, &parsed);
		if (expected == 0)
			check_region(line, len, &parsed);
		else
			HOLDS(expected == -EBADMSG && is_untouched(&parsed, sizeof parsed));
		if (expected == 0)
			check_mapping(line, len, &parsed);
		memset(&read_one, PATTERN, sizeof read_one);
		r = regions_next(&regions, &read_one);
		if (newline)
			HOLDS(r == (expected == 0 ? 1 : -EBADMSG));
		else if (len < PROCFS_FILE_MAX) /* the end, or a torn line */
			HOLDS(r == (len == 0 ? 0 : -EBADMSG));
		if (r == 1)
			HOLDS(expected == 0 && read_one.start == parsed.start &&
			      read_one.end == parsed.end && read_one.kind == parsed.kind);
		line += len + 1;
	} while (r == 1 && line <= end);
	regions_close(&regions);
	return 0;
}

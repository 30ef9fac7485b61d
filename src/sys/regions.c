/* SPDX-License-Identifier: MIT */
#include "sys/regions.h"

#include "base/num.h"

#include <errno.h>
#include <string.h>

static int scan_hex(const char **at, const char *end, uint64_t *ret)
{
	const char *p = *at;
	uint64_t value = 0;

	for (; p < end; p++) {
		unsigned digit;

		if (*p >= '0' && *p <= '9')
			digit = (unsigned)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			digit = (unsigned)(*p - 'a') + 10;
		else
			break;
		if (value >> 60)
			return -EBADMSG;
		value = value << 4 | digit;
	}
	if (p == *at)
		return -EBADMSG;
	*at = p;
	*ret = value;
	return 0;
}

static bool skip_char(const char **at, const char *end, char c)
{
	if (*at >= end || **at != c)
		return false;
	(*at)++;
	return true;
}

static bool starts(const char *at, const char *end, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(end - at) >= len && memcmp(at, word, len) == 0;
}

/* Those of further threads are plain anonymous memory but for a name: of glibc where its tunable
 * decorate_maps is on, of bionic always. */
static bool is_stack(const char *name, const char *end)
{
	return starts(name, end, "[stack") || starts(name, end, "[anon: glibc: pthread stack") ||
	       starts(name, end, "[anon:stack_and_tls");
}

static enum region_kind classify(const struct mapping *mapping)
{
	const char *permissions = mapping->permissions, *name = mapping->name;
	const char *end = name + mapping->name_len;

	if (permissions[3] != 'p')
		return REGION_SHARED;
	if (mapping->inode != 0)
		return REGION_FILE;
	if (permissions[2] == 'x')
		return REGION_EXECUTABLE;
	if (permissions[1] != 'w')
		return REGION_READONLY;
	if (is_stack(name, end))
		return REGION_STACK;
	if (name == end || starts(name, end, "[heap]") || starts(name, end, "[anon:"))
		return REGION_ELIGIBLE;
	return REGION_KERNEL;
}

/* "start-end rwxp offset major:minor inode   name" */
int mapping_parse(const char *line, size_t len, struct mapping *ret)
{
	const char *at = line, *end = line + len;
	struct mapping mapping;

	if (scan_hex(&at, end, &mapping.start) < 0 || !skip_char(&at, end, '-') ||
	    scan_hex(&at, end, &mapping.end) < 0 || !skip_char(&at, end, ' ') || end - at < 5)
		return -EBADMSG;
	memcpy(mapping.permissions, at, sizeof mapping.permissions);
	at += sizeof mapping.permissions;
	if (!skip_char(&at, end, ' ') || scan_hex(&at, end, &mapping.offset) < 0 ||
	    !skip_char(&at, end, ' ') || scan_hex(&at, end, &mapping.major) < 0 ||
	    !skip_char(&at, end, ':') || scan_hex(&at, end, &mapping.minor) < 0 ||
	    !skip_char(&at, end, ' ') || num_scan_u64(&at, end, &mapping.inode) < 0 ||
	    mapping.start >= mapping.end)
		return -EBADMSG;
	while (at < end && *at == ' ')
		at++;
	mapping.name = at;
	mapping.name_len = (size_t)(end - at);
	*ret = mapping;
	return 0;
}

int region_parse(const char *line, size_t len, struct region *ret)
{
	struct mapping mapping;

	if (mapping_parse(line, len, &mapping) < 0)
		return -EBADMSG;
	*ret = (struct region){mapping.start, mapping.end, classify(&mapping)};
	return 0;
}

int regions_open(const struct procfs *procfs, pid_t pid, struct regions *ret)
{
	return lines_open(procfs, pid, "maps", &ret->lines);
}

void regions_close(struct regions *regions)
{
	lines_close(&regions->lines);
}

int regions_next(struct regions *regions, struct region *ret)
{
	const char *line;
	size_t len;
	int r = lines_next(&regions->lines, &line, &len);

	return r == 1 && region_parse(line, len, ret) < 0 ? -EBADMSG : r;
}

int regions_next_mapping(struct regions *regions, struct mapping *ret)
{
	const char *line;
	size_t len;
	int r = lines_next(&regions->lines, &line, &len);

	return r == 1 && mapping_parse(line, len, ret) < 0 ? -EBADMSG : r;
}

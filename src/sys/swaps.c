/* SPDX-License-Identifier: MIT */
#include "sys/swaps.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/octal.h"
#include "base/units.h"

#include <errno.h>
#include <string.h>

struct span {
	const char *at;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next word between *at and end; empty where there is none. */
static struct span next_word(const char **at, const char *end)
{
	struct span word;

	while (*at < end && is_blank(**at))
		(*at)++;
	word.at = *at;
	while (*at < end && !is_blank(**at))
		(*at)++;
	word.len = (size_t)(*at - word.at);
	return word;
}

static bool equals(struct span word, const char *text)
{
	return word.len == strlen(text) && memcmp(word.at, text, word.len) == 0;
}

static int parse_kib(struct span word, uint64_t *ret_bytes)
{
	const char *at = word.at, *end = at + word.len;
	uint64_t kib;

	if (num_scan_u64(&at, end, &kib) < 0 || at != end || kib > UINT64_MAX / KIB)
		return -EBADMSG;
	*ret_bytes = bytes_from_kib(kib);
	return 0;
}

static int parse_priority(struct span word, int32_t *ret)
{
	char text[16];
	int64_t value;

	if (word.len >= sizeof text)
		return -EBADMSG;
	memcpy(text, word.at, word.len);
	text[word.len] = '\0';
	if (num_i64(text, &value) < 0 || value < INT16_MIN || value > INT16_MAX)
		return -EBADMSG;
	*ret = (int32_t)value;
	return 0;
}

/* The kernel marks a file without a name by what it puts behind the last one. */
static void take_mark(struct swap_area *area)
{
	static const char mark[] = " (deleted)";
	size_t len = strlen(area->path), mark_len = sizeof mark - 1;

	area->deleted = area->kind == SWAP_FILE && len > mark_len &&
			strcmp(area->path + len - mark_len, mark) == 0;
	if (area->deleted)
		area->path[len - mark_len] = '\0';
}

static int parse_line(const char *at, const char *end, struct swap_area *ret)
{
	struct span path = next_word(&at, end), kind = next_word(&at, end);
	struct span size = next_word(&at, end), used = next_word(&at, end);
	struct span priority = next_word(&at, end);

	if (at != end || path.len == 0 ||
	    octal_unescape(path.at, path.len, ret->path, sizeof ret->path) < 0 ||
	    parse_kib(size, &ret->size_bytes) < 0 || parse_kib(used, &ret->used_bytes) < 0 ||
	    parse_priority(priority, &ret->priority) < 0 || ret->used_bytes > ret->size_bytes)
		return -EBADMSG;
	if (!equals(kind, "file") && !equals(kind, "partition"))
		return -EBADMSG;
	ret->kind = equals(kind, "file") ? SWAP_FILE : SWAP_PARTITION;
	take_mark(ret);
	return 0;
}

int swaps_parse(const char *text, size_t len, struct swaps *ret)
{
	const char *end;
	size_t n = 0;

	ret->n = 0;
	for (const char *line = text; line < text + len; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + len - line));
		if (!end)
			return -EBADMSG;
		if (line == text) {
			if (!equals(next_word(&line, end), "Filename"))
				return -EBADMSG;
			continue;
		}
		if (n == SWAPS_MAX)
			return -E2BIG;
		if (parse_line(line, end, &ret->areas[n]) < 0)
			return -EBADMSG;
		n++;
	}
	if (len == 0)
		return -EBADMSG;
	ret->n = n;
	return 0;
}

int swaps_read(const struct procfs *procfs, struct swaps *ret)
{
	char text[SWAPS_MAX * 1024]; /* paths are short in practice; -EFBIG where they aren't */
	_cleanup_close_ int fd = procfs_open_file(procfs, "swaps");
	ssize_t n;

	ret->n = 0;
	if (fd < 0)
		return fd;
	n = procfs_read_fd(fd, text, sizeof text);
	return n < 0 ? (int)n : swaps_parse(text, (size_t)n, ret);
}

const struct swap_area *swaps_find(const struct swaps *swaps, const char *path)
{
	for (size_t i = 0; i < swaps->n; i++)
		if (!swaps->areas[i].deleted && strcmp(swaps->areas[i].path, path) == 0)
			return &swaps->areas[i];
	return NULL;
}

uint64_t swaps_size_bytes(const struct swaps *swaps)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < swaps->n; i++)
		bytes = u64_add_sat(bytes, swaps->areas[i].size_bytes);
	return bytes;
}

uint64_t swaps_used_bytes(const struct swaps *swaps)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < swaps->n; i++)
		bytes = u64_add_sat(bytes, swaps->areas[i].used_bytes);
	return bytes;
}

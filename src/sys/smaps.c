/* SPDX-License-Identifier: MIT */
#include "sys/smaps.h"

#include "base/num.h"
#include "base/units.h"

#include <errno.h>
#include <string.h>

enum { KEY_RSS, KEY_REFERENCED, KEY_ANONYMOUS, KEY_SWAP, KEY_FLAGS, KEY__N };

#define FIGURES \
	((1u << KEY_RSS) | (1u << KEY_REFERENCED) | (1u << KEY_ANONYMOUS) | (1u << KEY_SWAP))
#define FLAGS (1u << KEY_FLAGS)

static const struct {
	const char *text;
	size_t len;
} keys[KEY__N] = {
	[KEY_RSS] = {"Rss:", 4},
	[KEY_REFERENCED] = {"Referenced:", 11},
	[KEY_ANONYMOUS] = {"Anonymous:", 10},
	[KEY_SWAP] = {"Swap:", 5},
	[KEY_FLAGS] = {"VmFlags:", 8},
};

/* What is gathered of one region. */
struct entry {
	uint64_t bytes[KEY__N];
	unsigned found; /* 1 << key */
	bool locked, hugetlb, device, grows_down;
};

static int find_key(const char *line, size_t len)
{
	for (int i = 0; i < KEY__N; i++)
		if (len > keys[i].len && memcmp(line, keys[i].text, keys[i].len) == 0)
			return i;
	return -1;
}

/* " rd wr mr lo": two letters each, proc_pid_smaps(5) */
static int parse_flags(const char *at, const char *end, struct entry *entry)
{
	while (at < end && *at == ' ')
		at++;
	for (; at < end; at += 3) {
		/* a blank follows each, the last one too */
		if (end - at < 3 || at[2] != ' ')
			return -EBADMSG;
		entry->locked |= memcmp(at, "lo", 2) == 0;
		entry->hugetlb |= memcmp(at, "ht", 2) == 0;
		entry->device |= memcmp(at, "io", 2) == 0 || memcmp(at, "pf", 2) == 0;
		entry->grows_down |= memcmp(at, "gd", 2) == 0;
	}
	return 0;
}

static int parse_line(const char *line, size_t len, struct entry *entry)
{
	int key = find_key(line, len), r;
	const char *at, *end = line + len;

	if (key < 0)
		return 0;
	at = line + keys[key].len;
	r = key == KEY_FLAGS ? parse_flags(at, end, entry)
			     : num_scan_kib(at, end, &entry->bytes[key]);
	if (entry->found & 1u << key)
		return -EBADMSG;
	entry->found |= 1u << key;
	return r;
}

/* What maps says of a region, and its flags of the rest. */
static enum region_kind refine(enum region_kind kind, const struct entry *entry)
{
	bool plain = kind == REGION_ELIGIBLE || kind == REGION_FILE || kind == REGION_SHARED;

	if (plain && entry->hugetlb)
		return REGION_HUGETLB;
	if (plain && entry->device)
		return REGION_DEVICE;
	if (kind == REGION_ELIGIBLE && entry->grows_down)
		return REGION_STACK;
	if (kind == REGION_ELIGIBLE && entry->locked)
		return REGION_LOCKED;
	return kind;
}

/* Every line between two heads begins with a capital letter; a head is an address in hex. */
static bool is_head(const char *line, size_t len)
{
	return len == 0 || *line < 'A' || *line > 'Z';
}

/* Reads on to the next head, or to the end. 1, 0 where there was nothing any more, -errno. */
static int next_entry(struct smaps *smaps, struct region *ret_region, struct entry *entry)
{
	struct region region = smaps->next;
	bool has_region = smaps->has_next;
	const char *line;
	size_t len;
	int r;

	smaps->has_next = false;
	while ((r = lines_next(&smaps->lines, &line, &len)) == 1) {
		if (!is_head(line, len)) {
			if (!has_region || parse_line(line, len, entry) < 0)
				return -EBADMSG;
			continue;
		}
		if (region_parse(line, len, &smaps->next) < 0)
			return -EBADMSG;
		if (has_region) {
			smaps->has_next = true;
			break;
		}
		region = smaps->next;
		has_region = true;
	}
	if (r < 0)
		return r;
	*ret_region = region;
	return has_region;
}

static int next_with(struct smaps *smaps, unsigned needed, struct smap *ret)
{
	struct entry entry = {0};
	struct region region = {0};
	int r = next_entry(smaps, &region, &entry);

	if (r <= 0)
		return r;
	if ((entry.found & needed) != needed)
		return -EBADMSG;
	region.kind = refine(region.kind, &entry);
	*ret = (struct smap){
		.region = region,
		.resident_bytes = entry.bytes[KEY_RSS],
		.anon_bytes = entry.bytes[KEY_ANONYMOUS],
		.referenced_bytes = entry.bytes[KEY_REFERENCED],
		.swap_bytes = entry.bytes[KEY_SWAP],
	};
	return 1;
}

int smaps_open(const struct procfs *procfs, pid_t pid, struct smaps *ret)
{
	ret->has_next = false;
	return lines_open(procfs, pid, "smaps", &ret->lines);
}

void smaps_close(struct smaps *smaps)
{
	lines_close(&smaps->lines);
}

int smaps_next(struct smaps *smaps, struct smap *ret)
{
	return next_with(smaps, FIGURES | FLAGS, ret);
}

int smaps_sum(const struct procfs *procfs, pid_t pid, struct smap *ret)
{
	struct smaps smaps = {.has_next = false};
	int r = lines_open(procfs, pid, "smaps_rollup", &smaps.lines);

	if (r < 0)
		return r;
	r = next_with(&smaps, FIGURES, ret);
	smaps_close(&smaps);
	return r == 0 ? -ESRCH : r < 0 ? r : 0; /* empty: the process has ended */
}

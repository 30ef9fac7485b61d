/* SPDX-License-Identifier: MIT */
#include "backend/advise.h"

#include "base/units.h"
#include "sys/pidpin.h"

#include <errno.h>

/* Looks into the page map in one step: bounds a step over wide mappings that hold nothing. */
#define LOOKS_MAX 1024
/* And of all steps, those that find nothing. Where they are read, a look covers 4 MiB and takes
 * some us: 256 GiB that hold nothing are gone through, within a second; what a program only
 * reserved may be a hundred TiB, and take minutes. */
#define LOOKS_IN_VAIN_MAX 65536

static void begin(struct advise_walk *walk, pid_t pid, int pidfd, enum advise_verb verb,
		  uint64_t budget_bytes)
{
	*walk = (struct advise_walk){.pid = pid,
				     .pidfd = pidfd,
				     .verb = verb,
				     .budget_bytes = budget_bytes,
				     .regions.lines.fd = -1,
				     .map.fd = -1};
}

static int open_map(struct advise_walk *walk, const struct procfs *procfs)
{
	int r = pagemap_open(procfs, walk->pid, &walk->map);

	/* the files were opened by number: they are of our process if it still lives */
	return r == 0 && !pidpin_alive(walk->pidfd) ? -ESRCH : r;
}

int advise_open(struct advise_walk *walk, const struct procfs *procfs, pid_t pid, int pidfd,
		enum advise_verb verb, uint64_t budget_bytes)
{
	int r;

	begin(walk, pid, pidfd, verb, budget_bytes);
	r = regions_open(procfs, pid, &walk->regions);
	if (r == 0)
		r = open_map(walk, procfs);
	if (r < 0)
		advise_close(walk);
	return r;
}

int advise_open_spans(struct advise_walk *walk, const struct procfs *procfs, pid_t pid, int pidfd,
		      enum advise_verb verb, uint64_t budget_bytes, const struct advise_span *spans,
		      size_t n_spans)
{
	int r;

	begin(walk, pid, pidfd, verb, budget_bytes);
	walk->listed = true;
	walk->spans = spans;
	walk->n_spans = n_spans;
	r = open_map(walk, procfs);
	if (r < 0)
		advise_close(walk);
	return r;
}

void advise_close(struct advise_walk *walk)
{
	regions_close(&walk->regions);
	pagemap_close(&walk->map);
}

static bool is_final(ssize_t error)
{
	return error == -ESRCH || error == -EPERM || error == -ENOSYS || error == -EBADF;
}

/* Drops the first bytes of the n ranges at *ranges. */
static void consume(struct iovec **ranges, size_t *n, size_t bytes)
{
	while (*n > 0 && bytes >= (*ranges)->iov_len) {
		bytes -= (*ranges)->iov_len;
		(*ranges)++;
		(*n)--;
	}
	if (bytes > 0 && *n > 0) {
		(*ranges)->iov_base = (char *)(*ranges)->iov_base + bytes;
		(*ranges)->iov_len -= bytes;
	}
}

static int advise_ranges(struct advise_walk *walk)
{
	static const enum procmadv_advice advice[] = {
		[ADVISE_COLD] = PROCMADV_COLD,
		[ADVISE_PAGEOUT] = PROCMADV_PAGEOUT,
		[ADVISE_BACK] = PROCMADV_WILLNEED,
	};
	struct iovec *ranges = walk->ranges;
	size_t n = walk->n_ranges;

	while (n > 0) {
		ssize_t bytes = procmadv_advise(walk->pidfd, ranges, n, advice[walk->verb]);

		if (is_final(bytes))
			return (int)bytes;
		if (bytes > 0) {
			walk->advised_bytes += (uint64_t)bytes;
			consume(&ranges, &n, (size_t)bytes);
			continue;
		}
		/* the first range is refused: on to the next one */
		walk->refused_ranges++;
		walk->refused_bytes += ranges->iov_len;
		walk->budget_bytes += ranges->iov_len;
		walk->refused_error = (int)bytes;
		ranges++;
		n--;
	}
	return 0;
}

/* Touches a range; a page that can't be (a guard page, or unmapped meanwhile) is passed over. */
static int touch_range(struct advise_walk *walk, struct iovec range)
{
	size_t page_bytes = walk->map.page_bytes;

	while (range.iov_len >= page_bytes) {
		ssize_t bytes;
		size_t done;

		/* process_vm_readv(2) goes by number */
		if (!pidpin_alive(walk->pidfd))
			return -ESRCH;
		bytes = procmadv_touch(walk->pid, &range, page_bytes);
		if (bytes == -ESRCH)
			return -ESRCH;
		if (bytes == -EPERM) {
			walk->touch_denied = true;
			return 0;
		}
		done = (bytes > 0 ? (size_t)bytes : 0) + page_bytes;
		done = u64_min(done, range.iov_len);
		range.iov_base = (char *)range.iov_base + done;
		range.iov_len -= done;
	}
	return 0;
}

/* The advice has started to read everything in; now map it, waiting where it isn't there yet. */
static int touch_ranges(struct advise_walk *walk, const struct iovec *ranges, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0 && !walk->touch_denied; i++)
		r = touch_range(walk, ranges[i]);
	return r;
}

static int flush(struct advise_walk *walk)
{
	struct iovec ranges[PROCMADV_RANGES_MAX];
	size_t n = walk->n_ranges;
	int r;

	for (size_t i = 0; i < n; i++)
		ranges[i] = walk->ranges[i];
	r = advise_ranges(walk);
	if (r == 0 && walk->verb == ADVISE_BACK)
		r = touch_ranges(walk, ranges, n);
	walk->n_ranges = 0;
	return r;
}

static int next_span(struct advise_walk *walk)
{
	if (walk->n_spans == 0)
		return 0;
	walk->region = (struct region){walk->spans->start, walk->spans->end, REGION_ELIGIBLE};
	walk->spans++;
	walk->n_spans--;
	walk->at = walk->region.start;
	walk->in_region = true;
	return 1;
}

/* Moves on to the next region that may be advised. 1, 0 at the end, -errno. */
static int next_region(struct advise_walk *walk)
{
	int r;

	if (walk->listed)
		return next_span(walk);
	while ((r = regions_next(&walk->regions, &walk->region)) == 1) {
		walk->regions_seen[walk->region.kind]++;
		if (walk->region.kind == REGION_ELIGIBLE) {
			walk->at = walk->region.start;
			walk->in_region = true;
			break;
		}
	}
	return r;
}

/* Adds what there is in the current region, at most max_bytes. The bytes added, or -errno. */
static ssize_t collect(struct advise_walk *walk, uint64_t max_bytes)
{
	enum pagemap_want want = walk->verb == ADVISE_BACK ? PAGEMAP_SWAPPED : PAGEMAP_RESIDENT;
	struct iovec *into = walk->ranges + walk->n_ranges;
	uint64_t bytes = 0;
	ssize_t n;

	n = pagemap_find(&walk->map, want, &walk->at, walk->region.end, max_bytes, into,
			 PROCMADV_RANGES_MAX - walk->n_ranges);
	if (n < 0)
		return n;
	for (ssize_t i = 0; i < n; i++)
		bytes += into[i].iov_len;
	walk->n_ranges += (size_t)n;
	walk->in_region = walk->at < walk->region.end;
	return (ssize_t)bytes;
}

int advise_step(struct advise_walk *walk, uint64_t max_bytes)
{
	uint64_t page_bytes = walk->map.page_bytes;
	uint64_t left = u64_max(u64_min(max_bytes, walk->budget_bytes), page_bytes);
	bool more = walk->budget_bytes >= page_bytes;
	int r = 0;

	for (int looks = 0; more && left >= page_bytes && looks < LOOKS_MAX; looks++) {
		ssize_t bytes;

		if (!walk->in_region) {
			r = next_region(walk);
			more = r > 0;
			if (r <= 0)
				break;
		}
		bytes = collect(walk, left);
		if (bytes < 0)
			return (int)bytes;
		if (bytes == 0 && ++walk->looks_in_vain == LOOKS_IN_VAIN_MAX)
			more = false;
		left -= (uint64_t)bytes;
		walk->budget_bytes -= (uint64_t)bytes;
		if (walk->n_ranges == PROCMADV_RANGES_MAX) {
			r = flush(walk);
			if (r < 0)
				return r;
		}
	}
	if (r >= 0)
		r = flush(walk);
	if (r < 0)
		return r;
	if (more && walk->budget_bytes >= page_bytes)
		return 1;
	/* the maps of a process that has ended are empty: that is no end of its regions */
	return pidpin_alive(walk->pidfd) ? 0 : -ESRCH;
}

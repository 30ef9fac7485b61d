/* SPDX-License-Identifier: MIT */
#include "shim/regions.h"
#include "shim/process.h"
#include "shim/rawsys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <sys/mman.h>

#ifndef PR_GET_MDWE
#define PR_GET_MDWE 66 /* 6.3 */
#endif

/* vm.max_map_count is 65530 by default; kept pages may cut a few regions in two */
#define REGIONS_MAX 65536U
#define KEPT_MAX 32768U

#define CODE_MAX 32768U

#define LEDGER_BYTES \
	((REGIONS_MAX + CODE_MAX) * sizeof(struct region) + KEPT_MAX * sizeof(uint64_t))

int regions_prepare(struct shim *shim)
{
	struct region *regions = shim_map(LEDGER_BYTES, shim->page_bytes);

	if (!regions)
		return shim_fail(shim, ENOMEM, "no memory for the list of its mappings", NULL);
	shim->ledger =
		(struct ledger){.regions = regions,
				.code = regions + REGIONS_MAX,
				.kept = (uint64_t *)(void *)(regions + REGIONS_MAX + CODE_MAX)};
	return 0;
}

void regions_forget(struct shim *shim)
{
	if (shim->ledger.regions)
		shim_unmap(shim->ledger.regions, LEDGER_BYTES, shim->page_bytes);
	shim->ledger = (struct ledger){0};
}

static int keep_page(struct shim *shim, uint64_t page)
{
	struct ledger *ledger = &shim->ledger;
	uint32_t at = ledger->n_kept;

	while (at && ledger->kept[at - 1] > page)
		at--;
	if (at && ledger->kept[at - 1] == page)
		return 0;
	if (ledger->n_kept == KEPT_MAX)
		return shim_fail(shim, E2BIG, "it has too many threads", NULL);
	for (uint32_t i = ledger->n_kept; i > at; i--)
		ledger->kept[i] = ledger->kept[i - 1];
	ledger->kept[at] = page;
	ledger->n_kept++;
	return 0;
}

int regions_keep(struct shim *shim, uint64_t address, uint64_t bytes)
{
	uint64_t page = address - address % shim->page_bytes;
	int r = 0;

	for (; !r && page < address + bytes; page += shim->page_bytes)
		r = keep_page(shim, page);
	return r;
}

/* "rw-p" */
static bool parse_prot(const char **at, struct region *region, bool *ret_private)
{
	const char *c = *at;

	if (!c[0] || !c[1] || !c[2] || !c[3] || c[4] != ' ')
		return false;
	region->prot = (c[0] == 'r' ? PROT_READ : 0U) | (c[1] == 'w' ? PROT_WRITE : 0U) |
		       (c[2] == 'x' ? PROT_EXEC : 0U);
	*ret_private = c[3] == 'p';
	*at = c + 5;
	return true;
}

static bool skip(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

/* Memory of the program's own: the heap, stacks, and what it mapped, named or not. The kernel's
 * mappings (vdso and the like) are the others without a file. */
static bool own_name(const char *name)
{
	return *name == '\0' || words_equal(name, "[heap]") || words_after(name, "[stack") ||
	       words_after(name, "[anon:");
}

bool regions_parse(const char *line, struct region *ret, bool *ret_eligible)
{
	const char *at = line;
	uint64_t offset, major, minor, inode;
	bool private;

	*ret = (struct region){0};
	if (!words_number(&at, 16, &ret->start) || !skip(&at, '-') ||
	    !words_number(&at, 16, &ret->end) || !skip(&at, ' ') ||
	    !parse_prot(&at, ret, &private) || !words_number(&at, 16, &offset) || !skip(&at, ' ') ||
	    !words_number(&at, 16, &major) || !skip(&at, ':') || !words_number(&at, 16, &minor) ||
	    !skip(&at, ' ') || !words_number(&at, 10, &inode) || ret->end <= ret->start)
		return false;
	while (*at == ' ')
		at++;
	*ret_eligible = private && !(ret->prot & PROT_EXEC) && ret->prot && !major && !minor &&
			!inode && own_name(at);
	return true;
}

/*
 * Regions that the program has sealed (mseal, Linux 6.10) can't be given up. One that is read-only
 * has to be written to when it comes back: the kernel is to account for that now, while it may
 * still say no (vm.overcommit_memory = 2).
 */
static bool changeable(const struct region *region)
{
	uint64_t bytes = region->end - region->start;

	if (!(region->prot & PROT_WRITE) &&
	    RAW_3(SYS_mprotect, region->start, bytes, PROT_READ | PROT_WRITE) != 0)
		return false;
	return RAW_3(SYS_mprotect, region->start, bytes, region->prot) == 0;
}

static int add_piece(struct shim *shim, uint64_t start, uint64_t end, uint32_t prot)
{
	struct ledger *ledger = &shim->ledger;

	if (start >= end)
		return 0;
	if (ledger->n_regions == REGIONS_MAX)
		return shim_fail(shim, E2BIG, "it has too many mappings", NULL);
	ledger->regions[ledger->n_regions++] =
		(struct region){.start = start, .end = end, .prot = prot};
	return 0;
}

/* Adds a region in pieces between the pages that are kept, which ascend as the regions do. */
static int add_region(struct shim *shim, const struct region *region, uint32_t *kept)
{
	const struct ledger *ledger = &shim->ledger;
	uint64_t start = region->start;
	int r = 0;

	while (*kept < ledger->n_kept && ledger->kept[*kept] < start)
		(*kept)++;
	for (; !r && *kept < ledger->n_kept && ledger->kept[*kept] < region->end; (*kept)++) {
		r = add_piece(shim, start, ledger->kept[*kept], region->prot);
		start = ledger->kept[*kept] + shim->page_bytes;
	}
	return r ? r : add_piece(shim, start, region->end, region->prot);
}

/* Flags in smaps of what isn't to be touched: locked, huge pages of their own, device memory */
static bool flags_forbid(const char *flags)
{
	static const char *const forbidden[] = {"lo", "ht", "io", "pf", "mm", "sl"};

	while (*flags) {
		while (*flags == ' ')
			flags++;
		for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
			const char *rest = words_after(flags, forbidden[i]);

			if (rest && (*rest == ' ' || *rest == '\0'))
				return true;
		}
		while (*flags && *flags != ' ')
			flags++;
	}
	return false;
}

/* Lines of maps, or of smaps: there a region counts only when its flags have been seen */
struct listing {
	bool smaps, pending;
	struct region region;
	uint32_t kept;
};

static int take_region(struct shim *shim, struct listing *listing)
{
	const struct region *region = &listing->region;

	listing->pending = false;
	/* ours: guard pages keep them apart from the program's */
	if (region->start == (uintptr_t)shim || region->start == (uintptr_t)shim->ledger.regions)
		return 0;
	return changeable(&listing->region) ? add_region(shim, &listing->region, &listing->kept)
					    : 0;
}

/*
 * Code that can be taken away and given back: not our own, which runs meanwhile, nor what is sealed
 * or, where the program has forsworn to make memory executable (PR_SET_MDWE, or a filter of its
 * service manager's), anything.
 */
static void add_code(struct shim *shim, const struct region *region)
{
	struct ledger *ledger = &shim->ledger;

	if ((region->start <= shim->revive_pc && shim->revive_pc < region->end) ||
	    ledger->n_code == CODE_MAX || RAW_5(SYS_prctl, PR_GET_MDWE, 0, 0, 0, 0) > 0 ||
	    RAW_3(SYS_mprotect, region->start, region->end - region->start, region->prot) != 0)
		return;
	ledger->code[ledger->n_code++] = *region;
}

/* Rings of asynchronous I/O: what is in flight there, the kernel writes to the program's memory.
 * That of io_uring lives on in its mapping when its descriptor is closed. */
static const struct {
	const char *name, *reason;
} rings[] = {
	{" /[aio]",
	 "it uses asynchronous I/O (AIO): the kernel may write to its memory at any time"},
	{" anon_inode:[io_uring]",
	 "it uses io_uring: the kernel may write to its memory at any time"},
};

static const char *forbids(const char *line)
{
	for (; *line; line++)
		for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++)
			if (words_after(line, rings[i].name))
				return rings[i].reason;
	return NULL;
}

static int take_line(struct shim *shim, struct listing *listing, const char *line)
{
	const char *flags = words_after(line, "VmFlags:"), *forbidden = forbids(line);
	struct region region;
	bool eligible;

	if (forbidden)
		return shim_fail(shim, EINPROGRESS, forbidden, NULL);
	if (flags)
		return listing->pending && !flags_forbid(flags) ? take_region(shim, listing) : 0;
	if (!regions_parse(line, &region, &eligible))
		return 0;
	if (region.prot & PROT_EXEC)
		add_code(shim, &region);
	listing->region = region;
	listing->pending = eligible;
	return eligible && !listing->smaps ? take_region(shim, listing) : 0;
}

/* Reads the lines of an open maps through the read buffer; a line that doesn't fit is no line. */
static int read_lines(struct shim *shim, long fd, struct listing *listing)
{
	size_t len = 0;
	bool skipping = false;
	int failed = 0;

	while (!failed) {
		char *buf = shim->read_buffer, *line = buf;
		long n = RAW_3(SYS_read, fd, buf + len, sizeof(shim->read_buffer) - len);

		if (n < 0)
			return shim_fail(shim, (int)-n, "its mappings can't be read", NULL);
		if (n == 0)
			return len ? shim_fail(shim, EBADMSG, "its mappings can't be read", NULL)
				   : 0;
		len += (size_t)n;
		for (char *c = buf; c < buf + len && !failed; c++)
			if (*c == '\n') {
				*c = '\0';
				failed = skipping ? 0 : take_line(shim, listing, line);
				skipping = false;
				line = c + 1;
			}
		len -= (size_t)(line - buf);
		if (len == sizeof(shim->read_buffer)) {
			skipping = true;
			len = 0;
		}
		for (size_t i = 0; i < len; i++)
			buf[i] = line[i];
	}
	return failed;
}

int regions_list(struct shim *shim)
{
	struct listing listing = {0};
	uint64_t locked;
	long fd;
	int r = process_status(shim, "VmLck", 10, &locked);

	if (r < 0)
		return shim_fail(shim, -r, "its status can't be read", NULL);
	/* smaps walks all pages, so only where there's something to find */
	listing.smaps = locked > 0;
	fd = RAW_4(SYS_openat, AT_FDCWD, listing.smaps ? "/proc/self/smaps" : "/proc/self/maps",
		   O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return shim_fail(shim, (int)-fd, "its mappings can't be read", NULL);
	r = read_lines(shim, fd, &listing);
	(void)RAW_1(SYS_close, fd);
	return r;
}

/* Calls mprotect, and where that is the wish gives the pages up, for the part of a region. */
static int change(uint64_t start, uint64_t end, uint32_t prot, bool give_up)
{
	long r = RAW_3(SYS_mprotect, start, end - start, prot);

	if (r == 0 && give_up)
		r = RAW_3(SYS_madvise, start, end - start, MADV_DONTNEED);
	return (int)r;
}

int regions_give_up(struct shim *shim, const struct cursor *from, const struct cursor *to)
{
	const struct ledger *ledger = &shim->ledger;

	for (uint32_t i = from->region; i <= to->region && i < ledger->n_regions; i++) {
		const struct region *region = &ledger->regions[i];
		uint64_t start =
			i == from->region && from->at > region->start ? from->at : region->start;
		uint64_t end = i == to->region ? to->at : region->end;
		int r = start < end ? change(start, end, PROT_NONE, true) : 0;

		if (r)
			return r;
	}
	return 0;
}

/* Where the wish of the program is less than that it's what it gets at once. */
int regions_open(struct shim *shim)
{
	const struct ledger *ledger = &shim->ledger;

	for (uint32_t i = 0; i < ledger->n_regions; i++) {
		int r = change(ledger->regions[i].start, ledger->regions[i].end,
			       PROT_READ | PROT_WRITE, false);

		if (r)
			return r;
	}
	return 0;
}

int regions_restore(struct shim *shim)
{
	const struct ledger *ledger = &shim->ledger;

	for (uint32_t i = 0; i < ledger->n_regions; i++) {
		const struct region *region = &ledger->regions[i];
		int r = region->prot == (PROT_READ | PROT_WRITE)
				? 0
				: change(region->start, region->end, region->prot, false);

		if (r)
			return r;
	}
	return 0;
}

void regions_hide_code(struct shim *shim)
{
	const struct ledger *ledger = &shim->ledger;

	for (uint32_t i = 0; i < ledger->n_code; i++)
		(void)change(ledger->code[i].start, ledger->code[i].end,
			     ledger->code[i].prot & ~(uint32_t)PROT_EXEC, false);
}

int regions_show_code(struct shim *shim)
{
	const struct ledger *ledger = &shim->ledger;
	int r = 0;

	for (uint32_t i = 0; i < ledger->n_code; i++) {
		int one = change(ledger->code[i].start, ledger->code[i].end, ledger->code[i].prot,
				 false);

		r = r ? r : one;
	}
	return r;
}

bool regions_hold(const struct shim *shim, uint64_t address, uint64_t bytes)
{
	const struct ledger *ledger = &shim->ledger;
	uint32_t low = 0, high = ledger->n_regions;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct region *region = &ledger->regions[middle];

		if (address >= region->end)
			low = middle + 1;
		else if (address < region->start)
			high = middle;
		else
			return bytes <= region->end - address;
	}
	return false;
}

struct cursor regions_end(const struct shim *shim)
{
	const struct ledger *ledger = &shim->ledger;

	return (struct cursor){.region = ledger->n_regions ? ledger->n_regions - 1 : 0,
			       .at = ledger->n_regions ? ledger->regions[ledger->n_regions - 1].end
						       : 0};
}

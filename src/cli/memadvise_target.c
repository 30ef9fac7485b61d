/* SPDX-License-Identifier: MIT */
#include "cli/memadvise_target.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/units.h"
#include "sys/clock.h"
#include "sys/pidpin.h"
#include "sys/procstat.h"

#include <errno.h>
#include <string.h>

/* One call holds the map of the process all the while: it has to wait no longer than for this. */
#define STEP_BYTES (64 * MIB)

/* The process is there, but not what was to be read of it. */
static bool is_hidden(const struct target *target, const struct surroundings *around,
		      enum doing doing)
{
	_cleanup_close_ int fd = -1;

	if (doing == DOING_FIND)
		return target->pidfd >= 0 && pidpin_alive(target->pidfd);
	if (doing > DOING_READ_PAGES)
		return false;
	fd = procfs_open_file(around->procfs,
			      doing == DOING_READ_MAP ? "self/smaps_rollup" : "self/pagemap");
	return fd < 0;
}

static bool failed(struct target *target, const struct surroundings *around, enum doing doing,
		   int error, struct report *ret)
{
	struct text why = TEXT_OVER(ret->error);
	bool hidden = is_hidden(target, around, doing);

	why_failed(&why, doing, error, hidden, around->args->dry_run, &around->rights);
	target->lost = true;
	target->ended = error == -ESRCH && !hidden;
	return false;
}

static bool refused(struct target *target, const char *why, struct report *ret)
{
	struct text text = TEXT_OVER(ret->error);

	text_add(&text, why);
	target->lost = true;
	return false;
}

static int read_facts(const struct surroundings *around, pid_t pid, struct proc_facts *ret)
{
	struct procstat_units units = procstat_units();
	char text[PROCFS_FILE_MAX];
	ssize_t n = procfs_read(around->procfs, pid, "stat", text, sizeof text);

	return n < 0 ? (int)n : procstat_parse(text, (size_t)n, &units, ret);
}

/* 0 where word isn't the number of a process */
static pid_t parse_pid(const char *word)
{
	uint64_t pid;

	return num_u64(word, &pid) == 0 && pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

static bool no_pid(struct target *target, const char *word, struct report *ret)
{
	struct text text = TEXT_OVER(ret->error);

	text_add(&text, "'");
	text_add_safe(&text, word);
	text_add(&text, "' is not the number of a process");
	target->lost = true;
	return false;
}

bool target_open(struct target *target, const struct surroundings *around, const char *word,
		 struct report *ret)
{
	struct proc_facts facts = {0};
	int r;

	*target = (struct target){.pid = parse_pid(word), .pidfd = -1};
	if (target->pid == 0)
		return no_pid(target, word, ret);
	target->pidfd = pidpin_open(target->pid);
	/* threads have no pidfd, and /proc has them all the same */
	if (target->pidfd == -ESRCH && read_facts(around, target->pid, &facts) == 0)
		return refused(target, "the number of a thread: name its process", ret);
	if (target->pidfd < 0)
		return failed(target, around, DOING_FIND, target->pidfd, ret);
	r = read_facts(around, target->pid, &facts);
	if (r < 0)
		return failed(target, around, DOING_FIND, r, ret);
	target->start_ticks = facts.id.start_ticks;
	memcpy(target->name, facts.comm, sizeof target->name);
	if (facts.flags & PROC_KERNEL)
		return refused(target, "a kernel thread: it has no memory of its own", ret);
	if ((facts.state == 'Z' || facts.state == 'X') && facts.n_threads > 1)
		return refused(target,
			       "its first thread has ended: the kernel takes no advice about the "
			       "others' memory",
			       ret);
	if (facts.state == 'Z' || facts.state == 'X')
		return refused(target, "it has ended: its memory is gone already", ret);
	return true;
}

void target_close(struct target *target)
{
	close_fd(&target->pidfd);
}

/* Files of it are opened by number. -ESRCH where the number isn't our process's any more. */
static int check_same(const struct target *target, const struct surroundings *around)
{
	struct proc_facts facts = {0};
	int r = pidpin_alive(target->pidfd) ? read_facts(around, target->pid, &facts) : -ESRCH;

	return r == 0 && facts.id.start_ticks != target->start_ticks ? -ESRCH : r;
}

static int read_plan(const struct target *target, const struct surroundings *around,
		     struct plan *plan)
{
	const struct memadvise_args *args = around->args;
	enum plan_order order = args->coldest && !plan->back ? PLAN_COLDEST : PLAN_BY_ADDRESS;
	struct smaps smaps;
	struct smap smap;
	int r = smaps_open(around->procfs, target->pid, &smaps);

	if (r < 0)
		return r;
	while ((r = smaps_next(&smaps, &smap)) == 1)
		if (plan_add(plan, &smap) < 0) {
			r = -ENOMEM;
			break;
		}
	smaps_close(&smaps);
	if (r == 0)
		r = check_same(target, around);
	if (r == 0)
		plan_settle(plan, order, args->percent, args->max_bytes, around->page_bytes);
	return r;
}

/* What can be known beforehand of how it will end */
static void warn_of_room(const struct surroundings *around, struct report *ret)
{
	struct text warning = TEXT_OVER(ret->expectation);
	uint64_t wanted_bytes = ret->plan.budget_bytes;
	int fd = -1;

	ret->has_mem = meminfo_read(around->procfs, &fd, &ret->mem) == 0;
	close_fd(&fd);
	if (!ret->has_mem || around->args->mode == MODE_COLD)
		return;
	if (around->args->mode == MODE_WILLNEED) {
		if (ret->mem.has_available && wanted_bytes > ret->mem.available_bytes)
			text_addf(&warning,
				  "only %s of memory is available for %s: something else has to "
				  "make room",
				  FMT_BYTES(ret->mem.available_bytes), FMT_BYTES(wanted_bytes));
	} else if (ret->mem.swap_total_bytes == 0) {
		text_add(&warning, "there is no swap, so nothing can be moved out: add some with "
				   "swapon(8)");
	} else if (wanted_bytes > ret->mem.swap_free_bytes) {
		text_addf(&warning, "only %s of swap is free for %s: the rest may stay",
			  FMT_BYTES(ret->mem.swap_free_bytes), FMT_BYTES(wanted_bytes));
	}
}

bool target_look(struct target *target, const struct surroundings *around, struct report *ret)
{
	uint64_t start_ns = clock_now_ns();
	int r;

	ret->plan = plan_new(around->args->mode == MODE_WILLNEED);
	r = read_plan(target, around, &ret->plan);
	if (r < 0)
		return failed(target, around, DOING_READ_MAP, r, ret);
	ret->planned = true;
	warn_of_room(around, ret);
	ret->duration_ns = clock_now_ns() - start_ns;
	return true;
}

static void take_results(const struct advise_walk *walk, const struct surroundings *around,
			 struct report *ret)
{
	struct text surprise = TEXT_OVER(ret->surprise);

	ret->acted = true;
	ret->advised_bytes = walk->advised_bytes;
	ret->refused_bytes = walk->refused_bytes;
	ret->refused_ranges = walk->refused_ranges;
	ret->refused_error = walk->refused_error;
	if (walk->touch_denied)
		why_failed(&surprise, DOING_MAP, -EPERM, true, false, &around->rights);
}

/* 0, or -errno of *ret_doing */
static int advise(const struct target *target, const struct surroundings *around,
		  struct report *ret, enum doing *ret_doing)
{
	static const enum advise_verb verbs[] = {[MODE_COLD] = ADVISE_COLD,
						 [MODE_PAGEOUT] = ADVISE_PAGEOUT,
						 [MODE_WILLNEED] = ADVISE_BACK};
	struct advise_walk walk;
	_cleanup_free_ struct advise_span *spans = plan_spans(&ret->plan);
	int r;

	if (!spans && ret->plan.n > 0)
		return -ENOMEM;
	*ret_doing = DOING_READ_PAGES;
	r = advise_open_spans(&walk, around->procfs, target->pid, target->pidfd,
			      verbs[around->args->mode], ret->plan.budget_bytes, spans,
			      ret->plan.n);
	if (r < 0)
		return r;
	*ret_doing = DOING_ADVISE;
	while ((r = advise_step(&walk, STEP_BYTES)) > 0)
		;
	take_results(&walk, around, ret);
	advise_close(&walk);
	return r;
}

/* As plan_add sums up what was before, page by page. */
static int read_sums(const struct surroundings *around, pid_t pid, struct plan_sums *ret)
{
	char text[PROCFS_FILE_MAX];
	struct procstat_memory memory;
	struct smap sum;
	ssize_t n;
	int r;

	if (!around->exact_status) {
		r = smaps_sum(around->procfs, pid, &sum);
		if (r == 0)
			*ret = (struct plan_sums){sum.resident_bytes, sum.anon_bytes,
						  sum.swap_bytes};
		return r;
	}
	n = procfs_read_short_lines(around->procfs, pid, "status", text, sizeof text);
	r = n < 0 ? (int)n : procstat_parse_memory(text, (size_t)n, &memory);
	if (r == 0)
		*ret = (struct plan_sums){memory.rss_bytes, memory.anon_bytes, memory.swap_bytes};
	return r == -ENOENT ? -ESRCH : r;
}

static int look_after(const struct target *target, const struct surroundings *around,
		      struct report *ret)
{
	int r = read_sums(around, target->pid, &ret->after);

	if (r == 0)
		r = check_same(target, around);
	ret->compared = r == 0;
	return r;
}

bool target_act(struct target *target, const struct surroundings *around, struct report *ret)
{
	uint64_t start_ns = clock_now_ns();
	enum doing doing = DOING_ADVISE;
	int r = advise(target, around, ret, &doing);

	if (r == 0) {
		doing = DOING_READ_MAP;
		r = look_after(target, around, ret);
	}
	ret->duration_ns += clock_now_ns() - start_ns;
	return r == 0 || failed(target, around, doing, r, ret);
}

uint64_t report_reclaimed_bytes(const struct report *report)
{
	return u64_sub_sat(report->plan.sums.rss_bytes, report->after.rss_bytes);
}

void report_clear(struct report *report)
{
	plan_free(&report->plan);
	*report = (struct report){0};
}

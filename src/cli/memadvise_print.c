/* SPDX-License-Identifier: MIT */
#include "cli/memadvise_print.h"

#include "base/units.h"

#include <string.h>

const char *memadvise_reason(enum region_kind kind)
{
	static const char *const reasons[REGION__N] = {
		[REGION_ELIGIBLE] = "eligible", [REGION_SHARED] = "shared",
		[REGION_FILE] = "file",		[REGION_EXECUTABLE] = "executable",
		[REGION_READONLY] = "readonly", [REGION_STACK] = "stack",
		[REGION_KERNEL] = "kernel",	[REGION_LOCKED] = "locked",
		[REGION_HUGETLB] = "hugetlb",	[REGION_DEVICE] = "device",
	};

	return reasons[kind];
}

/* "-307MiB": sizes that people compare */
static struct text_small change(uint64_t before, uint64_t after)
{
	struct text_small small = {0};
	struct text text = TEXT_OVER(small.buf);

	if (before != after)
		text_add(&text, after > before ? "+" : "-");
	text_add_bytes(&text, after > before ? after - before : before - after);
	return small;
}

/* "1.36s": of a few seconds the hundredths matter */
static struct text_small took(uint64_t ns)
{
	struct text_small small = {0};
	struct text text = TEXT_OVER(small.buf);

	if (ns < NS_PER_S || ns >= NS_PER_MIN)
		text_add_duration(&text, ns);
	else
		text_addf(&text, "%llu.%02llus", (unsigned long long)(ns / NS_PER_S),
			  (unsigned long long)(ns % NS_PER_S / (NS_PER_S / 100)));
	return small;
}

static void print_row(FILE *out, const char *what, uint64_t before, uint64_t after, bool compared)
{
	(void)fprintf(out, "  %-10s %10s", what, FMT_BYTES(before));
	if (compared)
		(void)fprintf(out, " %10s %10s", FMT_BYTES(after), change(before, after).buf);
	(void)fputc('\n', out);
}

static void print_figures(const struct report *report, FILE *out)
{
	const struct plan_sums *before = &report->plan.sums, *after = &report->after;
	bool compared = report->compared;

	(void)fprintf(out, "  %-10s %10s", "", compared ? "BEFORE" : "NOW");
	(void)fprintf(out, compared ? " %10s %10s\n" : "\n", "AFTER", "CHANGE");
	print_row(out, "resident", before->rss_bytes, after->rss_bytes, compared);
	print_row(out, "anonymous", before->anon_bytes, after->anon_bytes, compared);
	print_row(out, "in swap", before->swap_bytes, after->swap_bytes, compared);
}

/* START and END as maps has them */
static void print_regions(const struct report *report, FILE *out)
{
	if (report->plan.n_taken == 0)
		return;
	(void)fprintf(out, "  %-33s %10s %10s %10s\n", "REGION",
		      report->plan.back ? "IN SWAP" : "RESIDENT", "REFERENCED", "TAKE");
	for (size_t i = 0; i < report->plan.n_taken; i++) {
		const struct plan_region *region = &report->plan.regions[i];

		(void)fprintf(
			out, "  %016llx-%016llx %10s %9llu%% %10s\n",
			(unsigned long long)region->start, (unsigned long long)region->end,
			FMT_BYTES(region->bytes),
			(unsigned long long)u64_share(region->referenced_bytes, 100, region->bytes),
			FMT_BYTES(region->take_bytes));
	}
}

static void print_passed_over(const struct plan *plan, FILE *out)
{
	const char *between = "  passed over: ";

	for (enum region_kind kind = 0; kind < REGION__N; kind++)
		if (plan->skipped[kind] > 0) {
			(void)fprintf(out, "%s%u %s", between, plan->skipped[kind],
				      memadvise_reason(kind));
			between = ", ";
		}
	if (plan->empty > 0) {
		(void)fprintf(out, "%s%u empty", between, plan->empty);
		between = ", ";
	}
	if (*between == ',')
		(void)fputc('\n', out);
}

static void print_effect(const struct memadvise_args *args, const struct report *report, FILE *out)
{
	const struct plan *plan = &report->plan;

	(void)fprintf(out, "  %s %s of %s eligible in %zu %s",
		      args->dry_run ? "would advise" : "advised",
		      FMT_BYTES(args->dry_run ? plan->budget_bytes : report->advised_bytes),
		      FMT_BYTES(plan->eligible_bytes), plan->n_taken,
		      plan->n_taken == 1 ? "region" : "regions");
	if (report->compared && args->mode != MODE_WILLNEED)
		(void)fprintf(out, ", %s reclaimed", FMT_BYTES(report_reclaimed_bytes(report)));
	(void)fprintf(out, ", took %s\n", took(report->duration_ns).buf);
	if (report->refused_ranges > 0)
		(void)fprintf(out, "  refused by the kernel: %s in %u %s (%s)\n",
			      FMT_BYTES(report->refused_bytes), report->refused_ranges,
			      report->refused_ranges == 1 ? "range" : "ranges",
			      strerror(-report->refused_error));
}

void memadvise_print(const struct memadvise_args *args, const struct target *target,
		     const struct report *report, FILE *out)
{
	if (!report->planned)
		return;
	(void)fprintf(out, "%d %s: %s %u%%", (int)target->pid, FMT_SAFE(target->name),
		      memadvise_mode_name(args->mode), args->percent);
	if (args->max_bytes != UINT64_MAX)
		(void)fprintf(out, ", at most %s", FMT_BYTES(args->max_bytes));
	(void)fprintf(out, "%s\n", args->dry_run ? ", dry run" : "");
	print_figures(report, out);
	if (args->verbose)
		print_regions(report, out);
	print_effect(args, report, out);
	print_passed_over(&report->plan, out);
}

void memadvise_print_head(FILE *out)
{
	(void)fprintf(out, "%-8s %7s %-15s %9s %9s %9s %9s %6s\n", "TIME", "PID", "NAME", "ADVISED",
		      "RECLAIMED", "RESIDENT", "IN SWAP", "TOOK");
}

void memadvise_print_line(const struct memadvise_args *args, const struct target *target,
			  const struct report *report, const char *clock, FILE *out)
{
	const struct plan_sums *now = report->compared ? &report->after : &report->plan.sums;

	if (!report->planned)
		return;
	(void)fprintf(out, "%-8s %7d %-15s %9s %9s %9s %9s %6s\n", clock, (int)target->pid,
		      FMT_SAFE(target->name),
		      FMT_BYTES(args->dry_run ? report->plan.budget_bytes : report->advised_bytes),
		      report->compared ? FMT_BYTES(report_reclaimed_bytes(report)) : "-",
		      FMT_BYTES(now->rss_bytes), FMT_BYTES(now->swap_bytes),
		      took(report->duration_ns).buf);
}

/* SPDX-License-Identifier: MIT */
#include "daemon/prelock_print.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "policy/need.h"
#include "sys/clock.h"
#include "sys/meminfo.h"

#include <errno.h>
#include <string.h>

static void print_limits(const struct prelock_scan *scan, bool enabled, FILE *out)
{
	const struct prelock_params *params = &scan->settings->params;

	(void)fprintf(out, "What [prelock] would lock%s:\n", enabled ? "" : ", if it were enabled");
	(void)fprintf(out, "Limits: %s of one file, %s in all (%s); mode %s.\n",
		      FMT_BYTES(params->max_file_bytes), FMT_BYTES(scan->report.room.bytes),
		      prelock_word(scan->report.room.limit),
		      params->mode == PRELOCK_MODE_WHOLE ? "whole" : "resident");
}

static void print_file(const struct prelock_scan *scan, const struct prelock_file *file, FILE *out)
{
	char path[PATH_MAX];
	struct text text = TEXT_OVER(path);

	text_add_safe(&text, prelock_scan_path(scan, file));
	(void)fprintf(out, "%10s %10s %8u  %-13s %s\n", FMT_BYTES(file->wanted_bytes),
		      FMT_BYTES(file->end - file->start), file->sharers,
		      prelock_word(file->verdict), path);
}

static void print_files(const struct prelock_scan *scan, bool verbose, FILE *out)
{
	size_t max = verbose ? scan->n_files : u64_min(scan->n_files, PRELOCK_SHOWN_MAX);

	(void)fprintf(out, "%10s %10s %8s  %-13s %s\n", "BYTES", "MAPPED", "SHARERS", "VERDICT",
		      "FILE");
	for (size_t i = 0; i < max; i++)
		print_file(scan, &scan->files[scan->order[i]], out);
	if (max < scan->n_files)
		(void)fprintf(out, "%10s and %zu more; -v lists all\n", "", scan->n_files - max);
}

static void print_totals(const struct prelock_report *report, FILE *out)
{
	(void)fprintf(out,
		      "\nTotal: %s of %s that are mapped, in %u files, for %u critical processes "
		      "of %u.\n",
		      FMT_BYTES(report->bytes[PRELOCK_LOCKED]), FMT_BYTES(report->mapped_bytes),
		      report->files[PRELOCK_LOCKED], report->critical, report->processes);
	(void)fprintf(out, "Looking took %s, %lluus of a CPU.\n", FMT_DURATION(report->took_ns),
		      (unsigned long long)(report->cpu_ns / NS_PER_US));
	for (int i = PRELOCK_LOCKED + 1; i < PRELOCK__N; i++)
		if (report->files[i] > 0)
			(void)fprintf(out, "%6u  %-13s %s\n", report->files[i],
				      prelock_word((enum prelock_verdict)i),
				      prelock_sentence((enum prelock_verdict)i));
	if (report->unreadable > 0)
		(void)fprintf(out,
			      "The maps of %u critical processes can't be read: run as root.\n",
			      report->unreadable);
	if (report->table_full > 0)
		(void)fprintf(out, "%u files more than %d are left out.\n", report->table_full,
			      PRELOCK_FILES_MAX);
}

int prelock_print(const struct procfs *procfs, const struct prelock_params *params,
		  uint64_t total_bytes, bool verbose, FILE *out)
{
	struct prelock_settings settings;
	struct prelock_scan *scan;
	int r = prelock_scan_open(procfs, &scan);

	if (r < 0) {
		log_err("cannot look for files to lock: %s", strerror(-r));
		return r;
	}
	prelock_settings_copy(&settings, params, total_bytes, true);
	settings.params.enabled = true;
	prelock_scan_run(scan, &settings, false, clock_now_ns());
	(void)fputc('\n', out);
	print_limits(scan, params->enabled, out);
	print_files(scan, verbose, out);
	print_totals(&scan->report, out);
	r = scan->report.list_error;
	if (r < 0)
		log_err("cannot look for files to lock: %s", strerror(-r));
	prelock_scan_close(scan);
	return r;
}

int prelock_print_once(const struct params *params, bool verbose, FILE *out)
{
	_cleanup_close_ int fd = -1;
	struct procfs procfs;
	struct mem_facts mem;
	int r = procfs_open("/proc", &procfs);

	if (r < 0) {
		log_err("cannot open /proc: %s", strerror(-r));
		return r;
	}
	r = meminfo_read(&procfs, &fd, &mem);
	if (r == 0 && !mem_facts_sane(&mem))
		r = -ERANGE;
	if (r < 0)
		log_err("cannot read /proc/meminfo: %s", strerror(-r));
	else
		r = prelock_print(&procfs, &params->prelock, mem.total_bytes, verbose, out);
	procfs_close(&procfs);
	return r < 0 ? r : ferror(out) ? -EIO : 0;
}

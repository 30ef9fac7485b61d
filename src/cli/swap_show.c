/* SPDX-License-Identifier: MIT */
#include "cli/swap_show.h"

#include "base/units.h"
#include "cli/swap_table.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

static const struct words {
	const char *verb, *done, *Done;
} words[] = {
	[ACTION_SWAP] = {"swap", "swapped", "Swapped"},
	[ACTION_UNSWAP] = {"unswap", "unswapped", "Unswapped"},
	[ACTION_EXIT] = {"detach", "detached", "Detached"},
	[ACTION_STATUS] = {"ask", "asked", "Asked"},
	[ACTION_LIST] = {"ask", "asked", "Asked"},
};

/* "the image directory is full (ENOSPC)" */
static void add_reason(const struct job *job, struct text *text)
{
	text_add(text, job->reason);
	/* a name that fits none or several is nothing to look up in errno(3) */
	if (*job->error_name && job->pid)
		text_addf(text, " (%s)", job->error_name);
}

static void show_failure(const struct job *job)
{
	char line[JOB_NAME_MAX + JOB_REASON_MAX + 64];
	struct text text = TEXT_OVER(line);

	if (job->pid)
		text_addf(&text, "%d ", (int)job->pid);
	text_addf(&text, "%s: ", job->name);
	add_reason(job, &text);
	(void)fprintf(stderr, "%s\n", line);
}

static void show_one(const struct words *word, const struct job *job)
{
	char reason[JOB_REASON_MAX + 32];
	struct text text = TEXT_OVER(reason);

	switch (job->result) {
	case JOB_OK: printf("Successfully %s.\n", word->done); return;
	case JOB_NOOP: printf("Already %s.\n", word->done); return;
	case JOB_FAILED: break;
	}
	add_reason(job, &text);
	*reason = (char)toupper((unsigned char)*reason);
	(void)fprintf(stderr, "Couldn't %s process. %s.\n", word->verb, reason);
}

static void show_counts(const struct words *word, const struct jobs *jobs)
{
	size_t n[3] = {0};

	for (size_t i = 0; i < jobs->n; i++)
		n[jobs->jobs[i].result]++;
	printf("%s %zu", word->Done, n[JOB_OK]);
	if (n[JOB_NOOP] > 0)
		printf(", already %s %zu", word->done, n[JOB_NOOP]);
	if (n[JOB_FAILED] > 0)
		printf(", failed %zu", n[JOB_FAILED]);
	puts(".");
}

/* -- status and list ----------------------------------------------------------------------------
 */

static uint64_t since_ns(const struct job *job)
{
	return job->orphaned ? job->header.since_ns : job->status.since_ns;
}

static uint64_t image_bytes(const struct job *job)
{
	return job->orphaned ? job->header.image_bytes : job->status.image_bytes;
}

static uint64_t held_bytes(const struct job *job)
{
	return job->orphaned ? job->header.held_bytes : job->status.held_bytes;
}

/* "1234 java: swapped for 3min20s, resident 12.0MiB, image 512MiB, 812MiB to come back, eager" */
static void show_status(const struct job *job, uint64_t now_ns)
{
	char line[256];
	struct text text = TEXT_OVER(line);
	uint64_t since = since_ns(job);

	text_addf(&text, "%d %s: %s", (int)job->pid, job->name, swap_job_state(job));
	if (since > 0 && since <= now_ns)
		text_addf(&text, " for %s", FMT_DURATION(now_ns - since));
	if (job->process.alive)
		text_addf(&text, ", resident %s", FMT_BYTES(job->process.rss_bytes));
	if (image_bytes(job) > 0)
		text_addf(&text, ", image %s", FMT_BYTES(image_bytes(job)));
	if (held_bytes(job) > 0)
		text_addf(&text, ", %s to come back", FMT_BYTES(held_bytes(job)));
	if (*job->status.mode)
		text_addf(&text, ", %s", job->status.mode);
	if (job->by_older)
		text_add(&text, ", by an older shim");
	puts(line);
}

static void fill_row(const struct job *job, uint64_t now_ns, struct swap_row *row)
{
	uint64_t since = since_ns(job);

	*row = (struct swap_row){0};
	(void)snprintf(row->cell[0], sizeof row->cell[0], "%d", (int)job->pid);
	(void)snprintf(row->cell[1], sizeof row->cell[1], "%s", job->name);
	(void)snprintf(row->cell[2], sizeof row->cell[2], "%s", swap_job_state(job));
	(void)snprintf(row->cell[3], sizeof row->cell[3], "%s",
		       job->process.alive ? FMT_BYTES(job->process.rss_bytes) : "-");
	(void)snprintf(row->cell[4], sizeof row->cell[4], "%s",
		       image_bytes(job) > 0 ? FMT_BYTES(image_bytes(job)) : "-");
	(void)snprintf(row->cell[5], sizeof row->cell[5], "%s",
		       since > 0 && since <= now_ns ? FMT_DURATION(now_ns - since) : "-");
}

/* An ended program's socket isn't an attached program. */
static bool is_listed(const struct job *job)
{
	return job->result != JOB_FAILED || job->error != -ESRCH;
}

static void show_list(const struct jobs *jobs, uint64_t now_ns)
{
	struct swap_row *rows = calloc(jobs->n + 1, sizeof *rows);
	size_t n = 0;

	if (!rows)
		return;
	for (size_t i = 0; i < jobs->n; i++)
		if (is_listed(&jobs->jobs[i]))
			fill_row(&jobs->jobs[i], now_ns, &rows[n++]);
	if (n == 0)
		puts("No attached programs.");
	else
		swap_table_print(rows, n);
	free(rows);
	for (size_t i = 0; i < jobs->n; i++)
		if (jobs->jobs[i].result == JOB_FAILED && is_listed(&jobs->jobs[i]))
			show_failure(&jobs->jobs[i]);
}

void swap_show(const struct swap_args *args, const struct jobs *jobs, uint64_t now_ns)
{
	const struct words *word = &words[args->action];

	if (args->action == ACTION_LIST) {
		show_list(jobs, now_ns);
		return;
	}
	if (args->action != ACTION_STATUS && jobs->n == 1) {
		show_one(word, &jobs->jobs[0]);
		return;
	}
	if (args->action != ACTION_STATUS)
		show_counts(word, jobs);
	for (size_t i = 0; i < jobs->n; i++) {
		const struct job *job = &jobs->jobs[i];

		if (job->result == JOB_FAILED && jobs->n == 1)
			show_one(word, job);
		else if (job->result == JOB_FAILED)
			show_failure(job);
		else if (args->action == ACTION_STATUS)
			show_status(job, now_ns);
	}
}

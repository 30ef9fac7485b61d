/* SPDX-License-Identifier: MIT */
#include "cli/swap_job.h"

#include "sys/procstat.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

void swap_add_plain(struct text *text, const char *string)
{
	for (; *string && !text->cut; string++)
		text_addf(text, "%c", *string >= ' ' && *string < 0x7f ? *string : '?');
}

void swap_job_look(struct job *job, const struct procfs *procfs)
{
	struct procstat_units units = procstat_units();
	struct job_process *process = &job->process;
	struct proc_facts facts = {0};
	char text[PROCFS_FILE_MAX], state;
	ssize_t n = procfs_read(procfs, job->pid, "stat", text, sizeof text);

	process->alive = false;
	if (n < 0 || procstat_parse(text, (size_t)n, &units, &facts) < 0 ||
	    procstat_living_thread(procfs, &facts, &state) == 0)
		return;
	n = procfs_read_short_lines(procfs, job->pid, "status", text, sizeof text);
	if (n < 0 || procstat_parse_status(text, (size_t)n, &facts) < 0)
		return;
	*process = (struct job_process){
		.alive = true,
		.state = state,
		.uid = facts.uid,
		.start_ticks = facts.id.start_ticks,
		.rss_bytes = facts.rss_bytes,
	};
	memcpy(process->comm, facts.comm, sizeof process->comm);
	process->comm[sizeof process->comm - 1] = '\0';
}

void swap_job_end(struct job *job, enum job_result result)
{
	talk_end(&job->talk);
	job->step = JOB_DONE;
	job->result = result;
}

static void set_error(struct job *job, int error)
{
	const char *name = strerrorname_np(-error);

	job->error = error;
	(void)snprintf(job->error_name, sizeof job->error_name, "%s", name ? name : "EIO");
}

void swap_job_fail(struct job *job, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(job->reason, sizeof job->reason, format, args);
	va_end(args);
	set_error(job, error);
	swap_job_end(job, JOB_FAILED);
}

void swap_job_fail_told(struct job *job, const struct wiretext *answer)
{
	struct text reason = TEXT_OVER(job->reason);

	if (*answer->reason)
		swap_add_plain(&reason, answer->reason);
	else if (answer->has_text)
		text_add(&reason, "the program's shim gives no reason");
	else
		text_add(&reason, "the program's shim is an older one, which gives no reason");
	memcpy(job->error_name, answer->error, sizeof job->error_name);
	swap_job_end(job, JOB_FAILED);
}

void swap_job_fail_talk(struct job *job, uint64_t timeout_ns)
{
	int error = job->talk.error;

	switch (error) {
	case -ETIMEDOUT:
		swap_job_fail(job, error, "no answer within %s; it may be at it still",
			      FMT_DURATION(timeout_ns));
		return;
	case -ECONNRESET:
		swap_job_fail(job, error, "its helper closed the connection without an answer");
		return;
	case -EBADMSG:
	case -EMSGSIZE:
		swap_job_fail(job, error, "what its socket answers isn't the answer of a shim");
		return;
	case -EPERM: swap_job_fail(job, error, "its socket belongs to another user"); return;
	case -ENOTSOCK: swap_job_fail(job, error, "its socket isn't one"); return;
	default:
		swap_job_fail(job, error, "its socket can't be used: %s", strerror(-error));
		return;
	}
}

const char *swap_job_state(const struct job *job)
{
	if (job->orphaned)
		return "orphaned";
	return wiretext_state_name(job->told ? job->status.state : WIRETEXT_UNKNOWN);
}

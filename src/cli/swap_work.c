/* SPDX-License-Identifier: MIT */
#include "cli/swap_work.h"

#include "backend/revive.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "cli/swap_image.h"
#include "cli/swap_progress.h"
#include "cli/swap_room.h"
#include "cli/swap_stale.h"
#include "sys/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>

#define GATHER_NS (500 * NS_PER_MS) /* for all to say what they need, so that order counts */
#define REVIVED_NS (5 * NS_PER_S)   /* until a new helper is there */
#define AT_ONCE_MAX 1024	    /* connections */
#define DESCRIPTORS_OTHER 64	    /* that aren't connections */

struct work {
	const struct swap_args *args;
	const struct procfs *procfs;
	struct jobs *jobs;
	struct pollfd *polls;
	size_t at_once_max, at_once;
	uint64_t started_ns;
	struct swap_room room;
	struct swap_progress progress;
};

static enum wire_request request_of(enum swap_action action)
{
	switch (action) {
	case ACTION_SWAP: return WIRE_SWAP;
	case ACTION_UNSWAP: return WIRE_UNSWAP;
	case ACTION_EXIT: return WIRE_EXIT;
	default: return WIRE_STATUS;
	}
}

static bool asks_only(const struct work *work)
{
	return request_of(work->args->action) == WIRE_STATUS;
}

static bool asks_for_room(const struct work *work)
{
	return swap_brings_back(work->args->action) && !work->args->force;
}

static void talk_about(struct job *job, enum job_step step, enum wire_request request,
		       uint64_t patient_ns)
{
	job->step = step;
	talk_start(&job->talk, job->dir->fd, job->dir->uid, job->pid, request, job->deadline_ns,
		   patient_ns);
}

/* -- nobody at the socket -----------------------------------------------------------------------
 */

static void remains_of(struct work *work, struct job *job)
{
	bool removed = job->dir && swap_stale_remove(job->dir, job->pid);

	if (removed && work->args->action == ACTION_LIST)
		(void)fprintf(stderr, "swap: %d has ended; removed its socket\n", (int)job->pid);
	swap_job_fail(job, -ESRCH, "%s%s",
		      job->dir ? "the program has ended" : "there is no such process",
		      removed ? "; removed its socket" : "");
}

static void found_orphan(struct work *work, struct job *job)
{
	if (asks_only(work)) {
		swap_job_end(job, JOB_OK);
	} else if (work->args->action == ACTION_SWAP) {
		swap_job_end(job, JOB_NOOP);
	} else if (!job->dir) {
		swap_job_fail(job, -ENOENT,
			      "its helper was killed and its socket removed; -P DIR names "
			      "the directory where another helper will have its own");
	} else {
		job->needed_bytes = job->header.held_bytes;
		job->step = JOB_WAITING;
	}
}

static void no_helper(struct work *work, struct job *job)
{
	talk_end(&job->talk);
	swap_job_look(job, work->procfs);
	if (!job->process.alive)
		remains_of(work, job);
	else if (swap_image_orphaned(work->args, work->procfs, job))
		found_orphan(work, job);
	else if (job->dir)
		swap_job_fail(job, -ECONNREFUSED,
			      "its helper is gone, so it isn't attached any more");
	else
		swap_job_fail(job, -ENOENT,
			      "it isn't attached: it has no socket where swap looks (see -P)");
}

/* -- answers ------------------------------------------------------------------------------------
 */

/* An older shim says nothing: what can be seen from outside. */
static void guess_status(struct work *work, struct job *job)
{
	struct imagefile image = {0};
	int r = swap_image_find(work->args, job, &image);
	bool stopped = job->process.state == 'T' || job->process.state == 't';

	job->told = job->by_older = true;
	job->status = (struct wiretext){.state = stopped && r != -ENOENT ? WIRETEXT_SWAPPED
									 : WIRETEXT_RUNNING};
	if (r == -ENOENT)
		return;
	job->status.image_bytes = image.file_bytes;
	job->status.held_bytes = r == 0 ? image.header.held_bytes : image.file_bytes;
}

static void take_status(struct work *work, struct job *job)
{
	const struct wiretext *answer = &job->talk.answer;

	if (answer->has_text) {
		job->status = *answer;
		job->told = true;
	} else {
		swap_job_look(job, work->procfs);
		guess_status(work, job);
	}
}

static void answered_status(struct work *work, struct job *job)
{
	if (job->talk.answer.reply == WIRE_ERROR && job->talk.answer.has_text)
		swap_job_fail_told(job, &job->talk.answer);
	else {
		take_status(work, job);
		swap_job_end(job, JOB_OK);
	}
}

static void answered(struct work *work, struct job *job)
{
	const struct wiretext *answer = &job->talk.answer;

	if (asks_only(work)) {
		answered_status(work, job);
		return;
	}
	job->told = answer->has_text && answer->state != WIRETEXT_UNKNOWN;
	if (job->told)
		job->status = *answer;
	if (answer->reply == WIRE_ERROR) {
		swap_job_fail_told(job, answer);
		return;
	}
	job->orphaned = false;
	swap_job_end(job, answer->reply == WIRE_NOOP ? JOB_NOOP : JOB_OK);
}

/* It has told its status, for the room it needs. */
static void answered_need(struct work *work, struct job *job)
{
	take_status(work, job);
	talk_end(&job->talk);
	job->needed_bytes = job->status.state == WIRETEXT_RUNNING ? 0 : job->status.held_bytes;
	job->step = JOB_WAITING;
}

static void talk_is_over(struct work *work, struct job *job)
{
	int error = job->talk.error;

	if (error == -ECONNREFUSED || error == -ENOENT)
		no_helper(work, job);
	else if (error < 0)
		swap_job_fail_talk(job, work->args->timeout_ns);
	else if (job->step == JOB_ASKING)
		answered_need(work, job);
	else
		answered(work, job);
}

/* -- room ---------------------------------------------------------------------------------------
 */

static bool revive_it(struct job *job)
{
	char reason[256];
	struct text why = TEXT_OVER(reason);
	int r = revive(job->pid, &job->header, &why);

	if (r < 0)
		swap_job_fail(job, r, "its helper was killed, and starting another one failed: %s",
			      reason);
	return r == 0;
}

static void allot(struct work *work, struct job *job)
{
	if ((asks_for_room(work) && !swap_room_take(&work->room, work->procfs, job)) ||
	    (job->orphaned && !revive_it(job)))
		return;
	talk_about(job, JOB_TELLING, request_of(work->args->action),
		   job->orphaned ? clock_now_ns() + REVIVED_NS : 0);
}

/* Whether one may still say that it needs room, that came first on the command line */
static bool still_gathering(const struct work *work, uint64_t now_ns)
{
	if (!asks_for_room(work) || now_ns >= work->started_ns + GATHER_NS)
		return false;
	for (size_t i = 0; i < work->jobs->n; i++)
		if (work->jobs->jobs[i].step < JOB_WAITING)
			return true;
	return false;
}

/* -- all of them --------------------------------------------------------------------------------
 */

static void start(struct work *work, struct job *job, uint64_t now_ns)
{
	job->deadline_ns = u64_add_sat(now_ns, work->args->timeout_ns);
	if (!job->dir)
		no_helper(work, job);
	else if (asks_for_room(work))
		talk_about(job, JOB_ASKING, WIRE_STATUS, 0);
	else
		talk_about(job, JOB_TELLING, request_of(work->args->action), 0);
}

static bool is_under_way(const struct job *job)
{
	return job->step == JOB_ASKING || job->step == JOB_TELLING;
}

/* As far as it goes without waiting. */
static void advance(struct work *work, struct job *job, uint64_t now_ns)
{
	if (job->step == JOB_NEW && work->at_once < work->at_once_max) {
		start(work, job, now_ns);
		work->at_once += is_under_way(job);
	}
	if (!is_under_way(job))
		return;
	talk_step(&job->talk, now_ns);
	if (job->talk.state != TALK_OVER)
		return;
	work->at_once--;
	talk_is_over(work, job);
}

static size_t advance_all(struct work *work)
{
	uint64_t now_ns = clock_now_ns();
	size_t done = 0;

	for (size_t i = 0; i < work->jobs->n; i++)
		advance(work, &work->jobs->jobs[i], now_ns);
	if (!still_gathering(work, now_ns))
		for (size_t i = 0; i < work->jobs->n; i++) {
			struct job *job = &work->jobs->jobs[i];

			if (job->step != JOB_WAITING)
				continue;
			allot(work, job);
			work->at_once += is_under_way(job);
		}
	for (size_t i = 0; i < work->jobs->n; i++)
		done += work->jobs->jobs[i].step == JOB_DONE;
	return done;
}

/* Waits for what comes next: an answer, or a time. */
static void wait_for_more(struct work *work)
{
	uint64_t now_ns = clock_now_ns(), due_ns = swap_progress_due_ns(&work->progress);
	uint64_t ms;
	nfds_t n = 0;

	due_ns = u64_min(due_ns, now_ns + NS_PER_S);
	for (size_t i = 0; i < work->jobs->n; i++) {
		const struct job *job = &work->jobs->jobs[i];

		if (is_under_way(job))
			due_ns = u64_min(due_ns, job->talk.due_ns);
		if (job->step == JOB_WAITING && now_ns < work->started_ns + GATHER_NS)
			due_ns = u64_min(due_ns, work->started_ns + GATHER_NS);
		if (is_under_way(job) && job->talk.state == TALK_READING)
			work->polls[n++] = (struct pollfd){.fd = job->talk.fd, .events = POLLIN};
	}
	ms = (u64_sub_sat(due_ns, now_ns) + NS_PER_MS - 1) / NS_PER_MS;
	(void)poll(work->polls, n, (int)ms);
}

static size_t connections_at_once(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= DESCRIPTORS_OTHER)
		return 1;
	return (size_t)u64_min(AT_ONCE_MAX, limit.rlim_cur - DESCRIPTORS_OTHER);
}

int swap_work(const struct swap_args *args, const struct procfs *procfs, struct jobs *jobs)
{
	_cleanup_free_ struct pollfd *polls = calloc(jobs->n + 1, sizeof *polls);
	struct work work = {
		.args = args,
		.procfs = procfs,
		.jobs = jobs,
		.polls = polls,
		.at_once_max = connections_at_once(),
		.started_ns = clock_now_ns(),
	};
	size_t done;

	if (!polls)
		return -ENOMEM;
	swap_progress_start(&work.progress, args->action, jobs->n);
	while ((done = advance_all(&work)) < jobs->n) {
		swap_progress_show(&work.progress, done);
		wait_for_more(&work);
	}
	swap_progress_end(&work.progress);
	return 0;
}

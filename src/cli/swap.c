/* SPDX-License-Identifier: MIT */
/* swap: has attached programs swapped, unswapped, detached, or tell how they are. */
#include "cli/swap_args.h"
#include "cli/swap_dirs.h"
#include "cli/swap_find.h"
#include "cli/swap_image.h"
#include "cli/swap_show.h"
#include "cli/swap_work.h"
#include "sys/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 2

static int fail(int error, const char *what)
{
	(void)fprintf(stderr, "swap: %s: %s\n", what, strerror(-error));
	return EXIT_FAILURE;
}

static bool any_failed(const struct swap_args *args, const struct jobs *jobs)
{
	for (size_t i = 0; i < jobs->n; i++) {
		const struct job *job = &jobs->jobs[i];

		/* what an ended program left is no error in a list of the others */
		if (job->result == JOB_FAILED &&
		    (args->action != ACTION_LIST || job->error != -ESRCH))
			return true;
	}
	return false;
}

static int show(const struct swap_args *args, const struct procfs *procfs, struct jobs *jobs)
{
	int r = 0;

	/* how it is afterwards */
	for (size_t i = 0; i < jobs->n; i++)
		if (jobs->jobs[i].pid > 0)
			swap_job_look(&jobs->jobs[i], procfs);
	if (args->json)
		r = swap_show_json(args, jobs, clock_now_ns());
	else
		swap_show(args, jobs, clock_now_ns());
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = errno ? -errno : -EIO;
	if (r < 0)
		return fail(r, "can't write");
	return any_failed(args, jobs) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int work_on(const struct swap_args *args, const struct procfs *procfs,
		   const struct swap_dirs *dirs)
{
	struct jobs jobs = {0};
	int r = swap_find(args, dirs, procfs, &jobs), status;

	if (r == 0)
		r = swap_work(args, procfs, &jobs);
	status = r < 0 ? fail(r, "can't go on") : show(args, procfs, &jobs);
	swap_jobs_free(&jobs);
	swap_image_clean(args, procfs);
	return status;
}

static int run(const struct swap_args *args)
{
	struct swap_dirs dirs;
	struct procfs procfs;
	int status = EXIT_FAILURE, r = procfs_open("/proc", &procfs);

	if (r < 0)
		return fail(r, "/proc");
	r = swap_dirs_open_sockets(args, &dirs);
	if (r == 0)
		status = work_on(args, &procfs, &dirs);
	else if (r == -ENOMEM)
		(void)fail(r, "can't go on");
	swap_dirs_close(&dirs);
	procfs_close(&procfs);
	return status;
}

int main(int argc, char **argv)
{
	struct swap_args args;
	int status = swap_args_parse(argc, argv, &args) < 0 ? EXIT_USAGE : EXIT_SUCCESS;

	if (status == EXIT_SUCCESS && args.action == ACTION_HELP)
		swap_args_help(stdout);
	else if (status == EXIT_SUCCESS && args.action == ACTION_VERSION)
		puts("swap " VERSION);
	else if (status == EXIT_SUCCESS)
		status = run(&args);
	swap_args_free(&args);
	return status;
}

/* SPDX-License-Identifier: MIT */
/* memadvise(1): offers the memory of processes to the kernel, moves it out, or brings it back. */
#include "cli/memadvise_print.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "sys/privs.h"
#include "sys/procstat.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <time.h>

enum { EXIT_FINE, EXIT_SOME_FAILED, EXIT_USAGE };

static const char cannot_write[] = "cannot write to standard output";

struct run {
	struct surroundings around;
	struct target *targets;
	size_t n_targets;
	bool some_failed;
	int output_error; /* -errno: nobody can be told any more, which is the end */
};

static int fail(const char *what, int error)
{
	(void)fprintf(stderr, "memadvise: %s: %s\n", what, strerror(-error));
	return EXIT_SOME_FAILED;
}

/* What is wrong goes to standard error; in JSON it is in the object. */
static void complain(const struct run *run, const struct target *target, const char *severity,
		     const char *text)
{
	char who[64];
	struct text name = TEXT_OVER(who);

	if (*text == '\0' || run->around.args->json)
		return;
	if (target->pid > 0)
		text_addf(&name, "%d", (int)target->pid);
	if (*target->name)
		text_addf(&name, " (%s)", FMT_SAFE(target->name));
	if (*who)
		text_add(&name, ": ");
	(void)fprintf(stderr, "memadvise: %s%s%s\n", severity, who, text);
}

static void print(struct run *run, const struct target *target, const struct report *report)
{
	const struct memadvise_args *args = run->around.args;
	time_t now = time(NULL);
	char clock[16] = "";
	struct tm tm;

	if (args->json) {
		int r = memadvise_print_json(args, target, report, stdout);

		if (r < 0)
			run->some_failed = fail("cannot make a report", r);
	} else if (args->watch_ns > 0) {
		if (localtime_r(&now, &tm))
			(void)strftime(clock, sizeof clock, "%H:%M:%S", &tm);
		memadvise_print_line(args, target, report, clock, stdout);
	} else {
		memadvise_print(args, target, report, stdout);
	}
	/* whoever reads along sees each one at once */
	if (fflush(stdout) != 0)
		run->output_error = -errno;
}

/* One round over a target that is held; report may say already why it isn't. */
static void treat(struct run *run, struct target *target, struct report *report, bool first)
{
	bool fine = !target->lost && target_look(target, &run->around, report);

	if (fine && !target->warned)
		complain(run, target, "warning: ", report->expectation);
	if (fine && !run->around.args->dry_run)
		fine = target_act(target, &run->around, report);
	if (!target->warned)
		complain(run, target, "warning: ", report->surprise);
	target->warned |= *report->expectation || *report->surprise;
	print(run, target, report);
	if (!fine) {
		complain(run, target, "", report->error);
		/* the end of the process is how a watch ends */
		if (first || !target->ended)
			run->some_failed = true;
	}
	if (!fine || run->around.args->watch_ns == 0)
		target_close(target);
	report_clear(report);
}

static bool is_known(const struct run *run, pid_t pid)
{
	for (size_t i = 0; i < run->n_targets; i++)
		if (pid > 0 && run->targets[i].pid == pid)
			return true;
	return false;
}

/* Takes the target called word in, and treats it for the first time. 0 or -ENOMEM. */
static int add_target(struct run *run, const char *word)
{
	struct target *targets =
		reallocarray(run->targets, run->n_targets + 1, sizeof *run->targets);
	struct report report = {0};
	struct target target;

	if (!targets)
		return -ENOMEM;
	run->targets = targets;
	(void)target_open(&target, &run->around, word, &report);
	if (is_known(run, target.pid)) {
		target_close(&target);
		return 0;
	}
	targets[run->n_targets] = target;
	treat(run, &targets[run->n_targets++], &report, true);
	return 0;
}

static int first_round(struct run *run)
{
	const struct memadvise_args *args = run->around.args;
	int r = 0;

	for (size_t i = 0; i < args->n_words && r == 0; i++) {
		const char *at = args->words[i], *start;
		size_t len;

		while (r == 0 && run->output_error == 0 &&
		       (len = memadvise_next_target(&at, &start)) > 0) {
			/* no number is longer; what is cut to fit mustn't become one */
			char word[64];
			struct text text = TEXT_OVER(word);

			text_addf(&text, "%.*s%s", (int)u64_min(len, sizeof word - 4), start,
				  len > sizeof word - 4 ? "..." : "");
			r = add_target(run, word);
		}
	}
	return r;
}

/* Waits for the next round, or for the end of a target; those that ended are told. 0 or -errno. */
static int await_round(struct run *run, int timer, struct pollfd *polled, bool *ret_due)
{
	struct report report = {0};
	uint64_t expired;

	for (size_t i = 0; i < run->n_targets; i++) /* poll passes negative ones over */
		polled[i] = (struct pollfd){.fd = run->targets[i].pidfd, .events = POLLIN};
	polled[run->n_targets] = (struct pollfd){.fd = timer, .events = POLLIN};
	if (poll(polled, run->n_targets + 1, -1) < 0)
		return errno == EINTR ? 0 : -errno;
	for (size_t i = 0; i < run->n_targets; i++)
		if (polled[i].revents)
			treat(run, &run->targets[i], &report, false);
	*ret_due = polled[run->n_targets].revents &&
		   read(timer, &expired, sizeof expired) == sizeof expired;
	return 0;
}

static bool some_left(const struct run *run)
{
	for (size_t i = 0; i < run->n_targets; i++)
		if (run->targets[i].pidfd >= 0)
			return true;
	return false;
}

static int watch_with(struct run *run, int timer, struct pollfd *polled)
{
	int r = 0;

	while (r == 0 && run->output_error == 0 && some_left(run)) {
		bool due = false;

		r = await_round(run, timer, polled, &due);
		for (size_t i = 0; due && i < run->n_targets; i++) {
			struct report report = {0};

			if (run->targets[i].pidfd >= 0)
				treat(run, &run->targets[i], &report, false);
		}
	}
	return r;
}

static int watch(struct run *run)
{
	uint64_t every_ns = run->around.args->watch_ns;
	struct timespec every = {(time_t)(every_ns / NS_PER_S), (long)(every_ns % NS_PER_S)};
	struct itimerspec times = {every, every};
	_cleanup_close_ int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct pollfd *polled;
	int r;

	if (timer < 0 || timerfd_settime(timer, 0, &times, NULL) < 0)
		return -errno;
	polled = calloc(run->n_targets + 1, sizeof *polled);
	r = polled ? watch_with(run, timer, polled) : -ENOMEM;
	free(polled);
	return r;
}

static int advise_all(const struct memadvise_args *args)
{
	struct procfs procfs;
	struct run run = {.around = {.procfs = &procfs,
				     .args = args,
				     .page_bytes = (uint64_t)sysconf(_SC_PAGESIZE)}};
	struct utsname kernel;
	int r = procfs_open("/proc", &procfs);

	if (r < 0)
		return fail("cannot open /proc", r);
	run.around.exact_status = uname(&kernel) == 0 && procstat_is_exact(kernel.release);
	run.around.rights = rights_read(&procfs);
	(void)privs_raise_open_files(); /* a watch holds one for each target */
	if (args->watch_ns > 0 && !args->json)
		memadvise_print_head(stdout);
	r = first_round(&run);
	if (r == 0 && args->watch_ns > 0)
		r = watch(&run);
	for (size_t i = 0; i < run.n_targets; i++)
		target_close(&run.targets[i]);
	free(run.targets);
	procfs_close(&procfs);
	if (r < 0)
		return fail("cannot go on", r);
	if (run.output_error < 0)
		return fail(cannot_write, run.output_error);
	return run.some_failed ? EXIT_SOME_FAILED : EXIT_FINE;
}

int main(int argc, char **argv)
{
	struct memadvise_args args;
	int status = EXIT_USAGE, r = memadvise_args_parse(argc, argv, &args);

	if (r == -ENOMEM)
		status = fail("cannot start", r);
	if (r == 0) {
		status = EXIT_FINE;
		switch (args.what) {
		case DO_HELP: memadvise_help(stdout); break;
		case DO_VERSION: (void)printf("memadvise " VERSION "\n"); break;
		case DO_ADVISE: status = advise_all(&args); break;
		}
	}
	memadvise_args_free(&args);
	return fflush(stdout) == 0 ? status : fail(cannot_write, -errno);
}

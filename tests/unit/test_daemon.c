/* SPDX-License-Identifier: MIT */
/* The daemon's tick over processes that are there, with facts of our own making, and a backend
 * that moves what these say a step at a time. */
#include "daemon/daemon.h"

#include "base/log.h"
#include "base/text.h"
#include "sys/clock.h"
#include "unit/builders.h"
#include "unit/children.h"
#include "unit/fakeproc.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#define TOTAL_KIB 1000000u
#define VICTIMS 3
#define EACH_MIB 60u
#define STEP_MIB 20u

static struct daemon service;
static struct child children[VICTIMS];
static struct fake fakes[VICTIMS];
static uint64_t available_kib, swap_free_kib; /* what is told of memory; moving changes it */

/* -- the backend ------------------------------------------------------------------------------- */

static enum job_effect effect;

static uint64_t fake_estimate(void *ctx, const struct proc *proc)
{
	(void)ctx;
	return proc->facts.anon_bytes;
}

static uint64_t fake_room(void *ctx, const struct mem_facts *mem)
{
	(void)ctx;
	return mem->swap_free_bytes;
}

static int fake_begin(void *ctx, struct job *job)
{
	(void)ctx;
	job->effect = effect;
	return 0;
}

static struct fake *fake_of(int32_t pid)
{
	size_t i = 0;

	while (fakes[i].pid != pid)
		ck_assert_uint_lt(++i, VICTIMS);
	return &fakes[i];
}

static void set_anon(struct fake *fake, uint64_t kib)
{
	fake->anon_kib = kib;
	fake->pages = kib / 4;
	put(fake);
}

static int fake_step(void *ctx, struct job *job, uint64_t max_bytes, uint64_t at_ns)
{
	struct fake *fake = fake_of(job->action.id.pid);
	uint64_t left_bytes = job->action.bytes - job->done_bytes;
	uint64_t kib = u64_min(STEP_MIB * 1024, left_bytes / 1024);

	(void)ctx;
	(void)max_bytes;
	(void)at_ns;
	job->done_bytes += kib * 1024;
	if (effect == JOB_MOVES && job->action.verb == ACTION_RECLAIM) {
		fake->swap_kib += kib;
		available_kib += kib;
		swap_free_kib -= kib;
		set_anon(fake, fake->anon_kib - kib);
	} else if (effect == JOB_MOVES) {
		fake->swap_kib -= kib;
		available_kib -= kib;
		swap_free_kib += kib;
		set_anon(fake, fake->anon_kib + kib);
	}
	return job->action.bytes - job->done_bytes < 1024 ? STEP_DONE : STEP_MORE;
}

static void fake_end(void *ctx, struct job *job)
{
	(void)ctx;
	(void)job;
}

static const struct reclaim_ops fake_ops = {
	.name = "fake",
	.parallel = 1,
	.estimate = fake_estimate,
	.room = fake_room,
	.begin = fake_begin,
	.step = fake_step,
	.end = fake_end,
};

/* -- the daemon -------------------------------------------------------------------------------- */

static void wait_ms(unsigned ms)
{
	const struct timespec span = {ms / 1000, (long)(ms % 1000) * 1000000};

	(void)nanosleep(&span, NULL);
}

static void tick(void)
{
	write_memory(available_kib, swap_free_kib);
	daemon_tick(&service, clock_now_ns());
}

static void tick_at(unsigned percent)
{
	available_kib = TOTAL_KIB / 100 * percent;
	tick();
}

static void start_daemon(void)
{
	static char idle[] = "--idle.min_idle=0", scan[] = "--idle.scan_interval=100ms",
		    near[] = "--idle.scan_interval_near=100ms", rest[] = "--idle.min_resident=0",
		    cooldown[] = "--memory.cooldown=1s", lock[sizeof root + 32];
	char *const overrides[] = {idle, scan, near, rest, cooldown, lock};
	struct config_error error;
	struct config config;

	(void)snprintf(lock, sizeof lock, "--daemon.lockfile=%s/lock", root);
	ck_assert_msg(config_load("/dev/null", true, overrides, ROWS(overrides), &config, &error) ==
			      0,
		      "%s", error.message);
	ck_assert_int_eq(daemon_open(&service, root, &config, true, epoll_create1(EPOLL_CLOEXEC),
				     100, clock_now_ns()),
			 0);
	service.executor.backends[0] = (struct backend){&fake_ops, NULL};
}

static void stop_daemon(void)
{
	executor_abort(&service.executor, clock_now_ns());
	(void)close(service.executor.epoll_fd);
	daemon_close(&service);
}

/* Processes that have just become victims, and plenty of memory. */
static void open_daemon(void)
{
	log_open("test", 0, LOG_LVL_ERR);
	effect = JOB_MOVES;
	(void)snprintf(root, sizeof root, "%s/%d", base, (int)getpid());
	ck_assert_int_eq(mkdir(root, 0755), 0);
	for (size_t i = 0; i < VICTIMS; i++) {
		children[i] = child_start(child_idles);
		fakes[i] = program(children[i].pid);
		set_anon(&fakes[i], EACH_MIB * 1024);
	}
	swap_free_kib = 4000000;
	available_kib = TOTAL_KIB / 2;
	write_memory(available_kib, swap_free_kib);
	start_daemon();
	tick();
	wait_ms(110);
	tick();
	ck_assert_uint_eq(service.sampler.snapshot.n_procs, VICTIMS);
}

static void close_daemon(void)
{
	stop_daemon();
	for (size_t i = 0; i < VICTIMS; i++)
		child_end(&children[i]);
}

static bool step(void)
{
	return executor_run(&service.executor, clock_now_ns());
}

static void run_to_the_end(void)
{
	while (step())
		continue;
	ck_assert(!executor_busy(&service.executor));
}

static struct proc *proc_of(size_t i)
{
	const struct proc_id id = {fakes[i].pid, fakes[i].start};
	struct proc *proc = sampler_find(&service.sampler, &id);

	ck_assert_ptr_nonnull(proc);
	return proc;
}

static const struct backend_stats *stats(void)
{
	return &service.executor.stats[0];
}

static bool goes(enum action_verb verb)
{
	for (size_t i = 0; i < EXECUTOR_JOBS_MAX; i++)
		if (service.executor.running[i].active &&
		    service.executor.running[i].job.action.verb == verb)
			return true;
	return false;
}

/* -- as far as it is wanted -------------------------------------------------------------------- */

START_TEST(goes_on_to_the_target)
{
	open_daemon();
	tick_at(15);
	ck_assert_int_eq(service.machine.state, STATE_HUNGRY);
	while (available_kib < 210000)
		ck_assert(step());
	tick(); /* over lower_freelimit, and under freetarget */
	ck_assert_int_eq(service.need_bytes, 0);
	ck_assert(executor_busy(&service.executor));
	run_to_the_end();
	ck_assert_uint_eq(available_kib, 300000);
	tick();
	ck_assert(!executor_busy(&service.executor));
	ck_assert_uint_eq(stats()->outcomes[OUTCOME_CANCELED], 0);
	close_daemon();
}
END_TEST

/* Somebody else gave memory back: what is half out stays so, and may go on another time. */
START_TEST(stops_at_the_target)
{
	const struct proc *proc;

	open_daemon();
	tick_at(15);
	(void)step();
	ck_assert(goes(ACTION_RECLAIM));
	tick_at(30);
	ck_assert(!executor_busy(&service.executor));
	ck_assert_uint_eq(stats()->outcomes[OUTCOME_CANCELED], 1);
	ck_assert_uint_eq(stats()->out_actions, 1);
	ck_assert_uint_eq(stats()->out_bytes, STEP_MIB * MIB);
	proc = proc_of(0);
	ck_assert_uint_eq(proc->past.out_bytes, STEP_MIB * MIB);
	ck_assert_uint_eq(proc->past.retry_ns, 0);
	tick_at(15);
	ck_assert_uint_eq(service.executor.queue_len, VICTIMS);
	close_daemon();
}
END_TEST

START_TEST(a_diet_stops_what_goes_out)
{
	open_daemon();
	tick_at(15);
	(void)step();
	service.diet_requested = true;
	tick();
	ck_assert_int_eq(service.machine.state, STATE_DIET);
	ck_assert(!executor_busy(&service.executor));
	ck_assert_uint_eq(stats()->out_bytes, STEP_MIB * MIB);
	close_daemon();
}
END_TEST

/* On facts that can't be believed nothing begins; what has begun comes to its end. */
START_TEST(holds_still)
{
	open_daemon();
	tick_at(15);
	(void)step();
	ck_assert_uint_eq(service.executor.queue_len, VICTIMS - 1);
	write_memory(TOTAL_KIB + 1, swap_free_kib);
	daemon_tick(&service, clock_now_ns());
	ck_assert_uint_eq(service.executor.queue_len, 0);
	ck_assert(goes(ACTION_RECLAIM));
	run_to_the_end();
	ck_assert_uint_eq(stats()->out_bytes, EACH_MIB * MIB);
	close_daemon();
}
END_TEST

/* Planned when it had more. */
START_TEST(no_more_than_there_is)
{
	open_daemon();
	tick_at(15);
	set_anon(&fakes[0], 30 * 1024);
	run_to_the_end();
	ck_assert_uint_eq(proc_of(0)->past.out_bytes, 30 * MIB);
	ck_assert_uint_eq(proc_of(0)->past.retry_ns, 0); /* all it had isn't poor */
	close_daemon();
}
END_TEST

/* -- room -------------------------------------------------------------------------------------- */

/* What is on its way fills all the room there is: that is no diet before it is there. */
START_TEST(room_that_is_taken)
{
	open_daemon();
	swap_free_kib = 100 * 1024;
	tick_at(5);
	(void)step();
	for (int i = 0; i < 2; i++) {
		tick();
		ck_assert_int_gt(service.need_bytes, 0);
		ck_assert_int_eq(service.machine.state, STATE_HUNGRY);
		ck_assert(!service.diet_requested);
		ck_assert(goes(ACTION_RECLAIM));
	}
	run_to_the_end();
	ck_assert_uint_eq(stats()->out_bytes, 100 * MIB);
	ck_assert_uint_eq(swap_free_kib, 0);
	tick(); /* and still short */
	ck_assert(service.diet_requested);
	tick();
	ck_assert_int_eq(service.machine.state, STATE_DIET);
	close_daemon();
}
END_TEST

/* -- bringing back ----------------------------------------------------------------------------- */

static void move_all_out(void)
{
	for (int i = 0; i < 3; i++) {
		tick_at(5);
		run_to_the_end();
	}
	for (size_t i = 0; i < VICTIMS; i++)
		ck_assert_uint_eq(proc_of(i)->past.out_bytes, EACH_MIB * MIB);
}

static void begin_restore(size_t i)
{
	static struct plan plan;
	const struct proc *proc = proc_of(i);

	plan.n_actions = 1;
	plan.actions[0] = (struct action){
		.verb = ACTION_RESTORE,
		.id = proc->facts.id,
		.bytes = proc->past.out_bytes,
		.mm_tag = proc->facts.mm_tag,
	};
	executor_submit(&service.executor, &plan);
	(void)step();
	ck_assert(goes(ACTION_RESTORE));
}

START_TEST(short_of_memory_amid_a_restore)
{
	open_daemon();
	move_all_out();
	begin_restore(0);
	set_anon(&fakes[2], EACH_MIB * 1024); /* grown: there is somebody to move out */
	tick_at(5);
	ck_assert(!goes(ACTION_RESTORE));
	ck_assert_int_eq(service.machine.state, STATE_HUNGRY);
	ck_assert_uint_eq(stats()->back_bytes, STEP_MIB * MIB);
	ck_assert_uint_eq(proc_of(0)->past.out_bytes, (EACH_MIB - STEP_MIB) * MIB);
	close_daemon();
}
END_TEST

START_TEST(our_own_restore_is_no_wrong_choice)
{
	open_daemon();
	move_all_out();
	begin_restore(0);
	wait_ms(110);
	tick_at(70); /* looks at all of them */
	ck_assert(goes(ACTION_RESTORE));
	ck_assert_uint_eq(stats()->wrong_choices, 0);
	ck_assert_uint_eq(proc_of(0)->past.backoff, 0);
	run_to_the_end();
	ck_assert_uint_eq(proc_of(0)->past.out_bytes, 0);
	close_daemon();
}
END_TEST

/* What wasn't begun with is out still, and nobody has got anything that he must keep. */
START_TEST(a_canceled_restore_is_remembered)
{
	open_daemon();
	move_all_out();
	effect = JOB_PRETENDS;
	begin_restore(0);
	executor_abort(&service.executor, clock_now_ns());
	ck_assert_uint_eq(stats()->outcomes[OUTCOME_CANCELED], 1);
	ck_assert_uint_eq(proc_of(0)->past.out_bytes, EACH_MIB * MIB);
	ck_assert_uint_eq(proc_of(0)->past.restored_ns, 0);
	close_daemon();
}
END_TEST

/* -- promises ---------------------------------------------------------------------------------- */

START_TEST(promises_expire)
{
	uint64_t first_ns;

	open_daemon();
	effect = JOB_OFFERS;
	tick_at(5);
	run_to_the_end();
	ck_assert_uint_eq(service.promised_bytes, VICTIMS * EACH_MIB * MIB);
	first_ns = service.promised_ns;
	tick();
	ck_assert_int_eq(service.need_bytes, 0);
	wait_ms(300); /* and somebody offers more */
	proc_of(0)->past.retry_ns = 0;
	tick_at(1);
	run_to_the_end();
	ck_assert_uint_gt(service.promised_bytes, VICTIMS * EACH_MIB * MIB);
	while (clock_now_ns() < first_ns + NS_PER_S)
		wait_ms(10);
	tick_at(5);
	ck_assert_int_eq(service.need_bytes / (int64_t)MIB, 244);
	close_daemon();
}
END_TEST

START_TEST(nothing_promised_is_given_away)
{
	open_daemon();
	service.promised_bytes = 200 * MIB;
	service.promised_ns = clock_now_ns();
	tick_at(55);
	ck_assert_int_eq(service.need_bytes, 0);
	tick_at(18);
	ck_assert_int_eq(service.need_bytes, 0);
	tick_at(61);
	ck_assert_int_eq(service.need_bytes / (int64_t)MIB, -302);
	close_daemon();
}
END_TEST

/* -- diet ---------------------------------------------------------------------------------------
 */

/* With plenty, and nobody who may come back yet: that isn't looked at anew at every tick. */
START_TEST(a_diet_in_vain)
{
	unsigned scans;

	open_daemon();
	tick_at(15);
	run_to_the_end();
	service.config.params.idle.scan_interval_near_ns = NS_PER_H;
	service.config.params.idle.scan_interval_ns = NS_PER_H;
	service.config.params.memory.cooldown_ns = NS_PER_H; /* just out: it settles */
	service.machine.cooldown_ns = NS_PER_H;
	service.diet_requested = true;
	tick_at(70);
	ck_assert_int_eq(service.machine.state, STATE_DIET);
	tick_at(70);
	scans = service.sampler.scans;
	for (int i = 0; i < 10; i++)
		tick_at(70);
	ck_assert_uint_eq(service.sampler.scans, scans);
	ck_assert_uint_eq(stats()->back_actions, 0);
	/* another time it is */
	service.config.params.idle.scan_interval_near_ns = 1;
	service.config.params.memory.cooldown_ns = 1;
	tick_at(70);
	run_to_the_end();
	ck_assert_uint_eq(stats()->back_actions, 1);
	close_daemon();
}
END_TEST

/* -- one daemon after the other ---------------------------------------------------------------- */

static struct handover_record records[HANDOVER_MAX];

START_TEST(what_is_handed_over)
{
#define HEADER "swapify-policy held 1\n"
	static const struct {
		const char *text;
		size_t n;
	} rows[] = {
		{"", 0},
		{HEADER, 0},
		{HEADER "frozen 12 345 6789\n", 1},
		{HEADER "frozen 12 345 6789\npaged 13 345 0\n", 2},
		/* another version, or no file of ours */
		{"swapify-policy held 2\nfrozen 12 345 6789\n", 0},
		{"frozen 12 345 6789\n", 0},
		/* cut off, or no records */
		{HEADER "frozen 12 345 6789", 0},
		{HEADER "frozen 12 345\npaged 13 1 1\n", 1},
		{HEADER "frozen 12 345 \n\n", 0},
		{HEADER "frozen 12  345 6789\n", 0},
		{HEADER "frozen 12 345 6789 1\n", 0},
		{HEADER "thawed 12 345 6789\n", 0},
		{HEADER "frozen -12 345 6789\n", 0},
		{HEADER "frozen 0 345 6789\n", 0},
		{HEADER "frozen 12 0 6789\n", 0},
		{HEADER "frozen 2147483648 345 6789\n", 0},
		{HEADER "frozen 12 345 18446744073709551616\n", 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(handover_parse(rows[i].text, records) == rows[i].n, "row %zu", i);
	ck_assert_uint_eq(handover_parse(HEADER "frozen 2147483647 345 6789\n", records), 1);
	ck_assert_int_eq(records[0].id.pid, INT32_MAX);
	ck_assert_uint_eq(records[0].id.start_ticks, 345);
	ck_assert_uint_eq(records[0].bytes, 6789);
	ck_assert(records[0].frozen);
}
END_TEST

START_TEST(no_more_records_than_there_is_room_for)
{
	static char many[HANDOVER_TEXT_MAX * 2];
	struct text text = TEXT_OVER(many);

	text_add(&text, HEADER);
	for (int i = 1; i <= HANDOVER_MAX + 5; i++)
		text_addf(&text, "paged %d 7 7\n", i);
	ck_assert_uint_eq(handover_parse(many, records), HANDOVER_MAX);
	ck_assert_int_eq(records[HANDOVER_MAX - 1].id.pid, HANDOVER_MAX);
}
END_TEST

/* Stopped in good order or killed: what was moved out is the next one's to bring back. */
START_TEST(the_next_one_has_it)
{
	size_t processes;

	open_daemon();
	handover_open(&service);
	ck_assert_int_gt(service.handover.fd, 0);
	move_all_out();
	handover_save(&service);
	stop_daemon();
	child_end(&children[2]); /* what is gone is nobody's */
	vanish(fakes[2].pid);

	start_daemon();
	handover_open(&service);
	ck_assert_uint_eq(service.handover.n_found, VICTIMS);
	handover_save(&service); /* killed at once: nothing is lost */
	stop_daemon();

	start_daemon();
	handover_open(&service);
	ck_assert_uint_eq(service.handover.n_found, VICTIMS);
	tick();
	ck_assert_uint_eq(service.handover.n_found, 0);
	ck_assert_uint_eq(daemon_held_bytes(&service, &processes), (VICTIMS - 1) * EACH_MIB * MIB);
	ck_assert_uint_eq(processes, VICTIMS - 1);
	handover_save(&service);
	stop_daemon();

	start_daemon();
	handover_open(&service);
	ck_assert_uint_eq(service.handover.n_found, VICTIMS - 1);
	stop_daemon();
	for (size_t i = 0; i < VICTIMS - 1; i++)
		child_end(&children[i]);
}
END_TEST

/* What others could have written isn't read, and what can't be written stops nobody. */
START_TEST(a_file_of_somebody_else)
{
	char path[sizeof root + 32];

	open_daemon();
	(void)snprintf(path, sizeof path, "%s/lock" HANDOVER_SUFFIX, root);
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	handover_open(&service);
	ck_assert_int_eq(service.handover.fd, 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_ge(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	ck_assert_int_eq(chmod(path, 0666), 0);
	handover_open(&service);
	ck_assert_int_eq(service.handover.fd, 0);
	handover_save(&service);
	ck_assert_int_eq(truncate(path, HANDOVER_TEXT_MAX), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
	handover_open(&service);
	ck_assert_int_eq(service.handover.fd, 0);
	tick();
	close_daemon();
}
END_TEST

/* -- failures ---------------------------------------------------------------------------------- */

START_TEST(what_never_began_leaves_the_facts)
{
	struct rlimit usual, none;

	open_daemon();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
	none = (struct rlimit){1, usual.rlim_max};
	tick_at(15);
	ck_assert_uint_eq(service.executor.queue_len, VICTIMS);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	run_to_the_end();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
	ck_assert_uint_eq(stats()->outcomes[OUTCOME_FAILED], VICTIMS);
	ck_assert_uint_eq(proc_of(0)->facts.anon_bytes, EACH_MIB * MIB);
	ck_assert_uint_gt(proc_of(0)->past.retry_ns, clock_now_ns()); /* not at every tick */
	close_daemon();
}
END_TEST

static void reload(const char *swapify)
{
	char *const overrides[] = {(char *)(uintptr_t)swapify};
	struct config_error error;
	struct config config;

	ck_assert_int_eq(config_load("/dev/null", true, overrides, 1, &config, &error), 0);
	daemon_reconfigure(&service, &config);
}

/* What a backend holds is its own, also when the one before it goes or comes. */
START_TEST(a_backend_goes_and_comes)
{
	open_daemon();
	ck_assert_uint_eq(service.executor.n_backends, 2);
	proc_of(0)->past.out_bytes = MIB;
	proc_of(0)->past.held_by = 1;
	proc_of(1)->past.frozen_bytes = MIB;
	service.executor.stats[0].out_bytes = 1;
	service.executor.stats[1].out_bytes = 2;
	reload("--swapify.enabled=no");
	ck_assert_uint_eq(service.executor.n_backends, 1);
	ck_assert_str_eq(service.executor.backends[0].ops->name, "null-madvise");
	ck_assert_uint_eq(proc_of(0)->past.held_by, 0);
	ck_assert_uint_eq(proc_of(0)->past.out_bytes, MIB);
	ck_assert_uint_eq(proc_of(1)->past.frozen_bytes, 0);
	ck_assert_uint_eq(service.executor.stats[0].out_bytes, 2);
	reload("--swapify.enabled=no");
	ck_assert_uint_eq(service.executor.stats[0].out_bytes, 2);
	reload("--swapify.enabled=yes");
	ck_assert_uint_eq(service.executor.n_backends, 2);
	ck_assert_uint_eq(proc_of(0)->past.held_by, 1);
	ck_assert_uint_eq(service.executor.stats[0].out_bytes, 0);
	ck_assert_uint_eq(service.executor.stats[1].out_bytes, 2);
	close_daemon();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		goes_on_to_the_target,
		stops_at_the_target,
		a_diet_stops_what_goes_out,
		holds_still,
		no_more_than_there_is,
		room_that_is_taken,
		short_of_memory_amid_a_restore,
		our_own_restore_is_no_wrong_choice,
		a_canceled_restore_is_remembered,
		a_diet_in_vain,
		promises_expire,
		nothing_promised_is_given_away,
		what_never_began_leaves_the_facts,
		a_backend_goes_and_comes,
		what_is_handed_over,
		no_more_records_than_there_is_room_for,
		the_next_one_has_it,
		a_file_of_somebody_else,
	};
	int status;

	if (!mkdtemp(base))
		return 1;
	status = RUN_TESTS("daemon", tests);
	(void)nftw(base, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return status;
}

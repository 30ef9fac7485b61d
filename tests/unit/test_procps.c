/* SPDX-License-Identifier: MIT */
/* What we read of processes against what libproc2 reads of the same ones. */
#include "sys/proclist.h"
#include "sys/procstat.h"

#include <check.h>
#include <libproc2/pids.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	ITEM_PID,
	ITEM_PPID,
	ITEM_START,
	ITEM_TICS,
	ITEM_RSS,
	ITEM_STATE,
	ITEM_NAME,
	ITEM_MAJ,
	ITEM_SWAP,
	ITEM_ANON,
	ITEM_UID,
	ITEM__N
};

static enum pids_item items[ITEM__N] = {
	[ITEM_PID] = PIDS_ID_TGID,	[ITEM_PPID] = PIDS_ID_PPID, [ITEM_START] = PIDS_TICS_BEGAN,
	[ITEM_TICS] = PIDS_TICS_ALL,	[ITEM_RSS] = PIDS_RSS,	    [ITEM_STATE] = PIDS_STATE,
	[ITEM_NAME] = PIDS_CMD,		[ITEM_MAJ] = PIDS_FLT_MAJ,  [ITEM_SWAP] = PIDS_VM_SWAP,
	[ITEM_ANON] = PIDS_VM_RSS_ANON, [ITEM_UID] = PIDS_ID_RUID,
};

static struct procfs procfs;
static struct procstat_units units;
static pid_t child;

/* A child that does nothing, so that both look at the same facts, with an awkward name. */
static void start_child(void)
{
	int ready[2];
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		volatile char *memory = malloc(8 << 20);

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_NAME, "odd) S 1 (name");
		for (int i = 0; memory && i < 8 << 20; i += 4096)
			memory[i] = 7;
		(void)!write(ready[1], "x", 1);
		for (;;)
			(void)pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	units = procstat_units();
}

static void end_child(void)
{
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	procfs_close(&procfs);
}

static void read_ours(struct proc_facts *facts)
{
	int fd = procfs_open_pid_file(&procfs, child, "stat");

	*facts = (struct proc_facts){0};
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(procstat_read_fd(fd, &units, facts), 0);
	ck_assert_int_eq(procstat_read_full(&procfs, facts), 0);
	(void)close(fd);
}

static bool no_change(const struct proc_facts *one, const struct proc_facts *two)
{
	return one->state == two->state && one->cpu_ns == two->cpu_ns &&
	       one->rss_bytes == two->rss_bytes && one->anon_bytes == two->anon_bytes &&
	       one->swap_bytes == two->swap_bytes && one->major_faults == two->major_faults;
}

/* The child may still be on its way to sleep: what libproc2 read counts where the facts were the
 * same before and after. */
START_TEST(facts_are_the_same)
{
	struct pids_info *info = NULL;
	unsigned pid = (unsigned)child;
	struct pids_fetch *fetched;
	struct pids_result *theirs;
	struct proc_facts before, ours;

	ck_assert_int_eq(procps_pids_new(&info, items, ITEM__N), 0);
	do {
		read_ours(&before);
		fetched = procps_pids_select(info, &pid, 1, PIDS_SELECT_PID);
		read_ours(&ours);
	} while (!no_change(&before, &ours));
	ck_assert_ptr_nonnull(fetched);
	ck_assert_int_eq(fetched->counts->total, 1);
	theirs = fetched->stacks[0]->head;

	ck_assert_int_eq(ours.id.pid, theirs[ITEM_PID].result.s_int);
	ck_assert_int_eq(ours.ppid, theirs[ITEM_PPID].result.s_int);
	ck_assert_uint_eq(ours.id.start_ticks, theirs[ITEM_START].result.ull_int);
	ck_assert_uint_eq(ours.cpu_ns / units.tick_ns, theirs[ITEM_TICS].result.ull_int);
	ck_assert_uint_eq(ours.rss_bytes / units.page_bytes, theirs[ITEM_RSS].result.ul_int);
	ck_assert_int_eq(ours.state, theirs[ITEM_STATE].result.s_ch);
	ck_assert_str_eq(ours.comm, theirs[ITEM_NAME].result.str);
	ck_assert_uint_eq(ours.major_faults, theirs[ITEM_MAJ].result.ul_int);
	ck_assert_uint_eq(ours.swap_bytes / 1024, theirs[ITEM_SWAP].result.ul_int);
	ck_assert_uint_eq(ours.anon_bytes / 1024, theirs[ITEM_ANON].result.ul_int);
	ck_assert_uint_eq(ours.uid, theirs[ITEM_UID].result.u_int);
	ck_assert_uint_ge(ours.anon_bytes, UINT64_C(8) << 20);
	(void)procps_pids_unref(&info);
}
END_TEST

static bool listed(struct proclist *list, pid_t wanted)
{
	pid_t pid, last = 0;
	bool found = false;

	ck_assert_int_eq(proclist_rewind(list), 0);
	while ((pid = proclist_next(list)) > 0) {
		ck_assert_int_gt(pid, last);
		last = pid;
		found |= pid == wanted;
	}
	ck_assert_int_eq(pid, 0);
	return found;
}

/* Everybody that both saw; somebody may come or go in between. */
START_TEST(lists_are_the_same)
{
	struct pids_info *info = NULL;
	static struct proclist list;
	struct pids_fetch *fetched;
	int missing = 0;

	ck_assert_int_eq(proclist_open(&procfs, &list), 0);
	ck_assert(listed(&list, child));
	ck_assert_int_eq(procps_pids_new(&info, items, ITEM__N), 0);
	fetched = procps_pids_reap(info, PIDS_FETCH_TASKS_ONLY);
	ck_assert_ptr_nonnull(fetched);
	for (int i = 0; i < fetched->counts->total; i++) {
		pid_t pid = fetched->stacks[i]->head[ITEM_PID].result.s_int;

		if (!listed(&list, pid) && kill(pid, 0) == 0)
			missing++;
	}
	ck_assert_int_eq(missing, 0);
	(void)procps_pids_unref(&info);
	proclist_close(&list);
	ck_assert_int_eq(list.fd, -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("procps");
	TCase *tcase = tcase_create("procps");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, start_child, end_child);
	tcase_add_test(tcase, facts_are_the_same);
	tcase_add_test(tcase, lists_are_the_same);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}

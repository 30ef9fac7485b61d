/* SPDX-License-Identifier: MIT */
#include "daemon/sampler.h"

#include "backend/attached.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "policy/need.h"
#include "policy/protect.h"
#include "sys/lookout.h"
#include "sys/meminfo.h"
#include "sys/privs.h"
#include "sys/psi.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define OTHERS_EVERY 5	/* scans between two looks at what isn't followed */
#define FDS_RESERVED 64 /* for everything but kept stat descriptors */

/* A process that isn't followed, and why. */
struct seen {
	int32_t pid;
	uint8_t reason;
};

/* Address space only; pages come as they are used. Nothing is allocated after this. */
static void *make_table(size_t n, size_t size)
{
	void *table = mmap(NULL, n * size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return table == MAP_FAILED ? NULL : table;
}

static void find_ancestors(struct sampler *sampler)
{
	pid_t pid = getpid();

	while (pid > 0 && sampler->n_ancestors < SAMPLER_ANCESTORS_MAX) {
		_cleanup_close_ int fd = procfs_open_pid_file(&sampler->procfs, pid, "stat");
		struct proc_facts facts = {0};

		if (fd < 0 || procstat_read_fd(fd, &sampler->units, &facts) < 0)
			break;
		sampler->ancestors[sampler->n_ancestors++] = facts.id;
		pid = facts.ppid;
	}
}

int sampler_open(struct sampler *sampler, const char *root, const struct params *params)
{
	size_t fds = privs_raise_open_files();
	int r;

	*sampler = (struct sampler){
		.procfs.root_fd = -1,
		.params = params,
		.units = procstat_units(),
		.followed_max = u64_min(u64_sub_sat(fds, FDS_RESERVED), SAMPLER_FOLLOWED_MAX),
		.list.fd = -1,
		.meminfo_fd = -1,
		.psi_fd = -1,
	};
	r = procfs_open(root, &sampler->procfs);
	if (r == 0)
		r = proclist_open(&sampler->procfs, &sampler->list);
	if (r < 0)
		return r;
	sampler->snapshot.procs = make_table(SAMPLER_FOLLOWED_MAX, sizeof(struct proc));
	sampler->stat_fds = make_table(SAMPLER_FOLLOWED_MAX, sizeof(int));
	sampler->seen = make_table(SAMPLER_SEEN_MAX, sizeof(struct seen));
	sampler->seen_before = make_table(SAMPLER_SEEN_MAX, sizeof(struct seen));
	if (!sampler->snapshot.procs || !sampler->stat_fds || !sampler->seen ||
	    !sampler->seen_before)
		return -ENOMEM;
	find_ancestors(sampler);
	return 0;
}

void sampler_close(struct sampler *sampler)
{
	for (size_t i = 0; i < sampler->snapshot.n_procs; i++)
		(void)close(sampler->stat_fds[i]);
	(void)munmap(sampler->snapshot.procs, SAMPLER_FOLLOWED_MAX * sizeof(struct proc));
	(void)munmap(sampler->stat_fds, SAMPLER_FOLLOWED_MAX * sizeof(int));
	(void)munmap(sampler->seen, SAMPLER_SEEN_MAX * sizeof(struct seen));
	(void)munmap(sampler->seen_before, SAMPLER_SEEN_MAX * sizeof(struct seen));
	proclist_close(&sampler->list);
	close_fd(&sampler->meminfo_fd);
	close_fd(&sampler->psi_fd);
	procfs_close(&sampler->procfs);
}

int sampler_read_memory(struct sampler *sampler, uint64_t now_ns)
{
	struct snapshot *snapshot = &sampler->snapshot;
	struct psi_facts psi = {0};
	struct mem_facts mem;
	int r = meminfo_read(&sampler->procfs, &sampler->meminfo_fd, &mem);

	if (r < 0)
		return r;
	if (!mem_facts_sane(&mem))
		return -ERANGE;
	snapshot->mem = mem;
	snapshot->now_ns = now_ns;
	if (psi_read(&sampler->procfs, &sampler->psi_fd, &psi) < 0)
		psi.present = false;
	snapshot->psi = psi;
	return 0;
}

/* -- one process ---------------------------------------------------------------------------- */

/* An ancestor may end, and its number be another process's. */
static bool is_self(const struct sampler *sampler, const struct proc_id *id)
{
	for (size_t i = 0; i < sampler->n_ancestors; i++)
		if (sampler->ancestors[i].pid == id->pid &&
		    sampler->ancestors[i].start_ticks == id->start_ticks)
			return true;
	return false;
}

/* A running program whose file was replaced, by an upgrade for instance, is still that program. */
static void strip_deleted(char *path)
{
	static const char mark[] = " (deleted)"; /* d_path() in the kernel */
	size_t len = strlen(path), mark_len = sizeof mark - 1;

	if (len > mark_len && strcmp(path + len - mark_len, mark) == 0)
		path[len - mark_len] = '\0';
}

/* What the protect rules ask for. Where a rule asks for what can't be read, the process is left
 * alone. */
static void read_protection(const struct sampler *sampler, struct proc_facts *facts)
{
	const struct protect_params *rules = &sampler->params->protect;
	char exe[4096] = "", cgroup[4096] = "", text[PROCFS_FILE_MAX];
	struct protect_subject subject = {facts->comm, exe, cgroup, facts->uid};
	bool unknown = false;
	ssize_t n;

	facts->flags &= ~(uint32_t)(PROC_PROTECTED | PROC_UNREADABLE);
	if (rules->paths[0] &&
	    procfs_read_link(&sampler->procfs, facts->id.pid, "exe", exe, sizeof exe) < 0) {
		exe[0] = '\0';
		unknown = true;
	}
	strip_deleted(exe);
	if (rules->cgroups[0]) {
		n = procfs_read(&sampler->procfs, facts->id.pid, "cgroup", text, sizeof text);
		if (n < 0 || procstat_parse_cgroup(text, (size_t)n, cgroup, sizeof cgroup) < 0)
			unknown = true;
	}
	if (protect_matches(rules, &subject))
		facts->flags |= PROC_PROTECTED;
	else if (unknown)
		facts->flags |= PROC_UNREADABLE;
}

static int read_full(const struct sampler *sampler, struct proc_facts *facts)
{
	int r = procstat_read_full(&sampler->procfs, facts);

	if (r < 0) {
		if (r != -ESRCH)
			facts->flags |= PROC_UNREADABLE;
		return r;
	}
	read_protection(sampler, facts);
	facts->flags &= ~(uint32_t)PROC_OOM_PROTECTED;
	if (facts->oom_score_adj <= sampler->params->protect.oom_score_adj)
		facts->flags |= PROC_OOM_PROTECTED;
	return 0;
}

/* Reads stat through the kept descriptor; what the last full look found no longer holds. */
static int observe(const struct sampler *sampler, struct proc *proc, int fd, uint64_t now_ns)
{
	int r = procstat_read_fd(fd, &sampler->units, &proc->facts);

	if (r < 0)
		return r;
	proc->facts.flags &= ~(uint32_t)PROC_FULL;
	idle_observe(&proc->past, &proc->facts, now_ns, &sampler->params->idle);
	return 0;
}

/* A full look costs six times a look at stat: only where it can matter. */
static bool wants_full(const struct sampler *sampler, const struct proc *proc, uint64_t now_ns)
{
	const struct idle_params *params = &sampler->params->idle;

	return proc->past.out_bytes > 0 || proc->past.frozen_bytes > 0 ||
	       (proc->facts.rss_bytes >= params->min_rss_bytes && proc->past.idle_since_ns != 0 &&
		idle_ns(&proc->past, now_ns) >= params->min_idle_ns);
}

/* A process that shrank is let go, unless there is something to remember of it. One that is stopped
 * may have been swapped to its image by somebody else: that is asked of it while it's followed. */
static bool worth_following(const struct sampler *sampler, const struct proc *proc, uint64_t now_ns)
{
	const struct idle_params *params = &sampler->params->idle;
	const struct proc_history *past = &proc->past;

	return proc->facts.rss_bytes >= params->min_rss_bytes / 2 || past->out_bytes > 0 ||
	       attached_is_stopped(proc->facts.state) || past->frozen_bytes > 0 ||
	       past->under_way || past->backoff > 0 ||
	       (past->restored_ns != 0 && now_ns - past->restored_ns < params->min_resident_ns);
}

/* -- the scan ------------------------------------------------------------------------------- */

static void look_at_followed(struct sampler *sampler, uint64_t now_ns)
{
	struct snapshot *snapshot = &sampler->snapshot;
	size_t kept = 0;

	for (size_t i = 0; i < snapshot->n_procs; i++) {
		struct proc *proc = &snapshot->procs[i];
		int fd = sampler->stat_fds[i];

		(void)lookout_at(sampler->lookout, proc->facts.id.pid);
		if (observe(sampler, proc, fd, now_ns) < 0 ||
		    !worth_following(sampler, proc, now_ns)) {
			(void)close(fd);
			continue;
		}
		if (wants_full(sampler, proc, now_ns))
			(void)read_full(sampler, &proc->facts);
		snapshot->procs[kept] = *proc;
		sampler->stat_fds[kept++] = fd;
	}
	snapshot->n_procs = kept;
}

/* Where a process with this pid stands among the followed, or would. */
static size_t find_place(const struct snapshot *snapshot, int32_t pid)
{
	size_t low = 0, high = snapshot->n_procs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (snapshot->procs[middle].facts.id.pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void follow(struct sampler *sampler, const struct proc *proc, int fd)
{
	struct snapshot *snapshot = &sampler->snapshot;
	size_t place = find_place(snapshot, proc->facts.id.pid);
	size_t behind = snapshot->n_procs - place;

	memmove(&snapshot->procs[place + 1], &snapshot->procs[place],
		behind * sizeof *snapshot->procs);
	memmove(&sampler->stat_fds[place + 1], &sampler->stat_fds[place],
		behind * sizeof *sampler->stat_fds);
	snapshot->procs[place] = *proc;
	sampler->stat_fds[place] = fd;
	snapshot->n_procs++;
}

/* One user's many processes, which cost him little where they share their memory, mustn't keep all
 * others out: of the second half of the table he gets nothing once he has a quarter of it. */
static bool has_his_share(const struct sampler *sampler, uint32_t uid)
{
	const struct snapshot *snapshot = &sampler->snapshot;
	size_t his = 0;

	if (uid == 0 || snapshot->n_procs < sampler->followed_max / 2)
		return false;
	for (size_t i = 0; i < snapshot->n_procs; i++)
		his += snapshot->procs[i].facts.uid == uid;
	return his >= sampler->followed_max / 4;
}

static bool is_frozen(const struct sampler *sampler, pid_t pid)
{
	return sampler->is_frozen && sampler->is_frozen(sampler->owner, pid);
}

/* Looks at a process that isn't followed and follows it from now on, or says why not. */
static enum reason meet(struct sampler *sampler, pid_t pid, uint64_t now_ns)
{
	_cleanup_close_ int fd = -1;
	struct proc proc = {.backend = BACKEND_NONE};
	struct proc_facts full;

	if (lookout_avoids_process(sampler->lookout, &sampler->procfs, pid))
		return REASON_HELD_UP;
	(void)lookout_at(sampler->lookout, pid);
	fd = procfs_open_pid_file(&sampler->procfs, pid, "stat");
	if (fd < 0)
		return fd == -ESRCH ? REASON_ZOMBIE : REASON_UNREADABLE;
	if (observe(sampler, &proc, fd, now_ns) < 0)
		return REASON_ZOMBIE;
	if (is_self(sampler, &proc.facts.id))
		return REASON_SELF;
	if (pid == 1)
		return REASON_INIT;
	if (proc.facts.flags & PROC_KERNEL)
		return REASON_KERNEL;
	if (proc.facts.state == 'Z')
		return REASON_ZOMBIE;
	if (proc.facts.rss_bytes < sampler->params->idle.min_rss_bytes && !is_frozen(sampler, pid))
		return REASON_SMALL;
	if (sampler->snapshot.n_procs >= sampler->followed_max)
		return REASON_LIMIT;
	full = proc.facts;
	if (procstat_read_full(&sampler->procfs, &full) == -ESRCH)
		return REASON_ZOMBIE;
	proc.facts.uid = full.uid;
	if (has_his_share(sampler, full.uid))
		return REASON_SHARE;
	follow(sampler, &proc, take_fd(&fd));
	return REASON_VICTIM;
}

static bool is_due(const struct sampler *sampler, const struct seen *seen)
{
	unsigned turn = (unsigned)seen->pid + sampler->scans;

	/* whatever it was: the number may be another process's by now */
	return seen->reason == REASON_LIMIT || turn % OTHERS_EVERY == 0 ||
	       is_frozen(sampler, seen->pid);
}

static bool is_followed(const struct sampler *sampler, pid_t pid)
{
	size_t place = find_place(&sampler->snapshot, pid);

	return place < sampler->snapshot.n_procs &&
	       sampler->snapshot.procs[place].facts.id.pid == pid;
}

/* Goes through the list and the old table side by side, both by pid. */
static int look_at_others(struct sampler *sampler, enum scan_depth depth, uint64_t now_ns)
{
	struct snapshot *snapshot = &sampler->snapshot;
	struct seen *before = sampler->seen, *next = sampler->seen_before;
	size_t n_before = sampler->n_seen, b = 0, n = 0;
	pid_t pid = proclist_rewind(&sampler->list);

	if (pid < 0)
		return pid;
	memset(snapshot->not_followed, 0, sizeof snapshot->not_followed);
	sampler->table_full = 0;
	while ((pid = proclist_next(&sampler->list)) > 0) {
		enum reason reason;

		if (is_followed(sampler, pid))
			continue;
		while (b < n_before && before[b].pid < pid)
			b++;
		if (b < n_before && before[b].pid == pid && depth != SCAN_ALL &&
		    !is_due(sampler, &before[b]))
			reason = before[b].reason;
		else
			reason = meet(sampler, pid, now_ns);
		if (reason == REASON_VICTIM)
			continue;
		snapshot->not_followed[reason]++;
		if (reason == REASON_LIMIT || reason == REASON_SHARE || n == SAMPLER_SEEN_MAX)
			sampler->table_full++;
		if (n < SAMPLER_SEEN_MAX)
			next[n++] = (struct seen){pid, (uint8_t)reason};
	}
	sampler->seen = next;
	sampler->seen_before = before;
	sampler->n_seen = n;
	return pid;
}

int sampler_scan(struct sampler *sampler, enum scan_depth depth, uint64_t now_ns)
{
	int r;

	sampler->scans++;
	sampler->scanned_ns = now_ns;
	sampler->snapshot.now_ns = now_ns;
	look_at_followed(sampler, now_ns);
	r = look_at_others(sampler, depth, now_ns);
	(void)lookout_at(sampler->lookout, 0);
	return r;
}

void sampler_reload(struct sampler *sampler)
{
	sampler->n_seen = 0; /* min_rss may be another one */
	sampler->scanned_ns = 0;
}

void sampler_read_all(struct sampler *sampler)
{
	for (size_t i = 0; i < sampler->snapshot.n_procs; i++) {
		(void)lookout_at(sampler->lookout, sampler->snapshot.procs[i].facts.id.pid);
		(void)read_full(sampler, &sampler->snapshot.procs[i].facts);
	}
	(void)lookout_at(sampler->lookout, 0);
}

struct proc *sampler_find(struct sampler *sampler, const struct proc_id *id)
{
	struct snapshot *snapshot = &sampler->snapshot;
	size_t place = find_place(snapshot, id->pid);
	struct proc *proc = &snapshot->procs[place];

	return place < snapshot->n_procs && proc->facts.id.pid == id->pid &&
			       proc->facts.id.start_ticks == id->start_ticks
		       ? proc
		       : NULL;
}

int sampler_refresh(struct sampler *sampler, struct proc *proc, uint64_t now_ns)
{
	size_t place = (size_t)(proc - sampler->snapshot.procs);
	uint64_t mm_tag = proc->facts.mm_tag;
	int r;

	(void)lookout_at(sampler->lookout, proc->facts.id.pid);
	r = observe(sampler, proc, sampler->stat_fds[place], now_ns);
	if (r == 0)
		r = read_full(sampler, &proc->facts);
	(void)lookout_at(sampler->lookout, 0);
	return r == 0 && proc->facts.mm_tag != mm_tag ? -ESRCH : r;
}

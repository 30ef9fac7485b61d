/* SPDX-License-Identifier: MIT */
#include "daemon/prelock_scan.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "daemon/prelock_table.h"
#include "sys/clock.h"
#include "sys/filefacts.h"
#include "sys/mlockfile.h"
#include "sys/procstat.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int prelock_scan_open(const struct procfs *procfs, struct prelock_scan **ret)
{
	struct prelock_scan *scan = mmap(NULL, sizeof *scan, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int r;

	if (scan == MAP_FAILED)
		return -errno;
	scan->procfs = procfs;
	r = proclist_open(procfs, &scan->list);
	if (r < 0)
		(void)munmap(scan, sizeof *scan);
	else
		*ret = scan;
	return r;
}

static void let_go(struct prelock_file *file)
{
	if (file->map)
		mlockfile_unmap(file->map, file->map_end - file->map_start);
	file->map = NULL;
	file->locked_bytes = file->since_ns = 0;
}

void prelock_scan_close(struct prelock_scan *scan)
{
	for (size_t i = 0; i < scan->n_files; i++)
		let_go(&scan->files[i]);
	proclist_close(&scan->list);
	(void)munmap(scan, sizeof *scan);
}

const char *prelock_scan_path(const struct prelock_scan *scan, const struct prelock_file *file)
{
	return scan->paths + file->path;
}

/* -- which files ------------------------------------------------------------------------------ */

static bool same_file(const struct file_facts *a, const struct file_facts *b)
{
	return a->device == b->device && a->inode == b->inode;
}

/* Whether somebody may let us wait for what lies on the device. Known without asking it; one that
 * isn't mounted here isn't reached by its path either. */
static bool is_served(struct prelock_scan *scan, uint64_t device)
{
	const char *line;
	size_t len;

	if (device == scan->known_device)
		return scan->known_served;
	if (lines_open(scan->procfs, getpid(), "mountinfo", &scan->mounts) < 0)
		return false;
	scan->known_device = device;
	scan->known_served = false;
	while (lines_next(&scan->mounts, &line, &len) == 1)
		if (mountinfo_parse_line(line, len, &scan->mount) == 0 &&
		    file_device(major(scan->mount.device), minor(scan->mount.device)) == device)
			scan->known_served |= mount_type_is_served(scan->mount.type);
	lines_close(&scan->mounts);
	return scan->known_served;
}

/* Whether its path, as we see it, is that of the file that the process has: a container may have
 * another file under that name, and so may we since an upgrade. */
static enum prelock_verdict identify(const struct prelock_scan *scan, pid_t pid,
				     struct prelock_file *file)
{
	const struct mapping *mapping = &scan->group.first;
	struct file_facts named, mapped = {.device = file->device, .inode = file->inode};
	int r = file_facts_of_path(scan->group.path, &named);

	if (r < 0 || !named.regular)
		return PRELOCK_REPLACED;
	/* maps has another device than stat on btrfs and, before Linux 6.8, on overlay */
	if (!same_file(&named, &mapped)) {
		r = file_facts_of_mapping(scan->procfs, pid, mapping->start, mapping->end, &mapped);
		if (r == -EPERM || r == -EACCES)
			return PRELOCK_UNKNOWN;
		if (r < 0 || !same_file(&named, &mapped))
			return PRELOCK_REPLACED;
	}
	file->real_device = named.device;
	file->real_inode = named.inode;
	return named.uid == 0 ? PRELOCK_LOCKED : PRELOCK_FOREIGN;
}

/* d_path() in the kernel marks them so */
static bool cut_deleted(char *path)
{
	static const char mark[] = " (deleted)";
	size_t len = strlen(path), mark_len = sizeof mark - 1;
	bool deleted = len > mark_len && strcmp(path + len - mark_len, mark) == 0;

	if (deleted)
		path[len - mark_len] = '\0';
	return deleted;
}

/* All that a process has mapped of one file is known. */
static void take_group(struct prelock_scan *scan, pid_t pid)
{
	struct prelock_group *group = &scan->group;
	struct prelock_file *file;
	bool deleted, is_new;

	if (!group->executable)
		return;
	group->executable = false;
	deleted = cut_deleted(group->path);
	if (!prelock_rules_file(&scan->rules, group->path))
		return;
	file = prelock_table_put(scan, deleted, &is_new);
	if (!file) {
		scan->report.table_full++;
		return;
	}
	if (is_new && deleted)
		file->verdict = PRELOCK_REPLACED;
	else if (is_new && is_served(scan, file->device))
		file->verdict = PRELOCK_SERVED;
	else if (is_new)
		file->verdict = (uint8_t)identify(scan, pid, file);
	file->start = u64_min(file->start, group->start);
	file->end = u64_max(file->end, group->end);
	file->sharers += file->seen_by != scan->report.critical;
	file->seen_by = scan->report.critical;
}

static void start_group(struct prelock_group *group, const struct mapping *mapping)
{
	size_t len = u64_min(mapping->name_len, sizeof group->path - 1);

	group->first = *mapping;
	group->start = UINT64_MAX;
	group->end = 0;
	memcpy(group->path, mapping->name, len);
	group->path[len] = '\0';
}

static void take_mapping(struct prelock_scan *scan, pid_t pid, const struct mapping *mapping)
{
	struct prelock_group *group = &scan->group;
	uint64_t end = u64_add_sat(mapping->offset, mapping->end - mapping->start);

	if (mapping->inode == 0)
		return;
	if (mapping->inode != group->first.inode || mapping->minor != group->first.minor ||
	    mapping->major != group->first.major) {
		take_group(scan, pid);
		start_group(group, mapping);
	}
	/* what is written to is the process's own from then on; the rest are gaps */
	if (mapping->permissions[1] == 'w' ||
	    (mapping->permissions[0] != 'r' && mapping->permissions[2] != 'x'))
		return;
	group->start = u64_min(group->start, mapping->offset);
	group->end = u64_max(group->end, end);
	group->executable |= mapping->permissions[2] == 'x';
}

/* -- which processes -------------------------------------------------------------------------- */

static bool is_named(const struct prelock_scan *scan, pid_t pid)
{
	_cleanup_close_ int fd = procfs_open_pid_file(scan->procfs, pid, "comm");
	char comm[64];
	ssize_t n = fd < 0 ? -1 : read(fd, comm, sizeof comm);

	if (n <= 0)
		return false;
	comm[n - 1] = '\0'; /* the newline */
	return prelock_rules_name(&scan->rules, comm);
}

static bool is_in_group(const struct prelock_scan *scan, pid_t pid)
{
	char text[PROCFS_FILE_MAX], path[PATH_MAX];
	ssize_t n;

	if (*scan->rules.params->cgroups == '\0')
		return false;
	n = procfs_read(scan->procfs, pid, "cgroup", text, sizeof text);
	return n > 0 && procstat_parse_cgroup(text, (size_t)n, path, sizeof path) == 0 &&
	       prelock_rules_cgroup(&scan->rules, path);
}

static bool is_critical(const struct prelock_scan *scan, pid_t pid)
{
	return is_named(scan, pid) || is_in_group(scan, pid);
}

static void look_at(struct prelock_scan *scan, pid_t pid)
{
	struct mapping mapping;
	int r;

	scan->report.processes++;
	if (!is_critical(scan, pid))
		return;
	r = regions_open(scan->procfs, pid, &scan->maps);
	/* from here on these are the maps of one program: was it the one that was asked for? */
	if (r == 0 && is_critical(scan, pid)) {
		scan->report.critical++;
		scan->group.executable = false;
		scan->group.first = (struct mapping){0};
		while ((r = regions_next_mapping(&scan->maps, &mapping)) == 1)
			take_mapping(scan, pid, &mapping);
		take_group(scan, pid);
		regions_close(&scan->maps);
	} else if (r == 0) {
		regions_close(&scan->maps);
	}
	/* one that ended isn't told */
	if (r == -EACCES || r == -EPERM)
		scan->report.unreadable++;
}

static void look_at_all(struct prelock_scan *scan)
{
	pid_t pid = proclist_rewind(&scan->list);

	while (pid >= 0 && (pid = proclist_next(&scan->list)) > 0)
		look_at(scan, pid);
	scan->report.list_error = pid;
}

/* -- what of them ----------------------------------------------------------------------------- */

static uint64_t whole_pages(uint64_t bytes)
{
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);

	return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

static enum prelock_verdict open_file(const struct prelock_scan *scan,
				      const struct prelock_file *file, int *ret_fd,
				      uint64_t *ret_size)
{
	/* it was a regular file a moment ago; what it may be now doesn't make us wait */
	int fd = open(prelock_scan_path(scan, file),
		      O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct file_facts facts, wanted = {.device = file->real_device, .inode = file->real_inode};

	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? PRELOCK_REPLACED : PRELOCK_UNREADABLE;
	*ret_fd = fd;
	if (file_facts_of_fd(fd, &facts) < 0)
		return PRELOCK_UNREADABLE;
	*ret_size = facts.size_bytes;
	return facts.regular && same_file(&facts, &wanted) ? PRELOCK_LOCKED : PRELOCK_REPLACED;
}

/* Takes another map of it; what is locked by the one before stays, for it goes when the other holds
 * it.
 */
static void take_map(struct prelock_file *file, void *map, uint64_t end)
{
	uint64_t since_ns = file->since_ns, locked_bytes = 0;

	if (file->locked_bytes > 0 && mlockfile_lock(map, end - file->start) == 0) {
		int64_t touched = mlockfile_touch(map, end - file->start, MLOCKFILE_RESIDENT);

		locked_bytes = touched > 0 ? (uint64_t)touched : 0;
	}
	let_go(file);
	file->map = map;
	file->map_start = file->start;
	file->map_end = end;
	file->locked_bytes = locked_bytes;
	file->since_ns = locked_bytes > 0 ? since_ns : 0;
}

/* Maps its part, where that isn't mapped yet or has grown. */
static enum prelock_verdict map_file(struct prelock_scan *scan, struct prelock_file *file)
{
	_cleanup_close_ int fd = -1;
	uint64_t size = 0, end;
	enum prelock_verdict verdict;
	void *map;
	int r;

	if (file->map && file->map_start <= file->start && file->map_end >= file->end)
		return PRELOCK_LOCKED;
	verdict = open_file(scan, file, &fd, &size);
	if (verdict != PRELOCK_LOCKED)
		return verdict;
	end = u64_min(file->end, whole_pages(size));
	if (end <= file->start)
		return PRELOCK_NOT_RESIDENT;
	if (file->map && file->map_start == file->start && file->map_end == end)
		return PRELOCK_LOCKED;
	r = mlockfile_map(fd, file->start, end, &map);
	if (r < 0) {
		scan->report.refused = r;
		return PRELOCK_REFUSED;
	}
	take_map(file, map, end);
	return PRELOCK_LOCKED;
}

/* Looks again at one that is mapped: lets it go where its name is another file's, or where it was
 * cut, since then the kernel may still tell of pages behind its end. */
static enum prelock_verdict look_again(const struct prelock_scan *scan, struct prelock_file *file)
{
	struct file_facts facts, wanted = {.device = file->real_device, .inode = file->real_inode};

	if (file_facts_of_path(prelock_scan_path(scan, file), &facts) < 0 ||
	    !same_file(&facts, &wanted))
		return PRELOCK_REPLACED;
	if (whole_pages(facts.size_bytes) < file->map_end)
		let_go(file);
	return PRELOCK_LOCKED;
}

/* What would be locked of it. */
static void examine(struct prelock_scan *scan, struct prelock_file *file)
{
	int64_t bytes;

	if (file->verdict == PRELOCK_LOCKED && file->map)
		file->verdict = (uint8_t)look_again(scan, file);
	if (file->verdict == PRELOCK_LOCKED)
		file->verdict = (uint8_t)map_file(scan, file);
	if (file->verdict != PRELOCK_LOCKED)
		return;
	bytes = (int64_t)(file->map_end - file->map_start);
	if (scan->settings->params.mode == PRELOCK_MODE_RESIDENT)
		bytes = mlockfile_resident_bytes(file->map, file->map_end - file->map_start);
	if (bytes >= 0) {
		file->wanted_bytes = (uint64_t)bytes;
		return;
	}
	file->verdict = PRELOCK_REFUSED;
	scan->report.refused = (int)bytes;
}

static void lock_file(struct prelock_scan *scan, struct prelock_file *file, uint64_t now_ns)
{
	bool whole = scan->settings->params.mode == PRELOCK_MODE_WHOLE;
	size_t bytes = file->map_end - file->map_start;
	int64_t touched = 0;
	int r = 0;

	/* what is locked is resident: as much of both means that nothing is new */
	if (file->locked_bytes > 0 && file->locked_bytes == file->wanted_bytes)
		return;
	if (file->locked_bytes == 0)
		r = mlockfile_lock(file->map, bytes);
	if (r == 0)
		touched = mlockfile_touch(file->map, bytes,
					  whole ? MLOCKFILE_WHOLE : MLOCKFILE_RESIDENT);
	if (r == 0 && touched > 0) {
		if (file->since_ns == 0)
			file->since_ns = now_ns;
		file->locked_bytes = file->wanted_bytes = (uint64_t)touched;
		return;
	}
	if (r < 0 || touched < 0)
		scan->report.refused = r < 0 ? r : (int)touched;
	file->verdict = r < 0 || touched < 0 ? PRELOCK_REFUSED : PRELOCK_NOT_RESIDENT;
	let_go(file);
}

/* What goes makes room before anything comes. */
static void apply(struct prelock_scan *scan, uint64_t now_ns)
{
	for (size_t i = 0; i < scan->n_files; i++)
		if (scan->files[i].verdict != PRELOCK_LOCKED || scan->settings->dry_run)
			let_go(&scan->files[i]);
	for (size_t i = 0; i < scan->n_files && !scan->settings->dry_run; i++)
		if (scan->files[scan->order[i]].verdict == PRELOCK_LOCKED)
			lock_file(scan, &scan->files[scan->order[i]], now_ns);
}

/* -- what is told of it ----------------------------------------------------------------------- */

static void show(const struct prelock_scan *scan, const struct prelock_file *file,
		 struct prelock_shown *ret)
{
	const char *path = prelock_scan_path(scan, file);
	size_t len = strlen(path);
	struct text text = TEXT_OVER(ret->path);

	if (len >= sizeof ret->path)
		path += len - sizeof ret->path + 1;
	text_add_safe(&text, path);
	ret->bytes = file->wanted_bytes;
	ret->mapped_bytes = file->end - file->start;
	ret->since_ns = file->since_ns;
	ret->sharers = file->sharers;
	ret->verdict = file->verdict;
}

static void report(struct prelock_scan *scan)
{
	struct prelock_report *report = &scan->report;

	for (size_t i = 0; i < scan->n_files; i++) {
		const struct prelock_file *file = &scan->files[scan->order[i]];
		bool locked = file->verdict == PRELOCK_LOCKED;

		report->files[file->verdict]++;
		report->bytes[file->verdict] += file->wanted_bytes;
		report->locked_bytes += file->locked_bytes;
		if (locked)
			report->mapped_bytes += file->end - file->start;
		if (locked && report->n_shown < PRELOCK_SHOWN_MAX)
			show(scan, file, &report->shown[report->n_shown++]);
		else if (!locked && report->n_left < PRELOCK_LEFT_MAX)
			show(scan, file, &report->left[report->n_left++]);
	}
}

void prelock_scan_run(struct prelock_scan *scan, const struct prelock_settings *settings,
		      bool rules_changed, uint64_t now_ns)
{
	const struct prelock_params *params = &settings->params;
	uint64_t began_ns = clock_now_ns(), began_cpu_ns = clock_thread_cpu_ns();
	int r = 0;

	scan->settings = settings;
	scan->report = (struct prelock_report){
		.at_ns = now_ns,
		.scans = scan->report.scans + 1,
		.room = prelock_room(params, settings->total_bytes),
	};
	scan->known_device = UINT64_MAX;
	prelock_table_sweep(scan);
	if (params->enabled)
		r = prelock_rules_open(&scan->rules, params);
	if (params->enabled && r == 0) {
		look_at_all(scan);
		prelock_rules_close(&scan->rules);
	}
	/* what isn't known to be gone stays */
	if (r == 0 && scan->report.list_error == 0)
		prelock_judge(scan->files, scan->n_files, rules_changed);
	if (r < 0)
		scan->report.list_error = r;
	for (size_t i = 0; i < scan->n_files; i++)
		examine(scan, &scan->files[i]);
	prelock_plan(scan->files, scan->n_files, params, settings->total_bytes, scan->order);
	apply(scan, now_ns);
	report(scan);
	scan->report.took_ns = clock_now_ns() - began_ns;
	scan->report.cpu_ns = clock_thread_cpu_ns() - began_cpu_ns;
}

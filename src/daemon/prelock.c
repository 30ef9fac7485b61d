/* SPDX-License-Identifier: MIT */
#include "daemon/prelock.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "sys/thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define STACK_BYTES (256 * KIB)	   /* address space; some 40 KiB of it are used */
#define HELD_UP_NS (30 * NS_PER_S) /* a scan takes milliseconds, or a disk's time to read */

enum { RESTS, WORKS };

struct prelock {
	pthread_t thread;
	bool quit;
	int ask_fd; /* eventfd */
	atomic_int state;
	/* the thread's while it works, else the owner's */
	struct prelock_scan *scan;
	struct prelock_settings settings;
	bool rules_changed;
	uint64_t began_ns;
	/* the owner's */
	bool asked, reload;
	uint64_t due_ns;
	struct prelock_report report; /* a copy, for while the thread works */
	struct {
		bool locked, left_out, served, table_full, unreadable, unknown, held_up;
		int refused, error;
	} said;
};

static void *work(void *arg)
{
	struct prelock *prelock = arg;
	eventfd_t n;

	while (eventfd_read(prelock->ask_fd, &n) == 0 && !prelock->quit) {
		prelock_scan_run(prelock->scan, &prelock->settings, prelock->rules_changed,
				 prelock->began_ns);
		atomic_store(&prelock->state, RESTS);
	}
	return NULL;
}

static int start(const struct procfs *procfs, struct prelock **ret)
{
	struct prelock *prelock = mmap(NULL, sizeof *prelock, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int r;

	if (prelock == MAP_FAILED)
		return -errno;
	prelock->ask_fd = eventfd(0, EFD_CLOEXEC);
	r = prelock->ask_fd < 0 ? -errno : prelock_scan_open(procfs, &prelock->scan);
	if (r == 0)
		r = thread_start(&prelock->thread, STACK_BYTES, work, prelock);
	if (r == 0) {
		*ret = prelock;
		return 0;
	}
	if (prelock->scan)
		prelock_scan_close(prelock->scan);
	close_fd(&prelock->ask_fd);
	(void)munmap(prelock, sizeof *prelock);
	return r;
}

static bool works(const struct prelock *prelock)
{
	return atomic_load(&prelock->state) == WORKS;
}

void prelock_close(struct prelock **prelock)
{
	struct prelock *gone = *prelock;

	if (!gone || works(gone))
		return;
	gone->quit = true;
	(void)eventfd_write(gone->ask_fd, 1);
	(void)pthread_join(gone->thread, NULL);
	prelock_scan_close(gone->scan);
	close_fd(&gone->ask_fd);
	(void)munmap(gone, sizeof *gone);
	*prelock = NULL;
}

/* -- what is said, once until it is over ------------------------------------------------------- */

static void say_refused(struct prelock *prelock, const struct prelock_report *report)
{
	if (report->refused < 0 && report->refused != prelock->said.refused)
		log_warning("cannot lock files in memory: %s files=%u; %s",
			    text_error(-report->refused), report->files[PRELOCK_REFUSED],
			    report->refused == -ENOMEM || report->refused == -EAGAIN ||
					    report->refused == -EPERM
				    ? "it takes CAP_IPC_LOCK, or a higher limit of locked memory "
				      "(LimitMEMLOCK=, ulimit -l)"
				    : "they are left out");
	prelock->said.refused = report->refused;
	if (report->list_error < 0 && report->list_error != prelock->said.error)
		log_warning("cannot look for files to lock: %s", text_error(-report->list_error));
	prelock->said.error = report->list_error;
}

/* Warns where something is so now and wasn't before. */
static bool begins(bool *said, bool is_so)
{
	bool was_so = *said;

	*said = is_so;
	return is_so && !was_so;
}

static void say_left_out(struct prelock *prelock, const struct prelock_report *report)
{
	uint32_t over = report->files[PRELOCK_OVER_FILE] + report->files[PRELOCK_OVER_TOTAL] +
			report->files[PRELOCK_OVER_PERCENT];

	if (begins(&prelock->said.left_out, over > 0))
		log_notice("limits of [prelock] keep files out: max_file=%u max_total=%u "
			   "max_percent=%u",
			   report->files[PRELOCK_OVER_FILE], report->files[PRELOCK_OVER_TOTAL],
			   report->files[PRELOCK_OVER_PERCENT]);
	if (begins(&prelock->said.served, report->files[PRELOCK_SERVED] > 0))
		log_notice("files on network and FUSE file systems are not locked: files=%u",
			   report->files[PRELOCK_SERVED]);
	if (begins(&prelock->said.table_full, report->table_full > 0))
		log_warning("too many files to lock, some are left out: followed=%d left=%u",
			    PRELOCK_FILES_MAX, report->table_full);
	if (begins(&prelock->said.unreadable, report->unreadable > 0))
		log_warning("cannot read what critical processes have mapped: processes=%u; it "
			    "takes CAP_SYS_PTRACE",
			    report->unreadable);
	if (begins(&prelock->said.unknown, report->files[PRELOCK_UNKNOWN] > 0))
		log_warning("cannot tell files apart on this file system: files=%u; it takes "
			    "CAP_CHECKPOINT_RESTORE",
			    report->files[PRELOCK_UNKNOWN]);
}

static void say(struct prelock *prelock, const struct prelock_report *report)
{
	bool first = begins(&prelock->said.locked, report->files[PRELOCK_LOCKED] > 0);

	log_line(first ? LOG_LVL_NOTICE : LOG_LVL_INFO,
		 "%s files=%u bytes=%s mapped=%s critical=%u processes=%u took=%s cpu=%lluus",
		 prelock->settings.dry_run ? "would be locked" : "locked",
		 report->files[PRELOCK_LOCKED], FMT_BYTES(report->bytes[PRELOCK_LOCKED]),
		 FMT_BYTES(report->mapped_bytes), report->critical, report->processes,
		 FMT_DURATION(report->took_ns), (unsigned long long)(report->cpu_ns / NS_PER_US));
	say_refused(prelock, report);
	say_left_out(prelock, report);
}

/* -- every tick ----------------------------------------------------------------------------------
 */

static void begin(struct prelock *prelock, const struct prelock_params *params, bool dry_run,
		  uint64_t total_bytes, uint64_t now_ns)
{
	prelock_settings_copy(&prelock->settings, params, total_bytes, dry_run);
	prelock->rules_changed = prelock->reload;
	prelock->reload = false;
	prelock->began_ns = now_ns;
	prelock->due_ns = now_ns + params->interval_ns;
	prelock->asked = true;
	atomic_store(&prelock->state, WORKS);
	(void)eventfd_write(prelock->ask_fd, 1);
}

static void note_held_up(struct prelock *prelock, uint64_t now_ns)
{
	if (begins(&prelock->said.held_up, now_ns - prelock->began_ns >= HELD_UP_NS))
		log_warning(
			"a file system or a process holds up the scan for files to lock since=%s; "
			"what is locked stays",
			FMT_DURATION(now_ns - prelock->began_ns));
}

int prelock_tick(struct prelock **prelock, const struct procfs *procfs,
		 const struct prelock_params *params, bool dry_run, uint64_t total_bytes,
		 uint64_t now_ns)
{
	struct prelock *it = *prelock;

	if (it && works(it)) {
		note_held_up(it, now_ns);
		return 0;
	}
	if (it && it->asked) {
		it->asked = it->said.held_up = false;
		it->report = it->scan->report;
		say(it, &it->report);
		if (!params->enabled && !it->reload) {
			prelock_close(prelock);
			return 0;
		}
	}
	if (!it && params->enabled) {
		int r = start(procfs, prelock);

		if (r < 0)
			return r;
		it = *prelock;
	}
	if (it && (it->reload || now_ns >= it->due_ns))
		begin(it, params, dry_run, total_bytes, now_ns);
	return 0;
}

void prelock_reload(struct prelock *prelock)
{
	if (prelock)
		prelock->reload = true;
}

const struct prelock_report *prelock_last(const struct prelock *prelock)
{
	return prelock && prelock->report.scans > 0 ? &prelock->report : NULL;
}

uint64_t prelock_locked_bytes(const struct prelock *prelock)
{
	return prelock ? prelock->report.locked_bytes : 0;
}

uint64_t prelock_scanning_ns(const struct prelock *prelock, uint64_t now_ns)
{
	return prelock && works(prelock) ? u64_sub_sat(now_ns, prelock->began_ns) : 0;
}

/* SPDX-License-Identifier: MIT */
#include "cli/memadvise_why.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "sys/privs.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

static bool has_cap(int number)
{
	for (size_t i = 0; i < privs_n_caps; i++)
		if (privs_caps[i].number == number)
			return privs_has(&privs_caps[i]);
	return false;
}

struct rights rights_read(const struct procfs *procfs)
{
	struct rights rights = {
		.cap_sys_nice = has_cap(CAP_SYS_NICE),
		.cap_sys_ptrace = has_cap(CAP_SYS_PTRACE),
		.cap_dac_read_search = has_cap(CAP_DAC_READ_SEARCH),
	};
	_cleanup_close_ int fd = procfs_open_file(procfs, "sys/kernel/yama/ptrace_scope");
	char text[16];

	/* absent where the kernel is without Yama */
	if (fd >= 0 && procfs_read_fd(fd, text, sizeof text) > 0 && *text >= '0' && *text <= '9')
		rights.yama_scope = (unsigned)(*text - '0');
	return rights;
}

/* What this step lacks, and the ones behind it: whoever gets one shall not have to come again. */
static void add_missing(struct text *out, enum doing doing, bool dry_run,
			const struct rights *rights)
{
	const struct {
		const char *name;
		bool missing;
	} caps[] = {
		{"CAP_SYS_PTRACE", doing <= DOING_READ_PAGES && !rights->cap_sys_ptrace},
		{"CAP_DAC_READ_SEARCH", doing <= DOING_READ_PAGES && !rights->cap_dac_read_search},
		{"CAP_SYS_NICE", doing <= DOING_ADVISE && !dry_run && !rights->cap_sys_nice},
	};
	const char *between = ": it takes ";

	for (size_t i = 0; i < sizeof caps / sizeof *caps; i++)
		if (caps[i].missing) {
			text_addf(out, "%s%s", between, caps[i].name);
			between = ", ";
		}
	if (*between == ',')
		text_add(out, ", which root has");
	else
		text_add(out, ": capabilities are there, so it is another user namespace or a "
			      "security module that forbids it");
}

static void why_not_permitted(struct text *out, enum doing doing, bool dry_run,
			      const struct rights *rights)
{
	static const char *const what[] = {
		[DOING_FIND] = "looking for it",
		[DOING_READ_MAP] = "reading its memory map",
		[DOING_READ_PAGES] = "reading its page map",
		[DOING_ADVISE] = "advising about its memory",
		[DOING_MAP] = "mapping what was read in",
	};

	text_addf(out, "%s is not permitted", what[doing]);
	if (doing == DOING_MAP && rights->yama_scope > 0 && !rights->cap_sys_ptrace)
		text_addf(out,
			  ": kernel.yama.ptrace_scope is %u, so it takes CAP_SYS_PTRACE, which "
			  "root has",
			  rights->yama_scope);
	else if (doing == DOING_MAP && !rights->cap_sys_ptrace)
		text_add(out, ": it takes CAP_SYS_PTRACE, which root has");
	else
		add_missing(out, doing, dry_run, rights);
}

static void why_hidden(struct text *out, enum doing doing)
{
	if (doing == DOING_FIND)
		text_add(out, "it can't be seen: /proc is mounted with hidepid; run as root");
	else
		text_addf(out, "this kernel has no %s of processes (CONFIG_PROC_PAGE_MONITOR)",
			  doing == DOING_READ_PAGES ? "pagemap" : "smaps");
}

void why_failed(struct text *out, enum doing doing, int error, bool hidden, bool dry_run,
		const struct rights *rights)
{
	if (error == -ESRCH && hidden)
		why_hidden(out, doing);
	else if (error == -ESRCH)
		text_add(out, doing == DOING_FIND ? "no such process" : "it has ended meanwhile");
	else if (error == -ENOSYS)
		text_add(out, "this kernel has no process_madvise: it takes Linux 5.10");
	else if (error == -EPERM || error == -EACCES)
		why_not_permitted(out, doing, dry_run, rights);
	else if (error == -EBADMSG)
		text_add(out, "what the kernel says of it can't be understood");
	else
		text_add(out, strerror(-error));
}

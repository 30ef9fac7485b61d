/* SPDX-License-Identifier: MIT */
#include "config/options.h"

#include "base/units.h"

#include <string.h>

#define AT(field) offsetof(struct params, field)
#define MINUTE ((int64_t)NS_PER_MIN)
#define SECOND ((int64_t)NS_PER_S)
#define MILLISECOND ((int64_t)NS_PER_MS)
#define HOUR ((int64_t)NS_PER_H)
#define MEGABYTE ((int64_t)MIB)
#define TERABYTE ((int64_t)TIB)
#define STRING_MAX \
	900 /* with key and blanks under the 1,024 bytes that iniparser takes of a line */

/* clang-format off */
const struct option_def config_options[] = {
	{"memory", "lower_freelimit", OPTION_PERCENT, AT(memory.lower_freelimit_percent), 0, 99, "20", NULL,
	 "memory is short when less than this percentage of it is available"},
	{"memory", "freetarget", OPTION_PERCENT, AT(memory.freetarget_percent), 0, 100, "30", NULL,
	 "when it is short, this percentage is aimed at"},
	{"memory", "upper_freelimit", OPTION_PERCENT, AT(memory.upper_freelimit_percent), 1, 100, "60", NULL,
	 "there is plenty when more than this percentage is available"},
	{"memory", "cooldown", OPTION_DURATION, AT(memory.cooldown_ns), SECOND, 24 * HOUR, "5min", NULL,
	 "how long hungry, overfed and diet last after their last cause"},
	{"memory", "cooldown_max", OPTION_DURATION, AT(memory.cooldown_max_ns), SECOND, 168 * HOUR, "1h", NULL,
	 "the cooldown doubles up to this when a restore proves too early"},
	{"memory", "buffer_elasticity", OPTION_PERCENT, AT(memory.buffer_elasticity_percent), 0, 100, "30", NULL,
	 "share of buffers counted as available on kernels without MemAvailable"},
	{"memory", "cache_elasticity", OPTION_PERCENT, AT(memory.cache_elasticity_percent), 0, 100, "80", NULL,
	 "share of clean cache counted as available on kernels without MemAvailable"},

	{"idle", "idle_cpu", OPTION_PERMYRIAD, AT(idle.idle_cpu_permyriad), 1, PERMYRIAD_ONE, "1%", NULL,
	 "a process that used less of one CPU than this over an interval was idle in it"},
	{"idle", "min_idle", OPTION_DURATION, AT(idle.min_idle_ns), 0, 168 * HOUR, "2min", NULL,
	 "how long a process must have been idle before it is moved out"},
	{"idle", "min_rss", OPTION_BYTES, AT(idle.min_rss_bytes), 0, TERABYTE, "12M", NULL,
	 "processes with less anonymous memory than this are left alone"},
	{"idle", "min_resident", OPTION_DURATION, AT(idle.min_resident_ns), 0, 168 * HOUR, "10min", NULL,
	 "a process that was brought back is left alone so long, at least a cooldown"},
	{"idle", "backoff_max", OPTION_DURATION, AT(idle.backoff_max_ns), 0, 168 * HOUR, "1h", NULL,
	 "each wrong choice doubles a process's own min_idle, up to this"},
	{"idle", "backoff_forgive", OPTION_DURATION, AT(idle.backoff_forgive_ns), SECOND, 168 * HOUR, "1h", NULL,
	 "and each such time without a wrong choice halves it again"},
	{"idle", "scan_interval", OPTION_DURATION, AT(idle.scan_interval_ns), 100 * MILLISECOND, HOUR, "1min", NULL,
	 "how often processes are looked at while memory is plentiful"},
	{"idle", "scan_interval_near", OPTION_DURATION, AT(idle.scan_interval_near_ns), 100 * MILLISECOND, HOUR, "10s", NULL,
	 "how often processes are looked at while less than freetarget is available"},

	{"protect", "names", OPTION_STRING, AT(protect.names), 0, STRING_MAX,
	 "systemd* init runit* s6-* openrc* *dbus* login sshd* getty agetty mgetty Xorg Xwayland X weston sway "
	 "mutter* gnome-shell gnome-session* kwin* plasmashell ksmserver xfwm4 xfce4-session muffin cinnamon* marco "
	 "mate-session labwc wayfire Hyprland river cage i3 openbox lightdm* gdm* sddm* lxdm* xdm* greetd* "
	 "pipewire* wireplumber pulseaudio jackd* *-audio* swapify*", NULL,
	 "process names that are never moved out"},
	{"protect", "more_names", OPTION_STRING, AT(protect.more_names), 0, STRING_MAX, "", NULL,
	 "your own names, beside the shipped ones"},
	{"protect", "paths", OPTION_STRING, AT(protect.paths), 0, STRING_MAX, "", NULL,
	 "executables that are never moved out, by path"},
	{"protect", "cgroups", OPTION_STRING, AT(protect.cgroups), 0, STRING_MAX, "", NULL,
	 "control groups whose processes are never moved out, by path"},
	{"protect", "uids", OPTION_UIDS, AT(protect.uids), 0, STRING_MAX, "", NULL,
	 "users whose processes are never moved out, by number"},
	{"protect", "oom_score_adj", OPTION_INTEGER, AT(protect.oom_score_adj), -1001, 1000, "-500", NULL,
	 "processes with this oom_score_adj or a lower one are never moved out"},

	{"swapify", "enabled", OPTION_BOOL, AT(swapify.enabled), 0, 1, "yes", NULL,
	 "have idle programs that were started by swapify swapped to their own images"},
	{"swapify", "timeout", OPTION_DURATION, AT(swapify.timeout_ns), SECOND, HOUR, "5min", NULL,
	 "how long such a program may take to be swapped or unswapped"},

	{"madvise", "enabled", OPTION_BOOL, AT(madvise.enabled), 0, 1, "no", NULL,
	 "move out the memory of any idle process, to the system's swap"},
	{"madvise", "mode", OPTION_WORD, AT(madvise.advice), 0, 1, "pageout", "cold|pageout",
	 "pageout moves memory out at once, cold only offers it to the kernel first"},
	{"madvise", "percent", OPTION_PERCENT, AT(madvise.percent), 1, 100, "100", NULL,
	 "at most this percentage of a process's anonymous memory"},
	{"madvise", "max_bytes", OPTION_BYTES, AT(madvise.max_bytes), 0, TERABYTE, "0", NULL,
	 "at most this much of one process; 0 is no limit"},
	{"madvise", "swap_margin", OPTION_BYTES, AT(madvise.swap_margin_bytes), 0, TERABYTE, "64M", NULL,
	 "swap that is left free"},
	{"madvise", "step", OPTION_BYTES, AT(madvise.step_bytes), MEGABYTE, 1024 * MEGABYTE, "32M", NULL,
	 "how much is moved at a time; signals and memory are looked at between steps"},

	{"swapspace", "enabled", OPTION_BOOL, AT(swapspace.enabled), 0, 1, "no", NULL,
	 "add swap areas when memory and swap run short, and retire them afterwards"},
	{"swapspace", "swappath", OPTION_PATH, AT(swapspace.path), 1, STRING_MAX, "/var/lib/swapify-policy", NULL,
	 "the directory they lie in: root's, mode 0700, on a disk"},
	{"swapspace", "lower_freelimit", OPTION_PERCENT, AT(swapspace.machine.lower_freelimit_percent), 0, 99, "20", NULL,
	 "an area is added when less than this percentage of memory and swap is free"},
	{"swapspace", "freetarget", OPTION_PERCENT, AT(swapspace.machine.freetarget_percent), 0, 99, "30", NULL,
	 "its size is what makes this percentage free"},
	{"swapspace", "upper_freelimit", OPTION_PERCENT, AT(swapspace.machine.upper_freelimit_percent), 1, 100, "60", NULL,
	 "an area may go when more than this percentage is free"},
	{"swapspace", "cooldown", OPTION_DURATION, AT(swapspace.machine.cooldown_ns), SECOND, 24 * HOUR, "10min", NULL,
	 "how long there has to be plenty before one goes, and how long a diet lasts"},
	{"swapspace", "min_swapsize", OPTION_BYTES, AT(swapspace.min_bytes), MEGABYTE, TERABYTE, "4M", NULL,
	 "no area is smaller than this"},
	{"swapspace", "max_swapsize", OPTION_BYTES, AT(swapspace.max_bytes), MEGABYTE, 8 * TERABYTE, "2T", NULL,
	 "and none is larger"},
	{"swapspace", "reserve", OPTION_PERCENT, AT(swapspace.reserve_percent), 0, 99, "5", NULL,
	 "this percentage of the file system is left free"},
	{"swapspace", "paranoid", OPTION_BOOL, AT(swapspace.paranoid), 0, 1, "no", NULL,
	 "overwrite an area with zeroes before its file is removed"},

	{"daemon", "interval", OPTION_DURATION, AT(daemon.interval_ns), 10 * MILLISECOND, MINUTE, "1s", NULL,
	 "how often memory is looked at"},
	{"daemon", "psi_stall", OPTION_DURATION, AT(daemon.psi_stall_ns), 0, 10 * SECOND, "50ms", NULL,
	 "look at once if tasks waited this long for memory in a psi_window; 0 is never"},
	{"daemon", "psi_window", OPTION_DURATION, AT(daemon.psi_window_ns), 500 * MILLISECOND, 10 * SECOND, "500ms", NULL,
	 "what psi_stall is counted over; without CAP_SYS_RESOURCE a multiple of 2s"},
	{"daemon", "lockfile", OPTION_PATH, AT(daemon.lockfile), 1, STRING_MAX, "/run/swapify-policy/lock", NULL,
	 "held while a daemon runs, so that a second one refuses"},
	{"daemon", "on_exit", OPTION_WORD, AT(daemon.on_exit), 0, 1, "unswap", "unswap|leave",
	 "at its end the daemon unswaps what it has frozen, if it fits, or leaves it"},
	{"daemon", "log", OPTION_WORD, AT(daemon.log_level), 0, 2, "normal", "quiet|normal|verbose",
	 "how much is said: warnings; what changes the machine; every transition as well"},
};
/* clang-format on */

const size_t config_n_options = sizeof config_options / sizeof *config_options;
_Static_assert(sizeof config_options / sizeof *config_options <= CONFIG_OPTIONS_MAX,
	       "struct config has room for every option");

size_t option_find(const char *section, const char *key)
{
	size_t i = 0;

	while (i < config_n_options && (strcmp(config_options[i].section, section) != 0 ||
					strcmp(config_options[i].key, key) != 0))
		i++;
	return i;
}

bool option_section_known(const char *section)
{
	for (size_t i = 0; i < config_n_options; i++)
		if (strcmp(config_options[i].section, section) == 0)
			return true;
	return false;
}

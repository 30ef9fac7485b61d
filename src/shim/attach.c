/* SPDX-License-Identifier: MIT */
/*
 * Where the shim meets the program: at its start, at every fork, and when it gives up privileges.
 * The only part that knows libc, and that runs in the program's own threads.
 */
#include "shim/birth.h"
#include "shim/places.h"
#include "shim/rawsys.h"

#include <dlfcn.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <unistd.h>

/* glibc's main thread, or the one that forked: the kernel sets this to 0 when it ends or execs. */
static void find_life(struct shim *shim)
{
	uint64_t address = 0; /* the kernel may write 64 bits for a 32-bit process, too */
	int value;

	shim->life = NULL;
	if (RAW_5(SYS_prctl, PR_GET_TID_ADDRESS, &address, 0, 0, 0) != 0 || !address)
		return;
	value = *(int *)(uintptr_t)address;
	if (value != shim->program)
		return; /* used otherwise */
	shim->life = (_Atomic(int) *)(uintptr_t)address;
	shim->life_value = value;
}

/* Everything that belongs to one helper and one process, as new. */
static void start_here(struct shim *shim, bool forked)
{
	shim->program = (int32_t)RAW_0(SYS_getpid);
	shim->forked = forked;
	shim->helper = shim->helper_gone = 0;
	shim->phase = PHASE_RUNNING;
	shim->since_ns = shim_now_ns();
	shim->stopped_before = shim->continued = shim->wanted = false;
	shim->image_bytes = 0;
	for (int i = 0; i < SHIM_IO_JOBS; i++)
		shim->io[i].tid = 0;
	shim->ledger = (struct ledger){0};
	shim->failure = (struct failure){0};
	shim->revive_pc = (uintptr_t)birth_again;
	find_life(shim);
	(void)birth(shim);
}

/* Held while privileges are given up, see below */
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;

/* The copy of the memory has no helper yet; neither does it have the name it was started under. */
static void forked(void)
{
	/* another thread may have been amid setuid() */
	changing = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	if (!the_shim)
		return;
	the_shim->name[0] = '\0';
	start_here(the_shim, true);
}

/* A child that isn't followed. */
static void alone(void)
{
	changing = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	the_shim = NULL;
}

/* Where the variable stands in the environment, or NULL. */
static char **find_variable(const char *name)
{
	for (char **at = environ; at && *at; at++) {
		const char *value = words_after(*at, name);

		if (value && *value == '=')
			return at;
	}
	return NULL;
}

static void forget_variable(const char *name)
{
	char **at = find_variable(name);

	for (; at && *at; at++)
		at[0] = at[1];
}

/* The end of one entry of LD_PRELOAD. */
static const char *entry_end(const char *entry)
{
	while (*entry && *entry != ':' && *entry != ' ')
		entry++;
	return entry;
}

static bool is_shim(const char *entry, const char *end)
{
	const char *base = entry, *rest;

	for (const char *c = entry; c < end; c++)
		if (*c == '/')
			base = c + 1;
	rest = words_after(base, NAMES_SHIM);
	return rest == end;
}

/* Takes the shim out of LD_PRELOAD, in place, and the variable away where nothing is left. */
static void leave_preload(void)
{
	char **variable = find_variable("LD_PRELOAD");
	char *value = variable ? *variable + sizeof("LD_PRELOAD=") - 1 : NULL, *to = value;

	if (!value)
		return;
	for (const char *entry = value; *entry;) {
		const char *end = entry_end(entry);

		if (end != entry && !is_shim(entry, end)) {
			if (to != value)
				*to++ = ':';
			while (entry < end)
				*to++ = *entry++;
		}
		entry = *end ? end + 1 : end;
	}
	*to = '\0';
	if (to == value)
		forget_variable("LD_PRELOAD");
}

/* The helper would be the child of this very process, which would wait for it when it waits for its
 * own. */
static bool adopts_orphans(void)
{
	int subreaper = 0;

	return RAW_0(SYS_getpid) == 1 ||
	       (RAW_5(SYS_prctl, PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0) == 0 && subreaper);
}

/* Attached, but not its children: false in those. */
static bool may_attach(bool *ret_follow)
{
	const char *no_follow = places_environment(environ, NAMES_ENV_NO_FOLLOW);
	const char *name = places_environment(environ, NAMES_ENV_NAME);

	*ret_follow = !no_follow;
	if (name && !places_own(&name))
		forget_variable(NAMES_ENV_NAME);
	if (!no_follow || places_own(&no_follow))
		return true;
	forget_variable(NAMES_ENV_NO_FOLLOW);
	leave_preload();
	return false;
}

__attribute__((constructor)) static void attach(void)
{
	size_t page_bytes = getauxval(AT_PAGESZ);
	bool follow;
	struct shim *shim;

	if (getauxval(AT_SECURE) || page_bytes > SHIM_PAGE_MAX || !may_attach(&follow) ||
	    adopts_orphans())
		return;
	shim = shim_map(sizeof(*shim), page_bytes);
	if (!shim)
		return;
	shim->page_bytes = (uint32_t)page_bytes;
	places_choose(shim, environ);
	the_shim = shim;
	start_here(shim, false);
	/* a fork must be heard of even where it isn't to be followed: it has no helper */
	(void)pthread_atfork(NULL, NULL, follow ? forked : alone);
}

/*
 * Who gives up privileges must not keep a helper beside it that still has them: it shares its
 * memory, and whoever takes over the program would take over the helper. It goes before and
 * another one comes after, with what the program is then.
 */

/* Not in a child of vfork or of a raw clone: that is its parent's helper. */
static bool send_away(void)
{
	if (!the_shim || the_shim->program != RAW_0(SYS_getpid))
		return false;
	(void)pthread_mutex_lock(&changing);
	birth_dismiss(the_shim);
	return true;
}

static void call_back(void)
{
	the_shim->name[0] = '\0';
	places_choose(the_shim, environ);
	start_here(the_shim, false);
	(void)pthread_mutex_unlock(&changing);
}

#define WITHOUT_HELPER(name, parameters, ...)                                       \
	__attribute__((visibility("default"))) int name parameters                  \
	{                                                                           \
		int(*next) parameters = (int(*) parameters)dlsym(RTLD_NEXT, #name); \
		bool sent = send_away();                                            \
		int result = next(__VA_ARGS__);                                     \
                                                                                    \
		if (sent)                                                           \
			call_back();                                                \
		return result;                                                      \
	}

/* A thread that takes a right up again and again, and lays it down, keeps it. */
static bool gives_up(const struct __user_cap_header_struct *header,
		     const struct __user_cap_data_struct *wanted)
{
	struct __user_cap_header_struct mine = {.version = header ? header->version : 0};
	struct __user_cap_data_struct now[_LINUX_CAPABILITY_U32S_3] = {{0}};
	size_t n = mine.version == _LINUX_CAPABILITY_VERSION_1 ? 1 : _LINUX_CAPABILITY_U32S_3;

	if (!header || !wanted || RAW_2(SYS_capget, &mine, now) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (now[i].permitted != wanted[i].permitted)
			return true;
	return false;
}

/* libc has it, and no header of libc's */
int capset(struct __user_cap_header_struct *header, const struct __user_cap_data_struct *data);
__attribute__((visibility("default"))) int capset(struct __user_cap_header_struct *header,
						  const struct __user_cap_data_struct *data)
{
	int (*next)(struct __user_cap_header_struct *, const struct __user_cap_data_struct *) =
		(int (*)(struct __user_cap_header_struct *,
			 const struct __user_cap_data_struct *))dlsym(RTLD_NEXT, "capset");
	bool sent = gives_up(header, data) && send_away();
	int result = next(header, data);

	if (sent)
		call_back();
	return result;
}

WITHOUT_HELPER(setuid, (uid_t uid), uid)
WITHOUT_HELPER(seteuid, (uid_t uid), uid)
WITHOUT_HELPER(setreuid, (uid_t real, uid_t effective), real, effective)
WITHOUT_HELPER(setresuid, (uid_t real, uid_t effective, uid_t saved), real, effective, saved)
WITHOUT_HELPER(setgid, (gid_t gid), gid)
WITHOUT_HELPER(setegid, (gid_t gid), gid)
WITHOUT_HELPER(setregid, (gid_t real, gid_t effective), real, effective)
WITHOUT_HELPER(setresgid, (gid_t real, gid_t effective, gid_t saved), real, effective, saved)
WITHOUT_HELPER(setgroups, (size_t n, const gid_t *groups), n, groups)
WITHOUT_HELPER(initgroups, (const char *user, gid_t group), user, group)
WITHOUT_HELPER(chroot, (const char *path), path)

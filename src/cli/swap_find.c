/* SPDX-License-Identifier: MIT */
#include "cli/swap_find.h"

#include "base/cleanup.h"
#include "proto/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define NAMED_MAX 6 /* how many of the names that fit are said */
/* Programs in one directory, far more than anybody has; whose it is might make any number */
#define SOCKETS_MAX 4096

/* A name in a directory of sockets: of a socket itself, or of a link to it */
struct entry {
	pid_t pid;
	const struct swap_dir *dir;
	bool link;
	char name[NAME_MAX + 1];
};

struct entries {
	struct entry *entries;
	size_t n, cap;
};

static int push(struct entries *list, const struct entry *entry)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 64;
		struct entry *grown = realloc(list->entries, cap * sizeof *grown);

		if (!grown)
			return -ENOMEM;
		list->entries = grown;
		list->cap = cap;
	}
	list->entries[list->n++] = *entry;
	return 0;
}

/* The pid in "NAME.123.sock" where that is a link to 123.sock beside it, else 0. */
static pid_t pid_of_link(int dir_fd, const char *name)
{
	size_t len = strlen(name), end = strlen(NAMES_SOCKET_SUFFIX);
	const char *dot = NULL;
	char target[32];
	ssize_t n;
	pid_t pid;

	for (size_t i = 1; len > end && i < len - end; i++)
		if (name[i] == '.')
			dot = name + i;
	pid = dot ? swap_number_before(dot + 1, NAMES_SOCKET_SUFFIX) : 0;
	if (pid == 0)
		return 0;
	n = readlinkat(dir_fd, name, target, sizeof target);
	return n > 0 && (size_t)n == strlen(dot + 1) && memcmp(target, dot + 1, (size_t)n) == 0
		       ? pid
		       : 0;
}

static int read_entry(const struct swap_dir *dir, const char *name, struct entries *list)
{
	struct entry entry = {.dir = dir, .pid = swap_number_before(name, NAMES_SOCKET_SUFFIX)};

	if (entry.pid == 0) {
		entry.pid = pid_of_link(dir->fd, name);
		entry.link = true;
	}
	if (entry.pid == 0)
		return 0;
	(void)snprintf(entry.name, sizeof entry.name, "%s", name);
	return push(list, &entry);
}

static int read_dir(const struct swap_dir *dir, struct entries *list)
{
	int r = 0, fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	size_t before = list->n;
	struct dirent *entry;

	if (!stream) {
		close_fd(&fd);
		return 0; /* removed meanwhile */
	}
	while (r == 0 && (entry = readdir(stream))) {
		if (list->n - before == (size_t)2 * SOCKETS_MAX) {
			(void)fprintf(stderr, "swap: more than %d names in %s; passed over\n",
				      2 * SOCKETS_MAX, dir->path);
			break;
		}
		r = read_entry(dir, entry->d_name, list);
	}
	(void)closedir(stream);
	return r;
}

/* By pid, and the sockets before the links to them */
static int compare(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->dir != b->dir)
		return a->dir < b->dir ? -1 : 1;
	if (a->link != b->link)
		return a->link ? 1 : -1;
	return strcmp(a->name, b->name);
}

static int read_all(const struct swap_dirs *dirs, struct entries *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < dirs->n; i++)
		r = read_dir(&dirs->dirs[i], list);
	if (list->n > 1)
		qsort(list->entries, list->n, sizeof *list->entries, compare);
	return r;
}

/* -- jobs ---------------------------------------------------------------------------------------
 */

/* Root may have started a program that is another's now; anybody else's directory speaks for his
 * own programs alone. */
static int trust(const struct swap_dir *dir, const struct job_process *process)
{
	if (!process->alive || process->uid == dir->uid)
		return 2;
	return dir->uid == 0 ? 1 : 0;
}

/* The name in "NAME.123.sock" */
static void take_name(struct job *job, const char *link)
{
	struct text name = TEXT_OVER(job->name);
	char plain[NAME_MAX + 1];
	char *dot;

	(void)snprintf(plain, sizeof plain, "%s", link);
	for (int i = 0; i < 2; i++) {
		dot = strrchr(plain, '.');
		if (dot)
			*dot = '\0';
	}
	text_add_safe(&name, plain);
}

/* Where its socket is and what it's called. With several, which a stranger may have made, the
 * directory that is most to be trusted. */
static void place(struct job *job, const struct entries *list)
{
	const struct entry *best = NULL;
	struct text name = TEXT_OVER(job->name);

	for (size_t i = 0; i < list->n; i++) {
		const struct entry *entry = &list->entries[i];

		if (entry->pid == job->pid && !entry->link &&
		    (!best || trust(entry->dir, &job->process) > trust(best->dir, &job->process)))
			best = entry;
	}
	text_add_safe(&name, job->process.alive ? job->process.comm : "?");
	if (!best)
		return;
	job->dir = best->dir;
	for (const struct entry *at = best; at < list->entries + list->n && at->pid == job->pid;
	     at++)
		if (at->link && at->dir == best->dir) {
			take_name(job, at->name);
			return;
		}
}

static struct job *add_pid(struct jobs *jobs, pid_t pid)
{
	for (size_t i = 0; i < jobs->n; i++)
		if (jobs->jobs[i].pid == pid)
			return NULL;
	jobs->jobs[jobs->n] = (struct job){.pid = pid};
	return &jobs->jobs[jobs->n++];
}

static void add_and_place(struct jobs *jobs, pid_t pid, const struct entries *list,
			  const struct procfs *procfs)
{
	struct job *job = add_pid(jobs, pid);

	if (!job)
		return;
	swap_job_look(job, procfs);
	place(job, list);
	if (job->dir && trust(job->dir, &job->process) == 0)
		swap_job_fail(job, -EPERM, "its socket is another user's, of %s", job->dir->path);
}

/* The program whose socket or link has that name; or one that begins so, where all that do are of
 * one program. 0 where there is none, -1 where there are several. */
static pid_t find_name(const struct entries *list, const char *name, size_t len, bool whole)
{
	pid_t found = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct entry *entry = &list->entries[i];

		if (strncmp(entry->name, name, len) != 0 || (whole && entry->name[len] != '\0'))
			continue;
		if (found != 0 && found != entry->pid)
			return -1;
		found = entry->pid;
	}
	return found;
}

/* A job that says which ones it could be. */
static void add_failed(struct jobs *jobs, const char *wanted, const struct entries *list,
		       bool ambiguous)
{
	struct job *job = &jobs->jobs[jobs->n++];
	struct text name = text_over(job->name, sizeof job->name), which;
	char names[JOB_REASON_MAX / 2];
	size_t n = 0;

	*job = (struct job){.wanted = wanted};
	text_add_safe(&name, wanted);
	which = TEXT_OVER(names);
	for (size_t i = 0; i < list->n; i++) {
		const struct entry *entry = &list->entries[i];

		if (strncmp(entry->name, wanted, strlen(wanted)) != 0 || n++ >= NAMED_MAX)
			continue;
		text_add(&which, n == 1 ? "" : ", ");
		text_add_safe(&which, entry->name);
	}
	if (n > NAMED_MAX)
		text_addf(&which, " and %zu more", n - NAMED_MAX);
	if (ambiguous)
		swap_job_fail(job, -ENOTUNIQ, "several sockets begin with that: %s", names);
	else
		swap_job_fail(job, -ENOENT, "no socket of an attached program begins with that");
}

static void add_named(struct jobs *jobs, const char *name, const struct entries *list,
		      const struct procfs *procfs)
{
	pid_t pid = find_name(list, name, strlen(name), true);

	if (pid <= 0)
		pid = find_name(list, name, strlen(name), false);
	if (pid <= 0)
		add_failed(jobs, name, list, pid < 0);
	else
		add_and_place(jobs, pid, list, procfs);
}

int swap_find(const struct swap_args *args, const struct swap_dirs *dirs,
	      const struct procfs *procfs, struct jobs *ret)
{
	struct entries list = {0};
	int r = read_all(dirs, &list);

	*ret = (struct jobs){0};
	if (r == 0) {
		ret->jobs = calloc(args->n_wanted + list.n + 1, sizeof *ret->jobs);
		r = ret->jobs ? 0 : -ENOMEM;
	}
	for (size_t i = 0; r == 0 && i < args->n_wanted; i++)
		if (args->wanted[i].name)
			add_named(ret, args->wanted[i].name, &list, procfs);
		else
			add_and_place(ret, args->wanted[i].pid, &list, procfs);
	for (size_t i = 0; r == 0 && args->action == ACTION_LIST && i < list.n; i++)
		if (!list.entries[i].link)
			add_and_place(ret, list.entries[i].pid, &list, procfs);
	free(list.entries);
	return r;
}

void swap_jobs_free(struct jobs *jobs)
{
	for (size_t i = 0; i < jobs->n; i++)
		talk_end(&jobs->jobs[i].talk);
	free(jobs->jobs);
	*jobs = (struct jobs){0};
}

/* SPDX-License-Identifier: MIT */
#include "sys/lookout.h"

#include "base/cleanup.h"
#include "sys/heldfile.h"
#include "sys/procstat.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static const char magic[8] = "lookout1"; /* another version isn't read */

/* Not the owner of /proc/PID: that is root for programs that aren't dumpable. */
static int read_uid(const struct procfs *procfs, int32_t pid, uint32_t *ret)
{
	char text[PROCFS_FILE_MAX];
	struct proc_facts facts = {0};
	ssize_t n = procfs_read_short_lines(procfs, pid, "status", text, sizeof text);
	int r = n < 0 ? (int)n : procstat_parse_status(text, (size_t)n, &facts);

	*ret = facts.uid;
	return r;
}

static bool is_meant(const struct lookout_user *user, int32_t pid, uint32_t uid)
{
	return user->uid == uid && (uid != 0 || user->pid == pid);
}

/* Where there is no place left, in that of whom there is least to say of. */
static struct lookout_user *find_place(struct lookout_page *page, int32_t pid, uint32_t uid)
{
	struct lookout_user *least = &page->users[0];

	for (uint32_t i = 0; i < page->n; i++) {
		if (is_meant(&page->users[i], pid, uid))
			return &page->users[i];
		if (page->users[i].times < least->times)
			least = &page->users[i];
	}
	if (page->n < LOOKOUT_MAX)
		least = &page->users[page->n++];
	*least = (struct lookout_user){.uid = uid};
	return least;
}

static bool add(struct lookout_page *page, const struct procfs *procfs)
{
	struct lookout_user *user, last;
	uint32_t uid;

	/* who has ended holds nobody up any more */
	if (page->at <= 0 || read_uid(procfs, page->at, &uid) < 0)
		return false;
	user = find_place(page, page->at, uid);
	user->pid = page->at;
	user->times++;
	last = *user;
	*user = page->users[page->n - 1];
	page->users[page->n - 1] = last;
	return true;
}

static int map_page(int fd, struct lookout_page **ret)
{
	void *shared =
		mmap(NULL, sizeof(struct lookout_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (shared == MAP_FAILED)
		return -errno;
	*ret = shared;
	return 0;
}

int lookout_open(struct lookout *lookout, const char *path, const struct procfs *procfs)
{
	_cleanup_close_ int fd = heldfile_open(path);
	union {
		struct lookout_page page;
		char bytes[sizeof(struct lookout_page) + 1];
	} found;
	ssize_t n = fd < 0 ? fd : heldfile_read(fd, found.bytes, sizeof found);
	int r;

	if (n < 0 && n != -EFBIG)
		return (int)n;
	if (n != sizeof found.page || memcmp(found.page.magic, magic, sizeof magic) != 0 ||
	    found.page.n > LOOKOUT_MAX)
		memset(&found, 0, sizeof found);
	memcpy(found.page.magic, magic, sizeof magic);
	lookout->added = add(&found.page, procfs);
	found.page.at = 0;
	/* written, not only mapped: a full file system is to show here */
	r = heldfile_write(fd, found.bytes, sizeof found.page);
	return r < 0 ? r : map_page(fd, &lookout->page);
}

void lookout_close(struct lookout *lookout)
{
	(void)lookout_at(lookout, 0);
	if (lookout->page)
		(void)munmap(lookout->page, sizeof *lookout->page);
	lookout->page = NULL;
}

int32_t lookout_at(struct lookout *lookout, int32_t pid)
{
	int32_t before = 0;

	if (lookout && lookout->page) {
		before = lookout->page->at;
		lookout->page->at = pid;
	}
	return before;
}

static const struct lookout_user *user_at(const struct lookout *lookout, uint32_t i)
{
	const struct lookout_page *page = lookout ? lookout->page : NULL;

	return page && i < page->n ? &page->users[i] : NULL;
}

bool lookout_is_wary(const struct lookout *lookout)
{
	const struct lookout_user *user;

	for (uint32_t i = 0; (user = user_at(lookout, i)); i++)
		if (user->times >= LOOKOUT_TIMES)
			return true;
	return false;
}

bool lookout_avoids(const struct lookout *lookout, int32_t pid, uint32_t uid)
{
	const struct lookout_user *user;

	for (uint32_t i = 0; (user = user_at(lookout, i)); i++)
		if (user->times >= LOOKOUT_TIMES && is_meant(user, pid, uid))
			return true;
	return false;
}

bool lookout_avoids_process(const struct lookout *lookout, const struct procfs *procfs, int32_t pid)
{
	uint32_t uid;

	return lookout_is_wary(lookout) &&
	       (read_uid(procfs, pid, &uid) < 0 || lookout_avoids(lookout, pid, uid));
}

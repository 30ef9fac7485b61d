/* SPDX-License-Identifier: MIT */
#include "daemon/swapareas.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "sys/dirnames.h"
#include "sys/fstab.h"
#include "sys/fstype.h"
#include "sys/resumefile.h"
#include "sys/rootdir.h"
#include "sys/swapfile.h"
#include "sys/sysblock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define NAME_START "swap-"
#define NUMBER_MAX 9999

/* -- the table ------------------------------------------------------------------------------- */

struct swaparea *swapareas_find(struct swapareas *areas, unsigned number)
{
	for (size_t i = 0; i < areas->n; i++)
		if (areas->areas[i].number == number)
			return &areas->areas[i];
	return NULL;
}

void swapareas_drop(struct swapareas *areas, unsigned number)
{
	struct swaparea *area = swapareas_find(areas, number);

	if (area)
		*area = areas->areas[--areas->n];
}

uint64_t swapareas_size_bytes(const struct swapareas *areas)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < areas->n; i++)
		bytes = u64_add_sat(bytes, areas->areas[i].size_bytes);
	return bytes;
}

uint64_t swapareas_used_bytes(const struct swapareas *areas)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < areas->n; i++)
		bytes = u64_add_sat(bytes, areas->areas[i].used_bytes);
	return bytes;
}

bool swapareas_read_use(struct swapareas *areas, const struct swaps *swaps)
{
	bool all = true;

	for (size_t i = 0; i < areas->n; i++) {
		struct swaparea *area = &areas->areas[i];
		const struct swap_area *entry = swaps_find(swaps, area->listed);

		all = all && (entry || !*area->listed);
		/* what isn't known may be full */
		area->used_bytes = entry ? entry->used_bytes : area->size_bytes;
	}
	return all;
}

/* -- names ----------------------------------------------------------------------------------- */

void swapareas_name(unsigned number, char ret[SWAPAREA_NAME_MAX])
{
	(void)snprintf(ret, SWAPAREA_NAME_MAX, NAME_START "%u", number);
}

void swapareas_file(const struct swapareas *areas, unsigned number, char ret[PATH_MAX])
{
	struct text text = text_over(ret, PATH_MAX);

	text_addf(&text, "%s/" NAME_START "%u", areas->path, number);
}

/* 0 where it isn't one of our names. */
static unsigned number_of(const char *name)
{
	size_t start = sizeof NAME_START - 1;
	uint64_t number;

	if (strncmp(name, NAME_START, start) != 0 || name[start] == '0' ||
	    num_u64(name + start, &number) < 0 || number > NUMBER_MAX)
		return 0;
	return (unsigned)number;
}

unsigned swapareas_new_number(int dir_fd)
{
	char name[SWAPAREA_NAME_MAX];
	struct stat st;

	for (unsigned number = 1; number <= NUMBER_MAX; number++) {
		swapareas_name(number, name);
		if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
			return number;
	}
	return 0;
}

/* -- the directory --------------------------------------------------------------------------- */

static int read_disk(int dir_fd, struct swapsize_disk *ret)
{
	struct statvfs fs;

	if (fstatvfs(dir_fd, &fs) < 0)
		return -errno;
	*ret = (struct swapsize_disk){.total_bytes = (uint64_t)fs.f_blocks * fs.f_frsize,
				      .free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize};
	return 0;
}

void swapareas_settle(int dir_fd, struct swapareas *areas)
{
	if (areas->free_lags && syncfs(dir_fd) == 0)
		(void)read_disk(dir_fd, &areas->disk);
}

static int take_fs(const struct fstype *fs, struct swapareas *ret, struct text *why)
{
	ret->fs_name = fs->name;
	ret->free_lags = fs->copies_on_write;
	if (!fs->unfit)
		return 0;
	text_addf(why, "lies on %s, where no swap file can be: %s", fs->name, fs->unfit);
	return -EINVAL;
}

static bool is_on_solid_disk(int dir_fd)
{
	_cleanup_close_ int sys_fd = open("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct procfs sys = {.root_fd = sys_fd};
	struct stat st;

	return fstat(dir_fd, &st) == 0 && sysblock_is_solid(&sys, st.st_dev);
}

int swapareas_open(const struct swapareas_place *place, struct swapareas *ret, struct text *why)
{
	_cleanup_close_ int fd = -1;
	const struct fstype *fs;
	int r = 0;

	/* the one above it has to be there: a path with a slip in it makes no tree */
	if (!place->pretend && mkdir(place->params->path, 0700) < 0 && errno != EEXIST &&
	    errno != ENOENT)
		r = -errno;
	if (r < 0 && access(place->params->path, F_OK) < 0) {
		text_addf(why, "can't be made: %s", text_error(-r));
		return r;
	}
	fd = rootdir_open(place->params->path, ret->path, why);
	if (fd < 0)
		return fd;
	r = fstype_of_fd(fd, &fs);
	if (r == 0)
		r = read_disk(fd, &ret->disk);
	if (r < 0) {
		text_addf(why, "can't be examined: %s", text_error(-r));
		return r;
	}
	ret->solid = is_on_solid_disk(fd);
	r = take_fs(fs, ret, why);
	return r < 0 ? r : take_fd(&fd);
}

/* -- a file ---------------------------------------------------------------------------------- */

enum file_kind {
	FILE_FOREIGN,
	FILE_ACTIVE,  /* ours */
	FILE_LEFT,    /* ours, and not active */
	FILE_HALFMADE /* hasn't got a header yet: an earlier daemon didn't come to its end */
};

static enum file_kind look_at_file(int fd, struct swapheader *ret_header, uint64_t *ret_bytes)
{
	struct stat st;
	bool active;
	int r;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 || st.st_mode & 077)
		return FILE_FOREIGN;
	*ret_bytes = (uint64_t)st.st_size;
	r = swapfile_read_header(fd, 0, ret_header, NULL);
	active = swapfile_is_active(fd);
	if (r == 0 && strcmp(ret_header->label, SWAP_LABEL_DAEMON) == 0)
		return active ? FILE_ACTIVE : FILE_LEFT;
	return !active && swapfile_is_blank(fd) ? FILE_HALFMADE : FILE_FOREIGN;
}

struct entry_search {
	const struct swapheader *header;
	struct stat st;
};

/* It is meant for the administrator to say; "LABEL=" would mean all of ours. */
static int is_entry(void *ctx, const struct fstab_entry *entry)
{
	const struct entry_search *search = ctx;
	char uuid[SWAP_UUID_TEXT];
	struct stat st;

	swapheader_uuid_text(search->header, uuid);
	if (strncmp(entry->spec, "UUID=", 5) == 0)
		return strcasecmp(entry->spec + 5, uuid) == 0;
	if (strncmp(entry->spec, "LABEL=", 6) == 0)
		return strcmp(entry->spec + 6, search->header->label) == 0;
	return stat(entry->spec, &st) == 0 && st.st_dev == search->st.st_dev &&
	       st.st_ino == search->st.st_ino;
}

static const char *why_kept(const struct swapareas_place *place, int fd,
			    const struct swapheader *header)
{
	_cleanup_close_ int sys_fd = open("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct procfs sys = {.root_fd = sys_fd};
	struct entry_search search = {.header = header};
	struct resume resume;

	if (fstat(fd, &search.st) == 0 && fstab_each_swap(FSTAB_PATH, is_entry, &search) > 0)
		return "it stands in " FSTAB_PATH;
	if (resume_read(place->procfs, &sys, &resume) == 0 &&
	    resumefile_is(place->procfs, &resume, fd))
		return "a hibernated system would come back from it (resume=)";
	return NULL;
}

int swapareas_remove(int dir_fd, unsigned number, bool paranoid)
{
	_cleanup_close_ int fd = -1;
	char name[SWAPAREA_NAME_MAX];
	int r = 0;

	swapareas_name(number, name);
	if (paranoid) {
		fd = openat(dir_fd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
		r = fd < 0 ? -errno : swapfile_wipe(fd);
	}
	if (r == 0 && unlinkat(dir_fd, name, 0) < 0)
		r = -errno;
	return r == -ENOENT ? 0 : r;
}

static bool may_be_it(const struct swap_area *entry, const char *path, uint64_t size_bytes)
{
	size_t len = strlen(path), entry_len = strlen(entry->path);

	return entry->kind == SWAP_FILE && !entry->deleted && *entry->path == '/' &&
	       entry_len <= len && entry->size_bytes < size_bytes &&
	       strcmp(path + len - entry_len, entry->path) == 0;
}

/* Where the kernel still knows it by the path that it has in no mount namespace any more, that is
 * the end of its path. Others may end so too: then it isn't known which is meant. */
static void find_listed(const struct swapareas *areas, const struct swaps *swaps,
			struct swaparea *area)
{
	const struct swap_area *found = NULL;
	char path[PATH_MAX];

	swapareas_file(areas, area->number, path);
	for (size_t i = 0; i < swaps->n; i++) {
		const struct swap_area *entry = &swaps->areas[i];

		if (!may_be_it(entry, path, area->size_bytes))
			continue;
		if (found)
			return;
		found = entry;
	}
	if (found)
		memcpy(area->listed, found->path, strlen(found->path) + 1);
}

/* -- all of them ----------------------------------------------------------------------------- */

static void take_file(const struct swapareas_place *place, int dir_fd, unsigned number,
		      const struct swaps *swaps, struct swapareas *ret)
{
	_cleanup_close_ int fd = -1;
	char name[SWAPAREA_NAME_MAX];
	struct swapheader header = {0};
	struct swaparea *area = &ret->areas[ret->n];
	enum file_kind kind;
	uint64_t bytes = 0;

	swapareas_name(number, name);
	/* for writing: else it can't be told whether it is active */
	fd = openat(dir_fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	kind = fd < 0 ? FILE_FOREIGN : look_at_file(fd, &header, &bytes);
	if (kind == FILE_ACTIVE && ret->n < SWAPAREAS_MAX) {
		*area = (struct swaparea){.number = number,
					  .size_bytes = bytes,
					  .used_bytes = bytes,
					  .keep = why_kept(place, fd, &header)};
		find_listed(ret, swaps, area);
		ret->n++;
	} else if (!place->pretend &&
		   (kind == FILE_HALFMADE ||
		    (kind == FILE_LEFT && !why_kept(place, fd, &header))) &&
		   swapareas_remove(dir_fd, number, place->params->paranoid) == 0) {
		ret->removed++;
	}
}

int swapareas_look(const struct swapareas_place *place, unsigned except, struct swapareas *ret,
		   struct text *why)
{
	static struct swaps swaps; /* too large for a stack */
	struct dirnames names;
	_cleanup_close_ int fd = -1;
	const struct fstype *fs;
	const char *name;

	ret->n = ret->removed = 0;
	if (place->pretend && access(place->params->path, F_OK) < 0 &&
	    fstype_of_parent(place->params->path, &fs) == 0) {
		(void)snprintf(ret->path, sizeof ret->path, "%s", place->params->path);
		return take_fs(fs, ret, why); /* it would be made */
	}
	fd = swapareas_open(place, ret, why);
	if (fd < 0)
		return fd;
	(void)swaps_read(place->procfs, &swaps);
	dirnames_start(fd, &names);
	while ((name = dirnames_next(&names))) {
		unsigned number = number_of(name);

		if (number > 0 && number != except)
			take_file(place, fd, number, &swaps, ret);
	}
	(void)swapareas_read_use(ret, &swaps);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "daemon/prelock_table.h"

#include "sys/filefacts.h"

#include <string.h>

#define SLOTS_MIN 256

/* FNV-1a */
static uint32_t hash_path(const char *path)
{
	uint32_t hash = UINT32_C(2166136261);

	for (; *path; path++)
		hash = (hash ^ (uint8_t)*path) * UINT32_C(16777619);
	return hash;
}

static size_t first_slot(const struct prelock_scan *scan, const struct prelock_file *file)
{
	return (file->path_hash ^ (uint32_t)file->inode * UINT32_C(2654435761)) &
	       (scan->n_slots - 1);
}

static void enter(struct prelock_scan *scan, size_t place)
{
	size_t slot = first_slot(scan, &scan->files[place]);

	while (scan->slots[slot] != 0)
		slot = (slot + 1) & (scan->n_slots - 1);
	scan->slots[slot] = (uint16_t)(place + 1);
}

/* Half of the slots stay empty. */
static void make_slots(struct prelock_scan *scan)
{
	scan->n_slots = SLOTS_MIN;
	while (scan->n_slots < PRELOCK_SLOTS_MAX && scan->n_slots <= 2 * scan->n_files)
		scan->n_slots *= 2;
	memset(scan->slots, 0, scan->n_slots * sizeof *scan->slots);
	for (size_t i = 0; i < scan->n_files; i++)
		enter(scan, i);
}

static bool is_same(const struct prelock_scan *scan, const struct prelock_file *a,
		    const struct prelock_file *b, const char *path)
{
	return a->device == b->device && a->inode == b->inode && a->path_hash == b->path_hash &&
	       strcmp(scan->paths + a->path, path) == 0;
}

struct prelock_file *prelock_table_put(struct prelock_scan *scan, bool deleted, bool *ret_new)
{
	const struct mapping *mapping = &scan->group.first;
	const char *path = scan->group.path;
	size_t len = strlen(path) + 1, slot;
	struct prelock_file wanted = {
		.device = file_device(mapping->major, mapping->minor),
		.inode = mapping->inode,
		.path_hash = hash_path(path) ^ deleted,
		.start = UINT64_MAX,
	};

	for (slot = first_slot(scan, &wanted); scan->slots[slot] != 0;
	     slot = (slot + 1) & (scan->n_slots - 1)) {
		struct prelock_file *file = &scan->files[scan->slots[slot] - 1];

		*ret_new = false;
		if (is_same(scan, file, &wanted, path))
			return file;
	}
	if (scan->n_files == PRELOCK_FILES_MAX || scan->paths_len + len > PRELOCK_PATHS_BYTES)
		return NULL;
	*ret_new = true;
	wanted.path = (uint32_t)scan->paths_len;
	memcpy(scan->paths + scan->paths_len, path, len);
	scan->paths_len += len;
	scan->files[scan->n_files++] = wanted;
	if (scan->n_slots < PRELOCK_SLOTS_MAX && scan->n_slots <= 2 * scan->n_files)
		make_slots(scan);
	else
		enter(scan, scan->n_files - 1);
	return &scan->files[scan->n_files - 1];
}

void prelock_table_sweep(struct prelock_scan *scan)
{
	size_t kept = 0, paths_len = 0;

	for (size_t i = 0; i < scan->n_files; i++) {
		struct prelock_file *file = &scan->files[i];
		size_t len = strlen(scan->paths + file->path) + 1;

		if (file->locked_bytes == 0)
			continue;
		memmove(scan->paths + paths_len, scan->paths + file->path, len);
		file->path = (uint32_t)paths_len;
		paths_len += len;
		file->sharers = file->seen_by = 0;
		scan->files[kept++] = *file;
	}
	scan->n_files = kept;
	scan->paths_len = paths_len;
	make_slots(scan);
}

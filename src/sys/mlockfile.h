/* SPDX-License-Identifier: MIT */
/*
 * A part of a file in memory, and kept there: mapped read-only, locked as its pages are touched
 * (mlock2(2), MLOCK_ONFAULT). Nothing here reads through the mapping by itself, which would end the
 * process where the file was cut meanwhile.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Maps a part of an open file: offsets of whole pages. 0 or -errno (EAGAIN: over RLIMIT_MEMLOCK,
 * where mlockall(2) holds for what comes). mlockfile_unmap lets it go. */
int mlockfile_map(int fd, uint64_t start, uint64_t end, void **ret);
void mlockfile_unmap(void *map, size_t bytes);

/* From here on what is touched of it stays in memory. 0 or -errno (ENOMEM: over RLIMIT_MEMLOCK;
 * EPERM: that is 0, and CAP_IPC_LOCK is missing). */
int mlockfile_lock(void *map, size_t bytes);

/* How much of it is in memory, whoever wanted it there: bytes or -errno. Without the right to write
 * to the file, or ownership, the kernel says that all is. */
int64_t mlockfile_resident_bytes(void *map, size_t bytes);

/* Touches what is in memory of it, or all of it, which is read from the disk then. How many bytes
 * were touched, or -errno. */
enum mlockfile_extent { MLOCKFILE_RESIDENT, MLOCKFILE_WHOLE };
int64_t mlockfile_touch(void *map, size_t bytes, enum mlockfile_extent extent);

/* SPDX-License-Identifier: MIT */
#include "sys/extents.h"

#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define AT_ONCE 64

static void take_extent(const struct fiemap_extent *extent, uint64_t at, struct extents *ret)
{
	if (extent->fe_logical == 0)
		ret->first_physical_bytes = extent->fe_physical;
	if (extent->fe_logical > at && !ret->hole) {
		ret->hole = true;
		ret->hole_bytes = at;
	}
	ret->shared |= (extent->fe_flags & FIEMAP_EXTENT_SHARED) != 0;
	ret->encoded |= (extent->fe_flags & FIEMAP_EXTENT_ENCODED) != 0;
	ret->inlined |= (extent->fe_flags & FIEMAP_EXTENT_DATA_INLINE) != 0;
}

/* Where the file system doesn't tell, a file with holes has fewer blocks than its size needs. */
static int guess(int fd, uint64_t bytes, struct extents *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = (struct extents){.hole = (uint64_t)st.st_blocks * 512 < bytes};
	return 0;
}

int extents_look(int fd, uint64_t bytes, struct extents *ret)
{
	/* struct fiemap, which ends with the extents */
	char buf[sizeof(struct fiemap) + AT_ONCE * sizeof(struct fiemap_extent)]
		__attribute__((aligned(8)));
	struct fiemap *map = (struct fiemap *)(void *)buf;
	struct extents found = {.known = true};
	uint64_t at = 0;
	bool last = false;

	while (at < bytes && !last) {
		*map = (struct fiemap){.fm_start = at,
				       .fm_length = bytes - at,
				       .fm_flags = FIEMAP_FLAG_SYNC,
				       .fm_extent_count = AT_ONCE};
		if (ioctl(fd, FS_IOC_FIEMAP, map) < 0)
			return errno == EOPNOTSUPP || errno == ENOTTY ? guess(fd, bytes, ret)
								      : -errno;
		last = map->fm_mapped_extents == 0;
		for (uint32_t i = 0; i < map->fm_mapped_extents; i++) {
			const struct fiemap_extent *extent = &map->fm_extents[i];

			take_extent(extent, at, &found);
			at = extent->fe_logical + extent->fe_length;
			last = last || extent->fe_flags & FIEMAP_EXTENT_LAST;
		}
	}
	if (at < bytes && !found.hole) {
		found.hole = true;
		found.hole_bytes = at;
	}
	*ret = found;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* What is read and written again is the same. */
#include "cli/swapctl_vswap.h"

#include "fuzz/fuzz.h"

#include <errno.h>

static int is_same(const struct vswap *a, const struct vswap *b)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct vswap_entry *one = &a->entries[i], *other = &b->entries[i];

		if (!identity_equal(&one->behind, &other->behind) ||
		    one->low_bytes != other->low_bytes || one->vlen_bytes != other->vlen_bytes ||
		    one->raised_kib != other->raised_kib)
			return 0;
	}
	return a->n == b->n && a->base_kib == b->base_kib && a->base_ratio == b->base_ratio;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vswap vswap, again;
	char text[VSWAP_TEXT_MAX];
	size_t len;
	int r = vswap_parse((const char *)data, size, &vswap);

	if (r < 0) {
		HOLDS((r == -EBADMSG || r == -E2BIG) && vswap.n == 0);
		return 0;
	}
	HOLDS(r == 0 && vswap.n <= SWAPS_MAX);
	len = vswap_print(&vswap, text, sizeof text);
	HOLDS(len < sizeof text && vswap_parse(text, len, &again) == 0);
	HOLDS(is_same(&vswap, &again));
	return 0;
}

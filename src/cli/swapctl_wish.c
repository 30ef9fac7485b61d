/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_wish.h"

#include "base/num.h"
#include "base/units.h"
#include "sys/fstab.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int wish_amount(const char *text, uint64_t *ret_bytes)
{
	size_t len = strlen(text);
	bool blocks = len > 0 && text[len - 1] >= '0' && text[len - 1] <= '9';
	uint64_t value;
	int r = num_bytes(text, &value);

	if (r < 0)
		return r;
	if (blocks && value > UINT64_MAX / BLOCK_BYTES)
		return -ERANGE;
	*ret_bytes = blocks ? value * BLOCK_BYTES : value;
	return 0;
}

uint64_t wish_low_bytes(const struct wish *wish)
{
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t low_bytes = u64_add_sat(wish->low_bytes, page_bytes - 1);

	return low_bytes - low_bytes % page_bytes;
}

int wish_priority(const char *text, int *ret)
{
	uint64_t value;

	if (num_u64(text, &value) < 0 || value > SWAP_PRIORITY_MAX)
		return -EINVAL;
	*ret = (int)value;
	return 0;
}

int wish_discard(const char *text, enum swap_discard *ret)
{
	static const char *const words[] = {
		[SWAP_DISCARD_ALL] = "",
		[SWAP_DISCARD_ONCE] = "once",
		[SWAP_DISCARD_PAGES] = "pages",
	};

	for (int i = SWAP_DISCARD_ALL; i <= SWAP_DISCARD_PAGES; i++)
		if (strcmp(text, words[i]) == 0) {
			*ret = (enum swap_discard)i;
			return 0;
		}
	return -EINVAL;
}

/* True where the option is missing or makes sense. */
static bool take_amount(const char *options, const char *name, bool *has, uint64_t *bytes)
{
	char value[64];

	if (*has || !fstab_option(options, name, value, sizeof value))
		return true;
	*has = wish_amount(value, bytes) == 0;
	return *has;
}

const char *wish_take_options(struct wish *wish, const char *options)
{
	char value[64];

	if (wish->priority == SWAP_PRIORITY_NONE &&
	    fstab_option(options, "pri", value, sizeof value) && strcmp(value, "-1") != 0 &&
	    wish_priority(value, &wish->priority) < 0)
		return "pri";
	if (!wish->has_discard && fstab_option(options, "discard", value, sizeof value)) {
		if (wish_discard(value, &wish->discard) < 0)
			return "discard";
		wish->has_discard = true;
	}
	if (!take_amount(options, "swaplo", &wish->has_low, &wish->low_bytes))
		return "swaplo";
	if (!take_amount(options, "length", &wish->has_len, &wish->len_bytes))
		return "length";
	if (!take_amount(options, "vlength", &wish->has_vlen, &wish->vlen_bytes))
		return "vlength";
	return NULL;
}

/* SPDX-License-Identifier: MIT */
/* What swapctl makes of facts: which area is being deleted, the sum, virtual lengths. */
#include "cli/swapctl_indel.h"
#include "cli/swapctl_sum.h"
#include "cli/swapctl_vswap.h"

#include "unit/builders.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct swaps before, after;

/* Two areas of 1 GiB and 2 GiB with that much in use. */
static void set_used(struct swaps *swaps, uint64_t first_bytes, uint64_t second_bytes)
{
	memset(swaps, 0, sizeof *swaps);
	swaps->n = 2;
	(void)strcpy(swaps->areas[0].path, "/first");
	(void)strcpy(swaps->areas[1].path, "/second");
	swaps->areas[0].size_bytes = GIB;
	swaps->areas[1].size_bytes = 2 * GIB;
	swaps->areas[0].used_bytes = first_bytes;
	swaps->areas[1].used_bytes = second_bytes;
}

START_TEST(finds_the_one_that_goes)
{
	set_used(&before, 300 * MIB, 500 * MIB);
	set_used(&after, 200 * MIB, 500 * MIB);
	/* nobody */
	ck_assert_uint_eq(indel_find(&before, 3 * GIB, &after), INDEL_NONE);
	/* the first, of which 250 MiB are left: it counts for no more than that */
	ck_assert_uint_eq(indel_find(&before, 2 * GIB + 250 * MIB, &after), 0);
	ck_assert_uint_eq(indel_find(&before, 2 * GIB + 300 * MIB, &after), 0);
	ck_assert_uint_eq(indel_find(&before, 2 * GIB + 200 * MIB, &after), 0);
	ck_assert_uint_eq(indel_find(&before, GIB + 500 * MIB, &after), 1);
	/* neither accounts for it; a container's own idea of memory; more than there is */
	ck_assert_uint_eq(indel_find(&before, 2 * GIB + 400 * MIB, &after), INDEL_NONE);
	ck_assert_uint_eq(indel_find(&before, 0, &after), INDEL_NONE);
	ck_assert_uint_eq(indel_find(&before, 9 * GIB, &after), INDEL_NONE);
}
END_TEST

START_TEST(says_nothing_in_doubt)
{
	set_used(&before, 0, GIB);
	set_used(&after, 0, GIB);
	/* both would leave 1 GiB less */
	ck_assert_uint_eq(indel_find(&before, 2 * GIB, &after), INDEL_NONE);
	set_used(&before, 0, 0);
	set_used(&after, 0, 0);
	ck_assert_uint_eq(indel_find(&before, 2 * GIB, &after), 0);
	/* an area came or went in between */
	after.n = 1;
	ck_assert_uint_eq(indel_find(&before, 2 * GIB, &after), INDEL_NONE);
	after.n = 2;
	after.areas[1].path[1] = 'x';
	ck_assert_uint_eq(indel_find(&before, 2 * GIB, &after), INDEL_NONE);
}
END_TEST

START_TEST(sums)
{
	struct mem_facts mem = {.commit_limit_bytes = 10 * GIB, .committed_bytes = 4 * GIB};
	struct overcommit overcommit = {.mode = OVERCOMMIT_NEVER};
	struct sum sum;

	set_used(&before, 256 * MIB, 768 * MIB);
	sum = sum_make(&before, &mem, &overcommit);
	ck_assert_uint_eq(sum.areas, 2);
	ck_assert_uint_eq(sum.size_bytes, 3 * GIB);
	ck_assert_uint_eq(sum.allocated_bytes, GIB);
	ck_assert_uint_eq(sum.reserved_bytes, 3 * GIB);
	ck_assert_uint_eq(sum.used_bytes, 4 * GIB);
	ck_assert_uint_eq(sum.available_bytes, 6 * GIB);
	ck_assert(sum.limit_is_kept);
	/* promised more than the limit; less than what is swapped out */
	overcommit.mode = 1;
	mem.committed_bytes = 11 * GIB;
	sum = sum_make(&before, &mem, &overcommit);
	ck_assert_uint_eq(sum.available_bytes, 0);
	ck_assert(!sum.limit_is_kept);
	mem.committed_bytes = MIB;
	sum = sum_make(&before, &mem, &overcommit);
	ck_assert_uint_eq(sum.used_bytes, GIB);
	ck_assert_uint_eq(sum.reserved_bytes, 0);
}
END_TEST

static struct vswap sample(size_t n)
{
	struct vswap vswap = {.n = n, .base_kib = 12345, .base_ratio = 50};

	for (size_t i = 0; i < n; i++)
		vswap.entries[i] = (struct vswap_entry){
			.behind = {.known = true,
				   .is_device = i % 2 == 1,
				   .device = 0x801 + i,
				   .inode = i % 2 == 1 ? 0 : 99 + i},
			.low_bytes = i * MIB,
			.vlen_bytes = UINT64_MAX - i,
			.raised_kib = i,
		};
	return vswap;
}

START_TEST(what_is_remembered)
{
	static const size_t counts[] = {0, 1, 2, SWAPS_MAX};
	char text[VSWAP_TEXT_MAX];

	for (size_t i = 0; i < ROWS(counts); i++) {
		struct vswap vswap = sample(counts[i]), back;
		size_t len = vswap_print(&vswap, text, sizeof text);

		ck_assert_uint_lt(len, sizeof text - 1);
		ck_assert_int_eq(vswap_parse(text, len, &back), 0);
		ck_assert_mem_eq(&back, &vswap, sizeof back);
	}
}
END_TEST

START_TEST(what_is_not_ours)
{
	static const char *const rows[] = {
		"",
		"\n",
		"something\n",
		"swapctl-vswap 2 1 1\n",
		"swapctl-vswap 1 1\n",
		"swapctl-vswap 1 1 1 1\n",
		"swapctl-vswap 1 1 1\n1 2 3 4 5\n",
		"swapctl-vswap 1 1 1\n1 2 3 4 5 6 7\n",
		"swapctl-vswap 1 1 1\n2 2 3 4 5 6\n",
		"swapctl-vswap 1 1 1\nx\n",
	};
	struct vswap vswap = sample(2);
	struct identity other = {.known = true, .device = 1, .inode = 1};

	for (size_t i = 0; i < ROWS(rows); i++) {
		ck_assert_msg(vswap_parse(rows[i], strlen(rows[i]), &vswap) == -EBADMSG, "row %zu",
			      i);
		ck_assert_uint_eq(vswap.n, 0);
	}
	vswap = sample(3);
	ck_assert_ptr_eq(vswap_find(&vswap, &vswap.entries[2].behind, 2 * MIB), &vswap.entries[2]);
	ck_assert_ptr_null(vswap_find(&vswap, &vswap.entries[2].behind, MIB));
	ck_assert_ptr_null(vswap_find(&vswap, &other, 0));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {finds_the_one_that_goes, says_nothing_in_doubt, sums,
				      what_is_remembered, what_is_not_ours};

	return RUN_TESTS("swapctl_facts", tests);
}

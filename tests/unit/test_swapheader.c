/* SPDX-License-Identifier: MIT */
#include "sys/swapheader.h"

#include "unit/builders.h"

#include <errno.h>
#include <string.h>

static char page[65536];

static const struct swapheader sample = {
	.bytes = 100 * MIB,
	.uuid = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 1, 2, 3, 4, 5, 6, 7, 8},
	.label = "sixteen letters!",
};

START_TEST(there_and_back)
{
	static const size_t sizes[] = {4096, 16384, 65536};

	for (size_t i = 0; i < ROWS(sizes); i++) {
		struct swapheader header;

		memset(page, 0x5a, sizeof page);
		swapheader_fill(page, sizes[i], &sample);
		ck_assert_int_eq(swapheader_parse(page, sizes[i], &header), 0);
		ck_assert_uint_eq(header.bytes, sample.bytes);
		ck_assert_uint_eq(header.bad_pages, 0);
		ck_assert_str_eq(header.label, sample.label);
		ck_assert_mem_eq(header.uuid, sample.uuid, sizeof sample.uuid);
		/* nothing of what was there before */
		ck_assert_ptr_null(memchr(page, 0x5a, sizes[i]));
		ck_assert(sizes[i] == sizeof page || page[sizes[i]] == 0x5a);
	}
}
END_TEST

START_TEST(layout)
{
	static const struct swapheader small = {.bytes = 8192, .label = "x"};

	swapheader_fill(page, 4096, &small);
	ck_assert_mem_eq(page + 4086, "SWAPSPACE2", 10);
	ck_assert_uint_eq(*(const uint32_t *)(const void *)(page + 1024), 1); /* version */
	ck_assert_uint_eq(*(const uint32_t *)(const void *)(page + 1028), 1); /* last page */
	ck_assert_uint_eq(*(const uint32_t *)(const void *)(page + 1032), 0); /* bad ones */
	ck_assert_str_eq(page + 1052, "x");
}
END_TEST

static int parse_with(size_t at, uint32_t value)
{
	struct swapheader header;

	swapheader_fill(page, 4096, &sample);
	memcpy(page + at, &value, sizeof value);
	return swapheader_parse(page, 4096, &header);
}

START_TEST(refuses)
{
	struct swapheader header, untouched;

	memset(page, 0, sizeof page);
	memset(&header, 0x5a, sizeof header);
	untouched = header;
	ck_assert_int_eq(swapheader_parse(page, 4096, &header), -ENOENT);
	swapheader_fill(page, 4096, &sample);
	ck_assert_int_eq(swapheader_parse(page, 16384, &header), -ENOENT);
	page[4090] = 'x';
	ck_assert_int_eq(swapheader_parse(page, 4096, &header), -ENOENT);
	ck_assert_mem_eq(&header, &untouched, sizeof header);
	ck_assert_int_eq(parse_with(1024, __builtin_bswap32(1)), -ENOENT);
	ck_assert_int_eq(parse_with(1024, 2), -EBADMSG);
	ck_assert_int_eq(parse_with(1028, 0), -EBADMSG);
	ck_assert_int_eq(parse_with(1032, 637), 0);
	ck_assert_int_eq(parse_with(1032, 638), -EBADMSG);
	ck_assert_int_eq(parse_with(1032, UINT32_MAX), -EBADMSG);
}
END_TEST

START_TEST(new_ones_differ)
{
	struct swapheader one = swapheader_new(MIB, "swapctl"),
			  two = swapheader_new(MIB, "swapctl");
	char text[SWAP_UUID_TEXT];

	ck_assert_mem_ne(one.uuid, two.uuid, sizeof one.uuid);
	ck_assert_int_eq(one.uuid[6] >> 4, 4);
	ck_assert_int_eq(one.uuid[8] >> 6, 2);
	ck_assert_str_eq(one.label, "swapctl");
	swapheader_uuid_text(&sample, text);
	ck_assert_str_eq(text, "01234567-89ab-cdef-0102-030405060708");
	one = swapheader_new(MIB, "longer than sixteen");
	ck_assert_str_eq(one.label, "longer than sixt");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {there_and_back, layout, refuses, new_ones_differ};

	return RUN_TESTS("swapheader", tests);
}

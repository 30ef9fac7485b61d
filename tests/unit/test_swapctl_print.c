/* SPDX-License-Identifier: MIT */
/* The listings as a whole: what scripts and people see. */
#include "cli/swapctl_print.h"

#include "unit/builders.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

static struct listing listing;
static char *printed;
static size_t printed_len;

static FILE *start(void)
{
	free(printed);
	printed = NULL;
	return open_memstream(&printed, &printed_len);
}

static void fill(void)
{
	struct swap_area *areas = listing.swaps.areas;

	memset(&listing, 0, sizeof listing);
	listing.swaps.n = 2;
	areas[0] = (struct swap_area){
		.path = "/dev/loop0", .kind = SWAP_PARTITION, .priority = 5, .size_bytes = 4 * KIB};
	areas[1] = (struct swap_area){.path = "/var/my swap",
				      .kind = SWAP_FILE,
				      .priority = -2,
				      .size_bytes = 50 * MIB - 4 * KIB,
				      .used_bytes = 10 * MIB};
	listing.rows[0] = (struct row){.lswap = 1,
				       .area = &areas[0],
				       .name = "/dev/sdb1",
				       .on = {.known = true, .device = makedev(7, 0)},
				       .is_loop = true,
				       .low_bytes = MIB,
				       .max_bytes = 19 * MIB,
				       .owner = OWNER_SWAPCTL,
				       .label = "swapctl"};
	listing.rows[1] = (struct row){.lswap = 2,
				       .area = &areas[1],
				       .name = "/var/my swap",
				       .vswap_bytes = 100 * MIB,
				       .flags = ROW_INDEL | ROW_GONE,
				       .owner = OWNER_NONE};
}

START_TEST(tables)
{
	static const struct {
		struct print_style style;
		const char *expected;
	} rows[] = {
		{{0},
		 "lswap  path             dev  pri  swaplo  blocks   free  maxswap   vswap  by     "
		 "  "
		 "flags\n"
		 "    1  /dev/sdb1        7,0    5    2048       8      8    38912       0  "
		 "swapctl  -\n"
		 "    2  /var/my\\040swap    -   -2       0  102392  81912        -  204800  -     "
		 "   "
		 "INDEL,GONE\n"},
		{{.human = true},
		 "lswap  path             dev  pri  swaplo     size     free  maxswap   vswap  by  "
		 "    "
		 " flags\n"
		 "    1  /dev/sdb1        7,0    5  1.0MiB   4.0KiB   4.0KiB  19.0MiB      0B  "
		 "swapctl "
		 " -\n"
		 "    2  /var/my\\040swap    -   -2      0B  49.9MiB  39.9MiB        -  100MiB  -  "
		 "     "
		 " INDEL,GONE\n"},
		{{.numeric = true, .full = true},
		 "lswap  path             dev  pri  swaplo  blocks   free   used  maxswap   vswap  "
		 "type"
		 "  label    uuid  by       flags\n"
		 "    1  /dev/loop0       7,0    5    2048       8      8      0    38912       0  "
		 "loop"
		 "  swapctl  -     swapctl  -\n"
		 "    2  /var/my\\040swap    -   -2       0  102392  81912  20480        -  204800 "
		 " file"
		 "  -        -     -        INDEL,GONE\n"},
	};

	fill();
	for (size_t i = 0; i < ROWS(rows); i++) {
		FILE *out = start();

		print_table(&listing, &rows[i].style, out);
		(void)fclose(out);
		ck_assert_str_eq(printed, rows[i].expected);
	}
}
END_TEST

START_TEST(nothing_but_the_title)
{
	static const struct print_style style;
	FILE *out = start();

	memset(&listing, 0, sizeof listing);
	print_table(&listing, &style, out);
	(void)fclose(out);
	ck_assert_str_eq(
		printed,
		"lswap  path  dev  pri  swaplo  blocks  free  maxswap  vswap  by  flags\n");
}
END_TEST

static const struct sum sum = {
	.areas = 2,
	.size_bytes = 3 * GIB,
	.allocated_bytes = GIB,
	.reserved_bytes = 3 * GIB,
	.used_bytes = 4 * GIB,
	.available_bytes = 6 * GIB,
	.limit_bytes = 10 * GIB,
	.overcommit_mode = 2,
	.limit_is_kept = true,
};

START_TEST(sums)
{
	static const struct print_style blocks, human = {.human = true};
	struct sum loose = sum;
	FILE *out = start();

	print_sum(&sum, &blocks, out);
	(void)fclose(out);
	ck_assert_str_eq(
		printed,
		"total: 2097152 allocated + 6291456 reserved = 8388608 blocks used, 12582912 "
		"blocks available\n"
		"areas: 2, with 6291456 blocks, 2097152 blocks used\n"
		"limit: 20971520 blocks, kept by the kernel (vm.overcommit_memory=2)\n");
	loose.limit_is_kept = false;
	loose.overcommit_mode = 0;
	out = start();
	print_sum(&loose, &human, out);
	(void)fclose(out);
	ck_assert_str_eq(
		printed,
		"total: 1.0GiB allocated + 3.0GiB reserved = 4.0GiB used, 6.0GiB available\n"
		"areas: 2, with 3.0GiB, 1.0GiB used\n"
		"limit: 10.0GiB, not kept by the kernel (vm.overcommit_memory=0)\n");
}
END_TEST

static struct json_object *parse(void)
{
	struct json_object *object = json_tokener_parse(printed);

	ck_assert_ptr_nonnull(object);
	return object;
}

static const char *string_at(struct json_object *object, const char *key)
{
	return json_object_get_string(json_object_object_get(object, key));
}

static uint64_t number_at(struct json_object *object, const char *key)
{
	struct json_object *number = json_object_object_get(object, key);

	ck_assert(json_object_is_type(number, json_type_int));
	return json_object_get_uint64(number);
}

START_TEST(tables_for_programs)
{
	struct json_object *object, *areas, *area, *flags;
	FILE *out = start();

	fill();
	/* one that is UTF-8, one that isn't */
	(void)strcpy(listing.rows[0].name, "/gr\303\266\303\237e \"\\");
	(void)strcpy(listing.rows[1].name, "/\366\355\240\200\300\257\360\237\230\200x\342\202");
	ck_assert_int_eq(print_table_json(&listing, out), 0);
	(void)fclose(out);
	object = parse();
	areas = json_object_object_get(object, "areas");
	ck_assert_uint_eq(json_object_array_length(areas), 2);
	area = json_object_array_get_idx(areas, 0);
	ck_assert_str_eq(string_at(area, "path"), "/gr\303\266\303\237e \"\\");
	ck_assert_str_eq(string_at(area, "kernel_path"), "/dev/loop0");
	ck_assert_str_eq(string_at(area, "type"), "loop");
	ck_assert_str_eq(string_at(area, "by"), "swapctl");
	ck_assert_ptr_null(json_object_object_get(area, "uuid"));
	ck_assert_uint_eq(number_at(area, "lswap"), 1);
	ck_assert_uint_eq(number_at(area, "major"), 7);
	ck_assert_uint_eq(number_at(area, "priority"), 5);
	ck_assert_uint_eq(number_at(area, "swaplo_bytes"), MIB);
	ck_assert_uint_eq(number_at(area, "maxswap_bytes"), 19 * MIB);
	ck_assert_uint_eq(json_object_array_length(json_object_object_get(area, "flags")), 0);
	area = json_object_array_get_idx(areas, 1);
	ck_assert_str_eq(string_at(area, "path"),
			 "/\357\277\275\357\277\275\357\277\275\357\277\275\357\277\275\357\277\275"
			 "\360\237\230\200x\357\277\275\357\277\275");
	ck_assert_uint_eq(number_at(area, "size_bytes"), 50 * MIB - 4 * KIB);
	ck_assert_uint_eq(number_at(area, "used_bytes"), 10 * MIB);
	ck_assert_uint_eq(number_at(area, "free_bytes"), 40 * MIB - 4 * KIB);
	ck_assert_uint_eq(number_at(area, "vswap_bytes"), 100 * MIB);
	ck_assert(!json_object_object_get_ex(area, "major", NULL));
	ck_assert(!json_object_object_get_ex(area, "maxswap_bytes", NULL));
	ck_assert_int_eq(json_object_get_int(json_object_object_get(area, "priority")), -2);
	flags = json_object_object_get(area, "flags");
	ck_assert_uint_eq(json_object_array_length(flags), 2);
	ck_assert_str_eq(json_object_get_string(json_object_array_get_idx(flags, 0)), "INDEL");
	ck_assert_str_eq(json_object_get_string(json_object_array_get_idx(flags, 1)), "GONE");
	json_object_put(object);
}
END_TEST

START_TEST(sums_for_programs)
{
	struct json_object *object;
	FILE *out = start();

	ck_assert_int_eq(print_sum_json(&sum, out), 0);
	(void)fclose(out);
	object = parse();
	ck_assert_uint_eq(number_at(object, "areas"), 2);
	ck_assert_uint_eq(number_at(object, "size_bytes"), 3 * GIB);
	ck_assert_uint_eq(number_at(object, "allocated_bytes"), GIB);
	ck_assert_uint_eq(number_at(object, "reserved_bytes"), 3 * GIB);
	ck_assert_uint_eq(number_at(object, "used_bytes"), 4 * GIB);
	ck_assert_uint_eq(number_at(object, "available_bytes"), 6 * GIB);
	ck_assert_uint_eq(number_at(object, "limit_bytes"), 10 * GIB);
	ck_assert_uint_eq(number_at(object, "overcommit_memory"), 2);
	ck_assert(json_object_get_boolean(json_object_object_get(object, "limit_is_kept")));
	json_object_put(object);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {tables, nothing_but_the_title, sums, tables_for_programs,
				      sums_for_programs};
	int failed = RUN_TESTS("swapctl_print", tests);

	free(printed);
	return failed;
}

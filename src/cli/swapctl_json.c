/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_print.h"

#include "base/text.h"

#include <errno.h>
#include <json-c/json.h>
#include <sys/sysmacros.h>

/* Bytes of one character of UTF-8 at text, 0 where there is none. */
static size_t utf8_length(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t len = 1;

	if (*at < 0x80)
		return 1;
	if (*at >= 0xc2 && *at <= 0xdf)
		len = 2;
	else if (*at >= 0xe0 && *at <= 0xef)
		len = 3;
	else if (*at >= 0xf0 && *at <= 0xf4)
		len = 4;
	else
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	/* overlong, surrogates, beyond the last one */
	if ((*at == 0xe0 && at[1] < 0xa0) || (*at == 0xed && at[1] > 0x9f) ||
	    (*at == 0xf0 && at[1] < 0x90) || (*at == 0xf4 && at[1] > 0x8f))
		return 0;
	return len;
}

/* JSON is UTF-8, a path is any bytes: what isn't UTF-8 becomes U+FFFD. */
static struct json_object *string_of(const char *string)
{
	char buf[3 * PATH_MAX];
	struct text text = TEXT_OVER(buf);

	while (*string) {
		size_t len = utf8_length(string);

		if (len == 0)
			text_add(&text, "\xef\xbf\xbd");
		else
			text_addf(&text, "%.*s", (int)len, string);
		string += len == 0 ? 1 : len;
	}
	return json_object_new_string(buf);
}

static void add_string(struct json_object *object, const char *key, const char *string)
{
	json_object_object_add(object, key, *string ? string_of(string) : NULL);
}

static void add_number(struct json_object *object, const char *key, uint64_t number)
{
	json_object_object_add(object, key, json_object_new_uint64(number));
}

static struct json_object *flags_of(unsigned flags)
{
	struct json_object *array = json_object_new_array();

	for (unsigned flag = 1; flag <= flags; flag <<= 1) {
		char word[32];
		struct text text = TEXT_OVER(word);

		if (!(flags & flag))
			continue;
		row_flags_text(flag, &text);
		json_object_array_add(array, json_object_new_string(word));
	}
	return array;
}

static struct json_object *row_object(const struct row *row)
{
	struct json_object *object = json_object_new_object();
	const struct swap_area *area = row->area;

	add_number(object, "lswap", row->lswap);
	add_string(object, "path", row->name);
	add_string(object, "kernel_path", area->path);
	if (row->on.known) {
		add_number(object, "major", major(row->on.device));
		add_number(object, "minor", minor(row->on.device));
	}
	add_string(object, "type",
		   row->is_loop ? "loop" : (area->kind == SWAP_FILE ? "file" : "device"));
	json_object_object_add(object, "priority", json_object_new_int(area->priority));
	add_number(object, "swaplo_bytes", row->low_bytes);
	add_number(object, "size_bytes", area->size_bytes);
	add_number(object, "used_bytes", area->used_bytes);
	add_number(object, "free_bytes", area->size_bytes - area->used_bytes);
	if (row->max_bytes > 0)
		add_number(object, "maxswap_bytes", row->max_bytes);
	add_number(object, "vswap_bytes", row->vswap_bytes);
	add_string(object, "label", row->label);
	add_string(object, "uuid", row->uuid);
	add_string(object, "by",
		   row->owner == OWNER_DAEMON || row->owner == OWNER_SWAPCTL
			   ? row_owner_word(row->owner)
			   : "");
	json_object_object_add(object, "flags", flags_of(row->flags));
	return object;
}

/* Prints and gives up the object. */
static int print_object(struct json_object *object, FILE *out)
{
	const char *text = json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
	int r = text ? 0 : -ENOMEM;

	if (text)
		(void)fprintf(out, "%s\n", text);
	json_object_put(object);
	return r;
}

int print_table_json(const struct listing *listing, FILE *out)
{
	struct json_object *object = json_object_new_object();
	struct json_object *areas = json_object_new_array();

	for (size_t i = 0; i < listing->swaps.n; i++)
		json_object_array_add(areas, row_object(&listing->rows[i]));
	json_object_object_add(object, "areas", areas);
	return print_object(object, out);
}

int print_sum_json(const struct sum *sum, FILE *out)
{
	struct json_object *object = json_object_new_object();

	add_number(object, "areas", sum->areas);
	add_number(object, "size_bytes", sum->size_bytes);
	add_number(object, "allocated_bytes", sum->allocated_bytes);
	add_number(object, "reserved_bytes", sum->reserved_bytes);
	add_number(object, "used_bytes", sum->used_bytes);
	add_number(object, "available_bytes", sum->available_bytes);
	add_number(object, "limit_bytes", sum->limit_bytes);
	json_object_object_add(object, "limit_is_kept",
			       json_object_new_boolean(sum->limit_is_kept));
	add_number(object, "overcommit_memory", sum->overcommit_mode);
	return print_object(object, out);
}

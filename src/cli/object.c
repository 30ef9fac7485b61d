/* SPDX-License-Identifier: MIT */
#include "cli/object.h"

void object_add(struct object *object, const char *key, struct json_object *value, bool is_null)
{
	if ((!value && !is_null) || json_object_object_add(object->json, key, value) < 0) {
		json_object_put(value);
		object->failed = true;
	}
}

void object_add_number(struct object *object, const char *key, uint64_t value, bool known)
{
	object_add(object, key, known ? json_object_new_uint64(value) : NULL, !known);
}

void object_add_text(struct object *object, const char *key, const char *value, bool known)
{
	object_add(object, key, known ? json_object_new_string(value) : NULL, !known);
}

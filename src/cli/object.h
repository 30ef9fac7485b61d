/* SPDX-License-Identifier: MIT */
/* A JSON object under construction. What can't be had is null, so that every key is always there; a
 * failed allocation is remembered, and told once at the end. */
#pragma once
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

struct object {
	struct json_object *json;
	bool failed;
};

/* Takes value over; NULL is an allocation that failed, but where is_null. */
void object_add(struct object *object, const char *key, struct json_object *value, bool is_null);

/* null where it isn't known. */
void object_add_number(struct object *object, const char *key, uint64_t value, bool known);
void object_add_text(struct object *object, const char *key, const char *value, bool known);

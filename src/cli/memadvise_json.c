/* SPDX-License-Identifier: MIT */
#include "cli/memadvise_print.h"

#include "base/units.h"
#include "cli/object.h"

#include <errno.h>
#include <string.h>

static void add_truth(struct object *object, const char *key, bool value)
{
	object_add(object, key, json_object_new_boolean(value), false);
}

/* Names of processes are any bytes, and JSON is UTF-8. */
static void add_name(struct object *object, const char *name)
{
	char copy[COMM_SIZE] = {0};

	for (size_t i = 0; i + 1 < sizeof copy && name[i]; i++) {
		bool plain = name[i] >= ' ' && name[i] <= '~';

		copy[i] = '?';
		if (plain)
			copy[i] = name[i];
	}
	object_add_text(object, "name", copy, *name != '\0');
}

static struct json_object *skipped(const struct report *report, bool *failed)
{
	struct object object = {json_object_new_object(), false};

	if (!object.json)
		return NULL;
	for (enum region_kind kind = 0; kind < REGION__N; kind++)
		if (kind != REGION_ELIGIBLE)
			object_add_number(&object, memadvise_reason(kind),
					  report->plan.skipped[kind], true);
	object_add_number(&object, "empty", report->plan.empty, true);
	*failed |= object.failed;
	return object.json;
}

static struct json_object *region(const struct plan_region *of, bool *failed)
{
	struct object object = {json_object_new_object(), false};
	char address[24];

	if (!object.json)
		return NULL;
	(void)snprintf(address, sizeof address, "%llx", (unsigned long long)of->start);
	object_add_text(&object, "start", address, true);
	(void)snprintf(address, sizeof address, "%llx", (unsigned long long)of->end);
	object_add_text(&object, "end", address, true);
	object_add_number(&object, "eligible_bytes", of->bytes, true);
	object_add_number(&object, "referenced_bytes", of->referenced_bytes, true);
	object_add_number(&object, "take_bytes", of->take_bytes, true);
	*failed |= object.failed;
	return object.json;
}

static void append(struct json_object *list, struct json_object *value, bool *failed)
{
	if (!value || json_object_array_add(list, value) < 0) {
		json_object_put(value);
		*failed = true;
	}
}

static struct json_object *region_list(const struct report *report, bool *failed)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; list && i < report->plan.n_taken; i++)
		append(list, region(&report->plan.regions[i], failed), failed);
	return list;
}

static struct json_object *warnings(const struct report *report, bool *failed)
{
	const char *const texts[] = {report->expectation, report->surprise};
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; list && i < sizeof texts / sizeof *texts; i++)
		if (*texts[i])
			append(list, json_object_new_string(texts[i]), failed);
	return list;
}

static void add_request(struct object *object, const struct memadvise_args *args,
			const struct target *target)
{
	object_add_number(object, "pid", (uint64_t)target->pid, target->pid > 0);
	add_name(object, target->name);
	object_add_text(object, "mode", memadvise_mode_name(args->mode), true);
	add_truth(object, "dry_run", args->dry_run);
	object_add_number(object, "percent", args->percent, true);
	object_add_number(object, "max_bytes", args->max_bytes, args->max_bytes != UINT64_MAX);
}

static void add_figures(struct object *object, const struct report *report)
{
	const struct plan *plan = &report->plan;
	const struct plan_sums *before = &plan->sums, *after = &report->after;

	object_add_number(object, "eligible_bytes", plan->eligible_bytes, report->planned);
	object_add_number(object, "budget_bytes", plan->budget_bytes, report->planned);
	object_add_number(object, "advised_bytes", report->advised_bytes, report->acted);
	object_add_number(object, "refused_bytes", report->refused_bytes, report->acted);
	object_add_number(object, "refused_ranges", report->refused_ranges, report->acted);
	object_add_number(object, "reclaimed_bytes", report_reclaimed_bytes(report),
			  report->compared);
	object_add_number(object, "rss_before_bytes", before->rss_bytes, report->planned);
	object_add_number(object, "rss_after_bytes", after->rss_bytes, report->compared);
	object_add_number(object, "anon_before_bytes", before->anon_bytes, report->planned);
	object_add_number(object, "anon_after_bytes", after->anon_bytes, report->compared);
	object_add_number(object, "swap_before_bytes", before->swap_bytes, report->planned);
	object_add_number(object, "swap_after_bytes", after->swap_bytes, report->compared);
	object_add_number(object, "swap_free_bytes", report->mem.swap_free_bytes, report->has_mem);
	object_add_number(object, "regions", plan->n_taken, report->planned);
}

int memadvise_print_json(const struct memadvise_args *args, const struct target *target,
			 const struct report *report, FILE *out)
{
	struct object object = {json_object_new_object(), false};
	const char *text = NULL;

	if (!object.json)
		return -ENOMEM;
	add_request(&object, args, target);
	add_figures(&object, report);
	object_add(&object, "skipped", report->planned ? skipped(report, &object.failed) : NULL,
		   !report->planned);
	if (args->verbose)
		object_add(&object, "region_list",
			   report->planned ? region_list(report, &object.failed) : NULL,
			   !report->planned);
	object_add_number(&object, "duration_ns", report->duration_ns, report->planned);
	object_add(&object, "warnings", warnings(report, &object.failed), false);
	object_add_text(&object, "error", report->error, *report->error != '\0');
	if (!object.failed)
		text = json_object_to_json_string_ext(
			object.json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		(void)fprintf(out, "%s\n", text);
	json_object_put(object.json);
	return text ? 0 : -ENOMEM;
}

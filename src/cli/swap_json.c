/* SPDX-License-Identifier: MIT */
#include "cli/swap_show.h"

#include "cli/object.h"
#include "proto/names.h"

#include <errno.h>

static void add_string(struct object *object, const char *key, const char *value)
{
	object_add_text(object, key, value, value && *value);
}

static void add_plain(struct object *object, const char *key, const char *value)
{
	char safe[WIRE_TEXT_MAX];
	struct text text = TEXT_OVER(safe);

	swap_add_plain(&text, value);
	add_string(object, key, safe);
}

static void add_what_came(struct object *object, const struct swap_args *args,
			  const struct job *job)
{
	static const char *const actions[] = {
		[ACTION_SWAP] = "swap",	    [ACTION_UNSWAP] = "unswap", [ACTION_EXIT] = "exit",
		[ACTION_STATUS] = "status", [ACTION_LIST] = "list",
	};
	static const char *const results[] = {
		[JOB_OK] = "ok",
		[JOB_NOOP] = "already",
		[JOB_FAILED] = "failed",
	};

	add_string(object, "action", actions[args->action]);
	add_string(object, "result", results[job->result]);
	add_string(object, "error", job->error_name);
	add_string(object, "reason", job->reason);
}

static void add_socket(struct object *object, const struct job *job)
{
	char path[PATH_MAX + 32] = "", safe[PATH_MAX + 32];
	struct text text = TEXT_OVER(safe);

	if (job->dir)
		(void)snprintf(path, sizeof path, "%s/%d" NAMES_SOCKET_SUFFIX, job->dir->path,
			       (int)job->pid);
	swap_add_plain(&text, path);
	add_string(object, "socket", safe);
}

static void add_state(struct object *object, const struct job *job, uint64_t now_ns)
{
	const struct wiretext *status = &job->status;
	bool known = job->orphaned || job->told;
	uint64_t since_ns = job->orphaned ? job->header.since_ns : status->since_ns;
	bool since_known = known && since_ns > 0 && since_ns <= now_ns;

	add_string(object, "state", swap_job_state(job));
	object_add_number(object, "since_ns", since_ns, since_known);
	object_add_number(object, "age_ns", now_ns - since_ns, since_known);
	object_add_number(object, "resident_bytes", job->process.rss_bytes, job->process.alive);
	object_add_number(object, "image_bytes",
			  job->orphaned ? job->header.image_bytes : status->image_bytes, known);
	object_add_number(object, "held_bytes",
			  job->orphaned ? job->header.held_bytes : status->held_bytes, known);
	add_string(object, "mode", status->mode);
	object_add_number(object, "helper", (uint64_t)status->helper, status->helper > 0);
	add_plain(object, "image", status->image);
}

static struct json_object *make(const struct swap_args *args, const struct job *job,
				uint64_t now_ns)
{
	struct object object = {.json = json_object_new_object()};

	if (!object.json)
		return NULL;
	object_add_number(&object, "pid", (uint64_t)job->pid, job->pid > 0);
	add_string(&object, "name", job->name);
	object_add_number(&object, "uid", job->dir ? job->dir->uid : job->process.uid,
			  job->dir || job->process.alive);
	add_what_came(&object, args, job);
	add_state(&object, job, now_ns);
	add_socket(&object, job);
	if (object.failed) {
		json_object_put(object.json);
		return NULL;
	}
	return object.json;
}

static int print(struct json_object *json, int flags)
{
	const char *text =
		json ? json_object_to_json_string_ext(json, flags | JSON_C_TO_STRING_NOSLASHESCAPE)
		     : NULL;

	if (text)
		puts(text);
	json_object_put(json);
	return text ? 0 : -ENOMEM;
}

static int print_list(const struct swap_args *args, const struct jobs *jobs, uint64_t now_ns)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < jobs->n; i++) {
		const struct job *job = &jobs->jobs[i];
		struct json_object *object;

		/* an ended program's socket isn't an attached program */
		if (job->result == JOB_FAILED && job->error == -ESRCH)
			continue;
		object = make(args, job, now_ns);
		if (!object || json_object_array_add(array, object) < 0) {
			json_object_put(object);
			json_object_put(array);
			array = NULL;
		}
	}
	return print(array, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
}

int swap_show_json(const struct swap_args *args, const struct jobs *jobs, uint64_t now_ns)
{
	int r = 0;

	if (args->action == ACTION_LIST)
		return print_list(args, jobs, now_ns);
	for (size_t i = 0; r == 0 && i < jobs->n; i++)
		r = print(make(args, &jobs->jobs[i], now_ns), JSON_C_TO_STRING_PLAIN);
	return r;
}

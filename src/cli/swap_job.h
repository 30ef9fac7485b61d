/* SPDX-License-Identifier: MIT */
/* A program that swap is asked to do something with, and how far that is. */
#pragma once
#include "backend/imagefile.h"
#include "base/text.h"
#include "cli/swap_dirs.h"
#include "cli/swap_talk.h"
#include "sys/procfs.h"

enum job_step {
	JOB_NEW,
	JOB_ASKING,  /* for its status, before it may have its memory back */
	JOB_WAITING, /* for room to be allotted */
	JOB_TELLING, /* what is to be done */
	JOB_DONE
};

enum job_result { JOB_OK, JOB_NOOP, JOB_FAILED };

/* What /proc says of the process; swap_job_look */
struct job_process {
	bool alive;
	char state; /* proc(5) */
	uid_t uid;
	uint64_t start_ticks, rss_bytes;
	char comm[16];
};

#define JOB_NAME_MAX 40
#define JOB_REASON_MAX (WIRE_TEXT_MAX + 64)

struct job {
	pid_t pid;		    /* 0: what was asked for names none */
	const char *wanted;	    /* as it was asked for, where by name */
	const struct swap_dir *dir; /* of its socket; NULL: none was found */
	char name[JOB_NAME_MAX];    /* for people, and safe to print */
	struct job_process process;
	enum job_step step;
	uint64_t deadline_ns;
	struct talk talk;
	uint64_t needed_bytes; /* when it has its memory back */
	bool orphaned;	       /* swapped, and without a helper; what its image says: */
	struct image_header header;
	/* its state, as far as it was told */
	bool told, by_older;
	struct wiretext status;
	enum job_result result;
	int error; /* -errno where it is one of ours */
	char error_name[16], reason[JOB_REASON_MAX];
};

/* Reads what /proc says of it now. */
void swap_job_look(struct job *job, const struct procfs *procfs);

/* It's done, with that result. */
void swap_job_end(struct job *job, enum job_result result);

/* It has failed, for the reason that stands in a sentence without a full stop: ours. */
void swap_job_fail(struct job *job, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* It has failed, for what the program's own answer says. */
void swap_job_fail_told(struct job *job, const struct wiretext *answer);

/* What came of talking to it was none of its answers: why. */
void swap_job_fail_talk(struct job *job, uint64_t timeout_ns);

/* "swapped", "orphaned"; "unknown" */
const char *swap_job_state(const struct job *job);

/* A sentence or path of somebody's: printable ASCII stays, anything else is '?'. */
void swap_add_plain(struct text *text, const char *string);

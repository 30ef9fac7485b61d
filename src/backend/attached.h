/* SPDX-License-Identifier: MIT */
/*
 * The programs that have a shim, found by their sockets, of all users. Everything in a user's
 * socket directory is his to forge: what counts is who listens, by what the kernel says, and what
 * is answered is a claim. Nothing here waits: questions are asked at one call and their answers
 * taken in at a later one.
 */
#pragma once
#include "policy/plan.h"
#include "sys/lookout.h"
#include "sys/procfs.h"

#define ATTACHED_MAX 1024	 /* programs in all */
#define ATTACHED_PER_USER 64	 /* and of one user, so that one can't fill the table */
#define ATTACHED_NAMES_MAX 1024	 /* names looked at in one directory */
#define ATTACHED_QUESTIONS_MAX 8 /* open at a time */
#define ATTACHED_USERS_MAX 64	 /* looked for by their number */

enum attached_state {
	ATTACHED_UNKNOWN, /* not asked yet, or no answer */
	ATTACHED_RUNNING,
	ATTACHED_BUSY, /* is being swapped or unswapped, by whomever */
	ATTACHED_SWAPPED
};

struct attached {
	struct proc_id id; /* start_ticks: 0 until who listens has been verified */
	uint32_t uid;
	uint8_t place;	    /* which of the two directories of its user */
	uint8_t state;	    /* enum attached_state */
	uint8_t settled;    /* the last one of them that was running or swapped, or unknown */
	bool listed;	    /* its socket is still there */
	bool old;	    /* knows the three commands of the original only */
	bool ours;	    /* a daemon's own request is what has led, or leads, to its state */
	bool requested;	    /* by us, and what came of it isn't known yet */
	bool changed;	    /* between running and swapped; see attached_poll */
	bool orphan;	    /* stopped, and nobody listens: its helper may have been killed */
	bool tried;	    /* to bring it back, at the end */
	bool told;	    /* that it stays */
	bool watchdog;	    /* its service manager expects signs of life */
	uint8_t silences;   /* questions in a row without an answer that can be used */
	char process_state; /* of the last look, to see that it stopped or went on */
	uint64_t held_bytes, image_bytes;
	uint64_t moved_bytes;	       /* by our request, by what the kernel says */
	uint64_t since_ns;	       /* CLOCK_BOOTTIME */
	uint64_t async_io_ns;	       /* until then it counts as one that was refused for that */
	uint64_t mm_tag;	       /* of the program, as last noted; see struct proc_facts */
	int question_fd;	       /* -1: none is open */
	uint64_t deadline_ns, next_ns; /* of the question that is open, and for the next one */
	uint64_t up_ns;		       /* until then its new helper may be on its way yet */
};

struct attached_table {
	const struct procfs *procfs;
	struct lookout *lookout;	       /* NULL: none is kept */
	struct attached entries[ATTACHED_MAX]; /* by pid, ascending */
	size_t n, turn;	   /* whose turn it is to be asked, so that everybody has his */
	uint32_t left_out; /* sockets that found no place */
	uint32_t users[ATTACHED_USERS_MAX];
	size_t n_users; /* that were noted, in all */
	uint64_t swapped_by_others, unswapped_by_others;
};

/* Notes a user who has programs: his directories are looked at however many others lie beside
 * them, for anybody may make any number of those. */
void attached_note_user(struct attached_table *table, uint32_t uid);

/* Looks at the directories: who came, and who went. Who is ours and stays stopped hasn't gone. */
void attached_scan(struct attached_table *table);

/* Takes in what has been answered, and asks those whose turn it is. Entries that turn out to have
 * been swapped or unswapped meanwhile are marked changed, and counted where that was somebody
 * else's doing. */
void attached_poll(struct attached_table *table, uint64_t now_ns);

/* Whether everybody has been asked, and nobody's answer is still awaited. */
bool attached_all_heard(const struct attached_table *table);

/* Closes all questions and forgets everybody. */
void attached_close(struct attached_table *table);

/* The entry of a process, or NULL. With start_ticks 0 of that pid, whatever process it is. */
struct attached *attached_find(struct attached_table *table, const struct proc_id *id);

/* The process of this identity as the kernel has it now: full facts, and in state the letter of a
 * thread that lives. With start_ticks 0 whatever process has that pid. -ESRCH where it has ended;
 * -EBUSY where it isn't looked at, see sys/lookout.h. */
int attached_look(const struct attached_table *table, const struct proc_id *id,
		  struct proc_facts *ret);

/* By that letter: one that is swapped is stopped, and its helper traces it. */
static inline bool attached_is_stopped(char state)
{
	return state == 'T' || state == 't';
}

/* Notes that there is such a process: where the pid was another one's, nothing is known of this. */
void attached_note_process(struct attached_table *table, const struct proc_id *id);

/* Notes which program the process runs: after an exec nothing is known of it. */
void attached_note_program(struct attached *entry, uint64_t mm_tag);

/* Notes a process's state letter; where it stopped, went on, or lost its tracer, it is asked soon.
 */
void attached_note_state(struct attached *entry, char state, uint64_t now_ns);

/* Notes that a request of ours is under way, and then what it has led to; ATTACHED_BUSY there means
 * that it isn't known: it will be asked. */
void attached_note_request(struct attached *entry);
void attached_note_result(struct attached *entry, enum attached_state state, uint64_t held_bytes,
			  uint64_t now_ns);

/* Notes that a daemon before us has had it swapped: whether it still is, it has to say. */
void attached_inherit(struct attached *entry, uint64_t moved_bytes);

/* Has it asked at once, as if it had never been silent; not where a request of ours is under way,
 * which tells. */
void attached_ask_again(struct attached *entry);

/* Notes that another helper is being started for it, which nobody else may do meanwhile, and how
 * that has ended: where it's there it is asked soon, and for some seconds only that. */
void attached_note_revival(struct attached *entry);
void attached_note_revived(struct attached *entry, bool done, uint64_t now_ns);

/* Notes how much has left memory by our request: more than that it doesn't hold. */
void attached_note_moved(struct attached *entry, uint64_t bytes);

/* Opens a user's directory, without following links in his part of it. The descriptor, or -errno.
 */
int attached_open_dir(uint32_t uid, uint8_t place);

/*
 * Connects to its socket and verifies who listens: of the same user as the directory and the
 * process, and in the same address space. The descriptor, which doesn't block, or -errno; -EPERM
 * where anything of that isn't so.
 */
int attached_connect(const struct attached_table *table, struct attached *entry);

/* SPDX-License-Identifier: MIT */
/*
 * What the shim knows, in one mapping of its own that is never swapped: state, tables, buffers and
 * the stacks that the helper and its threads run on. It lives in the program's address space and
 * outlives a helper: another one goes on from here.
 */
#pragma once
#include "proto/image.h"
#include "proto/names.h"
#include "shim/words.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define SHIM_REASON_MAX 256
#define SHIM_STACK_BYTES (24U << 10)
#define SHIM_READ_BYTES (8U << 10) /* more than a line of maps with the longest path */
/* One for each head that is known. With two the disk stood idle for a fifth of the time: while one
 * chunk's pages were made, the other was read to its end. */
#define SHIM_IO_JOBS IMAGE_AHEAD
/* Heads of chunks: one that is verified, the jobs', and those ahead */
#define SHIM_SLOTS (1 + SHIM_IO_JOBS + IMAGE_AHEAD)
#if defined(__aarch64__)
#define SHIM_PAGE_MAX (64U << 10)
#else
#define SHIM_PAGE_MAX 4096U
#endif

/* How far it is. What may be lying in the image only is said by it and by struct ledger. */
enum phase {
	PHASE_RUNNING,
	PHASE_STOPPING, /* stopped, nothing given up yet */
	PHASE_OUT,	/* some of its memory is given up */
	PHASE_SWAPPED,
	PHASE_IN,      /* is being read back */
	PHASE_RESUMING /* all of it is back, and verified */
};

/* A part of the address space that is swapped: its pages, and how it was protected. */
struct region {
	uint64_t start, end;
	uint32_t prot;
	uint32_t reserved;
};

/* A place between the first region and the end of the last */
struct cursor {
	uint32_t region;
	uint64_t at;
};

/*
 * What is needed to bring the memory back, beside the image. A mapping of its own, as big as the
 * kernel lets a process have mappings, of which only the beginning is ever touched.
 */
struct ledger {
	uint32_t n_regions, n_kept;
	uint64_t held_bytes;	/* given up so far */
	uint32_t chunks;	/* that lie in the image, whole */
	struct cursor given_up; /* all before it may be gone from memory */
	struct region *regions;
	struct region *code; /* of the program, executable as long as all memory is there */
	uint32_t n_code;
	uint64_t *kept; /* pages that stay, ascending; only while the regions are listed */
};

struct failure {
	int error; /* errno; 0: none */
	char reason[SHIM_REASON_MAX];
};

/* What an I/O thread is to do, and what came of it; see iothread.h */
struct io_job {
	_Atomic(int) state;
	int tid; /* a futex: 0 when the thread has left its stack */
	int fd;
	bool write;
	struct iovec parts[IMAGE_CHUNK_EXTENTS + IMAGE_AHEAD]; /* and heads */
	unsigned n_parts;
	uint64_t offset;
	int error; /* -errno, 0 */
	char stack[SHIM_STACK_BYTES / 3] __attribute__((aligned(16)));
};

/* The helper's own; -1 where not open */
struct descriptors {
	int socket_dir, listener, link;
	int caller;	      /* has connected, and said nothing yet */
	int program;	      /* pidfd */
	int changed;	      /* eventfd: *life has */
	int signals;	      /* signalfd: something about a thread we hold */
	int image_dir, image; /* open while there is an image, so that nobody can delete it */
};

struct shim {
	/* set by attach, constant from then on */
	int32_t program; /* pid */
	uint64_t start_ticks;
	uint32_t uid;
	uint32_t page_bytes;
	_Atomic(int) *life; /* the main thread's id; 0 when it has ended or become another
			     * program; NULL: unknown */
	int life_value;
	bool forked; /* not yet worth a socket, see helper.c */
	bool crc_fast;
	uint8_t boot_id[16];
	uint64_t pid_ns;
	char socket_dir[NAMES_DIR_MAX], image_dir[NAMES_DIR_MAX];
	bool socket_dir_ours, image_dir_ours; /* ours to make */
	char name[IMAGE_COMM_SIZE];
	uint64_t revive_pc;

	/* the helper's */
	int helper;	    /* its pid */
	int helper_gone;    /* a futex: 0 when it has left the memory */
	_Atomic(int) phase; /* enum phase */
	uint64_t since_ns;
	bool stopped_before; /* by somebody else */
	bool continued;	     /* somebody sent SIGCONT since we stopped it */
	bool wanted;	     /* has to run: something came from outside */
	const char *barred;  /* a system call that a filter ends the helper for; NULL: none */
	bool untried;	     /* what is barred: nobody could be made to find out */
	bool must_ask; /* whether the program still is what it was: *life can't tell any more */
	uint64_t image_bytes;
	uint64_t socket_inode, link_inode;
	char socket[24], link[IMAGE_COMM_SIZE + 24];
	char by[IMAGE_COMM_SIZE]; /* who asked for the last swap */
	uint64_t caller_ns;	  /* when fd.caller came */
	struct ledger ledger;
	struct failure failure;
	bool huge_disabled; /* by the program itself */
	struct descriptors fd;
	int watch_tid; /* a futex: 0 when the thread has left its stack */

	char helper_stack[SHIM_STACK_BYTES] __attribute__((aligned(16)));
	char watch_stack[SHIM_STACK_BYTES / 6] __attribute__((aligned(16)));
	char revive_stack[SHIM_STACK_BYTES / 3] __attribute__((aligned(16)));
	char read_buffer[SHIM_READ_BYTES];
	char text[SHIM_READ_BYTES]; /* of small files, and of answers */

	/* From here on memory that is in use only while the program's is moved, see io_stop */
	struct io_job io[SHIM_IO_JOBS] __attribute__((aligned(4096)));
	/* a page each, as they are written */
	char header[SHIM_PAGE_MAX] __attribute__((aligned(4096)));
	char slots[SHIM_SLOTS][SHIM_PAGE_MAX] __attribute__((aligned(4096)));
};

/* Notes why something failed: error is an errno, the pieces of the sentence follow, up to NULL.
 * Returns -error. */
int shim_fail(struct shim *shim, int error, const char *sentence, ...) __attribute__((sentinel));

/* New memory between guard pages, so that the kernel never joins it with the program's; NULL: there
 * is none. shim_unmap gives it back. */
void *shim_map(size_t bytes, size_t page_bytes);
void shim_unmap(void *memory, size_t bytes, size_t page_bytes);

/* CLOCK_BOOTTIME */
uint64_t shim_now_ns(void);

/* Lets ms pass; only where the kernel has no event to wait for. */
void shim_wait_ms(unsigned ms);

/* Reads a file of /proc whole into shim->text, NUL-terminated. Its length or -errno; what doesn't
 * fit is cut off. */
long shim_read_file(struct shim *shim, const char *path);

static inline struct image_header *shim_header(struct shim *shim)
{
	return (struct image_header *)(void *)shim->header;
}

static inline struct image_chunk *shim_slot(struct shim *shim, uint32_t index)
{
	return (struct image_chunk *)(void *)shim->slots[index % SHIM_SLOTS];
}

static inline enum phase shim_phase(struct shim *shim)
{
	return (enum phase)atomic_load(&shim->phase);
}

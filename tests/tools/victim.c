/* SPDX-License-Identifier: MIT */
/*
 * victim SOCKET_DIR IMAGE_DIR [sleep|read] [THREADS]: a program that looks as if it had been
 * swapped and its helper killed, but for being stopped: send it SIGSTOP. Its socket refuses, its
 * image says where the function is that starts another helper, which binds the socket and answers
 * as the shim does. Says "ready", then sleeps for a second or reads a line, and says how that went.
 *
 * Unit tests include it, with VICTIM_NO_MAIN, for the function that they have their own children
 * borrowed by.
 */
#include "proto/crc32c.h"
#include "proto/image.h"
#include "proto/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* What the function does before its end */
enum victim_order {
	VICTIM_START,	/* another helper */
	VICTIM_COUNT,	/* nothing but to count */
	VICTIM_FAIL,	/* says ENOMEM */
	VICTIM_CRASH,	/* reads where nothing is */
	VICTIM_CALLS,	/* system calls without end */
	VICTIM_LOOP,	/* no end and no system call */
	VICTIM_KILL,	/* kills the program */
	VICTIM_CONTINUE /* sends the program SIGCONT */
};

/* Shared by the program with whoever started it */
struct victim {
	_Atomic(int) order; /* enum victim_order */
	_Atomic(int) count; /* how often the function was there */
	_Atomic(int) ready, stop;
	_Atomic(uint64_t) work; /* of the threads */
	pid_t program;
	const char *socket_dir, *image_dir;
	char stack[16384] __attribute__((aligned(16)));
};

static struct victim *victim;

static struct victim *victim_make(void)
{
	void *page = mmap(NULL, sizeof(struct victim), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

/* -- what the function does, without a library --------------------------------------------------
 */

static inline long victim_raw(long number, long a, long b)
{
	long r;

#if defined(__x86_64__)
	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(number), "D"(a), "S"(b), "d"(0L)
			 : "rcx", "r11", "memory");
#elif defined(__i386__)
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(number), "b"(a), "c"(b), "d"(0L), "S"(0L), "D"(0L)
			 : "memory");
#else
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = 0, x3 __asm__("x3") = 0, x4 __asm__("x4") = 0;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
			 : "memory");
	r = x0;
#endif
	return r;
}

static void victim_helper(void);

/* Leaves nothing in the registers as it was. */
static inline void victim_spoil(void)
{
#if defined(__x86_64__)
	__asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n\tpcmpeqd %%xmm1, %%xmm1\n\t"
			 "pcmpeqd %%xmm7, %%xmm7\n\tpcmpeqd %%xmm15, %%xmm15\n\t"
			 "xor %%ebx, %%ebx\n\txor %%r12d, %%r12d\n\txor %%r13d, %%r13d\n\t"
			 "xor %%r14d, %%r14d\n\txor %%r15d, %%r15d\n\txor %%r8d, %%r8d\n\t"
			 "xor %%r9d, %%r9d\n\txor %%r10d, %%r10d\n\tfldpi\n\tstd\n\tcld"
			 :
			 :
			 : "xmm0", "xmm1", "xmm7", "xmm15", "rbx", "r12", "r13", "r14", "r15", "r8",
			   "r9", "r10", "memory");
#endif
}

__attribute__((noreturn, no_stack_protector, no_sanitize_address,
	       no_sanitize("undefined"))) static void
victim_revive(void)
{
	int order = victim->order;
	long result = 0;

	victim_spoil();
	victim->count++;
	for (int i = 0; i < 10; i++)
		(void)victim_raw(SYS_getpid, 0, 0);
	if (order == VICTIM_START) {
		result = victim_raw(SYS_clone, 0, 0);
		if (result == 0)
			victim_helper();
		result = result < 0 ? -result : 0;
	}
	if (order == VICTIM_FAIL)
		result = ENOMEM;
	while (order == VICTIM_CALLS)
		(void)victim_raw(SYS_getpid, 0, 0);
	while (order == VICTIM_LOOP)
		__asm__ volatile("" ::: "memory");
	if (order == VICTIM_KILL || order == VICTIM_CONTINUE)
		(void)victim_raw(SYS_kill, victim_raw(SYS_getpid, 0, 0),
				 order == VICTIM_KILL ? SIGKILL : SIGCONT);
	/* the null page isn't known to be one to the compiler */
	if (order == VICTIM_CRASH)
		__asm__ volatile("" ::"r"(*(volatile int *)(uintptr_t)(order - VICTIM_CRASH)));
	for (;;)
		(void)victim_raw(SYS_getppid, result, 0);
}

/* As if called: the stack pointer is what the processor's conventions have at a first instruction
 */
static uint64_t victim_stack(void)
{
#if defined(__aarch64__)
	return (uintptr_t)(victim->stack + sizeof victim->stack - 64);
#else
	return (uintptr_t)(victim->stack + sizeof victim->stack - 64 - sizeof(void *));
#endif
}

/* -- its image ----------------------------------------------------------------------------------
 */

static uint64_t victim_start_ticks(pid_t pid)
{
	char path[32], text[1024];
	const char *at;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof text - 1);
	(void)close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

static void victim_boot_id(uint8_t id[16])
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	for (int i = 0; file && i < 16; i++) {
		char digits[3] = {0};

		if (i == 4 || i == 6 || i == 8 || i == 10)
			(void)fgetc(file);
		digits[0] = (char)fgetc(file);
		digits[1] = (char)fgetc(file);
		id[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	if (file)
		(void)fclose(file);
}

static struct image_header victim_header(pid_t pid)
{
	struct stat ns = {0};
	struct image_header header = {
		.magic = IMAGE_MAGIC,
		.version = IMAGE_VERSION,
		.page_bytes = 4096,
		.flags = IMAGE_COMPLETE,
		.pid = pid,
		.uid = geteuid(),
		.start_ticks = victim_start_ticks(pid),
		.image_bytes = 4096,
		.held_bytes = 1 << 20,
		.since_ns = 1,
		.revive_pc = (uintptr_t)victim_revive,
		.revive_sp = victim_stack(),
		.comm = "victim",
	};

	(void)stat("/proc/self/ns/pid", &ns);
	header.pid_ns = ns.st_ino;
	victim_boot_id(header.boot_id);
	header.crc = crc32c(0, &header, offsetof(struct image_header, crc));
	return header;
}

/* -- its helper ---------------------------------------------------------------------------------
 */

static int victim_bind(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/%d.sock", victim->socket_dir,
		       (int)victim->program);
	(void)unlink(address.sun_path);
	return bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
			       listen(fd, 8) == 0
		       ? fd
		       : -1;
}

static void victim_remove(const char *dir, const char *suffix)
{
	char path[512];

	(void)snprintf(path, sizeof path, "%s/%d%s", dir, (int)victim->program, suffix);
	(void)unlink(path);
}

/* Answers as a shim, with what a real one knows to say. Ends with the program's going on. */
static void victim_helper(void)
{
	static const char status[] = "\0state=swapped\nsince_ns=1\nimage_bytes=4096\n"
				     "held_bytes=1048576\nmode=eager\n";
	int listener = victim_bind();

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		char request = 0;

		if (fd < 0 || read(fd, &request, 1) != 1)
			_exit(1);
		if (request == WIRE_STATUS)
			(void)send(fd, status, sizeof status - 1, MSG_NOSIGNAL);
		if (request == WIRE_UNSWAP || request == WIRE_EXIT) {
			victim_remove(victim->image_dir, ".swap");
			(void)kill(victim->program, SIGCONT);
			(void)send(fd, "\0state=running\n", 15, MSG_NOSIGNAL);
			victim_remove(victim->socket_dir, ".sock");
			_exit(0);
		}
		(void)close(fd);
	}
}

#ifndef VICTIM_NO_MAIN

static void *work(void *ignored)
{
	(void)ignored;
	for (;;) {
		victim->work++;
		(void)usleep(1000);
	}
	return NULL;
}

static int write_image(void)
{
	struct image_header header = victim_header(getpid());
	char path[512], page[4096] = {0};
	int fd;

	memcpy(page, &header, sizeof header);
	(void)snprintf(path, sizeof path, "%s/%d.swap", victim->image_dir, (int)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd >= 0 && write(fd, page, sizeof page) == (ssize_t)sizeof page ? close(fd) : -1;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static int be_interrupted(int reads)
{
	struct timespec second = {.tv_sec = 1};
	char line[64] = "";
	int64_t start_ms = now_ms(), ms;
	ssize_t n = 0;

	if (reads)
		n = read(0, line, sizeof line - 1);
	else if (nanosleep(&second, NULL) < 0)
		return 1;
	ms = now_ms() - start_ms;
	if (n < 0 || ms < (reads ? 0 : 1000))
		return 1;
	puts("undisturbed");
	return 0;
}

int main(int argc, char **argv)
{
	int reads = argc > 3 && strcmp(argv[3], "read") == 0;
	int threads = argc > 4 ? atoi(argv[4]) : 1;
	int listener;

	victim = victim_make();
	if (argc < 3 || !victim)
		return 2;
	victim->program = getpid();
	victim->socket_dir = argv[1];
	victim->image_dir = argv[2];
	listener = victim_bind();
	if (listener < 0 || close(listener) < 0 || write_image() < 0) {
		perror("victim");
		return 1;
	}
	for (int i = 1; i < threads; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, work, NULL) != 0)
			return 1;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	return be_interrupted(reads);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * oldshim MODE DIR FILE MIB: a program with MIB MiB of known contents and a stand-in for the shim
 * of the original swapify: a child in its address space that listens at DIR/PID.sock, knows the
 * requests 0, 1 and 2 only, and answers with one byte. To swap it stops the program, writes the
 * memory to FILE and unmaps it.
 * MODE  close  closes behind its byte
 *       open   keeps the connection open until the other side closes
 *       stuck  knows status, too: it is swapped, since just now, and can't be unswapped
 * Says "ready", and to "verify" on its standard input "ok" or "bad". Ends with its standard input.
 */
#include "proto/wire.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static enum { MODE_CLOSE, MODE_OPEN, MODE_STUCK } mode;
static const char *dir, *file;
static uint64_t *words;
static size_t bytes;
static pid_t program;
static int swapped, ready[2];
static char stack[64 * 1024] __attribute__((aligned(16)));

static void stop_program(void)
{
	(void)kill(program, SIGSTOP);
	for (char state = 0; state != 'T' && state != 't';) {
		char path[64], text[512], *end;
		ssize_t n;
		int fd;

		(void)snprintf(path, sizeof path, "/proc/%d/stat", program);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
		(void)close(fd);
		if (n <= 0)
			_exit(1);
		text[n] = '\0';
		end = strrchr(text, ')');
		state = end ? end[2] : 0;
	}
}

static int swap(void)
{
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t done = 0;

	stop_program();
	while (fd >= 0 && done < bytes) {
		ssize_t n = write(fd, (char *)words + done, bytes - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	(void)close(fd);
	if (done < bytes) {
		(void)kill(program, SIGCONT);
		return WIRE_ERROR;
	}
	(void)munmap(words, bytes);
	swapped = 1;
	return WIRE_SUCCESS;
}

static int unswap(void)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	size_t done = 0;

	if (fd < 0 || mmap(words, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != words)
		return WIRE_ERROR;
	while (done < bytes) {
		ssize_t n = read(fd, (char *)words + done, bytes - done);

		if (n <= 0)
			return WIRE_ERROR;
		done += (size_t)n;
	}
	(void)close(fd);
	(void)unlink(file);
	swapped = 0;
	(void)kill(program, SIGCONT);
	return WIRE_SUCCESS;
}

static void be_stuck(int connection, unsigned char request)
{
	struct timespec now;
	char text[256];
	int n;

	stop_program();
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	n = snprintf(text, sizeof text, "%cstate=swapped\nsince_ns=%lld\nheld_bytes=%zu\n%s",
		     request == WIRE_STATUS ? WIRE_SUCCESS : WIRE_ERROR,
		     (long long)now.tv_sec * 1000000000 + now.tv_nsec, bytes,
		     request == WIRE_STATUS ? "" : "error=EIO\nreason=the image is broken\n");
	(void)send(connection, text, (size_t)n, MSG_NOSIGNAL);
}

static unsigned char carry_out(unsigned char request)
{
	switch (request) {
	case WIRE_SWAP: return (unsigned char)(swapped ? WIRE_NOOP : swap());
	case WIRE_UNSWAP: return (unsigned char)(swapped ? unswap() : WIRE_NOOP);
	case WIRE_EXIT: return (unsigned char)(swapped ? unswap() : WIRE_SUCCESS);
	default: return WIRE_ERROR;
	}
}

static void converse(int connection)
{
	unsigned char request, reply;

	if (recv(connection, &request, 1, 0) != 1)
		return;
	if (mode == MODE_STUCK) {
		be_stuck(connection, request);
		return;
	}
	reply = carry_out(request);
	(void)send(connection, &reply, 1, MSG_NOSIGNAL);
	while (mode == MODE_OPEN && recv(connection, &request, 1, 0) > 0)
		continue;
	if (request == WIRE_EXIT)
		_exit(0);
}

static int serve(void *unused)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), connection;

	(void)unused;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/%d.sock", dir, program);
	(void)umask(0);
	(void)unlink(address.sun_path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 16) < 0)
		_exit(1);
	(void)umask(077);
	(void)!write(ready[1], "x", 1);
	while ((connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		converse(connection);
		(void)close(connection);
	}
	_exit(1);
}

static int parse(int argc, char **argv)
{
	static const char *const modes[] = {"close", "open", "stuck"};

	for (int i = 0; argc == 5 && i < 3; i++) {
		if (strcmp(argv[1], modes[i]) != 0)
			continue;
		mode = i;
		dir = argv[2];
		file = argv[3];
		bytes = (size_t)strtoul(argv[4], NULL, 10) << 20;
		return 0;
	}
	return -1;
}

static uint64_t word_at(uint64_t index)
{
	return (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

int main(int argc, char **argv)
{
	char line[64];

	if (parse(argc, argv) < 0) {
		(void)fprintf(stderr, "usage: oldshim close|open|stuck DIR FILE MIB\n");
		return 2;
	}
	words = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (words == MAP_FAILED || pipe(ready) < 0)
		return 1;
	for (size_t i = 0; i < bytes / sizeof *words; i++)
		words[i] = word_at(i);
	program = getpid();
	if (clone(serve, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL) < 0)
		return 1;
	(void)close(ready[1]);
	if (read(ready[0], line, 1) != 1)
		return 1;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	puts("ready");
	while (fgets(line, sizeof line, stdin)) {
		int good = 1;

		for (size_t i = 0; i < bytes / sizeof *words; i++)
			good &= words[i] == word_at(i);
		puts(good ? "ok" : "bad");
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * caller LIBRARY [CGROUP.PROCS]: a program with a large library of its own (biglib.so), in the
 * control group from before it is loaded. Says "ready" when it is. Then, for each line on its
 * standard input:
 *   call FROM N   calls N of its functions, one after the other, from number FROM on; says
 *                 "ok MAJOR_FAULTS MICROSECONDS" of that
 *   drop          gives the code of its library up, so that it has to fault them in again; "ok"
 * caller --map DIRECTORY N: maps N files of it, 0 to N - 1, as code, reads of each, says "ready",
 * waits. caller --resident FILE: prints how many pages of it are in memory, and how many there are.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int die(const char *what)
{
	perror(what);
	return 1;
}

static int tell_resident(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n, there = 0;
	unsigned char *resident;
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0)
		return die(path);
	n = ((size_t)st.st_size + page - 1) / page;
	map = mmap(NULL, n * page, PROT_READ, MAP_SHARED, fd, 0);
	resident = malloc(n);
	if (map == MAP_FAILED || !resident || mincore(map, n * page, resident) < 0)
		return die(path);
	for (size_t i = 0; i < n; i++)
		there += resident[i] & 1;
	printf("%zu %zu\n", there, n);
	return 0;
}

static int map_files(const char *directory, long n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char path[4096];

	for (long i = 0; i < n; i++) {
		volatile char *map;
		int fd;

		(void)snprintf(path, sizeof path, "%s/%ld", directory, i);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return die(path);
		map = mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
		if (map == MAP_FAILED)
			return die(path);
		(void)*map;
		(void)close(fd);
	}
	puts("ready");
	(void)fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}

static long major_faults(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return usage.ru_majflt;
}

static long long now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void call(int (*function)(unsigned, int), unsigned from, unsigned n)
{
	long long began_us = now_us();
	long faults = major_faults();

	for (unsigned i = 0; i < n; i++)
		if (function(from + i, 1) != (int)((from + i) % 4096) + 1) {
			puts("wrong");
			return;
		}
	faults = major_faults() - faults;
	printf("ok %ld %lld\n", faults, now_us() - began_us);
}

/* Its code; what the loader wrote to is its own. */
static void drop(const char *library)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[4352], permissions[8];
	unsigned long start, end;

	while (maps && fgets(line, sizeof line, maps))
		if (strstr(line, library) &&
		    sscanf(line, "%lx-%lx %7s", &start, &end, permissions) == 3 &&
		    permissions[2] == 'x')
			(void)madvise((void *)start, end - start, MADV_DONTNEED);
	if (maps)
		(void)fclose(maps);
	puts("ok");
}

static int enter(const char *procs)
{
	FILE *file = fopen(procs, "w");

	if (!file)
		return -1;
	(void)fprintf(file, "%d\n", (int)getpid());
	return fclose(file);
}

int main(int argc, char **argv)
{
	int (*function)(unsigned, int);
	unsigned from, n;
	char line[64];
	void *library;

	if (argc == 3 && strcmp(argv[1], "--resident") == 0)
		return tell_resident(argv[2]);
	if (argc == 4 && strcmp(argv[1], "--map") == 0)
		return map_files(argv[2], strtol(argv[3], NULL, 10));
	if (argc < 2 || argc > 3) {
		(void)fprintf(stderr, "usage: caller LIBRARY [CGROUP.PROCS]\n");
		return 2;
	}
	if (argc == 3 && enter(argv[2]) < 0)
		return die(argv[2]);
	library = dlopen(argv[1], RTLD_NOW);
	*(void **)&function = library ? dlsym(library, "biglib_call") : NULL;
	if (!function) {
		(void)fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	while (fgets(line, sizeof line, stdin))
		if (sscanf(line, "call %u %u", &from, &n) == 2)
			call(function, from, n);
		else if (strcmp(line, "drop\n") == 0)
			drop(argv[1]);
		else
			puts("what?");
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * exec SHIM [N]: what the shim costs a program that is executed: N times (200) /bin/true with it
 * and without, by turns, from before the fork until its end is known. Prints
 * "exec WITHOUT WITH MORE": the medians and their difference in ms. Sockets are made in a directory
 * of its own, which it removes.
 */
#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MAX 10000

static double now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Negative: it failed */
static double run(char *const environment[])
{
	char path[] = "/bin/true";
	char *arguments[] = {path, NULL};
	double start = now_ms();
	int status;
	pid_t child;

	if (posix_spawn(&child, path, NULL, NULL, arguments, environment) != 0 ||
	    waitpid(child, &status, 0) != child || status != 0)
		return -1;
	return now_ms() - start;
}

/* Helpers take theirs with them, a moment after their program. */
static bool is_empty(const char *dir)
{
	DIR *entries = opendir(dir);
	const struct dirent *entry;
	bool empty = true;

	while (entries && empty && (entry = readdir(entries)))
		empty = entry->d_name[0] == '.';
	if (entries)
		(void)closedir(entries);
	return empty;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *of, int n)
{
	qsort(of, (size_t)n, sizeof(*of), compare);
	return n % 2 ? of[n / 2] : (of[n / 2 - 1] + of[n / 2]) / 2;
}

int main(int argc, char **argv)
{
	static double plain[RUNS_MAX], shimmed[RUNS_MAX];
	char dir[] = "/tmp/swapify-exec.XXXXXX", preload[4096], sockets[64], images[64];
	char *without[] = {NULL}, *with[] = {preload, sockets, images, NULL};
	int n = argc > 2 ? atoi(argv[2]) : 200;
	double a, b;

	if (argc < 2 || n < 1 || n > RUNS_MAX || access(argv[1], R_OK)) {
		(void)fprintf(stderr, "usage: exec SHIM [N]\n");
		return 2;
	}
	if (!mkdtemp(dir)) {
		perror(dir);
		return 1;
	}
	(void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", argv[1]);
	(void)snprintf(sockets, sizeof(sockets), "SWAPIFY_SOCKET_DIR=%s", dir);
	(void)snprintf(images, sizeof(images), "SWAPIFY_IMAGE_DIR=%s", dir);
	for (int i = -5; i < n; i++) {
		a = run(without);
		b = run(with);
		if (a < 0 || b < 0) {
			(void)fprintf(stderr, "exec: /bin/true fails\n");
			return 1;
		}
		if (i < 0)
			continue; /* to warm up */
		plain[i] = a;
		shimmed[i] = b;
	}
	while (!is_empty(dir))
		(void)usleep(10000);
	(void)rmdir(dir);
	a = median(plain, n);
	b = median(shimmed, n);
	(void)printf("exec %.3f %.3f %.3f\n", a, b, b - a);
	return 0;
}

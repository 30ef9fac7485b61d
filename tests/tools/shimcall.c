/* SPDX-License-Identifier: MIT */
/*
 * shimcall DIR PID ACTION: one request (swap, unswap, status, exit) to the program that is attached
 * in DIR. Says "asked" on standard error, then prints what came back: success, error or noop, and
 * the lines. Fails unless it's a success.
 *
 * shimcall DIR PID cycles N IN OUT: N times swap and unswap, after which the program is to say
 * "ok" in the file OUT to "verify", written to the pipe IN; every other time it is asked before
 * and is swapped at its work.
 *
 * shimcall DIR PID churn N OUT: swap and unswap each time that OUT has grown, N times at most,
 * until the program ends. Prints how often. That a child shares its memory just now, after vfork,
 * is no failure.
 */
#include "proto/wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static const char *dir;
static int pid;

struct answer {
	int reply; /* enum wire_reply; -1: the connection failed */
	char text[2 * WIRE_TEXT_MAX];
};

static struct answer answer_failed(void)
{
	struct answer answer = {.reply = -1};

	(void)snprintf(answer.text, sizeof(answer.text), "reason=%s\n", strerror(errno));
	return answer;
}

static struct answer ask(enum wire_request request, bool aloud)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct answer answer = {.reply = -1};
	unsigned char byte = (unsigned char)request;
	size_t len = 0;
	ssize_t n;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%d.sock", dir, pid);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || (aloud && fputs("asked\n", stderr) < 0) ||
	    (n = read(fd, &byte, 1)) < 0) {
		answer = answer_failed();
		(void)close(fd);
		return answer;
	}
	if (n == 1)
		answer.reply = byte;
	while ((n = read(fd, answer.text + len, sizeof(answer.text) - 1 - len)) > 0)
		len += (size_t)n;
	(void)close(fd);
	return answer;
}

/* The value behind a key, up to the end of its line; "" where there's none. */
static const char *value(const struct answer *answer, const char *key)
{
	static char buf[WIRE_TEXT_MAX];
	size_t len = strlen(key);

	for (const char *line = answer->text; *line; line = strchr(line, '\n') + 1) {
		if (!strncmp(line, key, len) && line[len] == '=') {
			(void)snprintf(buf, sizeof(buf), "%.*s",
				       (int)strcspn(line, "\n") - (int)len - 1, line + len + 1);
			return buf;
		}
		if (!strchr(line, '\n'))
			break;
	}
	return "";
}

static const char *word(int reply)
{
	switch (reply) {
	case WIRE_SUCCESS: return "success";
	case WIRE_ERROR: return "error";
	case WIRE_NOOP: return "noop";
	default: return "nothing";
	}
}

static int one(const char *action)
{
	static const char *const actions[] = {"exit", "swap", "unswap", "status"};

	for (int i = 0; i < 4; i++)
		if (!strcmp(action, actions[i])) {
			struct answer answer = ask((enum wire_request)i, true);

			(void)printf("%s\n%s", word(answer.reply), answer.text);
			return answer.reply != WIRE_SUCCESS;
		}
	return 2;
}

/* -- the file that the program writes to ---------------------------------------------------------
 */

static int grown, output, life; /* inotify, the file, pidfd */

static void watch(const char *path)
{
	grown = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	output = open(path, O_RDONLY | O_CLOEXEC);
	life = (int)syscall(SYS_pidfd_open, pid, 0);
	if (grown < 0 || output < 0 || inotify_add_watch(grown, path, IN_MODIFY) < 0) {
		perror(path);
		exit(1);
	}
	(void)lseek(output, 0, SEEK_END);
}

/* Waits for more; false: the program has ended. */
static bool await_growth(void)
{
	char events[4096];
	struct pollfd polls[] = {{.fd = grown, .events = POLLIN}, {.fd = life, .events = POLLIN}};

	if (life < 0)
		return false;
	(void)poll(polls, 2, -1);
	while (read(grown, events, sizeof(events)) > 0)
		;
	return !polls[1].revents;
}

/* The next line; false: the program has ended before. */
static bool next_line(char *line, size_t cap)
{
	size_t len = 0;
	bool alive = true;

	while (len + 1 < cap) {
		ssize_t n = read(output, line + len, 1);

		if (n == 1 && line[len] == '\n') {
			line[len] = '\0';
			return true;
		}
		if (n == 1) {
			len++;
			continue;
		}
		if (!alive)
			break;
		alive = await_growth();
	}
	return false;
}

/* -- cycles --------------------------------------------------------------------------------------
 */

static bool complain(const char *what, const char *more)
{
	(void)printf("%s: %s\n", what, more);
	return false;
}

/* Every thread of it is stopped or traced, or has ended. */
static bool stands_still(void)
{
	char path[64], stat[512];
	const struct dirent *entry;
	bool still = true;
	DIR *tasks;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return complain(path, strerror(errno));
	while (still && (entry = readdir(tasks))) {
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%.10s/stat", pid, entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(stat, sizeof(stat), file) && strrchr(stat, ')') &&
		    !strchr("tTZX", strrchr(stat, ')')[2]))
			still = complain("a thread of the swapped program runs", stat);
		(void)fclose(file);
	}
	(void)closedir(tasks);
	return still;
}

static bool expect(const struct answer *answer, const char *what, const char *state)
{
	if (answer->reply != WIRE_SUCCESS || strcmp(value(answer, WIRE_KEY_STATE), state) != 0) {
		(void)printf("%s: %s\n%s", what, word(answer->reply), answer->text);
		return false;
	}
	return true;
}

/* Swap and unswap. */
static bool cycle(void)
{
	struct answer answer = ask(WIRE_SWAP, false);
	char image[WIRE_TEXT_MAX];

	if (!expect(&answer, "swap", "swapped") || !stands_still())
		return false;
	(void)snprintf(image, sizeof(image), "%s", value(&answer, WIRE_KEY_IMAGE));
	if (access(image, R_OK))
		return complain(image, strerror(errno));
	answer = ask(WIRE_UNSWAP, false);
	if (!expect(&answer, "unswap", "running"))
		return false;
	return access(image, F_OK) ? true : complain(image, "still there");
}

static bool verified(int in, bool asked)
{
	char line[256] = "(it has ended)";

	if (!asked && write(in, "verify\n", 7) != 7)
		return complain("verify", strerror(errno));
	if (!next_line(line, sizeof(line)) || strcmp(line, "ok") != 0)
		return complain("its memory is wrong", line);
	return true;
}

static int cycles(int n, const char *in_path)
{
	int in = open(in_path, O_RDWR | O_CLOEXEC);

	for (int i = 0; i < n; i++) {
		bool busy = i % 2;

		if ((busy && write(in, "verify\n", 7) != 7) || !cycle() || !verified(in, busy)) {
			(void)printf("in cycle %d\n", i);
			return 1;
		}
	}
	return 0;
}

/* Whether the program has ended. Its helper notices that before us: then it takes a moment. */
static bool ended(void)
{
	struct pollfd poll_life = {.fd = life, .events = POLLIN};

	return life < 0 || poll(&poll_life, 1, PATIENCE_MS) > 0;
}

static int churn(int n)
{
	int done = 0;

	while (done < n && await_growth()) {
		struct answer answer = ask(WIRE_SWAP, false);

		if (answer.reply == WIRE_ERROR && strstr(answer.text, "(vfork)"))
			continue;
		if (answer.reply != WIRE_SUCCESS && ended())
			break;
		if (!expect(&answer, "swap", "swapped") || !stands_still())
			return 1;
		answer = ask(WIRE_UNSWAP, false);
		if (!expect(&answer, "unswap", "running"))
			return 1;
		done++;
	}
	(void)printf("%d\n", done);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	dir = argv[1];
	pid = atoi(argv[2]);
	if (argc == 4)
		return one(argv[3]);
	watch(argv[argc - 1]);
	if (argc == 7 && !strcmp(argv[3], "cycles"))
		return cycles(atoi(argv[4]), argv[5]);
	if (argc == 6 && !strcmp(argv[3], "churn"))
		return churn(atoi(argv[4]));
	return 2;
}

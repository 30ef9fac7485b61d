/* SPDX-License-Identifier: MIT */
/*
 * waiter SOCKET: threads that wait in all kinds of system calls. Says "ready" when all of them do.
 * For a line "go" on its standard input it gives each what it waits for, and says "ok" when
 * everything came as it should, else what didn't. A stop may interrupt epoll_wait, sigwaitinfo and
 * semop, see signal(7), and cut a write short; it may not be noticed anywhere else.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BIG ((size_t)256 << 10) /* more than a pipe takes */
#define NAP_MS 1500
#define NEVER_MS 3600000

static const char *volatile wrong;
static int full[2], empty[2], event, listener, pair[2], semaphores;
static pthread_mutex_t robust, plain = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool turned;		    /* under plain */
static _Atomic(bool) leave, finish; /* robust's owner; the busy one */
static unsigned char *sent, *received;

static void check(bool right, const char *what)
{
	if (!right && !wrong)
		wrong = what;
}

static void *in_write(void *result)
{
	size_t done = 0;

	while (done < BIG) {
		ssize_t n = write(full[1], sent + done, BIG - done);

		if (n <= 0) {
			check(false, "write");
			break;
		}
		done += (size_t)n;
	}
	return result;
}

static void *in_read(void *result)
{
	check(read(empty[0], received, 4096) == 4096 && !memcmp(received, sent, 4096), "read");
	return result;
}

static void *in_receive(void *result)
{
	unsigned char *buf = malloc(8192);
	struct iovec parts[2] = {{.iov_base = buf, .iov_len = 1000},
				 {.iov_base = buf + 4096, .iov_len = 4000}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	check(recvmsg(pair[0], &message, MSG_WAITALL) == 5000 && !memcmp(buf, sent, 1000) &&
		      !memcmp(buf + 4096, sent + 1000, 4000),
	      "recvmsg");
	free(buf);
	return result;
}

static void *in_epoll(void *result)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), n;
	struct epoll_event interest = {.events = EPOLLIN, .data.u64 = 42}, happened = {0};

	(void)epoll_ctl(epoll, EPOLL_CTL_ADD, event, &interest);
	while ((n = epoll_wait(epoll, &happened, 1, -1)) < 0 && errno == EINTR)
		;
	check(n == 1 && happened.data.u64 == 42, "epoll_wait");
	return result;
}

static void *in_poll(void *result)
{
	struct pollfd poll_event = {.fd = event, .events = POLLIN};

	check(poll(&poll_event, 1, NEVER_MS) == 1 && poll_event.revents == POLLIN, "poll");
	return result;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *in_sleep(void *result)
{
	struct timespec nap = {.tv_sec = NAP_MS / 1000, .tv_nsec = NAP_MS % 1000 * 1000000};
	int64_t start = now_ms();

	check(nanosleep(&nap, NULL) == 0, "nanosleep");
	check(now_ms() - start >= NAP_MS, "nanosleep was too short");
	return result;
}

static void *in_accept(void *result)
{
	struct sockaddr_un peer;
	socklen_t len = sizeof(peer);
	int fd = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);

	check(fd >= 0 && peer.sun_family == AF_UNIX, "accept");
	check(write(fd, "hello", 5) == 5, "write to the accepted");
	(void)close(fd);
	return result;
}

static void *in_condition(void *result)
{
	(void)pthread_mutex_lock(&plain);
	while (!turned)
		(void)pthread_cond_wait(&changed, &plain);
	(void)pthread_mutex_unlock(&plain);
	return result;
}

static void *in_join(void *thread)
{
	check(pthread_join(*(pthread_t *)thread, NULL) == 0, "pthread_join");
	return NULL;
}

/* Ends with the mutex locked, which the kernel tells the next one by a list in this thread's memory
 */
static void *owner(void *locked)
{
	(void)pthread_mutex_lock(&robust);
	atomic_store((_Atomic(bool) *)locked, true);
	while (!atomic_load(&leave))
		(void)usleep(1000);
	return NULL;
}

static void *in_lock(void *result)
{
	check(pthread_mutex_lock(&robust) == EOWNERDEAD, "robust mutex");
	check(pthread_mutex_consistent(&robust) == 0 && pthread_mutex_unlock(&robust) == 0,
	      "robust mutex, afterwards");
	return result;
}

static void *in_sigwait(void *result)
{
	sigset_t set;
	siginfo_t info;
	int n;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	while ((n = sigwaitinfo(&set, &info)) < 0 && errno == EINTR)
		;
	check(n == SIGRTMIN && info.si_value.sival_int == 7, "sigwaitinfo");
	return result;
}

static void *in_semop(void *result)
{
	struct sembuf take = {.sem_op = -1};
	int r;

	while ((r = semop(semaphores, &take, 1)) < 0 && errno == EINTR)
		;
	check(r == 0, "semop");
	return result;
}

static void *in_flock(void *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	check(fcntl(fd, F_OFD_SETLKW, &whole) == 0, "fcntl(F_SETLKW)");
	(void)close(fd);
	return NULL;
}

/* Never waits, with all signals blocked */
static void *busy(void *result)
{
	uint64_t x = 1, n = 0;

	for (; !atomic_load(&finish); n++)
		x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
	for (; n; n--)
		x = (x - 1442695040888963407) * UINT64_C(0xc097ef87329e28a5);
	check(x == 1, "the one that reckons");
	return result;
}

/* Started in order; ended by go */
static pthread_t threads[16];
static int n_threads;

static pthread_t *start(void *(*run)(void *), void *argument)
{
	if (pthread_create(&threads[n_threads], NULL, run, argument))
		exit(1);
	return &threads[n_threads++];
}

static bool sleeps(const char *tid)
{
	char path[64], stat[512] = "";
	FILE *file;
	bool asleep;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%.10s/stat", tid);
	file = fopen(path, "re");
	asleep = file && fgets(stat, sizeof(stat), file) && strstr(stat, ") S ");
	if (file)
		(void)fclose(file);
	return asleep;
}

/* Until n threads wait for something */
static void await_calls(int n)
{
	for (int waiting = 0; waiting < n; (void)usleep(1000)) {
		const struct dirent *entry;
		DIR *tasks = opendir("/proc/self/task");

		if (!tasks)
			exit(1);
		waiting = 0;
		while ((entry = readdir(tasks)))
			waiting += sleeps(entry->d_name);
		(void)closedir(tasks);
	}
}

static int listen_here(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
		return -1;
	return fd;
}

static void connect_there(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char buf[8] = "";
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	check(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
	check(read(fd, buf, sizeof(buf)) == 5 && !strcmp(buf, "hello"), "what was accepted says");
	(void)close(fd);
}

static void read_back(void)
{
	unsigned char *buf = malloc(BIG);
	size_t done = 0;
	ssize_t n;

	while (done < BIG && (n = read(full[0], buf + done, BIG - done)) > 0)
		done += (size_t)n;
	check(done == BIG && !memcmp(buf, sent, BIG), "what was written");
	free(buf);
}

static void go(const char *path, int lock)
{
	const uint64_t one = 1;
	struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
	struct sembuf give = {.sem_op = 1};

	read_back();
	check(write(empty[1], sent, 4096) == 4096, "write to the empty one");
	check(write(pair[1], sent, 3000) == 3000 && write(pair[1], sent + 3000, 2000) == 2000,
	      "send");
	check(write(event, &one, sizeof(one)) == sizeof(one), "eventfd");
	connect_there(path);
	(void)pthread_mutex_lock(&plain);
	turned = true;
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&plain);
	atomic_store(&leave, true);
	check(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 7}) == 0, "sigqueue");
	check(semop(semaphores, &give, 1) == 0, "semop");
	check(fcntl(lock, F_OFD_SETLK, &whole) == 0, "unlock");
	atomic_store(&finish, true);
}

int main(int argc, char **argv)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	pthread_mutexattr_t attributes;
	_Atomic(bool) locked = false;
	char line[64], lock_path[256];
	pthread_t *joined;
	sigset_t all;
	int lock;

	if (argc != 2)
		return 2;
	sent = malloc(BIG);
	received = malloc(4096);
	for (size_t i = 0; i < BIG; i++)
		sent[i] = (unsigned char)(i * 7 + i / 251);
	(void)snprintf(lock_path, sizeof(lock_path), "%s.lock", argv[1]);
	lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	event = eventfd(0, EFD_CLOEXEC);
	listener = listen_here(argv[1]);
	semaphores = semget(IPC_PRIVATE, 1, 0600);
	if (pipe2(full, O_CLOEXEC) < 0 || pipe2(empty, O_CLOEXEC) < 0 || event < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 || listener < 0 ||
	    semaphores < 0 || fcntl(lock, F_OFD_SETLK, &whole) < 0) {
		perror("waiter");
		return 1;
	}
	(void)pthread_mutexattr_init(&attributes);
	(void)pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	(void)pthread_mutex_init(&robust, &attributes);
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, NULL);

	(void)start(busy, NULL);
	joined = start(owner, &locked);
	while (!atomic_load(&locked))
		(void)usleep(1000);
	(void)start(in_join, joined);
	(void)start(in_lock, NULL);
	(void)start(in_write, NULL);
	(void)start(in_read, NULL);
	(void)start(in_receive, NULL);
	(void)start(in_epoll, NULL);
	(void)start(in_poll, NULL);
	(void)start(in_accept, NULL);
	(void)start(in_condition, NULL);
	(void)start(in_sigwait, NULL);
	(void)start(in_semop, NULL);
	(void)start(in_flock, lock_path);
	await_calls(n_threads - 1);
	(void)start(in_sleep, NULL);
	(void)puts("ready");
	(void)fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	go(argv[1], lock);
	for (int i = 0; i < n_threads; i++)
		if (&threads[i] != joined)
			(void)pthread_join(threads[i], NULL);
	(void)semctl(semaphores, 0, IPC_RMID);
	(void)unlink(argv[1]);
	(void)puts(wrong ? wrong : "ok");
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "shim/socket.h"
#include "shim/places.h"
#include "shim/process.h"
#include "shim/rawsys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PATIENCE_MS 1000 /* with who has connected and says nothing */

static int open_dir(struct shim *shim)
{
	struct statx info = {0};
	int fd;

	if (shim->socket_dir_ours)
		(void)RAW_3(SYS_mkdirat, AT_FDCWD, shim->socket_dir, 0700);
	fd = (int)RAW_4(SYS_openat, AT_FDCWD, shim->socket_dir,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		return shim_fail(shim, -fd, "the socket directory ", shim->socket_dir,
				 " can't be opened", NULL);
	if (RAW_5(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &info) ||
	    info.stx_uid != shim->uid || (info.stx_mode & 022)) {
		(void)RAW_1(SYS_close, fd);
		return shim_fail(shim, EPERM, "the socket directory ", shim->socket_dir,
				 " isn't this user's alone", NULL);
	}
	shim->fd.socket_dir = fd;
	return 0;
}

static void make_names(struct shim *shim)
{
	struct words words = words_over(shim->socket, sizeof(shim->socket));

	words_add_number(&words, (uint64_t)shim->program);
	words_add(&words, NAMES_SOCKET_SUFFIX);
	words = words_over(shim->link, sizeof(shim->link));
	words_add_safe(&words, shim->name);
	words_add(&words, ".");
	words_add(&words, shim->socket);
}

/* Bound by the name relative to the directory, whatever that is called by now. */
static int bind_here(struct shim *shim, int fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct words words = words_over(address.sun_path, sizeof(address.sun_path));
	long r;

	words_add(&words, shim->socket);
	/* open to all, in a directory that isn't: the daemon may look into it, but has no right to
	 * write to what is others' */
	(void)RAW_1(SYS_umask, 0);
	r = RAW_1(SYS_fchdir, shim->fd.socket_dir);
	if (r == 0)
		r = RAW_3(SYS_bind, fd, &address, sizeof(address));
	(void)RAW_1(SYS_chdir, "/");
	(void)RAW_1(SYS_umask, 077);
	return (int)r;
}

static uint64_t inode_of(struct shim *shim, const char *name)
{
	struct statx info = {0};

	return RAW_5(SYS_statx, shim->fd.socket_dir, name, AT_SYMLINK_NOFOLLOW, STATX_INO, &info)
		       ? 0
		       : info.stx_ino;
}

/* Under the directory's lock: the helper of what this process was before an exec may just be
 * removing a socket of the same name. And we may be the one from before, who comes late. */
static int bind_locked(struct shim *shim, int fd)
{
	int r;

	if (process_is_another(shim))
		return shim_fail(shim, ESRCH, "it has become another program", NULL);
	/* the link first: who sees the socket finds it there */
	(void)RAW_3(SYS_unlinkat, shim->fd.socket_dir, shim->link, 0);
	(void)RAW_3(SYS_symlinkat, shim->socket, shim->fd.socket_dir, shim->link);
	(void)RAW_3(SYS_unlinkat, shim->fd.socket_dir, shim->socket, 0);
	r = bind_here(shim, fd);
	if (r == 0)
		r = (int)RAW_2(SYS_listen, fd, 16);
	if (r) {
		(void)RAW_3(SYS_unlinkat, shim->fd.socket_dir, shim->link, 0);
		return shim_fail(shim, -r, "the socket can't be bound in ", shim->socket_dir, NULL);
	}
	shim->socket_inode = inode_of(shim, shim->socket);
	/* open, so that no other can get its inode */
	shim->fd.link = (int)RAW_4(SYS_openat, shim->fd.socket_dir, shim->link,
				   O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	shim->link_inode = inode_of(shim, shim->link);
	return 0;
}

int socket_bind(struct shim *shim)
{
	int fd, r = open_dir(shim);

	if (r)
		return r;
	make_names(shim);
	fd = (int)RAW_3(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return shim_fail(shim, -fd, "there is no socket to be had", NULL);
	(void)RAW_2(SYS_flock, shim->fd.socket_dir, LOCK_EX);
	r = bind_locked(shim, fd);
	(void)RAW_2(SYS_flock, shim->fd.socket_dir, LOCK_UN);
	if (r)
		(void)RAW_1(SYS_close, fd);
	else
		shim->fd.listener = fd;
	return r;
}

void socket_unbind(struct shim *shim)
{
	if (shim->fd.listener < 0)
		return;
	(void)RAW_2(SYS_flock, shim->fd.socket_dir, LOCK_EX);
	/* what the program is by now may have its own already, under the same name or another */
	if (inode_of(shim, shim->socket) == shim->socket_inode)
		(void)RAW_3(SYS_unlinkat, shim->fd.socket_dir, shim->socket, 0);
	if (inode_of(shim, shim->link) == shim->link_inode)
		(void)RAW_3(SYS_unlinkat, shim->fd.socket_dir, shim->link, 0);
	(void)RAW_2(SYS_flock, shim->fd.socket_dir, LOCK_UN);
}

/* The directory keeps strangers out; this is the second lock on the same door. */
static bool peer_fits(const struct shim *shim, int connection)
{
	struct ucred peer = {0};
	socklen_t len = sizeof(peer);

	return RAW_5(SYS_getsockopt, connection, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == shim->uid || peer.uid == 0);
}

void socket_note_asker(struct shim *shim, int connection)
{
	struct ucred peer = {0};
	socklen_t len = sizeof(peer);

	(void)RAW_5(SYS_getsockopt, connection, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	places_read_name(shim, peer.pid, shim->by);
}

/* The next one in the queue, as far as that is empty no more. 0 or -errno */
static int take_caller(struct shim *shim)
{
	int connection = (int)RAW_4(SYS_accept4, shim->fd.listener, NULL, NULL,
				    SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (connection < 0)
		return connection;
	if (!peer_fits(shim, connection)) {
		(void)RAW_1(SYS_close, connection);
		return -EPERM;
	}
	shim->fd.caller = connection;
	shim->caller_ns = shim_now_ns();
	return 0;
}

int socket_accept(struct shim *shim, int *ret_request)
{
	unsigned char request = 0;
	int connection, r = shim->fd.caller < 0 ? take_caller(shim) : 0;
	long n;

	if (r < 0)
		return r;
	connection = shim->fd.caller;
	n = RAW_3(SYS_read, connection, &request, 1);
	if ((n == -EAGAIN || n == -EINTR) && socket_patience_ms(shim) > 0)
		return -EAGAIN;
	shim->fd.caller = -1;
	if (n != 1) {
		(void)RAW_1(SYS_close, connection);
		return n < 0 ? (int)n : -EPIPE;
	}
	*ret_request = request;
	return connection;
}

int socket_waits_for(const struct shim *shim)
{
	return shim->fd.caller < 0 ? shim->fd.listener : shim->fd.caller;
}

long socket_patience_ms(const struct shim *shim)
{
	uint64_t waited_ms = (shim_now_ns() - shim->caller_ns) / 1000000;

	if (shim->fd.caller < 0)
		return -1;
	return waited_ms < PATIENCE_MS ? (long)(PATIENCE_MS - waited_ms) : 0;
}

static void add_line(struct words *words, const char *key, const char *value)
{
	words_add(words, key);
	words_add(words, "=");
	words_add_printable(words, value);
	words_add(words, "\n");
}

static void add_number_line(struct words *words, const char *key, uint64_t value)
{
	words_add(words, key);
	words_add(words, "=");
	words_add_number(words, value);
	words_add(words, "\n");
}

static const char *state_word(enum phase phase)
{
	switch (phase) {
	case PHASE_RUNNING: return "running";
	case PHASE_STOPPING:
	case PHASE_OUT: return "swapping";
	case PHASE_SWAPPED: return "swapped";
	case PHASE_IN:
	case PHASE_RESUMING: break;
	}
	return "unswapping";
}

static void add_failure(struct words *words, const struct failure *failure)
{
	const char *name = words_errno(failure->error);

	words_add(words, WIRE_KEY_ERROR "=");
	if (name)
		words_add(words, name);
	else
		words_add_number(words, (uint64_t)failure->error);
	words_add(words, "\n");
	add_line(words, WIRE_KEY_REASON, failure->reason);
}

void socket_answer(struct shim *shim, int connection, enum wire_reply reply)
{
	struct words words = words_over(shim->text, WIRE_TEXT_MAX);
	unsigned char first = (unsigned char)reply;

	/* apart, for an older client reads one byte and leaves */
	if (RAW_6(SYS_sendto, connection, &first, 1, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0) == 1) {
		add_line(&words, WIRE_KEY_STATE, state_word(shim_phase(shim)));
		add_number_line(&words, WIRE_KEY_SINCE, shim->since_ns);
		add_number_line(&words, WIRE_KEY_IMAGE_BYTES,
				shim->ledger.chunks ? shim->image_bytes : 0);
		add_number_line(&words, WIRE_KEY_HELD_BYTES, shim->ledger.held_bytes);
		add_line(&words, WIRE_KEY_MODE, "eager");
		add_number_line(&words, WIRE_KEY_HELPER, (uint64_t)shim->helper);
		if (shim_phase(shim) == PHASE_SWAPPED)
			add_line(&words, WIRE_KEY_BY, shim->by);
		words_add(&words, WIRE_KEY_IMAGE "=");
		words_add_printable(&words, shim->image_dir); /* as the environment has it */
		words_add(&words, "/");
		words_add_number(&words, (uint64_t)shim->program);
		words_add(&words, NAMES_IMAGE_SUFFIX "\n");
		if (reply == WIRE_ERROR)
			add_failure(&words, &shim->failure);
		(void)RAW_6(SYS_sendto, connection, words.buf, words.len,
			    MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
	}
	(void)RAW_1(SYS_close, connection);
}

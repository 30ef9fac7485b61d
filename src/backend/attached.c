/* SPDX-License-Identifier: MIT */
#include "backend/attached.h"

#include "backend/wiretext.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "proto/names.h"
#include "sys/dirnames.h"
#include "sys/pidpin.h"
#include "sys/procstat.h"
#include "sys/unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_NS (2 * NS_PER_S)
#define ASK_AGAIN_NS NS_PER_MIN
#define SILENCES_MAX 6			 /* then it's asked once an hour */
#define HELPER_UP_NS (10 * NS_PER_S)	 /* a new one listens by then */
#define HELPER_LOOK_NS (200 * NS_PER_MS) /* whether it does already */

/* Where users' directories lie, in the order of the numbers in struct attached.place */
static const struct place {
	const char *parent, *sub; /* PARENT/UID/SUB */
} places[] = {{NAMES_RUN_USER, "/" NAMES_RUN_USER_SUB}, {NAMES_RUN_SERVICES, ""}};

/* -- the table -------------------------------------------------------------------------------- */

static size_t find_place(const struct attached_table *table, int32_t pid)
{
	size_t low = 0, high = table->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->entries[middle].id.pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct attached *attached_find(struct attached_table *table, const struct proc_id *id)
{
	size_t at = find_place(table, id->pid);
	struct attached *entry = &table->entries[at];

	if (at == table->n || entry->id.pid != id->pid)
		return NULL;
	if (id->start_ticks && entry->id.start_ticks && entry->id.start_ticks != id->start_ticks)
		return NULL;
	return entry;
}

/* Another one is at that socket by now: nothing is known of it. */
static void forget(struct attached *entry)
{
	close_fd(&entry->question_fd);
	*entry = (struct attached){.id.pid = entry->id.pid,
				   .uid = entry->uid,
				   .place = entry->place,
				   .listed = true,
				   .question_fd = -1};
}

void attached_note_process(struct attached_table *table, const struct proc_id *id)
{
	struct attached *entry = attached_find(table, &(struct proc_id){.pid = id->pid});

	if (!entry || entry->id.start_ticks == 0 || id->start_ticks <= entry->id.start_ticks)
		return;
	forget(entry);
}

void attached_note_program(struct attached *entry, uint64_t mm_tag)
{
	if (entry->mm_tag && mm_tag && entry->mm_tag != mm_tag)
		forget(entry);
	entry->mm_tag = mm_tag;
}

static void remove_at(struct attached_table *table, size_t at)
{
	close_fd(&table->entries[at].question_fd);
	memmove(&table->entries[at], &table->entries[at + 1],
		(--table->n - at) * sizeof table->entries[0]);
}

static unsigned count_of(const struct attached_table *table, uint32_t uid)
{
	unsigned n = 0;

	for (size_t i = 0; i < table->n; i++)
		n += table->entries[i].uid == uid;
	return n;
}

/* "1234.sock"; a link of a program's name to it isn't one */
static bool parse_name(const char *name, int32_t *ret_pid)
{
	const char *dot = strchr(name, '.');
	char digits[12];
	uint64_t pid;

	if (!dot || strcmp(dot, NAMES_SOCKET_SUFFIX) != 0 || (size_t)(dot - name) >= sizeof digits)
		return false;
	memcpy(digits, name, (size_t)(dot - name));
	digits[dot - name] = '\0';
	if (num_u64(digits, &pid) < 0 || pid == 0 || pid > INT32_MAX)
		return false;
	*ret_pid = (int32_t)pid;
	return true;
}

static void list(struct attached_table *table, int32_t pid, uint32_t uid, uint8_t place)
{
	size_t at = find_place(table, pid);
	struct attached *entry = &table->entries[at];

	if (at < table->n && entry->id.pid == pid) {
		if (entry->uid == uid && entry->place == place) {
			entry->listed = true;
			return;
		}
		/* another's claim changes nothing, where this one isn't known to be empty */
		if (entry->id.start_ticks || entry->silences == 0)
			return;
		remove_at(table, at);
	}
	if (table->n == ATTACHED_MAX || count_of(table, uid) >= ATTACHED_PER_USER) {
		table->left_out++;
		return;
	}
	memmove(entry + 1, entry, (table->n++ - at) * sizeof *entry);
	*entry = (struct attached){
		.id.pid = pid, .uid = uid, .place = place, .listed = true, .question_fd = -1};
}

/* -- processes -------------------------------------------------------------------------------- */

int attached_look(const struct procfs *procfs, const struct proc_id *id, struct proc_facts *ret)
{
	const struct procstat_units units = procstat_units();
	_cleanup_close_ int fd = procfs_open_pid_file(procfs, id->pid, "stat");
	char state;
	int r = fd == -ENOENT ? -ESRCH : fd;

	*ret = (struct proc_facts){0};
	if (fd >= 0)
		r = procstat_read_fd(fd, &units, ret);
	if (r == 0 && id->start_ticks && id->start_ticks != ret->id.start_ticks)
		r = -ESRCH;
	if (r == 0)
		r = procstat_read_full(procfs, ret);
	if (r < 0)
		return r;
	if (procstat_living_thread(procfs, ret, &state) <= 0)
		return -ESRCH;
	ret->state = state;
	return 0;
}

static bool is_held(const struct procfs *procfs, const struct proc_id *id)
{
	struct proc_facts facts;

	return attached_look(procfs, id, &facts) == 0 && attached_is_stopped(facts.state);
}

/* -- directories ------------------------------------------------------------------------------ */

static int open_user_dir(uint32_t uid, uint8_t place)
{
	char path[NAMES_DIR_MAX];
	struct text text = TEXT_OVER(path);

	text_addf(&text, "%s/%u%s", places[place].parent, uid, places[place].sub);
	return unixsock_open_dir(path, uid);
}

static void scan_user(struct attached_table *table, uint32_t uid, uint8_t place)
{
	_cleanup_close_ int fd = open_user_dir(uid, place);
	struct dirnames names;
	const char *name;
	int32_t pid;

	if (fd < 0)
		return;
	dirnames_start(fd, &names);
	for (int i = 0; i < ATTACHED_NAMES_MAX && (name = dirnames_next(&names)); i++)
		if (parse_name(name, &pid))
			list(table, pid, uid, place);
}

static size_t users_kept(const struct attached_table *table)
{
	return u64_min(table->n_users, ATTACHED_USERS_MAX);
}

static bool is_noted(const struct attached_table *table, uint32_t uid)
{
	for (size_t i = 0; i < users_kept(table); i++)
		if (table->users[i] == uid)
			return true;
	return false;
}

void attached_note_user(struct attached_table *table, uint32_t uid)
{
	if (!is_noted(table, uid))
		table->users[table->n_users++ % ATTACHED_USERS_MAX] = uid;
}

static void scan_place(struct attached_table *table, uint8_t place)
{
	_cleanup_close_ int fd =
		open(places[place].parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirnames names;
	const char *name;
	uint64_t uid;

	if (fd < 0)
		return;
	for (size_t i = 0; i < users_kept(table); i++)
		scan_user(table, table->users[i], place);
	dirnames_start(fd, &names);
	for (int i = 0; i < ATTACHED_NAMES_MAX && (name = dirnames_next(&names)); i++)
		if (num_u64(name, &uid) == 0 && uid < UINT32_MAX && !is_noted(table, (uint32_t)uid))
			scan_user(table, (uint32_t)uid, place);
}

void attached_scan(struct attached_table *table)
{
	table->left_out = 0;
	for (size_t i = 0; i < table->n; i++)
		table->entries[i].listed = false;
	for (uint8_t place = 0; place < (uint8_t)(sizeof places / sizeof places[0]); place++)
		scan_place(table, place);
	/* whose socket can't be found isn't forgotten while it stays stopped by our doing */
	for (size_t i = table->n; i-- > 0;)
		if (!table->entries[i].listed &&
		    (!table->entries[i].ours || !is_held(table->procfs, &table->entries[i].id)))
			remove_at(table, i);
}

/* -- who listens ------------------------------------------------------------------------------ */

static bool has_variable(const char *environment, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	for (size_t at = 0; at < len; at += strlen(environment + at) + 1)
		if (strncmp(environment + at, name, name_len) == 0)
			return true;
	return false;
}

/* sd_watchdog_enabled(3): WATCHDOG_PID names the one that is to answer. What doesn't fit isn't
 * seen; systemd puts it in front. */
static bool has_watchdog(const struct procfs *procfs, int32_t pid)
{
	char environment[16384], own[32];
	struct text text = TEXT_OVER(own);
	_cleanup_close_ int fd = procfs_open_pid_file(procfs, pid, "environ");
	ssize_t n = fd < 0 ? -1 : read(fd, environment, sizeof environment - 1);

	if (n <= 0)
		return false;
	environment[n] = '\0';
	text_addf(&text, "WATCHDOG_PID=%d", pid);
	return has_variable(environment, (size_t)n, "NOTIFY_SOCKET=") &&
	       has_variable(environment, (size_t)n, "WATCHDOG_USEC=") &&
	       (!has_variable(environment, (size_t)n, "WATCHDOG_PID=") ||
		has_variable(environment, (size_t)n, own));
}

/* The process has to be the user's, and the one that was there before. */
static int check_process(const struct procfs *procfs, struct attached *entry)
{
	struct proc_facts facts;
	int r = attached_look(procfs, &(struct proc_id){.pid = entry->id.pid}, &facts);

	if (r == 0 && (facts.uid != entry->uid ||
		       (entry->id.start_ticks && entry->id.start_ticks != facts.id.start_ticks)))
		r = -EPERM;
	if (r == 0 && !entry->id.start_ticks) {
		entry->id.start_ticks = facts.id.start_ticks;
		entry->watchdog = has_watchdog(procfs, entry->id.pid);
	}
	return r;
}

int attached_connect(const struct attached_table *table, struct attached *entry)
{
	_cleanup_close_ int dir_fd = open_user_dir(entry->uid, entry->place);
	_cleanup_close_ int pidfd = pidpin_open(entry->id.pid), peer_pidfd = -1, fd = -1;
	struct unixsock_peer peer;
	char name[32];
	struct text text = TEXT_OVER(name);
	int r;

	if (dir_fd < 0 || pidfd < 0)
		return dir_fd < 0 ? dir_fd : pidfd;
	text_addf(&text, "%d" NAMES_SOCKET_SUFFIX, entry->id.pid);
	fd = unixsock_connect(dir_fd, name, entry->uid, &peer);
	if (fd < 0)
		return fd;
	peer_pidfd = pidpin_open(peer.pid);
	if (peer_pidfd < 0)
		return peer_pidfd;
	r = check_process(table->procfs, entry);
	if (r == 0)
		r = pidpin_same_memory(peer.pid, entry->id.pid);
	if (r <= 0)
		return r < 0 ? r : -EPERM;
	/* what was read was read of these two, while both were there */
	return pidpin_alive(pidfd) && pidpin_alive(peer_pidfd) ? take_fd(&fd) : -ESRCH;
}

/* -- questions -------------------------------------------------------------------------------- */

static void note_silence(struct attached *entry, uint64_t now_ns)
{
	if (entry->silences < SILENCES_MAX)
		entry->silences++;
	entry->next_ns = now_ns + (ASK_AGAIN_NS << entry->silences);
}

/* Reads when it started, too, where nobody could be asked yet. */
static bool is_stopped(const struct procfs *procfs, struct attached *entry)
{
	struct proc_facts facts;

	if (attached_look(procfs, &entry->id, &facts) < 0 || facts.uid != entry->uid)
		return false;
	entry->id.start_ticks = facts.id.start_ticks;
	return facts.state == 'T';
}

static void ask(const struct attached_table *table, struct attached *entry, uint64_t now_ns)
{
	const unsigned char question = WIRE_STATUS;
	_cleanup_close_ int fd = attached_connect(table, entry);
	bool waits = entry->orphan;

	if (fd == -ECONNREFUSED && now_ns < entry->up_ns) {
		entry->next_ns = now_ns + HELPER_LOOK_NS;
		return;
	}
	entry->orphan = fd == -ECONNREFUSED && is_stopped(table->procfs, entry);
	if (waits && entry->orphan) { /* for its turn to get a helper: that is no other silence */
		entry->next_ns = now_ns + ASK_AGAIN_NS;
		return;
	}
	if (fd < 0 || send(fd, &question, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) {
		note_silence(entry, now_ns);
		return;
	}
	entry->question_fd = take_fd(&fd);
	entry->deadline_ns = now_ns + ANSWER_NS;
}

void attached_ask_again(struct attached *entry)
{
	if (entry->next_ns == UINT64_MAX)
		return;
	entry->silences = 0;
	entry->next_ns = 0;
}

void attached_note_revival(struct attached *entry)
{
	close_fd(&entry->question_fd);
	entry->orphan = false;
	entry->next_ns = UINT64_MAX;
}

void attached_note_revived(struct attached *entry, bool done, uint64_t now_ns)
{
	if (done) {
		entry->up_ns = now_ns + HELPER_UP_NS;
		entry->tried = false;
	}
	if (entry->requested)
		return;
	/* once: where nobody listens then either, it takes its turn among the silent */
	entry->next_ns = now_ns + (done && entry->silences <= 1 ? HELPER_LOOK_NS
								: ASK_AGAIN_NS << entry->silences);
}

void attached_note_request(struct attached *entry)
{
	close_fd(&entry->question_fd); /* what it answers is of before */
	entry->state = ATTACHED_BUSY;
	entry->ours = entry->requested = true;
	entry->next_ns = UINT64_MAX;
}

void attached_note_result(struct attached *entry, enum attached_state state, uint64_t held_bytes,
			  uint64_t now_ns)
{
	entry->state = (uint8_t)state;
	if (state != ATTACHED_BUSY) {
		entry->settled = (uint8_t)state;
		entry->requested = false;
	}
	entry->held_bytes = state == ATTACHED_SWAPPED ? held_bytes : 0;
	entry->since_ns = now_ns;
	entry->changed = false;
	entry->ours = state != ATTACHED_RUNNING;
	entry->next_ns = state == ATTACHED_BUSY ? now_ns : now_ns + ASK_AGAIN_NS;
}

void attached_inherit(struct attached *entry, uint64_t moved_bytes)
{
	entry->ours = true;
	entry->moved_bytes = moved_bytes;
	entry->next_ns = 0;
}

void attached_note_moved(struct attached *entry, uint64_t bytes)
{
	entry->moved_bytes = bytes;
	if (entry->state == ATTACHED_SWAPPED)
		entry->held_bytes = entry->old ? bytes : u64_min(entry->held_bytes, bytes);
}

static enum attached_state state_of(const struct wiretext *answer)
{
	switch (answer->state) {
	case WIRETEXT_RUNNING: return ATTACHED_RUNNING;
	case WIRETEXT_SWAPPED: return ATTACHED_SWAPPED;
	case WIRETEXT_SWAPPING:
	case WIRETEXT_UNSWAPPING: return ATTACHED_BUSY;
	case WIRETEXT_UNKNOWN: break;
	}
	return ATTACHED_UNKNOWN;
}

/* It has come to rest: whether that is news, and whose doing. */
static void settle(struct attached_table *table, struct attached *entry, enum attached_state state,
		   const struct wiretext *answer)
{
	bool out = state == ATTACHED_SWAPPED;

	/* an earlier daemon's, too */
	if (out && strcmp(answer->by, NAMES_DAEMON) == 0)
		entry->ours = true;
	if (entry->settled != state) {
		/* that it runs isn't, at first sight */
		entry->changed = out || entry->settled == ATTACHED_SWAPPED;
		table->swapped_by_others += out && !entry->ours;
		table->unswapped_by_others += !out && entry->changed && !entry->requested;
	}
	entry->ours = entry->ours && out;
	entry->requested = false;
	entry->settled = (uint8_t)state;
}

static void take_state(struct attached_table *table, struct attached *entry,
		       const struct wiretext *answer, uint64_t now_ns)
{
	enum attached_state state = state_of(answer);

	if (state == ATTACHED_RUNNING || state == ATTACHED_SWAPPED)
		settle(table, entry, state, answer);
	entry->state = (uint8_t)state;
	entry->held_bytes = state == ATTACHED_SWAPPED ? answer->held_bytes : 0;
	if (entry->ours && entry->moved_bytes > 0)
		entry->held_bytes = u64_min(entry->held_bytes, entry->moved_bytes);
	entry->image_bytes = answer->image_bytes;
	entry->since_ns = u64_min(answer->since_ns, now_ns);
	entry->next_ns = now_ns + (state == ATTACHED_BUSY ? NS_PER_S : ASK_AGAIN_NS);
}

static void take_answer(struct attached_table *table, struct attached *entry, const char *data,
			size_t len, uint64_t now_ns)
{
	struct wiretext answer;

	if (len == 0 || wiretext_parse(data, len, &answer) < 0) {
		note_silence(entry, now_ns);
		return;
	}
	entry->silences = 0;
	entry->old = !answer.has_text;
	if (!entry->old) {
		take_state(table, entry, &answer, now_ns);
		return;
	}
	/* the original doesn't know the question: what we have done is all there is to know */
	if (entry->state == ATTACHED_UNKNOWN)
		attached_note_result(entry,
				     entry->ours && is_stopped(table->procfs, entry)
					     ? ATTACHED_SWAPPED
					     : ATTACHED_RUNNING,
				     entry->moved_bytes, now_ns);
	entry->next_ns = now_ns + (ASK_AGAIN_NS << SILENCES_MAX);
}

/* The answer ends with the stream, or with our patience. */
static void hear(struct attached_table *table, struct attached *entry, uint64_t now_ns)
{
	struct pollfd poll_fd = {.fd = entry->question_fd, .events = 0};
	char data[WIRETEXT_MAX + 1];
	ssize_t n;

	if (poll(&poll_fd, 1, 0) <= 0 && now_ns < entry->deadline_ns)
		return;
	n = recv(entry->question_fd, data, sizeof data, MSG_DONTWAIT);
	close_fd(&entry->question_fd);
	take_answer(table, entry, data, n > 0 ? (size_t)n : 0, now_ns);
}

void attached_poll(struct attached_table *table, uint64_t now_ns)
{
	unsigned open = 0;

	for (size_t i = 0; i < table->n; i++) {
		if (table->entries[i].question_fd >= 0)
			hear(table, &table->entries[i], now_ns);
		open += table->entries[i].question_fd >= 0;
	}
	for (size_t i = 0, n = table->n; i < n && open < ATTACHED_QUESTIONS_MAX; i++) {
		struct attached *entry = &table->entries[table->turn++ % n];

		if (entry->question_fd >= 0 || now_ns < entry->next_ns)
			continue;
		ask(table, entry, now_ns);
		open++; /* also where it came to nothing: so many a tick */
	}
}

bool attached_all_heard(const struct attached_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->entries[i].question_fd >= 0 || table->entries[i].next_ns == 0)
			return false;
	return true;
}

void attached_note_state(struct attached *entry, char state, uint64_t now_ns)
{
	bool stopped = attached_is_stopped(state);
	bool before = attached_is_stopped(entry->process_state);

	/* also where only its tracer has gone: that was its helper */
	if (entry->process_state && (stopped || before) && state != entry->process_state &&
	    entry->next_ns != UINT64_MAX) {
		/* an old one can't be asked, but what runs isn't swapped */
		if (entry->old && !stopped && entry->state == ATTACHED_SWAPPED)
			attached_note_result(entry, ATTACHED_RUNNING, 0, now_ns);
		else if (!entry->old && (entry->silences == 0 || entry->ours))
			entry->next_ns = now_ns;
	}
	entry->process_state = state;
}

void attached_close(struct attached_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		close_fd(&table->entries[i].question_fd);
	table->n = 0;
}

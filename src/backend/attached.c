/* SPDX-License-Identifier: MIT */
#include "backend/attached.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "proto/names.h"
#include "sys/dirnames.h"
#include "sys/procstat.h"
#include "sys/unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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

static bool is_held(const struct attached_table *table, const struct proc_id *id)
{
	struct proc_facts facts;

	int r = attached_look(table, id, &facts);

	return r == 0 ? attached_is_stopped(facts.state) : r == -EBUSY;
}

/* -- directories ------------------------------------------------------------------------------ */

int attached_open_dir(uint32_t uid, uint8_t place)
{
	char path[NAMES_DIR_MAX];
	struct text text = TEXT_OVER(path);

	text_addf(&text, "%s/%u%s", places[place].parent, uid, places[place].sub);
	return unixsock_open_dir(path, uid);
}

static void scan_user(struct attached_table *table, uint32_t uid, uint8_t place)
{
	_cleanup_close_ int fd = attached_open_dir(uid, place);
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
		    (!table->entries[i].ours || !is_held(table, &table->entries[i].id)))
			remove_at(table, i);
}

void attached_close(struct attached_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		close_fd(&table->entries[i].question_fd);
	table->n = 0;
}

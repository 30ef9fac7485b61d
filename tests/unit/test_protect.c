/* SPDX-License-Identifier: MIT */
#include "policy/protect.h"

#include "unit/builders.h"

#include <stdio.h>
#include <string.h>

static const struct protect_params no_rules = {
	.names = "", .more_names = "", .paths = "", .cgroups = "", .uids = ""};

static const struct protect_subject some_program = {
	.comm = "program", .exe = "/usr/bin/program", .cgroup = "/user.slice", .uid = 1000};

static bool name_is_protected(const char *names, const char *comm)
{
	struct protect_params rules = no_rules;
	struct protect_subject subject = some_program;

	rules.names = names;
	subject.comm = comm;
	return protect_matches(&rules, &subject);
}

START_TEST(no_rules_protect_nobody)
{
	static const char *const empty[] = {"", " ", "\t", " \t  ", ",", " , ,"};
	struct protect_subject nameless = {.comm = "", .exe = "", .cgroup = "", .uid = 0};

	for (size_t i = 0; i < ROWS(empty); i++) {
		struct protect_params rules = {.names = empty[i],
					       .more_names = empty[i],
					       .paths = empty[i],
					       .cgroups = empty[i],
					       .uids = empty[i]};

		ck_assert_msg(!protect_matches(&rules, &some_program), "row %zu", i);
		ck_assert_msg(!protect_matches(&rules, &nameless), "row %zu, nameless", i);
	}
}
END_TEST

START_TEST(each_list_counts_alone)
{
	static const struct {
		const char *name;
		struct protect_params rules;
		bool matches;
	} rows[] = {
		{"names", {"program", "", "", "", "", 0}, true},
		{"more_names", {"", "program", "", "", "", 0}, true},
		{"paths", {"", "", "/usr/bin/program", "", "", 0}, true},
		{"cgroups", {"", "", "", "/user.slice", "", 0}, true},
		{"uids", {"", "", "", "", "1000", 0}, true},
		{"all others", {"other", "more", "/usr/bin/other", "/system.slice", "0", 0}, false},
		{"a name is no path", {"/usr/bin/program", "", "", "", "", 0}, false},
		{"a path is no name", {"", "", "program", "", "", 0}, false},
		{"a path is no group", {"", "", "/user.slice", "", "", 0}, false},
		{"a uid is no name", {"1000", "1000", "1000", "1000", "", 0}, false},
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(protect_matches(&rows[i].rules, &some_program) == rows[i].matches,
			      "%s", rows[i].name);
}
END_TEST

START_TEST(lists_are_apart_by_blanks)
{
	static const struct {
		const char *names;
		bool matches;
	} rows[] = {
		{"program", true},
		{"a program", true},
		{"program b", true},
		{"a\tprogram\tb", true},
		{"a,program,b", true},
		{" , program , ", true},
		{"aprogram programb", false},
		{"prog ram", false},
		{"Program PROGRAM", false},
		{"progra", false},
		{"programs", false},
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(name_is_protected(rows[i].names, "program") == rows[i].matches,
			      "\"%s\"", rows[i].names);
}
END_TEST

START_TEST(wildcards)
{
	static const struct {
		const char *pattern, *comm;
		bool matches;
	} rows[] = {
		{"systemd*", "systemd", true},
		{"systemd*", "systemd-udevd", true},
		{"systemd*", "xsystemd", false},
		{"*dbus*", "dbus-daemon", true},
		{"*-audio*", "my-audio", true},
		{"s6-*", "s6-svscan", true},
		{"s6-*", "s6", false},
		{"sshd*", "sshd: alice", true}, /* a blank in the name is no end of it */
		{"tty?", "tty1", true},
		{"tty?", "tty", false},
		{"tty?", "tty12", false},
		{"tty[0-9]", "tty7", true},
		{"tty[!0-9]", "tty7", false},
		{"*", "anything", true},
		{"*", "", true},
		{"?", "", false},
		{"a\\*b", "a*b", true}, /* an escaped wildcard is itself */
		{"a\\*b", "axb", false},
		{"[", "[", true}, /* no set, so itself */
		{"[", "x", false},
		{".*", ".hidden", true},
		{"*hidden", ".hidden", true}, /* a leading dot is nothing special */
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(name_is_protected(rows[i].pattern, rows[i].comm) == rows[i].matches,
			      "\"%s\" and \"%s\"", rows[i].pattern, rows[i].comm);
}
END_TEST

/* The kernel keeps 15 characters of a name; people write all of it. */
START_TEST(long_names)
{
	static const struct {
		const char *pattern, *comm;
		bool matches;
	} rows[] = {
		{"fifteen-letters", "fifteen-letters", true},
		{"fifteen-letters+", "fifteen-letters", true},
		{"gnome-keyring-daemon", "gnome-keyring-d", true},
		{"gnome-keyring-daemon", "gnome-keyring-x", false},
		{"gnome-keyring-daemon", "gnome-keyring", false},
		{"gnome-keyring-*", "gnome-keyring-d", true},
		{"fourteen-lette", "fourteen-letter", false},
		{"fourteen\\-letters", "fourteen-letter", false}, /* a pattern isn't cut */
		{"fourteen-lette\\r", "fourteen-letter", true},
		{"a gnome-keyring-daemon b", "gnome-keyring-d", true},
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(name_is_protected(rows[i].pattern, rows[i].comm) == rows[i].matches,
			      "\"%s\" and \"%s\"", rows[i].pattern, rows[i].comm);
}
END_TEST

START_TEST(paths_and_groups)
{
	static const struct {
		const char *paths, *cgroups, *exe, *cgroup;
		bool matches;
	} rows[] = {
		{"/usr/lib/jvm/*", "", "/usr/lib/jvm/17/bin/java", "", true},
		{"/usr/*/java", "", "/usr/lib/jvm/17/bin/java", "", true}, /* '*' takes '/' */
		{"/usr/bin/java", "", "/usr/bin/java17", "", false},
		{"/usr/bin/java", "", "/opt/usr/bin/java", "", false},
		{"/opt/*", "", "", "", false}, /* not known */
		{"", "/system.slice/*.service", "", "/system.slice/a.service", true},
		{"", "/system.slice/*.service", "", "/system.slice/a/b.service", true},
		{"", "/system.slice/*", "", "/system.slice", false},
		{"", "/", "", "/", true},
		{"", "*/docker-*", "", "/system.slice/docker-0123.scope", true},
		{"/a /b", "/c /d", "/b", "/x", true},
		{"/a /b", "/c /d", "/x", "/d", true},
		{"/a /b", "/c /d", "/d", "/b", false},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct protect_params rules = no_rules;
		struct protect_subject subject = {
			.comm = "x", .exe = rows[i].exe, .cgroup = rows[i].cgroup, .uid = 1};

		rules.paths = rows[i].paths;
		rules.cgroups = rows[i].cgroups;
		ck_assert_msg(protect_matches(&rules, &subject) == rows[i].matches, "row %zu", i);
	}
}
END_TEST

START_TEST(uids)
{
	static const struct {
		const char *uids;
		uint32_t uid;
		bool matches;
	} rows[] = {
		{"0", 0, true},
		{"0", 1, false},
		{"1000", 1000, true},
		{"1000", 100, false},
		{"100", 1000, false},
		{"0 33 1000", 33, true},
		{"0,33,1000", 1000, true},
		{"4294967295", UINT32_MAX, true},
		{"4294967296", 0, false}, /* 2^32 is not root */
		{"18446744073709551616", 0, false},
		{"-1", UINT32_MAX, false},
		{"*", 7, false}, /* numbers, no patterns */
		{"1000x", 1000, false},
		{"root", 0, false},
		{"", 0, false},
		{"x 7", 7, true}, /* one bad word doesn't switch off the next */
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct protect_params rules = no_rules;
		struct protect_subject subject = some_program;

		rules.uids = rows[i].uids;
		subject.uid = rows[i].uid;
		ck_assert_msg(protect_matches(&rules, &subject) == rows[i].matches, "\"%s\" and %u",
			      rows[i].uids, subject.uid);
	}
}
END_TEST

/* Anybody names his process as he likes: it is the text, never the pattern. */
START_TEST(hostile_names)
{
	static const char *const comms[] = {
		"*",	     "?",  "[a-z]*", "[!]",	      "sshd\n",	 " sshd",
		"sshd sshd", ",",  "\\",     "sshd\\",	      "\x1b[2J", "\xff\xfe\xc3(",
		"%s%n%s",    "..", "=\"",    "*************",
	};

	for (size_t i = 0; i < ROWS(comms); i++) {
		ck_assert_msg(!name_is_protected("sshd a?b [xyz] systemd*", comms[i]), "row %zu",
			      i);
		ck_assert_msg(name_is_protected("sshd *", comms[i]), "row %zu and everything", i);
	}
}
END_TEST

/* An option takes 900 characters, so a word may have as many, and is not half a word then. */
START_TEST(long_words)
{
	static const size_t lengths[] = {14, 15, 16, 254, 255, 256, 257, 300, 512, 900};

	for (size_t i = 0; i < ROWS(lengths); i++) {
		struct protect_params rules = no_rules;
		struct protect_subject subject = some_program;
		char path[1024] = "/", half[1024];

		memset(path + 1, 'p', lengths[i] - 1);
		path[lengths[i]] = '\0';
		snprintf(half, sizeof half, "%.*s", (int)u64_min(lengths[i] - 1, 255), path);
		rules.paths = path;
		subject.exe = path;
		ck_assert_msg(protect_matches(&rules, &subject), "%zu characters", lengths[i]);
		subject.exe = half;
		ck_assert_msg(!protect_matches(&rules, &subject), "%zu characters match %zu",
			      lengths[i], strlen(half));
	}
}
END_TEST

START_TEST(long_words_with_a_wildcard_at_their_end)
{
	struct protect_params rules = no_rules;
	struct protect_subject subject = some_program;
	char pattern[1024] = "/", path[1024];

	memset(pattern + 1, 'p', 298);
	strcpy(pattern + 299, "/*");
	memcpy(path, pattern, sizeof path);
	strcpy(path + 299, "/bin/java");
	rules.paths = pattern;
	subject.exe = path;
	ck_assert(protect_matches(&rules, &subject));
	subject.exe = "/usr/bin/java";
	ck_assert(!protect_matches(&rules, &subject));
}
END_TEST

START_TEST(words_after_a_long_one)
{
	char names[1024];

	memset(names, 'x', 600);
	strcpy(names + 600, " program");
	ck_assert(name_is_protected(names, "program"));
	ck_assert(!name_is_protected(names, "other"));
	/* what follows the first 255 characters of it is not a word of its own */
	memcpy(names + 255, "y", 1);
	ck_assert(!name_is_protected(names, "y"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		no_rules_protect_nobody,
		each_list_counts_alone,
		lists_are_apart_by_blanks,
		wildcards,
		long_names,
		paths_and_groups,
		uids,
		hostile_names,
		long_words,
		long_words_with_a_wildcard_at_their_end,
		words_after_a_long_one,
	};

	return RUN_TESTS("protect", tests);
}

/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include "base/cleanup.h"
#include "config/file.h"
#include "config/value.h"
#include "unit/builders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char directory[] = "/tmp/test_config.XXXXXX";
static char path[sizeof directory + sizeof "/settings"]; /* of the file that every test writes */

static void write_bytes(const void *bytes, size_t len)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
}

static void write_text(const char *text)
{
	write_bytes(text, strlen(text));
}

static int load(struct config *ret, struct config_error *error)
{
	return config_load(path, true, NULL, 0, ret, error);
}

static int load_with(char *override, struct config *ret, struct config_error *error)
{
	return config_load("/dev/null", true, &override, 1, ret, error);
}

/* What stands behind the path of the file at the start of the message. */
static const char *behind_path(const struct config_error *error)
{
	size_t len = strlen(path);

	ck_assert_msg(strncmp(error->message, path, len) == 0, "\"%s\" names no file",
		      error->message);
	return error->message + len;
}

static void expect_fault(const char *text, size_t len, const char *message)
{
	struct config config, untouched;
	struct config_error error;

	memset(&config, 0x5a, sizeof config);
	untouched = config;
	write_bytes(text, len);
	ck_assert_msg(load(&config, &error) == -EINVAL, "\"%s\" is taken", text);
	ck_assert_str_eq(behind_path(&error), message);
	ck_assert_mem_eq(&config, &untouched, sizeof config);
}

/* A value of an option by name, as text. */
static const char *shown(const struct config *config, const char *section, const char *key)
{
	static char buf[2000];
	struct text text = TEXT_OVER(buf);
	size_t i = option_find(section, key);

	ck_assert_uint_lt(i, config_n_options);
	value_add(&text, &config_options[i], &config->params);
	return buf;
}

/* -- defaults and what may stand in a file -------------------------------------------------- */

static void expect_defaults(const struct config *config)
{
	struct machine_params memory = default_machine_params();
	struct idle_params idle = default_idle_params();

	ck_assert_uint_eq(config->params.memory.upper_freelimit_percent,
			  memory.upper_freelimit_percent);
	ck_assert_uint_eq(config->params.memory.cooldown_ns, memory.cooldown_ns);
	ck_assert_uint_eq(config->params.idle.idle_cpu_permyriad, idle.idle_cpu_permyriad);
	ck_assert_uint_eq(config->params.idle.min_idle_ns, idle.min_idle_ns);
	ck_assert_uint_eq(config->params.idle.min_rss_bytes, idle.min_rss_bytes);
	ck_assert_int_eq(config->params.protect.oom_score_adj, -500);
	ck_assert(!config->params.madvise.enabled);
	ck_assert_uint_eq(config->params.madvise.advice, ADVICE_PAGEOUT);
	ck_assert_uint_eq(config->params.daemon.log_level, LOG_NORMAL);
	for (size_t i = 0; i < config_n_options; i++) {
		const struct option_def *option = &config_options[i];

		ck_assert_str_eq(shown(config, option->section, option->key), option->dflt);
		ck_assert_int_eq(config->origin[i].source, SOURCE_DEFAULT);
		ck_assert_ptr_null(config->strings[i]);
	}
}

START_TEST(nothing_set_gives_the_defaults)
{
	static const char *const empty[] = {"", "\n", "# only this",
					    "[memory]\n[memory]\n[daemon]"};
	struct config config;
	struct config_error error;

	for (size_t i = 0; i < ROWS(empty); i++) {
		write_text(empty[i]);
		ck_assert_int_eq(load(&config, &error), 0);
		ck_assert_str_eq(config.path, path);
		expect_defaults(&config);
		config_free(&config);
	}
	ck_assert_int_eq(config_load("/dev/null", true, NULL, 0, &config, &error), 0);
	ck_assert_str_eq(config.path, "");
	expect_defaults(&config);
	config_free(&config);
}
END_TEST

START_TEST(forms_that_are_taken)
{
	static const struct {
		const char *text, *section, *key, *value;
	} rows[] = {
		{"[memory]\ncooldown=90", "memory", "cooldown", "1min 30s"},
		{"[memory]\ncooldown = 90s # a comment\n", "memory", "cooldown", "1min 30s"},
		{"[memory]\ncooldown = 90s\t; another", "memory", "cooldown", "1min 30s"},
		{"[memory]\ncooldown = \"1min 30s\"", "memory", "cooldown", "1min 30s"},
		{"[memory]\ncooldown = '90s'#c", "memory", "cooldown", "1min 30s"},
		{"[memory]\ncooldown = ' 90s '", "memory", "cooldown", "1min 30s"},
		{"  [ MEMORY ]\t\n\t Lower_Freelimit\t=\t7%\t", "memory", "lower_freelimit", "7"},
		{"[idle]\nidle_cpu = 0.5%", "idle", "idle_cpu", "0.5%"},
		{"[idle]\nidle_cpu = 12.34", "idle", "idle_cpu", "12.34%"},
		{"[idle]\nmin_rss = 1024k", "idle", "min_rss", "1M"},
		{"[idle]\nmin_rss = 1025", "idle", "min_rss", "1025"},
		{"[protect]\nuids = 0 1000,1001", "protect", "uids", "0 1000,1001"},
		{"[prelock]\ncgroups = /a(,^/b/(c|d)[.]x$ ^ /[", "prelock", "cgroups",
		 "/a(,^/b/(c|d)[.]x$ ^ /["},
		{"[prelock]\ncgroups = ^/.+/u-.+/a.+/b.+[+]x.+y$", "prelock", "cgroups",
		 "^/.+/u-.+/a.+/b.+[+]x.+y$"},
		{"[protect]\noom_score_adj = -1", "protect", "oom_score_adj", "-1"},
		{"[protect]\nnames = # none", "protect", "names", ""},
		{"[protect]\nnames =", "protect", "names", ""},
		{"[protect]\nnames = \"\" ; none", "protect", "names", ""},
		{"[protect]\nnames = a=b = c", "protect", "names", "a=b = c"},
		{"[protect]\npaths = \"/opt/a;b /opt/c#d\"", "protect", "paths",
		 "/opt/a;b /opt/c#d"},
		{"[protect]\npaths = [a-z]*\t/opt/[xy]", "protect", "paths", "[a-z]*\t/opt/[xy]"},
		{"[protect]\nmore_names = \xc3\xa9t\xc3\xa9 \xff", "protect", "more_names",
		 "\xc3\xa9t\xc3\xa9 \xff"},
		{"[madvise]\nenabled = on\nmode = cold", "madvise", "mode", "cold"},
		{"[madvise]\n[memory]\n[madvise]\nenabled = true", "madvise", "enabled", "yes"},
		{"[daemon]\npsi_stall = 0", "daemon", "psi_stall", "0"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct config config;
		struct config_error error = {""};

		write_text(rows[i].text);
		ck_assert_msg(load(&config, &error) == 0, "%s", error.message);
		ck_assert_str_eq(shown(&config, rows[i].section, rows[i].key), rows[i].value);
		config_free(&config);
	}
}
END_TEST

START_TEST(lines_are_remembered)
{
	struct config config;
	struct config_error error;
	size_t i = option_find("idle", "min_rss");

	write_text("# one\n\n[idle]\nmin_rss = 1M\n");
	ck_assert_int_eq(load(&config, &error), 0);
	ck_assert_int_eq(config.origin[i].source, SOURCE_FILE);
	ck_assert_uint_eq(config.origin[i].line, 4);
	config_free(&config);
}
END_TEST

/* -- faults in a file ----------------------------------------------------------------------- */

struct fault {
	const char *text, *message;
};

static void expect_faults(const struct fault *faults, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect_fault(faults[i].text, strlen(faults[i].text), faults[i].message);
}

START_TEST(faults_of_names)
{
	static const struct fault faults[] = {
		{"[memory]\n\nfreetraget = 30",
		 ":3: unknown key 'freetraget' in [memory]; did you mean 'freetarget'?"},
		{"[memory]\nLowerFreeLimit = 30",
		 ":2: unknown key 'lowerfreelimit' in [memory]; did you mean 'lower_freelimit'?"},
		{"[madvise]\nzzz = 30",
		 ":2: unknown key 'zzz' in [madvise]; the nearest is 'mode'"},
		{"[idle]\ncooldown = 30",
		 ":2: unknown key 'cooldown' in [idle]; it belongs in [memory]"},
		{"[memroy]\nfreetarget = 3",
		 ":1: unknown section [memroy]; did you mean [memory]?"},
		{"\n[x]", ":2: unknown section [x]; the nearest is [idle]"},
		{"freetarget = 3", ":1: 'freetarget' stands before the first [section]"},
		{"[memory]\nfreetarget = 30\ncooldown = 1s\n[idle]\n[memory]\nFREETARGET = 30",
		 ":6: 'freetarget' in [memory] again; it was set in line 2"},
		{"[memory]\na:b = 1",
		 ":2: unknown key 'a:b' in [memory]; the nearest is 'cooldown'"},
		{"[memory]\n\x1b[31m = 1", ":2: control character 0x1b"},
		{"[memory]\n\xc3\xa9\"x = 1",
		 ":2: unknown key '???x' in [memory]; the nearest is 'cooldown'"},
	};

	expect_faults(faults, ROWS(faults));
}
END_TEST

START_TEST(faults_of_lines)
{
	static const struct fault faults[] = {
		{"[memory]\nfreetarget", ":2: neither a [section] nor key = value"},
		{"[memory]\n= 5", ":2: neither a [section] nor key = value"},
		{"[memory]\nx", ":2: neither a [section] nor key = value"},
		{"[memory] # c", ":1: a section header is [name], alone on its line"},
		{"[memory]]", ":1: a section header is [name], alone on its line"},
		{"[[memory]", ":1: a section header is [name], alone on its line"},
		{"[memory", ":1: a section header is [name], alone on its line"},
		{"[memory\nx = 1]", ":1: a section header is [name], alone on its line"},
		{"[ ]", ":1: a section header without a name"},
		{"[memory]\ncooldown = \\\n5s", ":2: a '\\' at the end: lines can't be continued"},
		{"# comment \\ \n[memory]", ":1: a '\\' at the end: lines can't be continued"},
		{"[memory]\r\n", ":1: control character 0x0d; write the file with Unix line ends"},
		{"# \x07", ":1: control character 0x07"},
		{"[protect]\nnames = \"a", ":2: a quote is opened, but not closed"},
		{"[protect]\nnames = 'a\"", ":2: a quote is opened, but not closed"},
		{"[protect]\nnames = \"a\\b\"",
		 ":2: a '\\' in quotes, which iniparser 4.1 and 4.2 read differently"},
		{"[protect]\nnames = \"a\" b", ":2: something stands behind the closing quote"},
		{"[protect]\npaths = /a/b#c", ":2: a comment begins at '#'; put a blank before it, "
					      "or the value in quotes"},
		{"[protect]\npaths = /a;/b", ":2: a comment begins at ';'; put a blank before it, "
					     "or the value in quotes"},
	};

	expect_faults(faults, ROWS(faults));
	expect_fault("[memory]\n\n#\0\n", 13, ":3: control character 0x00");
}
END_TEST

START_TEST(faults_of_values)
{
	static const struct fault faults[] = {
		{"[memory]\nlower_freelimit = 120",
		 ":2: lower_freelimit = 120 is out of range: 0 to 99"},
		{"[memory]\nlower_freelimit = 2.5",
		 ":2: lower_freelimit = 2.5 is not a whole percentage; write it like 20 or 20%"},
		{"[memory]\ncooldown = 5x",
		 ":2: cooldown = 5x is not a time; write it like 90s, 5min or 1h 30min"},
		{"[memory]\ncooldown =",
		 ":2: cooldown = '' is not a time; write it like 90s, 5min or 1h 30min"},
		{"[memory]\ncooldown = 25h", ":2: cooldown = 25h is out of range: 1s to 24h"},
		{"[memory]\ncooldown = 99999999999999999999",
		 ":2: cooldown = 99999999999999999999 is out of range: 1s to 24h"},
		{"[idle]\nidle_cpu = 0", ":2: idle_cpu = 0 is out of range: 0.01% to 100%"},
		{"[idle]\nidle_cpu = low",
		 ":2: idle_cpu = low is not a percentage; write it like 1% or 0.5%"},
		{"[idle]\nmin_rss = 12MB",
		 ":2: min_rss = 12MB is not a size; write it like 4096, 12M or 1G"},
		{"[idle]\nmin_rss = 2T", ":2: min_rss = 2T is out of range: 0 to 1T"},
		{"[madvise]\nstep = 512K", ":2: step = 512K is out of range: 1M to 1G"},
		{"[madvise]\nenabled = maybe", ":2: enabled = maybe is neither yes nor no"},
		{"[madvise]\nmode = pagout", ":2: mode = pagout is not one of cold, pageout"},
		{"[protect]\noom_score_adj = 0x10",
		 ":2: oom_score_adj = 0x10 is not a whole number; write it like 100 or -500"},
		{"[protect]\noom_score_adj = -2000",
		 ":2: oom_score_adj = -2000 is out of range: -1001 to 1000"},
		{"[protect]\nuids = 1000 bob", ":2: uids = 1000 bob is not a list of user numbers; "
					       "write it like 1000 1001"},
		{"[protect]\nuids = 4294967295", ":2: uids = 4294967295 is not a list of user "
						 "numbers; write it like 1000 1001"},
		{"[protect]\nnames = a\\*b", ":2: names = a\\*b is not a value that can be held: "
					     "quotes, backslashes and control characters can't"},
		{"[protect]\nnames = it's", ":2: names = it's is not a value that can be held: "
					    "quotes, backslashes and control characters can't"},
		{"[prelock]\ncgroups = /a ^/b(", ":2: cgroups = /a ^/b( is not a list of patterns; "
						 "behind ^ there is no {}, and no + behind )*+?"},
		{"[prelock]\ncgroups = ^/b{9}", ":2: cgroups = ^/b{9} is not a list of patterns; "
						"behind ^ there is no {}, and no + behind )*+?"},
		{"[prelock]\ncgroups = ^a++++++++++++++++++++++++++++++",
		 ":2: cgroups = ^a++++++++++++++++++++++++++++++ is not a list of patterns; "
		 "behind ^ there is no {}, and no + behind )*+?"},
		{"[daemon]\nlockfile =", ":2: lockfile = '' is too short or too long: 1 to 900 "
					 "bytes"},
		{"[daemon]\nlockfile = run/lock",
		 ":2: lockfile = run/lock is not a path that begins with /"},
	};

	expect_faults(faults, ROWS(faults));
}
END_TEST

START_TEST(faults_between_values)
{
	static const struct fault faults[] = {
		{"[memory]\nfreetarget = 10",
		 ":2: freetarget = 10 is below lower_freelimit (20, default)"},
		{"[memory]\nlower_freelimit = 40",
		 ":2: lower_freelimit = 40 is above freetarget (30, default)"},
		{"[memory]\nupper_freelimit = 35\nfreetarget = 36",
		 ":3: freetarget = 36 is above upper_freelimit (35, line 2)"},
		{"[memory]\nfreetarget = 36\nupper_freelimit = 35",
		 ":3: upper_freelimit = 35 is below freetarget (36, line 2)"},
		{"[memory]\ncooldown = 90min",
		 ":2: cooldown = 1h 30min is above cooldown_max (1h, default)"},
		{"[daemon]\npsi_stall = 2s",
		 ":2: psi_stall = 2s is not below psi_window (500ms, default)"},
		{"[daemon]\npsi_stall = 600ms\npsi_window = 500ms",
		 ":3: psi_window = 500ms is not above psi_stall (600ms, line 2)"},
	};

	expect_faults(faults, ROWS(faults));
}
END_TEST

START_TEST(equal_limits_are_fine)
{
	struct config config;
	struct config_error error = {""};

	write_text("[memory]\nlower_freelimit = 50\nfreetarget = 50\nupper_freelimit = 50\n"
		   "cooldown = 1h\n[daemon]\npsi_stall = 0\n");
	ck_assert_msg(load(&config, &error) == 0, "%s", error.message);
	config_free(&config);
}
END_TEST

/* A comment and a setting of n bytes, with and without a newline behind them. */
START_TEST(lines_up_to_what_iniparser_takes)
{
	static const char *const starts[] = {"# ", "[protect]\nnames = a #"};
	char message[100];

	for (size_t i = 0; i < 4; i++) {
		const char *start = starts[i / 2];
		unsigned line = i / 2 == 0 ? 1 : 2;
		size_t before = line == 1 ? 0 : strlen("[protect]\n");

		for (size_t n = 1020; n <= 1026; n++) {
			struct config config;
			struct config_error error = {""};
			char text[1100];
			size_t len = before + n;

			memset(text, 'x', sizeof text);
			memcpy(text, start, strlen(start));
			if (i % 2 == 0)
				text[len++] = '\n';
			(void)snprintf(message, sizeof message,
				       ":%u: a line of %zu bytes, 1022 at most can be read", line,
				       n);
			if (n > 1022) {
				expect_fault(text, len, message);
				continue;
			}
			write_bytes(text, len);
			ck_assert_msg(load(&config, &error) == 0, "%s", error.message);
			config_free(&config);
		}
	}
}
END_TEST

START_TEST(long_texts_are_cut_in_messages)
{
	char text[1024] = "[memory]\n";
	struct config config;
	struct config_error error;

	memset(text + 9, 'k', 900);
	strcpy(text + 9 + 900, " = 1");
	write_text(text);
	ck_assert_int_eq(load(&config, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.message, "kkk...' in [memory]; the nearest is '"));
}
END_TEST

/* Whatever stands there: no crash, no leak, and a message of one printable line. */
START_TEST(random_files)
{
	static const char *const pieces[] = {
		"[memory]",
		"[idle]",
		"\n",
		"\n",
		"\n",
		"=",
		" ",
		"#",
		";",
		"\"",
		"'",
		"\\",
		"[",
		"]",
		"cooldown = 5min",
		"freetarget",
		"min_rss = 1M",
		"names",
		"30",
		"\t",
		"\r",
		"\xff",
		"\x01",
		"\n[protect]\nnames = ",
		"x",
	};
	struct series series = series_start(0xf11e5);
	size_t taken = 0;

	for (size_t round = 0; round < 5000; round++) {
		char text[400] = "";
		struct config config;
		struct config_error error = {""};
		uint64_t n = series_below(&series, 14);

		for (uint64_t i = 0; i < n; i++)
			strcat(text, pieces[series_below(&series, ROWS(pieces))]);
		write_text(text);
		if (load(&config, &error) == 0) {
			taken++;
			config_free(&config);
			continue;
		}
		ck_assert_uint_gt(strlen(behind_path(&error)), 5);
		for (const char *c = error.message; *c; c++)
			ck_assert(*c >= ' ' && *c < 0x7f);
		ck_assert_msg(!strstr(error.message, "iniparser reads"), "\"%s\": %s", text,
			      error.message);
	}
	ck_assert_uint_gt(taken, 50);
}
END_TEST

/* -- the file itself ------------------------------------------------------------------------ */

static void expect_refused(const char *message)
{
	struct config config;
	struct config_error error = {""};

	ck_assert_int_eq(config_load(path, false, NULL, 0, &config, &error), -EINVAL);
	ck_assert_str_eq(behind_path(&error), message);
}

START_TEST(missing_files)
{
	struct config config;
	struct config_error error;

	(void)unlink(path);
	ck_assert_int_eq(config_load(path, false, NULL, 0, &config, &error), 0);
	ck_assert_str_eq(config.path, "");
	expect_defaults(&config);
	config_free(&config);
	ck_assert_int_eq(load(&config, &error), -EINVAL);
	ck_assert_str_eq(behind_path(&error), ": cannot open it: No such file or directory");
}
END_TEST

START_TEST(other_kinds_of_files)
{
	struct config config;
	struct config_error error;

	(void)unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	expect_refused(": not a regular file");
	(void)unlink(path);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	expect_refused(": not a regular file");
	(void)rmdir(path);
	ck_assert_int_eq(symlink("/dev/zero", path), 0);
	expect_refused(": not a regular file");
	(void)unlink(path);
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	ck_assert_int_eq(load(&config, &error), 0);
	expect_defaults(&config);
	config_free(&config);
	(void)unlink(path);
}
END_TEST

START_TEST(links_are_followed)
{
	char target[sizeof path + 5];
	struct config config;
	struct config_error error;

	(void)snprintf(target, sizeof target, "%s.real", path);
	(void)unlink(path);
	write_text("[memory]\nfreetarget = 33\n");
	ck_assert_int_eq(rename(path, target), 0);
	ck_assert_int_eq(symlink(target, path), 0);
	ck_assert_int_eq(load(&config, &error), 0);
	ck_assert_uint_eq(config.params.memory.freetarget_percent, 33);
	config_free(&config);
	(void)unlink(path);
	(void)unlink(target);
}
END_TEST

START_TEST(files_up_to_a_megabyte)
{
	char *text = malloc(CONFIG_FILE_MAX + 1);
	struct config config;
	struct config_error error;

	memset(text, '\n', CONFIG_FILE_MAX + 1);
	write_bytes(text, CONFIG_FILE_MAX);
	ck_assert_int_eq(load(&config, &error), 0);
	config_free(&config);
	write_bytes(text, CONFIG_FILE_MAX + 1);
	expect_refused(": larger than 1 MiB");
	free(text);
}
END_TEST

START_TEST(owner_and_mode)
{
	static const mode_t bad[] = {0664, 0646, 0666, 0622};
	struct config config;
	struct config_error error = {""};
	char message[200];

	(void)unlink(path);
	write_text("");
	if (geteuid() != 0) {
		ck_assert_int_eq(chmod(path, 0666), 0);
		ck_assert_int_eq(load(&config, &error), 0);
		config_free(&config);
		return;
	}
	for (size_t i = 0; i < ROWS(bad); i++) {
		ck_assert_int_eq(chmod(path, bad[i]), 0);
		(void)snprintf(message, sizeof message,
			       ": others than root can write to it (mode %04o): chmod go-w %s",
			       (unsigned)bad[i], path);
		expect_refused(message);
	}
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(chown(path, 12345, 0), 0);
	(void)snprintf(message, sizeof message,
		       ": belongs to user 12345, and root must own it: chown root %s", path);
	expect_refused(message);
	ck_assert_int_eq(chown(path, 0, 12345), 0);
	ck_assert_int_eq(load(&config, &error), 0);
	config_free(&config);
	(void)unlink(path);
}
END_TEST

/* -- the command line ----------------------------------------------------------------------- */

START_TEST(overrides_win_over_the_file)
{
	char first[] = "--memory.freetarget=40", second[] = "--Memory.FreeTarget=41",
	     third[] = "--protect.more_names=one", fourth[] = "--protect.more_names= Two three ";
	char *const overrides[] = {first, second, third, fourth};
	struct config config;
	struct config_error error = {""};
	size_t i = option_find("memory", "freetarget");

	write_text("[memory]\nfreetarget = 33\nlower_freelimit = 5\n[protect]\nmore_names = x\n");
	ck_assert_msg(config_load(path, true, overrides, 4, &config, &error) == 0, "%s",
		      error.message);
	ck_assert_uint_eq(config.params.memory.freetarget_percent, 41);
	ck_assert_uint_eq(config.params.memory.lower_freelimit_percent, 5);
	ck_assert_int_eq(config.origin[i].source, SOURCE_ARGV);
	ck_assert_uint_eq(config.origin[i].line, 0);
	ck_assert_str_eq(config.params.protect.more_names, "Two three");
	config_free(&config);
}
END_TEST

START_TEST(faults_of_overrides)
{
	static const struct fault faults[] = {
		{"--memory.freetarget=10",
		 "--memory.freetarget=10: below lower_freelimit (20, default)"},
		{"--memory.freetarget=120", "--memory.freetarget=120: out of range: 0 to 100"},
		{"--memory.cooldown=5x", "--memory.cooldown=5x: not a time; write it like 90s, "
					 "5min or 1h 30min"},
		{"--memory.cooldown=",
		 "--memory.cooldown=: not a time; write it like 90s, 5min or 1h 30min"},
		{"--memory.cooldown", "--memory.cooldown: no value; write =VALUE behind it"},
		{"--memory.freetraget=5", "--memory.freetraget=5: unknown key 'freetraget' in "
					  "[memory]; did you mean 'freetarget'?"},
		{"--memroy.freetarget=5",
		 "--memroy.freetarget=5: unknown section [memroy]; did you mean [memory]?"},
		{"--freetarget=5", "--freetarget=5: a setting is --section.key=value; did you mean "
				   "--memory.freetarget?"},
		{"-memory.freetarget=5", "-memory.freetarget=5: a setting is --section.key=value; "
					 "the nearest is --memory.freetarget"},
		{"--", "--: a setting is --section.key=value; the nearest is --daemon.log"},
		{"", "'': a setting is --section.key=value; the nearest is --daemon.log"},
		{"--protect.names=a\nb", "--protect.names=a?b: not a value that can be held: "
					 "quotes, backslashes and control characters can't"},
		{"--protect.names=a\033[1m", "--protect.names=a?[1m: not a value that can be held: "
					     "quotes, backslashes and control characters can't"},
	};

	for (size_t i = 0; i < ROWS(faults); i++) {
		char override[100];
		struct config config;
		struct config_error error = {""};

		strcpy(override, faults[i].text);
		ck_assert_int_eq(load_with(override, &config, &error), -EINVAL);
		ck_assert_str_eq(error.message, faults[i].message);
	}
}
END_TEST

START_TEST(overrides_that_are_too_long)
{
	char *override = malloc(5000);
	struct config config;
	struct config_error error;

	strcpy(override, "--memory.freetarget=");
	memset(override + strlen(override), '0', 4000);
	strcpy(override + 4020, "30");
	ck_assert_int_eq(load_with(override, &config, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.message, "000...: too long"));
	strcpy(override, "--protect.names=");
	memset(override + 16, ' ', 5000 - 17);
	for (size_t i = 16; i < 1020; i += 2)
		override[i] = 'x';
	override[1020] = '\0';
	ck_assert_int_eq(load_with(override, &config, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.message, "too short or too long: 0 to 900 bytes"));
	free(override);
}
END_TEST

/* -- printing and reading back -------------------------------------------------------------- */

static char *print(const struct config *config)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(config_print(config, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

static void expect_round_trip(const struct config *config)
{
	_cleanup_free_ char *text = print(config);
	struct config back;
	struct config_error error = {""};

	write_text(text);
	ck_assert_msg(load(&back, &error) == 0, "%s", error.message);
	for (size_t i = 0; i < config_n_options; i++) {
		const struct option_def *option = &config_options[i];

		ck_assert_int_eq(back.origin[i].source, SOURCE_FILE);
		if (value_is_string(option))
			ck_assert_str_eq(value_string(option, &back.params),
					 value_string(option, &config->params));
		else
			ck_assert_int_eq(value_number(option, &back.params),
					 value_number(option, &config->params));
	}
	config_free(&back);
}

START_TEST(what_is_printed_can_be_read_back)
{
	static const char *const files[] = {
		"",
		"[memory]\nlower_freelimit = 0\nfreetarget=0\nupper_freelimit=1\ncooldown=1s\n",
		"[idle]\nidle_cpu = 0.07%\nmin_idle = 61s 5ms\nmin_rss = 12345\nbackoff_max=168h\n",
		"[protect]\nnames=\nmore_names = a # b\npaths=\"/a#b ; /c\"\nuids=1,2 3\n",
		"[madvise]\nenabled=yes\nmode=cold\nmax_bytes=1536M\nswap_margin=0\nstep=1025K\n",
		"[daemon]\npsi_stall=0\nlog=verbose\nlockfile=/tmp/a lock file\n",
	};

	for (size_t i = 0; i < ROWS(files); i++) {
		struct config config;
		struct config_error error = {""};

		write_text(files[i]);
		ck_assert_msg(load(&config, &error) == 0, "%s", error.message);
		expect_round_trip(&config);
		config_free(&config);
	}
}
END_TEST

/* Every byte either comes back or is refused. */
START_TEST(every_byte_in_a_string)
{
	size_t refused = 0;

	for (int c = 1; c < 256; c++) {
		char override[] = "--protect.more_names=a?b c?";
		struct config config;
		struct config_error error;

		override[22] = (char)c;
		override[26] = (char)c;
		if (load_with(override, &config, &error) < 0) {
			refused++;
			continue;
		}
		expect_round_trip(&config);
		config_free(&config);
	}
	/* 31 control characters without the tab, DEL, two quotes, the backslash */
	ck_assert_uint_eq(refused, 30 + 1 + 2 + 1);
}
END_TEST

START_TEST(random_strings_come_back)
{
	struct series series = series_start(0x57e195);

	for (size_t round = 0; round < 2000; round++) {
		char override[1000] = "--protect.paths=";
		size_t start = strlen(override), n = series_below(&series, 901);
		struct config config;
		struct config_error error = {""};

		for (size_t i = 0; i < n; i++) {
			char c = (char)(' ' + (int)series_below(&series, 95));

			override[start + i] = strchr("\"'\\", c) || i % 100 == 0 ? ' ' : c;
		}
		ck_assert_msg(load_with(override, &config, &error) == 0, "%s", error.message);
		expect_round_trip(&config);
		config_free(&config);
	}
}
END_TEST

START_TEST(what_is_printed)
{
	char override[] = "--protect.paths=/a#b";
	char *const overrides[] = {override};
	_cleanup_free_ char *text = NULL;
	struct config config;
	struct config_error error;
	char first[sizeof path + 200];

	write_text("[memory]\ncooldown = 300\n");
	ck_assert_int_eq(config_load(path, true, overrides, 1, &config, &error), 0);
	text = print(&config);
	config_free(&config);
	(void)snprintf(first, sizeof first,
		       "# read from %s\n\n[memory]\n"
		       "# memory is short when less than this percentage of it is available\n"
		       "lower_freelimit = 20 # default\n",
		       path);
	ck_assert_int_eq(strncmp(text, first, strlen(first)), 0);
	ck_assert_ptr_nonnull(strstr(text, "\ncooldown = 5min # line 2\n"));
	ck_assert_ptr_nonnull(strstr(text, "\npaths = \"/a#b\" # command line\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nmore_names = # default\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n\n[daemon]\n# "));
}
END_TEST

START_TEST(a_full_disk_is_told)
{
	FILE *full = fopen("/dev/full", "we");
	struct config config;
	struct config_error error;

	ck_assert_ptr_nonnull(full);
	ck_assert_int_eq(config_load("/dev/null", true, NULL, 0, &config, &error), 0);
	ck_assert_int_eq(config_print(&config, full), -EIO);
	config_free(&config);
	(void)fclose(full);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		nothing_set_gives_the_defaults,
		forms_that_are_taken,
		lines_are_remembered,
		faults_of_names,
		faults_of_lines,
		faults_of_values,
		faults_between_values,
		equal_limits_are_fine,
		lines_up_to_what_iniparser_takes,
		long_texts_are_cut_in_messages,
		random_files,
		missing_files,
		other_kinds_of_files,
		links_are_followed,
		files_up_to_a_megabyte,
		owner_and_mode,
		overrides_win_over_the_file,
		faults_of_overrides,
		overrides_that_are_too_long,
		what_is_printed_can_be_read_back,
		every_byte_in_a_string,
		random_strings_come_back,
		what_is_printed,
		a_full_disk_is_told,
	};
	int status;

	if (!mkdtemp(directory))
		return 1;
	(void)snprintf(path, sizeof path, "%s/settings", directory);
	(void)umask(022);
	status = RUN_TESTS("config", tests);
	(void)unlink(path);
	return rmdir(directory) < 0 ? 1 : status;
}

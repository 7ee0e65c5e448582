/* SPDX-License-Identifier: Apache-2.0 */

/* The settings file: good lines, bad lines, and the environment, which wins. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"

static char faults_text[65536];

/* Writes the text to a file and loads it with the environment given. */
static int load_with(struct str text, const char *const *environment, struct config *out)
{
	char path[512];
	struct buf faults;

	snprintf(path, sizeof(path), "%s/config.XXXXXX", getenv("TEST_DIR"));
	int fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text.at, text.len), (ssize_t)text.len);
	close(fd);

	buf_init(&faults, sizeof(faults_text) - 1);
	int rc = config_load((char *const *)environment, path, CONFIG_FOR_STORE, out, &faults);
	snprintf(faults_text, sizeof(faults_text), "%s", buf_text(&faults));
	buf_done(&faults);
	unlink(path);
	return rc;
}

static int load_text(const char *text, struct config *out)
{
	static const char *const nothing[] = { NULL };

	return load_with(str_of(text), nothing, out);
}

Test(config_file, reads_one_value_however_it_is_written)
{
	static const struct {
		const char *text;
		const char *expected; /* of WRENN_EVENTS_DATA_DIR */
	} cases[] = {
		{ "WRENN_EVENTS_DATA_DIR=/a/b", "/a/b" },
		{ "WRENN_EVENTS_DATA_DIR=/a/b\n", "/a/b" },
		{ "WRENN_EVENTS_DATA_DIR=/a/b\r\n", "/a/b" },
		{ "  WRENN_EVENTS_DATA_DIR\t=  /a/b \t\n", "/a/b" },
		{ "export WRENN_EVENTS_DATA_DIR=/a/b", "/a/b" },
		{ "export\t WRENN_EVENTS_DATA_DIR=/a/b", "/a/b" },
		{ "\xef\xbb\xbfWRENN_EVENTS_DATA_DIR=/a/b", "/a/b" },
		{ "# a comment\n\n \t\n#WRENN_EVENTS_DATA_DIR=no\nWRENN_EVENTS_DATA_DIR=/a/b",
		  "/a/b" },
		{ "WRENN_EVENTS_DATA_DIR=/a/b # comment", "/a/b" },
		{ "WRENN_EVENTS_DATA_DIR=/a/b\t# x # y", "/a/b" },
		{ "WRENN_EVENTS_DATA_DIR=/a#b", "/a#b" },
		{ "WRENN_EVENTS_DATA_DIR=#a", "#a" },
		{ "WRENN_EVENTS_DATA_DIR= # comment", "var" },
		{ "WRENN_EVENTS_DATA_DIR=", "var" },
		{ "WRENN_EVENTS_DATA_DIR=\"\"", "var" },
		{ "WRENN_EVENTS_DATA_DIR=\"/a # b \"", "/a # b " },
		{ "WRENN_EVENTS_DATA_DIR='/a \"b\"' # c", "/a \"b\"" },
		{ "WRENN_EVENTS_DATA_DIR = \"/a'b\"#c", "/a'b" },
		{ "WRENN_EVENTS_DATA_DIR=\"a\\nb$HOME\"", "a\\nb$HOME" },
		{ "WRENN_EVENTS_DATA_DIR=a\"b\"", "a\"b\"" },
		{ "WRENN_EVENTS_DATA_DIR=a=b=c", "a=b=c" },
		{ "SMTP_PASSWORD=\"never closed\nFOO=\nWRENN_EVENTS_DATA_DIR=x", "x" },
		{ "", "var" },
		{ "\n\n", "var" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config config;

		cr_assert_eq(load_text(cases[i].text, &config), 0, "%s: %s", cases[i].text,
			     faults_text);
		cr_expect_str_eq(config.data_dir, cases[i].expected, "%s gave %s", cases[i].text,
				 config.data_dir);
		config_done(&config);
	}
}

Test(config_file, refuses_bad_lines_by_number_and_repeats_nothing_of_them)
{
	static const struct {
		const char *text;
		const char *fault; /* its beginning */
	} cases[] = {
		{ "hunter2", "line 1 of the file: " },
		{ "\n\n  hunter2\n", "line 3 of the file: " },
		{ "A=1\r\nhunter2\r\nB=1", "line 2 of the file: " },
		{ "=hunter2", "line 1 of the file: " },
		{ "1A=hunter2", "line 1 of the file: " },
		{ "A B=hunter2", "line 1 of the file: " },
		{ "A-B=hunter2", "line 1 of the file: " },
		{ "export=hunter2\nexport hunter2", "line 2 of the file: " },
		{ "\xc3\xa9=hunter2", "line 1 of the file: " },
		{ "WRENN_EVENTS_DATA_DIR=\"hunter2", "WRENN_EVENTS_DATA_DIR: line 1 " },
		{ "WRENN_EVENTS_DATA_DIR='hunter2\"", "WRENN_EVENTS_DATA_DIR: line 1 " },
		{ "WRENN_EVENTS_DATA_DIR=\"a\" hunter2", "WRENN_EVENTS_DATA_DIR: line 1 " },
		{ "WRENN_EVENTS_DATA_DIR=\"a\\\"hunter2\"", "WRENN_EVENTS_DATA_DIR: line 1 " },
		{ "WRENN_EVENTS_DATA_DIR=\"", "WRENN_EVENTS_DATA_DIR: line 1 " },
		{ "DATABASE_URL=sqlite:a\n\nDATABASE_URL=hunter2",
		  "DATABASE_URL: set twice in the file, in line 1 and in line 3; remove one" },
		{ "A=1\nWRENN_EVENTS_FOO=hunter2", "WRENN_EVENTS_FOO: line 2 of the file: " },
		{ "DATABASE_URL=hunter2", "DATABASE_URL: " },
		{ "WRENN_ENCRYPTION_KEY=hunter2", "WRENN_ENCRYPTION_KEY: " },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config config;

		cr_expect_eq(load_text(cases[i].text, &config), -EINVAL, "%s", cases[i].text);
		cr_expect(str_starts(str_of(faults_text), str_of(cases[i].fault)), "%s gave %s",
			  cases[i].text, faults_text);
		cr_expect_null(strstr(faults_text, "hunter2"), "%s", faults_text);
		cr_expect_eq(strchr(faults_text, '\n'), faults_text + strlen(faults_text) - 1);
	}
}

Test(config_file, reports_every_bad_line)
{
	struct config config;

	cr_expect_eq(load_text("bad\nWRENN_EVENTS_WORKERS=x\nworse\n", &config), -EINVAL);
	cr_expect_not_null(strstr(faults_text, "line 1 "));
	cr_expect_not_null(strstr(faults_text, "line 3 "));
	cr_expect_not_null(strstr(faults_text, "WRENN_EVENTS_WORKERS: expected auto"), "%s",
			   faults_text);
}

Test(config_file, refuses_nul_bytes)
{
	static const char *const nothing[] = { NULL };
	static const struct str texts[] = {
		{ "A\0=1", 4 },
		{ "\0", 1 },
		{ "WRENN_EVENTS_DATA_DIR=a\0b", 25 },
		{ "WRENN_EVENTS_DATA_DIR=\"a\0b\"", 27 },
		{ "DATABASE_URL=sqlite:\0", 21 },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct config config;

		cr_expect_eq(load_with(texts[i], nothing, &config), -EINVAL, "case %zu", i);
	}
}

Test(config_file, gives_way_to_the_environment_even_to_an_empty_value)
{
	static const char *const environment[] = { "WRENN_EVENTS_WORKERS=7", "REDIS_URL=", NULL };
	struct config config;

	cr_assert_eq(load_with(STR("WRENN_EVENTS_WORKERS=5\nWRENN_EVENTS_KEEPALIVE_S=9\n"
				   "REDIS_URL=redis://elsewhere\n"),
			       environment, &config),
		     0, "%s", faults_text);
	cr_expect_eq(config.workers, 7);
	cr_expect_eq(config.keepalive_s, 9);
	cr_expect_str_eq(config.redis_url, "redis://localhost:6379/0");
	config_done(&config);
}

Test(config_file, may_hide_a_bad_value_behind_the_environment)
{
	static const char *const environment[] = { "WRENN_EVENTS_WORKERS=7", NULL };
	struct config config;

	cr_assert_eq(load_with(STR("WRENN_EVENTS_WORKERS=many"), environment, &config), 0, "%s",
		     faults_text);
	cr_expect_eq(config.workers, 7);
	config_done(&config);
}

Test(config_file, has_to_be_there_and_readable)
{
	static const char *const nothing[] = { NULL };
	static const struct {
		const char *path;
		int rc;
	} cases[] = { { "/nowhere/at/all.env", -ENOENT }, { "/", -EISDIR }, { "", -ENOENT } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config config;
		struct buf faults;

		buf_init(&faults, 1000);
		cr_expect_eq(config_load((char *const *)nothing, cases[i].path, CONFIG_FOR_STORE,
					 &config, &faults),
			     cases[i].rc, "%s", cases[i].path);
		cr_expect_not_null(strstr(buf_text(&faults), "cannot be read"));
		cr_expect(str_starts(buf_str(&faults), str_of(cases[i].path)));
		buf_done(&faults);
		config_done(&config);
	}
}

Test(config_file, may_have_a_mebibyte_and_no_more)
{
	static char text[1024 * 1024 + 1];
	static const char *const nothing[] = { NULL };
	struct config config;

	memset(text, '\n', sizeof(text));
	cr_expect_eq(load_with((struct str){ text, sizeof(text) - 1 }, nothing, &config), 0);
	config_done(&config);
	cr_expect_eq(load_with((struct str){ text, sizeof(text) }, nothing, &config), -E2BIG);
	cr_expect_not_null(strstr(faults_text, "larger than 1 MiB"));
}

/* The example shows every setting, each as a comment with its default, and the key empty. */
Test(config_file, loads_from_the_example_once_the_key_is_set)
{
	static const char *const key[] = {
		"WRENN_ENCRYPTION_KEY="
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		NULL,
	};
	static const char *const nothing[] = { NULL };
	struct config config;
	struct buf faults;

	buf_init(&faults, 1000);
	cr_expect_eq(config_load((char *const *)nothing, "config/example.env", CONFIG_FOR_SERVE,
				 &config, &faults),
		     -EINVAL);
	buf_reset(&faults);
	cr_expect_eq(config_load((char *const *)key, "config/example.env", CONFIG_FOR_SERVE,
				 &config, &faults),
		     0, "%s", buf_text(&faults));
	config_done(&config);
	buf_done(&faults);
}

Test(config_file, finds_the_example_true_when_every_comment_is_taken_away)
{
	static const char *const nothing[] = { NULL };
	static char example[65536];
	struct config config, defaults;
	struct buf faults;
	FILE *file = fopen("config/example.env", "r");

	cr_assert_not_null(file);
	size_t len = fread(example, 1, sizeof(example), file);
	fclose(file);
	for (size_t i = 0; i + 1 < len; i++) {
		if (example[i] == '#' && example[i + 1] != ' ')
			example[i] = ' ';
	}
	cr_assert_eq(load_with((struct str){ example, len }, nothing, &config), 0, "%s",
		     faults_text);
	buf_init(&faults, 1000);
	cr_assert_eq(
		config_load((char *const *)nothing, NULL, CONFIG_FOR_STORE, &defaults, &faults), 0);
	cr_expect_str_eq(config.database_url, defaults.database_url);
	cr_expect_str_eq(config.redis_url, defaults.redis_url);
	cr_expect_str_eq(config.listen_host, defaults.listen_host);
	cr_expect_eq(config.listen_port, defaults.listen_port);
	cr_expect_str_eq(config.data_dir, defaults.data_dir);
	cr_expect_str_eq(config.group, defaults.group);
	cr_expect_eq(config.workers, defaults.workers);
	cr_expect_eq(config.deliver, defaults.deliver);
	cr_expect_eq(config.audit, defaults.audit);
	cr_expect_eq(config.api_keys, defaults.api_keys);
	cr_expect_eq(config.channel_role, defaults.channel_role);
	cr_expect_eq(config.keepalive_s, defaults.keepalive_s);
	cr_expect_eq(config.log, defaults.log);
	cr_expect_eq(config.claim_idle_s, defaults.claim_idle_s);
	cr_expect_eq(config.max_connections, defaults.max_connections);
	cr_expect_eq(config.max_streams_per_team, defaults.max_streams_per_team);
	cr_expect_eq(config.max_inflight, defaults.max_inflight);
	buf_done(&faults);
	config_done(&config);
	config_done(&defaults);
}

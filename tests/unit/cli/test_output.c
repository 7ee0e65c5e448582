/* SPDX-License-Identifier: Apache-2.0 */

/* A terminal gets no control characters. A pipe gets the bytes unchanged. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "cli/output.h"

static const struct {
	const char *text;
	const char *on_terminal;
} cases[] = {
	{ "plain\tand\n\xc3\xa9\xf0\x9f\x98\x80", "plain\tand\n\xc3\xa9\xf0\x9f\x98\x80" },
	{ "\x1b[31mred", "\\u001b[31mred" },
	{ "over\rwritten\b\a", "over\\u000dwritten\\u0008\\u0007" },
	{ "\x7f", "\\u007f" },
	{ "\xc2\x9b"
	  "31m",
	  "\\u009b31m" },                                 /* CSI */
	{ "\xc2\x85", "\\u0085" },                        /* next line */
	{ "\x9b", "\\x9b" },                              /* not UTF-8: an old terminal's CSI */
	{ "\xe2\x80\xae\xe2\x81\xa6", "\\u202e\\u2066" }, /* bidi override and isolate */
	{ "\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "\\u200e\\u200f\\u061c" },
	{ "\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029" },
};

Test(output, shows_a_place_without_its_secrets)
{
	static const struct {
		const char *url;
		const char *place;
	} urls[] = {
		{ "redis://localhost:6379/0", "redis://localhost:6379/0" },
		{ "redis://:s3cret@host:6379/2", "redis://host:6379/2" },
		{ "rediss://user:s3@cret@host/2?password=s3cret", "rediss://host/2" },
		{ "redis+sentinel://u:s3cret@a:26379,b:26379/main/0",
		  "redis+sentinel://a:26379,b:26379/main/0" },
		{ "unix:///run/redis.sock?db=3", "unix:///run/redis.sock" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct buf place;

		buf_init(&place, 256);
		output_add_place(&place, str_of(urls[i].url));
		cr_expect_str_eq(buf_text(&place), urls[i].place);
		buf_done(&place);
	}
}

static void write_to(FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		output_write(out, str_of(cases[i].text));
	fclose(out);
}

static void expect_read(int fd, const char *expected)
{
	char seen[1024];
	size_t len = 0;
	ssize_t n;

	while (len < strlen(expected) && (n = read(fd, seen + len, sizeof(seen) - 1 - len)) > 0)
		len += (size_t)n;
	seen[len] = '\0';
	cr_expect_str_eq(seen, expected);
}

static FILE *open_terminal(int *out_master)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	int terminal;
	struct termios raw;

	cr_assert_geq(master, 0);
	cr_assert_eq(grantpt(master), 0);
	cr_assert_eq(unlockpt(master), 0);
	terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
	cr_assert_geq(terminal, 0);
	cr_assert_eq(tcgetattr(terminal, &raw), 0);
	cfmakeraw(&raw);
	cr_assert_eq(tcsetattr(terminal, TCSANOW, &raw), 0);
	*out_master = master;
	return fdopen(terminal, "w");
}

Test(output, is_escaped_on_a_terminal)
{
	char expected[1024] = "";
	int master;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%s",
			 cases[i].on_terminal);
	FILE *terminal = open_terminal(&master);
	int kept = dup(fileno(terminal)); /* or close() would discard unread bytes */

	write_to(terminal);
	expect_read(master, expected);
	close(kept);
	close(master);
}

Test(output, is_left_alone_in_a_pipe)
{
	char expected[1024] = "";
	int ends[2];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%s",
			 cases[i].text);
	cr_assert_eq(pipe(ends), 0);
	write_to(fdopen(ends[1], "w"));
	expect_read(ends[0], expected);
	close(ends[0]);
}

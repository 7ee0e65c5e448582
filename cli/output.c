/* SPDX-License-Identifier: Apache-2.0 */

/* A command ignores SIGPIPE because of its sockets. output_end() raises it again, so that
 * `wrenn-events tail | head -1` ends like any other filter. */
#include "cli/output.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/command.h"
#include "core/errno_text.h"
#include "core/utf8.h"

/* Limit of one write: the longest answer with every byte escaped. */
#define ESCAPED_LIMIT (64 * 1024 * 1024)

/* A carriage return before a line feed moves nothing. */
static bool stays(uint32_t code, struct str rest, bool keep_lines)
{
	if (!utf8_is_control(code))
		return true;
	return keep_lines && (code == '\n' || code == '\t' || str_starts(rest, STR("\r\n")));
}

void output_escape(struct buf *out, struct str text, bool keep_lines)
{
	uint32_t code;

	while (text.len && !out->err) {
		size_t n = utf8_decode(text, &code);

		if (n == 0)
			buf_addf(out, "\\x%02x", (unsigned)(unsigned char)text.at[0]);
		else if (stays(code, text, keep_lines))
			buf_add(out, text.at, n);
		else
			buf_addf(out, "\\u%04x", (unsigned)code);
		text = str_from(text, n ? n : 1);
	}
}

void output_write(FILE *out, struct str text)
{
	struct buf escaped;

	if (!isatty(fileno(out))) {
		fwrite(text.at, 1, text.len, out);
		return;
	}
	buf_init(&escaped, ESCAPED_LIMIT);
	output_escape(&escaped, text, true);
	text = buf_str(&escaped);
	fwrite(text.at, 1, text.len, out);
	buf_done(&escaped);
}

bool output_is_terminal(void)
{
	return isatty(STDOUT_FILENO);
}

bool output_is_coloured(void)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return output_is_terminal() && !(no_colour && *no_colour) &&
	       !(terminal && strcmp(terminal, "dumb") == 0);
}

size_t output_columns(void)
{
	struct winsize size = { 0 };

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void output_add_place(struct buf *out, struct str url)
{
	struct str rest = str_cut(&url, '?');
	const char *mark = memmem(rest.at, rest.len, "://", 3);
	size_t scheme_len = mark ? (size_t)(mark - rest.at) + 3 : 0;
	const char *at = memrchr(rest.at, '@', rest.len);

	buf_add(out, rest.at, scheme_len);
	if (at)
		buf_add_str(out, str_from(rest, (size_t)(at - rest.at) + 1));
	else
		buf_add_str(out, str_from(rest, scheme_len));
}

/* The errno of the first failure. A later flush may have nothing to write and so no error. */
static int failure;

bool output_failed(void)
{
	errno = EIO;
	if (!failure && (fflush(stdout) != 0 || ferror(stdout)))
		failure = errno;
	return failure != 0;
}

static void end_by_broken_pipe(void)
{
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	raise(SIGPIPE);
}

int output_end(int code)
{
	if (!output_failed())
		return code;
	if (failure == EPIPE)
		end_by_broken_pipe();
	return command_fault(EXIT_FAILED, "cannot write to standard output: %s",
			     errno_text(-failure));
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * NAME=VALUE lines, as in a shell or in the control plane's .env. Names of other programs are
 * skipped without reading their values. No fault repeats a line, because it may hold a secret.
 */
#include "config/file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "config/setting.h"
#include "config/table.h"

int settings_file_read(const char *path, struct buf *out)
{
	char chunk[4096];
	int rc = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (rc == 0) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno != EINTR)
			rc = -errno;
		if (n == 0)
			break;
		if (n > 0)
			buf_add(out, chunk, (size_t)n);
		if (out->err)
			rc = out->err;
	}
	explicit_bzero(chunk, sizeof(chunk));
	close(fd);
	return rc;
}

static bool is_name(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!isalnum((unsigned char)text.at[i]) && text.at[i] != '_')
			return false;
	}
	return text.len > 0 && !isdigit((unsigned char)text.at[0]);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* After the closing quote only a comment may follow. */
static bool unquote(struct str *value)
{
	char quote = value->at[0];
	struct str rest = str_from(*value, 1);
	const char *close = memchr(rest.at, quote, rest.len);

	if (!close)
		return false;
	size_t len = (size_t)(close - rest.at);
	struct str after = str_trim(str_from(rest, len + 1));
	if (after.len && after.at[0] != '#')
		return false;
	*value = (struct str){ .at = rest.at, .len = len };
	return true;
}

/* A '#' inside a word belongs to it, because passwords have them. After a blank it starts a
 * comment. */
static struct str without_comment(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] == '#' && i > 0 && is_blank(value.at[i - 1]))
			value.len = i;
	}
	return str_trim(value);
}

static int parse_value(size_t row, struct str value, unsigned number, struct setting_texts *texts,
		       struct buf *faults)
{
	const char *name = settings[row].name;
	struct str trimmed = str_trim(value);

	if (texts->line[row])
		return setting_fault(name, faults,
				     "set twice in the file, in line %u and in line %u; remove one",
				     texts->line[row], number);
	texts->line[row] = number;
	if (trimmed.len && (trimmed.at[0] == '"' || trimmed.at[0] == '\'')) {
		if (!unquote(&trimmed))
			return setting_fault(name, faults,
					     "line %u of the file: the closing quote is missing, "
					     "or text follows it",
					     number);
		texts->value[row] = trimmed;
		return 0;
	}
	texts->value[row] = without_comment(value);
	return 0;
}

static int parse_line(struct str line, unsigned number, struct setting_texts *texts,
		      struct buf *faults)
{
	struct str value = str_trim(line);

	if (value.len == 0 || value.at[0] == '#')
		return 0;
	if (value.len > 7 && str_starts(value, STR("export")) && is_blank(value.at[6]))
		value = str_trim(str_from(value, 6));

	struct str name = str_trim(str_cut(&value, '='));
	if (!value.at || !is_name(name)) {
		buf_addf(faults, "line %u of the file: expected NAME=VALUE\n", number);
		return -EINVAL;
	}
	size_t row = setting_find(name);
	if (row == settings_count)
		return setting_unknown(name, number, faults);
	return parse_value(row, value, number, texts, faults);
}

int settings_file_parse(struct str text, struct setting_texts *texts, struct buf *faults)
{
	unsigned number = 0;
	int rc = 0;

	if (str_starts(text, STR("\xef\xbb\xbf"))) /* some editors write a byte order mark */
		text = str_from(text, 3);
	while (text.at) {
		if (parse_line(str_cut(&text, '\n'), ++number, texts, faults) < 0)
			rc = -EINVAL;
	}
	return rc;
}

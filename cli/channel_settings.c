/* SPDX-License-Identifier: Apache-2.0 */

/* No copy of a secret stays in a buffer of stdio or on the stack. Prompts go to standard error. */
#include "cli/channel_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "cli/command.h"
#include "core/errno_text.h"
#include "core/json.h"

#define FILE_LIMIT 65536

/* True for settings that a list of processes may show. */
static bool is_open(const char *name)
{
	static const char *const open[] = { "url", "chat_id", "room_id", "homeserver_url" };

	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		if (strcmp(open[i], name) == 0)
			return true;
	return false;
}

static int find_field(const struct provider *provider, struct str name, size_t *out)
{
	struct buf names;
	int code;

	buf_init(&names, 1024);
	for (size_t i = 0; i < PROVIDER_MAX_FIELDS && provider->fields[i].name; i++) {
		if (str_is(name, provider->fields[i].name)) {
			*out = i;
			buf_done(&names);
			return EXIT_GOOD;
		}
		buf_addf(&names, "%s%s", i ? ", " : "", provider->fields[i].name);
	}
	code = command_fault(EXIT_USAGE, "%s has no setting \"%.*s\"; it has %.*s", provider->name,
			     (int)(name.len < 64 ? name.len : 64), name.at,
			     STR_ARGS(buf_str(&names)));
	buf_done(&names);
	return code;
}

static int keep(const struct provider *provider, struct secret *settings, struct str name,
		struct str value)
{
	size_t field = 0;
	int code = find_field(provider, name, &field);

	if (code == EXIT_GOOD && secret_set(&settings[field], value) < 0)
		code = command_fault(EXIT_FAILED, "out of memory");
	return code;
}

int channel_settings_set(const struct provider *provider, struct secret *settings, const char *pair)
{
	struct str value = str_of(pair);
	struct str name = str_cut(&value, '=');
	size_t field = 0;
	int code = find_field(provider, name, &field);

	if (code != EXIT_GOOD)
		return code;
	if (!is_open(provider->fields[field].name))
		return command_fault(EXIT_USAGE,
				     "--set: %s is a secret, and other users see the arguments; "
				     "write %s=... into a file for --settings FILE, or send it to "
				     "--settings -",
				     provider->fields[field].name, provider->fields[field].name);
	return keep(provider, settings, name, value);
}

/* ---- a file ------------------------------------------------------------------------------ */

static int take_lines(const struct provider *provider, struct secret *settings, struct str text)
{
	int code = EXIT_GOOD;

	for (unsigned number = 1; text.at && code == EXIT_GOOD; number++) {
		struct str value = str_trim(str_cut(&text, '\n'));

		if (value.len == 0 || value.at[0] == '#')
			continue;
		struct str name = str_trim(str_cut(&value, '='));

		if (!value.at)
			return command_fault(EXIT_USAGE, "--settings: line %u: expected NAME=VALUE",
					     number);
		code = keep(provider, settings, name, str_trim(value));
	}
	return code;
}

static int take_json(const struct provider *provider, struct secret *settings, struct str text)
{
	struct reason why = { .text = "" };
	cJSON *tree = NULL;
	cJSON *member;
	int code = EXIT_GOOD;

	if (json_parse(text, FILE_LIMIT, &tree, &why) < 0)
		return command_fault(EXIT_USAGE, "--settings: %s", why.text);
	cJSON_ArrayForEach(member, tree)
	{
		if (code == EXIT_GOOD && !cJSON_IsString(member))
			code = command_fault(EXIT_USAGE, "--settings: %s must be a string",
					     member->string ? member->string : "a setting");
		if (code == EXIT_GOOD)
			code = keep(provider, settings, str_of(member->string),
				    str_of(member->valuestring));
		if (cJSON_IsString(member))
			explicit_bzero(member->valuestring, strlen(member->valuestring));
	}
	cJSON_Delete(tree);
	return code;
}

/* Returns 0, or a negative errno. */
static int read_all(int fd, char *text, size_t *out_len)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, text + len, FILE_LIMIT - len);
		if (n > 0)
			len += (size_t)n;
	} while ((n > 0 && len < FILE_LIMIT) || (n < 0 && errno == EINTR));
	*out_len = len;
	return n < 0 ? -errno : len == FILE_LIMIT ? -E2BIG : 0;
}

int channel_settings_read(const struct provider *provider, struct secret *settings,
			  const char *file)
{
	bool is_input = strcmp(file, "-") == 0;
	int fd = is_input ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	static char text[FILE_LIMIT];
	size_t len = 0;
	int rc = fd < 0 ? -errno : read_all(fd, text, &len);
	struct str given = str_trim((struct str){ .at = text, .len = len });
	int code;

	if (rc < 0)
		code = command_fault(EXIT_USAGE, "--settings: %s: %s", file, errno_text(rc));
	else if (given.len && given.at[0] == '{')
		code = take_json(provider, settings, given);
	else
		code = take_lines(provider, settings, given);
	explicit_bzero(text, len);
	if (fd >= 0 && !is_input)
		close(fd);
	return code;
}

/* ---- prompts ----------------------------------------------------------------------------- */

/* Asks for a line, and hides what is typed if it is a secret. Characters typed before the prompt
 * are dropped, because the terminal has shown them. An empty line sets nothing. */
static int read_line(const char *provider, const char *name, const char *hint, struct secret *out)
{
	char line[CONFIG_MAX_VALUE + 2];
	struct termios shown;
	struct termios hidden;
	size_t len = 0;
	bool hides = !is_open(name) && tcgetattr(STDIN_FILENO, &shown) == 0;
	int code = EXIT_GOOD;

	if (hides) {
		hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	fprintf(stderr, "%s %s%s: ", provider, name, hint);
	while (len < sizeof(line) && read(STDIN_FILENO, line + len, 1) == 1 && line[len] != '\n')
		len++;
	if (hides) {
		tcsetattr(STDIN_FILENO, TCSADRAIN, &shown);
		fputc('\n', stderr);
	}
	struct str value = str_trim((struct str){ .at = line, .len = len });

	if (value.len && secret_set(out, value) < 0)
		code = command_fault(EXIT_FAILED, "out of memory");
	explicit_bzero(line, sizeof(line));
	return code;
}

static int ask_for(const struct provider *provider, const struct provider_field *field,
		   struct secret *out)
{
	bool is_optional = field->need == FIELD_OPTIONAL;

	if (!isatty(STDIN_FILENO))
		return is_optional ? EXIT_GOOD
				   : command_fault(EXIT_USAGE,
						   "%s needs the setting %s: write %s=... into a "
						   "file for --settings FILE, or send it to "
						   "--settings -",
						   provider->name, field->name, field->name);
	return read_line(provider->name, field->name,
			 is_optional ? " (Enter: the service makes one)" : "", out);
}

int channel_settings_ask(const struct provider *provider, struct secret *settings)
{
	int code = EXIT_GOOD;
	bool is_begun = false;

	for (size_t i = 0; i < PROVIDER_MAX_FIELDS; i++)
		is_begun |= settings[i].hidden != NULL;
	for (size_t i = 0; i < PROVIDER_MAX_FIELDS && provider->fields[i].name; i++)
		if (code == EXIT_GOOD && !settings[i].hidden &&
		    (provider->fields[i].need == FIELD_REQUIRED || !is_begun))
			code = ask_for(provider, &provider->fields[i], &settings[i]);
	return code;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A reader checks only the form of a value. The module that uses an address or a database finds out
 * whether it can be reached. A fault never repeats a value that may hold a password.
 */
#include "config/read.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/setting.h"
#include "core/url.h"
#include "core/utf8.h"

#define WORKERS_MAX     256
#define GROUP_MAX       128
#define LINK_BASE_MAX   512
#define ADDRESS_MAX     300 /* of a host and a port, with http:// */
#define ORIGIN_NAME_MAX 200
#define SHOWN_MAX       64 /* bytes of a value in a fault */
#define EXPECTED_MAX    256
#define RECONCILER      "wrenn-sandbox-reconciler-v1"

static int set_text(char **member, struct str value)
{
	char *copy = strndup(value.at, value.len);

	if (!copy)
		return -ENOMEM;
	free(*member);
	*member = copy;
	return 0;
}

/* Appends "NAME: expected <format>, got <value>". Only for values that hold no secret. */
static int printf_like(4, 5) refuse(const struct setting *setting, struct str value,
				    struct buf *faults, const char *format, ...)
{
	struct buf expected, shown;
	va_list args;

	buf_init(&expected, EXPECTED_MAX);
	buf_init(&shown, SHOWN_MAX);
	va_start(args, format);
	buf_vaddf(&expected, format, args);
	va_end(args);
	utf8_clean(&shown, value, SHOWN_MAX, false);
	setting_fault(setting->name, faults, "expected %.*s, got \"%.*s\"",
		      STR_ARGS(buf_str(&expected)), STR_ARGS(buf_str(&shown)));
	buf_done(&expected);
	buf_done(&shown);
	return -EINVAL;
}

int read_nothing(const struct setting *setting, struct str value, struct config *out,
		 struct buf *faults)
{
	(void)setting;
	(void)value;
	(void)out;
	(void)faults;
	return 0;
}

int read_text(const struct setting *setting, struct str value, struct config *out,
	      struct buf *faults)
{
	(void)faults;
	return set_text((char **)((char *)out + setting->offset), value);
}

static void set_unsigned(const struct setting *setting, struct config *out, unsigned value)
{
	memcpy((char *)out + setting->offset, &value, sizeof(value));
}

int read_number(const struct setting *setting, struct str value, struct config *out,
		struct buf *faults)
{
	unsigned long long number;

	if (!str_to_u64(value, &number) || number < setting->least || number > setting->most)
		return refuse(setting, value, faults, "a number from %u to %u", setting->least,
			      setting->most);
	set_unsigned(setting, out, (unsigned)number);
	return 0;
}

int read_choice(const struct setting *setting, struct str value, struct config *out,
		struct buf *faults)
{
	struct buf words;
	int rc;

	/* The offset is that of an enum; gcc and clang make it an unsigned. */
	static_assert(sizeof(enum config_deliver) == sizeof(unsigned), "enums are unsigned");
	for (unsigned i = 0; setting->words[i]; i++) {
		if (str_is(value, setting->words[i])) {
			set_unsigned(setting, out, i);
			return 0;
		}
	}
	buf_init(&words, EXPECTED_MAX);
	for (unsigned i = 0; setting->words[i]; i++)
		buf_addf(&words, "%s%s", i ? ", " : "", setting->words[i]);
	rc = refuse(setting, value, faults, "one of %.*s", STR_ARGS(buf_str(&words)));
	buf_done(&words);
	return rc;
}

static bool starts_longer(struct str value, const char *prefix)
{
	struct str start = str_of(prefix);

	return str_starts(value, start) && value.len > start.len;
}

int read_database_url(const struct setting *setting, struct str value, struct config *out,
		      struct buf *faults)
{
	if (!starts_longer(value, "sqlite:") && !starts_longer(value, "postgres://") &&
	    !starts_longer(value, "postgresql://"))
		return setting_fault(setting->name, faults,
				     "expected sqlite:<path> or "
				     "postgres://user:password@host:port/database");
	return set_text(&out->database_url, value);
}

int read_redis_url(const struct setting *setting, struct str value, struct config *out,
		   struct buf *faults)
{
	static const char *const prefixes[] = { "redis://", "rediss://", "redis+sentinel://",
						"rediss+sentinel://", "unix:///" };
	bool is_address = false;

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		is_address = is_address || starts_longer(value, prefixes[i]);
	if (!is_address)
		return setting_fault(setting->name, faults,
				     "expected redis://host:port/db, "
				     "redis+sentinel://host:port,host:port/master-name/db (both "
				     "with rediss for TLS) or unix:///path");
	return set_text(&out->redis_url, value);
}

int read_encryption_key(const struct setting *setting, struct str value, struct config *out,
			struct buf *faults)
{
	if (!hex_decode(value, out->encryption_key, SEAL_KEY_SIZE))
		return setting_fault(setting->name, faults,
				     "expected %d hexadecimal digits, got %zu characters%s",
				     2 * SEAL_KEY_SIZE, value.len,
				     value.len == 2 * (size_t)SEAL_KEY_SIZE
					     ? ", not all of them hexadecimal digits"
					     : "");
	return 0;
}

/* The words of contract d.7. Any other value means no, as in the control plane. */
int read_allow_private(const struct setting *setting, struct str value, struct config *out,
		       struct buf *faults)
{
	static const char *const yes[] = { "1", "t", "T", "true", "True", "TRUE" };

	(void)setting;
	(void)faults;
	out->allow_private = false;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (str_is(value, yes[i]))
			out->allow_private = true;
	}
	return 0;
}

static bool is_made_of(struct str text, const char *others)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!isalnum((unsigned char)text.at[i]) && !strchr(others, text.at[i]))
			return false;
	}
	return text.len > 0;
}

/* Only host:port, parsed as the start of a URL. */
int read_listen(const struct setting *setting, struct str value, struct config *out,
		struct buf *faults)
{
	char url[ADDRESS_MAX];
	int len = snprintf(url, sizeof(url), "http://%.*s", STR_ARGS(value));
	struct url_parts parts;
	unsigned long long port;

	if ((size_t)len >= sizeof(url) || !url_split(str_of(url), &parts) ||
	    parts.path.at != url + len || !str_to_u64(parts.port, &port))
		return refuse(setting, value, faults,
			      "host:port, such as 127.0.0.1:9730 or [::1]:9730");
	out->listen_port = (uint16_t)port;
	return set_text(&out->listen_host, parts.host);
}

/* The cores this process may run on, which in a container are fewer than the machine's. */
static unsigned count_cores(void)
{
	cpu_set_t cores;
	int count = 0;

	if (sched_getaffinity(0, sizeof(cores), &cores) == 0)
		count = CPU_COUNT(&cores);
	if (count < 1)
		return 1;
	return count > WORKERS_MAX ? WORKERS_MAX : (unsigned)count;
}

int read_workers(const struct setting *setting, struct str value, struct config *out,
		 struct buf *faults)
{
	unsigned long long number;

	if (str_is(value, "auto")) {
		out->workers = count_cores();
		return 0;
	}
	if (!str_to_u64(value, &number) || number < 1 || number > WORKERS_MAX)
		return refuse(setting, value, faults, "auto or a number from 1 to %d", WORKERS_MAX);
	out->workers = (unsigned)number;
	return 0;
}

int read_group(const struct setting *setting, struct str value, struct config *out,
	       struct buf *faults)
{
	if (value.len > GROUP_MAX || !is_made_of(value, "-._:"))
		return refuse(setting, value, faults,
			      "1 to %d letters, digits, and - . _ :", GROUP_MAX);
	/* Reading from it would take entries away from the control plane's reconciler. */
	if (str_is(value, RECONCILER))
		return setting_fault(setting->name, faults,
				     "expected another name: %s belongs to the control plane",
				     RECONCILER);
	return set_text(&out->group, value);
}

int read_file_name(const struct setting *setting, struct str value, struct config *out,
		   struct buf *faults)
{
	char **member = (char **)((char *)out + setting->offset);
	int rc = set_text(member, value);

	if (rc == 0 && access(*member, R_OK) != 0)
		return setting_fault(
			setting->name, faults,
			"expected the path of a PEM file; this one cannot be read (%s)",
			strerror(errno));
	return rc;
}

/* The rules of C2SP for the name of a key. */
int read_origin_name(const struct setting *setting, struct str value, struct config *out,
		     struct buf *faults)
{
	if (value.len > ORIGIN_NAME_MAX || !str_is_word(value, ".-_/:"))
		return refuse(setting, value, faults,
			      "at most %d letters, digits and . - _ / :, such as "
			      "events.example.com",
			      ORIGIN_NAME_MAX);
	return set_text(&out->audit_origin, value);
}

/* A URL in the spelling that messages and browsers use: "http" in small letters. */
static int take_url(const struct setting *setting, struct str value, struct url_parts *out,
		    struct buf *faults)
{
	const char *fault = url_fault(value, out);

	if (!fault && value.at[0] != 'h')
		fault = "does not begin with https:// or http://";
	if (fault)
		return setting_fault(setting->name, faults,
				     "the URL %s; expected one such as https://example.com", fault);
	return 0;
}

/* Only bytes that need no escaping in any message format. */
int read_link_base(const struct setting *setting, struct str value, struct config *out,
		   struct buf *faults)
{
	struct url_parts parts;
	int rc = take_url(setting, value, &parts, faults);

	if (rc < 0)
		return rc;
	if (value.len > LINK_BASE_MAX || memchr(value.at, '?', value.len) ||
	    (parts.path.len && !is_made_of(parts.path, "-._~/")))
		return setting_fault(setting->name, faults,
				     "expected at most %d bytes, and after the host only letters, "
				     "digits and -._~/, such as https://example.com/app",
				     LINK_BASE_MAX);
	while (value.at[value.len - 1] == '/')
		value.len--;
	return set_text(&out->link_base, value);
}

static int check_origin(const struct setting *setting, struct str value, struct buf *faults)
{
	struct url_parts parts;
	int rc = take_url(setting, value, &parts, faults);

	if (rc == 0 && parts.path.at != value.at + value.len)
		rc = setting_fault(setting->name, faults,
				   "expected nothing after host and port, such as "
				   "https://example.com:8443");
	return rc;
}

int read_cors_origins(const struct setting *setting, struct str value, struct config *out,
		      struct buf *faults)
{
	struct str rest = value;

	while (rest.len > 0) {
		int rc = check_origin(setting, str_trim(str_cut(&rest, ',')), faults);

		if (rc < 0)
			return rc;
	}
	return set_text(&out->cors_origins, value);
}

int read_hosts(const struct setting *setting, struct str value, struct config *out,
	       struct buf *faults)
{
	struct str rest = value;
	int rc;

	while (rest.len > 0) {
		if (!is_made_of(str_trim(str_cut(&rest, ',')), "-."))
			return setting_fault(setting->name, faults,
					     "expected names of hosts, separated by commas, "
					     "such as chat.example.org");
	}
	assert(out->hosts_count < CONFIG_MAX_HOSTS);
	struct config_hosts *hosts = &out->hosts[out->hosts_count];

	rc = set_text(&hosts->hosts, value);
	if (rc < 0)
		return rc;
	hosts->provider = setting->provider;
	out->hosts_count++;
	return 0;
}

int read_origin(const struct setting *setting, struct str value, struct config *out,
		struct buf *faults)
{
	int rc = check_origin(setting, value, faults);

	if (rc < 0)
		return rc;
	assert(out->origin_count < CONFIG_MAX_ORIGINS);
	struct config_origin *origin = &out->origins[out->origin_count];
	rc = set_text(&origin->origin, value);
	if (rc < 0)
		return rc;
	origin->provider = setting->provider;
	out->origin_count++;
	return 0;
}

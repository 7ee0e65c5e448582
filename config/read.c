/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One reader per kind of value. Each checks the shape only: whether an address can be bound or
 * a database answers is for its module to find out. Values that may hold a password are never
 * repeated in a fault.
 */
#include "config/read.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/setting.h"
#include "core/utf8.h"

#define WORKERS_MAX   256
#define GROUP_MAX     128
#define LINK_BASE_MAX 512
#define HOST_MAX      253
#define SHOWN_MAX     64 /* bytes of a value in a fault */
#define RECONCILER    "wrenn-sandbox-reconciler-v1"

static int set_text(char **member, struct str value)
{
	char *copy = strndup(value.at, value.len);

	if (!copy)
		return -ENOMEM;
	free(*member);
	*member = copy;
	return 0;
}

/* The value in quotes, cleaned and cut, for faults about variables that hold no secret. */
static const char *shown(struct str value, struct buf *storage)
{
	buf_init(storage, SHOWN_MAX + 2);
	buf_add_char(storage, '"');
	utf8_clean(storage, value, SHOWN_MAX, false);
	buf_add_char(storage, '"');
	const char *text = buf_text(storage);
	return text ? text : "the value";
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
	struct buf storage;
	unsigned long long number;

	if (!str_to_u64(value, &number) || number < setting->least || number > setting->most) {
		setting_fault(setting->name, faults,
			      "%s is not allowed, only a number from %u to %u",
			      shown(value, &storage), setting->least, setting->most);
		buf_done(&storage);
		return -EINVAL;
	}
	set_unsigned(setting, out, (unsigned)number);
	return 0;
}

int read_choice(const struct setting *setting, struct str value, struct config *out,
		struct buf *faults)
{
	struct buf storage, allowed;

	/* Choices are written through their offset as what gcc and clang make of an enum. */
	static_assert(sizeof(enum config_deliver) == sizeof(unsigned), "enums are unsigned");
	for (unsigned i = 0; setting->words[i]; i++) {
		if (str_is(value, setting->words[i])) {
			set_unsigned(setting, out, i);
			return 0;
		}
	}
	buf_init(&allowed, 256);
	for (unsigned i = 0; setting->words[i]; i++)
		buf_addf(&allowed, "%s%s", i ? ", " : "", setting->words[i]);
	setting_fault(setting->name, faults, "%s is not allowed, only one of %.*s",
		      shown(value, &storage), STR_ARGS(buf_str(&allowed)));
	buf_done(&storage);
	buf_done(&allowed);
	return -EINVAL;
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
				     "no address of a database, allowed are sqlite:<path> and "
				     "postgres://...");
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
				     "no address of Redis, allowed are redis://host:port/db, "
				     "redis+sentinel://host:port,host:port/master-name/db, "
				     "both with rediss for TLS, and unix:///path");
	return set_text(&out->redis_url, value);
}

int read_encryption_key(const struct setting *setting, struct str value, struct config *out,
			struct buf *faults)
{
	if (!hex_decode(value, out->encryption_key, SEAL_KEY_SIZE))
		return setting_fault(
			setting->name, faults,
			"it has %zu characters or some that are no hexadecimal digits, "
			"allowed are exactly %d hexadecimal digits",
			value.len, 2 * SEAL_KEY_SIZE);
	return 0;
}

/* The words of contract d.7; anything else means the default, as in the control plane. */
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

static bool is_ipv6(struct str text)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	return inet_pton(AF_INET6, copy, &address) == 1;
}

/* host:port, [v6]:port, and without a port when `port` comes back empty. */
static bool split_host(struct str text, struct str *host, struct str *port)
{
	const char *colon = memrchr(text.at, ':', text.len);
	const char *bracket = memrchr(text.at, ']', text.len);

	*port = STR("");
	if (colon && (!bracket || colon > bracket)) {
		size_t at = (size_t)(colon - text.at);

		*port = str_from(text, at + 1);
		text.len = at;
		if (port->len == 0)
			return false;
	}
	*host = text;
	if (text.len >= 2 && text.at[0] == '[' && text.at[text.len - 1] == ']') {
		*host = (struct str){ .at = text.at + 1, .len = text.len - 2 };
		return is_ipv6(*host);
	}
	return is_made_of(*host, "-._") && host->len <= HOST_MAX;
}

/* 1 to 65535; 0 when it is anything else. */
static uint16_t port_of(struct str text)
{
	unsigned long long number;

	if (text.len > 5 || !str_to_u64(text, &number) || number > UINT16_MAX)
		return 0;
	return (uint16_t)number;
}

int read_listen(const struct setting *setting, struct str value, struct config *out,
		struct buf *faults)
{
	struct buf storage;
	struct str host, port;

	if (!split_host(value, &host, &port) || port_of(port) == 0) {
		setting_fault(setting->name, faults,
			      "%s is not allowed, only host:port, as 127.0.0.1:9730 or [::1]:9730",
			      shown(value, &storage));
		buf_done(&storage);
		return -EINVAL;
	}
	out->listen_port = port_of(port);
	return set_text(&out->listen_host, host);
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
	struct buf storage;
	unsigned long long number;

	if (str_is(value, "auto")) {
		out->workers = count_cores();
		return 0;
	}
	if (!str_to_u64(value, &number) || number < 1 || number > WORKERS_MAX) {
		setting_fault(setting->name, faults,
			      "%s is not allowed, only auto or a number from 1 to %d",
			      shown(value, &storage), WORKERS_MAX);
		buf_done(&storage);
		return -EINVAL;
	}
	out->workers = (unsigned)number;
	return 0;
}

int read_group(const struct setting *setting, struct str value, struct config *out,
	       struct buf *faults)
{
	if (value.len > GROUP_MAX || !is_made_of(value, "-._:"))
		return setting_fault(setting->name, faults,
				     "no name of a consumer group, allowed are 1 to %d letters, "
				     "digits, and - . _ :",
				     GROUP_MAX);
	/* Reading from it would take entries away from the control plane's reconciler. */
	if (str_is(value, RECONCILER))
		return setting_fault(setting->name, faults,
				     "%s belongs to the control plane, allowed is any other name",
				     RECONCILER);
	return set_text(&out->group, value);
}

int read_file_name(const struct setting *setting, struct str value, struct config *out,
		   struct buf *faults)
{
	char **member = (char **)((char *)out + setting->offset);
	int rc = set_text(member, value);

	if (rc == 0 && access(*member, R_OK) != 0)
		return setting_fault(setting->name, faults,
				     "cannot be read (%s), allowed is the path of a file in PEM "
				     "format",
				     strerror(errno));
	return rc;
}

/* Takes http:// or https:// off the front. */
static bool take_scheme(struct str *rest)
{
	if (str_starts(*rest, STR("https://")))
		*rest = str_from(*rest, strlen("https://"));
	else if (str_starts(*rest, STR("http://")))
		*rest = str_from(*rest, strlen("http://"));
	else
		return false;
	return true;
}

/* host or host:port. */
static bool is_authority(struct str text)
{
	struct str host, port;

	return split_host(text, &host, &port) && (port.len == 0 || port_of(port) != 0);
}

/* What may follow it in a link needs no escaping in any message format. */
int read_link_base(const struct setting *setting, struct str value, struct config *out,
		   struct buf *faults)
{
	struct str rest = value;
	struct str path;
	bool is_link = value.len <= LINK_BASE_MAX && take_scheme(&rest);

	while (value.len && value.at[value.len - 1] == '/')
		value.len--;
	path = rest;
	if (!is_link || !is_authority(str_cut(&path, '/')) ||
	    (path.len && !is_made_of(path, "-._~/")))
		return setting_fault(
			setting->name, faults,
			"no base of links, allowed is http:// or https://, a host, a "
			"port if need be and a path of letters, digits and -._~/, of at "
			"most %d bytes",
			LINK_BASE_MAX);
	return set_text(&out->link_base, value);
}

/* http:// or https://, a host and perhaps a port, and nothing behind it. */
static bool is_origin(struct str value)
{
	struct str host, port;

	if (str_starts(value, STR("https://")))
		value = str_from(value, strlen("https://"));
	else if (str_starts(value, STR("http://")))
		value = str_from(value, strlen("http://"));
	else
		return false;
	return split_host(value, &host, &port) && (port.len == 0 || port_of(port) != 0);
}

int read_cors_origins(const struct setting *setting, struct str value, struct config *out,
		      struct buf *faults)
{
	struct str rest = value;

	while (rest.len > 0) {
		if (!is_origin(str_trim(str_cut(&rest, ','))))
			return setting_fault(
				setting->name, faults,
				"no list of origins, allowed are http:// or https://, a host "
				"and a port, several separated by commas");
	}
	return set_text(&out->cors_origins, value);
}

int read_origin(const struct setting *setting, struct str value, struct config *out,
		struct buf *faults)
{
	struct str rest = value;

	if (!take_scheme(&rest) || !is_authority(rest))
		return setting_fault(
			setting->name, faults,
			"no origin, allowed is http:// or https://, a host and a port, "
			"and nothing behind it");

	assert(out->origin_count < CONFIG_MAX_ORIGINS);
	struct config_origin *origin = &out->origins[out->origin_count];
	int rc = set_text(&origin->origin, value);
	if (rc < 0)
		return rc;
	origin->provider = setting->provider;
	out->origin_count++;
	return 0;
}

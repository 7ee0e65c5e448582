/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Loads all settings: texts come from the file, then from the environment, which wins. The row of
 * each setting reads its text. Every fault is collected, so that one start shows all of them.
 */
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/file.h"
#include "config/key.h"
#include "config/setting.h"
#include "config/table.h"

#define FILE_MAX_BYTES 1048576

/* The first of two equal names counts, as with getenv(). */
static int find_in_environment(char *const *environment, struct setting_texts *texts,
			       struct buf *faults)
{
	bool found[SETTINGS_MAX] = { false };
	int rc = 0;

	for (; *environment; environment++) {
		struct str value = str_of(*environment);
		struct str name = str_cut(&value, '=');
		size_t row = setting_find(name);

		if (!value.at)
			continue;
		if (row == settings_count) {
			if (setting_unknown(name, 0, faults) < 0)
				rc = -EINVAL;
		} else if (!found[row]) {
			found[row] = true;
			texts->value[row] = value;
		}
	}
	return rc;
}

static bool has_controls(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
			return true;
	}
	return false;
}

/* FNV-1a. It only has to differ when a text does. */
static uint64_t mark_of(struct str text)
{
	uint64_t mark = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < text.len; i++)
		mark = (mark ^ (unsigned char)text.at[i]) * UINT64_C(1099511628211);
	return mark;
}

static int read_setting(const struct setting *setting, struct str value, struct config *out,
			struct buf *faults)
{
	if (value.len == 0) {
		if (!setting->fallback)
			return 0;
		value = str_of(setting->fallback);
	}
	if (has_controls(value))
		return setting_fault(setting->name, faults,
				     "expected plain text, got a control character");
	return setting->read(setting, value, out, faults);
}

static int read_all(const struct setting_texts *texts, struct config *out, struct buf *faults)
{
	int rc = 0;

	out->log = isatty(STDERR_FILENO) ? CONFIG_LOG_TEXT : CONFIG_LOG_JSON;
	for (size_t row = 0; row < settings_count; row++) {
		int fault = read_setting(&settings[row], texts->value[row], out, faults);

		out->marks[row] = mark_of(texts->value[row]);
		if (fault == -ENOMEM)
			return fault;
		if (fault < 0)
			rc = fault;
	}
	return rc;
}

static int default_database_url(struct config *out)
{
	if (out->database_url)
		return 0;
	if (asprintf(&out->database_url, "sqlite:%s/wrenn-events.db", out->data_dir) < 0) {
		out->database_url = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int default_audit_key_file(struct config *out)
{
	if (out->audit_key_file)
		return 0;
	if (asprintf(&out->audit_key_file, "%s/audit-signing.key", out->data_dir) < 0) {
		out->audit_key_file = NULL;
		return -ENOMEM;
	}
	out->has_own_audit_key_file = true;
	return 0;
}

static int load(char *const *environment, struct str file_text, enum config_need need,
		struct config *out, struct buf *faults)
{
	struct setting_texts texts = { .line = { 0 } };
	int rc = settings_file_parse(file_text, &texts, faults);

	if (find_in_environment(environment, &texts, faults) < 0)
		rc = -EINVAL;

	int fault = read_all(&texts, out, faults);
	if (fault < 0)
		rc = fault;
	if (need == CONFIG_FOR_SERVE)
		fault = settings_find_key(&texts, environment, out, faults);
	/* The file is the same, but the key in it may have changed. */
	out->marks[setting_find(STR("WRENN_ENCRYPTION_KEY"))] = mark_of(
		(struct str){ .at = (const char *)out->encryption_key, .len = SEAL_KEY_SIZE });
	if (fault < 0)
		rc = fault;
	if (rc == 0)
		rc = default_database_url(out);
	return rc < 0 ? rc : default_audit_key_file(out);
}

int config_load(char *const *environment, const char *file, enum config_need need,
		struct config *out, struct buf *faults)
{
	struct config config = { .workers = 0 };
	struct buf text;
	int rc = 0;

	buf_init(&text, FILE_MAX_BYTES);
	if (file)
		rc = settings_file_read(file, &text);
	if (rc < 0)
		setting_fault(file, faults, "cannot be read (%s)",
			      rc == -E2BIG ? "larger than 1 MiB" : strerror(-rc));
	else
		rc = load(environment, buf_str(&text), need, &config, faults);
	if (text.bytes)
		explicit_bzero(text.bytes, text.cap);
	buf_done(&text);

	if (rc < 0)
		config_done(&config);
	*out = config;
	explicit_bzero(config.encryption_key, sizeof(config.encryption_key));
	return rc;
}

static void wipe_text(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void config_done(struct config *config)
{
	wipe_text(config->database_url);
	wipe_text(config->redis_url);
	wipe_text(config->redis_sentinel_password);
	free(config->redis_ca_file);
	free(config->redis_cert_file);
	free(config->redis_key_file);
	free(config->listen_host);
	free(config->data_dir);
	free(config->group);
	free(config->audit_origin);
	free(config->audit_key_file);
	free(config->audit_checkpoint_dir);
	free(config->audit_checkpoint_command);
	free(config->audit_archive_dir);
	free(config->ca_file);
	free(config->cors_origins);
	free(config->link_base);
	for (size_t i = 0; i < config->hosts_count; i++)
		free(config->hosts[i].hosts);
	for (size_t i = 0; i < config->origin_count; i++)
		free(config->origins[i].origin);
	explicit_bzero(config, sizeof(*config));
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Encrypts and decrypts settings, value by value: base64(nonce || ciphertext || tag),
 * AES-256-GCM, no associated data. The layout is frozen because the control plane reads the same
 * rows.
 *
 * Failure: one value that does not decrypt makes the whole config unusable. Values that were
 * decrypted before it are wiped.
 */
#include "targets/seal.h"

#include <errno.h>
#include <string.h>

#include "core/json.h"

#define SEALED_VALUE_MAX (CONFIG_MAX_VALUE + SEAL_NONCE_SIZE + SEAL_TAG_SIZE)

void setting_seal(struct buf *out, struct str value, const uint8_t key[SEAL_KEY_SIZE])
{
	uint8_t nonce[SEAL_NONCE_SIZE];
	struct buf sealed;

	buf_init(&sealed, SEALED_VALUE_MAX);
	random_bytes(nonce, sizeof(nonce));
	seal_encrypt(&sealed, key, nonce, value);
	base64_encode(out, buf_str(&sealed));
	if (sealed.err)
		out->err = sealed.err;
	buf_done(&sealed);
}

void config_seal(struct buf *out, const struct provider_config *config,
		 const uint8_t key[SEAL_KEY_SIZE])
{
	buf_add_char(out, '{');
	for (size_t i = 0; i < config->count; i++) {
		json_add_name(out, config->fields[i].name);
		buf_add_char(out, '"');
		setting_seal(out, config->fields[i].value, key);
		buf_add_char(out, '"');
	}
	buf_add_char(out, '}');
}

int setting_open(struct buf *out, struct str text, const uint8_t key[SEAL_KEY_SIZE])
{
	struct buf sealed;
	int rc = 0;

	buf_init(&sealed, SEALED_VALUE_MAX);
	if (!base64_decode(&sealed, text) || !seal_decrypt(out, key, buf_str(&sealed)))
		rc = -EBADMSG;
	/* out of memory: the value may be good */
	if (sealed.err == -ENOMEM || out->err == -ENOMEM)
		rc = -ENOMEM;
	buf_done(&sealed);
	return rc;
}

static int open_fields(struct opened_config *out, const struct provider *provider,
		       const cJSON *object, const uint8_t key[SEAL_KEY_SIZE])
{
	for (size_t i = 0; i < PROVIDER_MAX_FIELDS && provider->fields[i].name; i++) {
		const cJSON *member = json_get(object, provider->fields[i].name);
		size_t at = out->config.count;
		int rc;

		if (!member)
			continue;
		if (!cJSON_IsString(member))
			return -EBADMSG;
		rc = setting_open(&out->values[at], str_of(member->valuestring), key);
		if (rc < 0)
			return rc;
		out->config.fields[at].name = provider->fields[i].name;
		out->config.fields[at].value = buf_str(&out->values[at]);
		out->config.count++;
	}
	return 0;
}

int config_open(struct opened_config *out, const struct provider *provider, struct str sealed,
		const uint8_t key[SEAL_KEY_SIZE])
{
	cJSON *tree = NULL;
	int rc;

	out->config.count = 0;
	for (size_t i = 0; i < PROVIDER_MAX_FIELDS; i++)
		buf_init(&out->values[i], CONFIG_MAX_VALUE);
	rc = json_parse(sealed, SEALED_CONFIG_MAX, &tree, NULL);
	if (rc < 0)
		return rc == -ENOMEM ? -ENOMEM : -EBADMSG;
	rc = cJSON_IsObject(tree) ? open_fields(out, provider, tree, key) : -EBADMSG;
	cJSON_Delete(tree);
	if (rc < 0)
		opened_config_done(out);
	return rc;
}

void opened_config_done(struct opened_config *opened)
{
	for (size_t i = 0; i < PROVIDER_MAX_FIELDS; i++) {
		if (opened->values[i].bytes)
			explicit_bzero(opened->values[i].bytes, opened->values[i].cap);
		buf_done(&opened->values[i]);
	}
	opened->config.count = 0;
}

size_t config_find_paces(const struct provider *provider, struct str sealed,
			 const uint8_t key[SEAL_KEY_SIZE], struct pace out[PROVIDER_MAX_PACES])
{
	struct opened_config opened;
	size_t count;

	if (!provider->paces) {
		out[0] = (struct pace){ .burst = 1 };
		crypto_sha256_hex(sealed, out[0].key);
		return 1;
	}
	if (config_open(&opened, provider, sealed, key) < 0)
		return 0;
	count = provider->paces(&opened.config, out);
	opened_config_done(&opened);
	return count;
}

/* SPDX-License-Identifier: Apache-2.0 */

/* Settings at rest: the contract's vector (m), round trips, and everything that must not
 * decrypt. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "core/json.h"
#include "targets/seal.h"
#include "tests/support/heap.h"

#define VECTOR "oKGio6SlpqeoqaqrjmwIXTbxLZAKCui4dFSlphHBKXz3mSED8SFR9BrFG1YYyeYAQQrTZyYWWKeQTUE="

static uint8_t key[SEAL_KEY_SIZE];

static const struct provider *webhook(void)
{
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	return provider_find(STR("webhook"));
}

Test(seal, opens_what_the_control_plane_wrote)
{
	struct opened_config opened;

	cr_assert_eq(config_open(&opened, webhook(), STR("{\"url\":\"" VECTOR "\"}"), key), 0);
	cr_assert_eq(opened.config.count, 1);
	cr_assert(str_is(config_value(&opened.config, "url"), "https://hooks.example.com/wrenn"));
	opened_config_done(&opened);
}

Test(seal, brings_back_what_it_sealed)
{
	char big[CONFIG_MAX_VALUE];
	const struct str values[] = { STR("x"),
				      STR(""),
				      STR("gr\xc3\xbc\xc3\x9f"
					  "e \"quoted\""),
				      { big, sizeof(big) } };

	memset(big, 'b', sizeof(big));
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct provider_config config = { .count = 2 };
		struct opened_config opened;
		struct buf sealed;

		config.fields[0].name = "url";
		config.fields[0].value = values[i];
		config.fields[1].name = "secret";
		config.fields[1].value = STR("s3cret");
		buf_init(&sealed, SEALED_CONFIG_MAX);
		config_seal(&sealed, &config, (webhook(), key));
		cr_assert_eq(sealed.err, 0);
		cr_assert_null(memmem(sealed.bytes, sealed.len, "s3cret", 6));
		cr_assert_eq(config_open(&opened, webhook(), buf_str(&sealed), key), 0);
		cr_expect(str_eq(config_value(&opened.config, "url"), values[i]));
		cr_expect(str_is(config_value(&opened.config, "secret"), "s3cret"));
		opened_config_done(&opened);
		buf_done(&sealed);
	}
}

/* base64(nonce || ciphertext || tag): the decoded text has 12 + n + 16 bytes */
Test(seal, uses_the_frozen_layout_and_a_fresh_nonce)
{
	struct provider_config config = { .count = 1 };
	struct buf sealed[2];
	struct buf bytes;
	cJSON *tree;

	config.fields[0].name = "url";
	config.fields[0].value = STR("hello");
	for (int i = 0; i < 2; i++) {
		buf_init(&sealed[i], SEALED_CONFIG_MAX);
		config_seal(&sealed[i], &config, (webhook(), key));
	}
	cr_assert_not(str_eq(buf_str(&sealed[0]), buf_str(&sealed[1])));
	cr_assert_eq(json_parse(buf_str(&sealed[0]), 65536, &tree, NULL), 0);
	buf_init(&bytes, 4096);
	cr_assert(base64_decode(&bytes, str_of(json_get_string(tree, "url"))));
	cr_assert_eq(bytes.len, SEAL_NONCE_SIZE + 5 + SEAL_TAG_SIZE);
	cJSON_Delete(tree);
	buf_done(&bytes);
	buf_done(&sealed[0]);
	buf_done(&sealed[1]);
}

Test(seal, leaves_fields_alone_that_the_provider_does_not_know)
{
	struct opened_config opened;

	cr_assert_eq(config_open(&opened, webhook(),
				 STR("{\"other\":\"not sealed\",\"n\":1,\"url\":\"" VECTOR "\"}"),
				 key),
		     0);
	cr_assert_eq(opened.config.count, 1);
	opened_config_done(&opened);
}

Test(seal, refuses_what_is_damaged)
{
	static const char *const cases[] = {
		"",
		"null",
		"[]",
		"\"text\"",
		"{",
		"{\"url\":1}",
		"{\"url\":null}",
		"{\"url\":{}}",
		"{\"url\":\"\"}",
		"{\"url\":\"not base64\"}",
		"{\"url\":\"AAAA\"}",
		"{\"url\":\"v2:" VECTOR "\"}",
		/* the vector, one digit changed in nonce, text and tag */
		"{\"url\":\"pKGio6SlpqeoqaqrjmwIXTbxLZAKCui4dFSlphHBKXz3mSED8SFR9BrFG1YYyeYAQQrTZyY"
		"WWKeQTUE=\"}",
		"{\"url\":\"oKGio6SlpqeoqaqrjmwIXTbxLZAKCui4dFSlphHBKXz3mSED8SFR8BrFG1YYyeYAQQrTZyY"
		"WWKeQTUE=\"}",
		"{\"url\":\"oKGio6SlpqeoqaqrjmwIXTbxLZAKCui4dFSlphHBKXz3mSED8SFR9BrFG1YYyeYAQQrTZyY"
		"WWKeQTUA=\"}",
		"{\"secret\":\"" VECTOR "\",\"url\":\"AAAA\"}",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct opened_config opened;

		cr_expect_eq(config_open(&opened, webhook(), str_of(cases[i]), key), -EBADMSG, "%s",
			     cases[i]);
	}
}

Test(seal, refuses_another_key)
{
	struct opened_config opened;

	webhook();
	key[31] ^= 1;
	cr_assert_eq(config_open(&opened, provider_find(STR("webhook")),
				 STR("{\"url\":\"" VECTOR "\"}"), key),
		     -EBADMSG);
}

Test(seal, takes_a_single_setting_there_and_back)
{
	struct buf sealed, opened;

	webhook();
	buf_init(&sealed, 8192);
	buf_init(&opened, 8192);
	setting_seal(&sealed, STR("one value by_itself"), key);
	cr_assert_eq(sealed.err, 0);
	cr_assert_null(strstr(buf_text(&sealed), "value"));
	cr_assert_eq(setting_open(&opened, buf_str(&sealed), key), 0);
	cr_assert(str_is(buf_str(&opened), "one value by_itself"));
	key[0] ^= 1;
	buf_reset(&opened);
	cr_assert_eq(setting_open(&opened, buf_str(&sealed), key), -EBADMSG);
	buf_done(&opened);
	buf_done(&sealed);
}

/* With -EBADMSG the settings would count as unreadable. */
Test(seal, out_of_memory_is_no_fault_of_the_settings)
{
	const struct str sealed = STR("{\"url\":\"" VECTOR "\"}");
	struct opened_config opened;
	unsigned n = 0;

	for (;; n++) {
		heap_fail_after(n);
		int rc = config_open(&opened, webhook(), sealed, key);
		if (!heap_recover()) {
			cr_expect_eq(rc, 0);
			break;
		}
		cr_expect_eq(rc, -ENOMEM, "allocation %u: %d", n, rc);
	}
	cr_expect(n > 0);
	opened_config_done(&opened);
}

/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation fails in turn: settings are sealed and opened whole, or there was no memory. */
#include <criterion/criterion.h>
#include <errno.h>

#include "targets/seal.h"
#include "tests/support/heap.h"

#define SECRET "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

static const uint8_t key[SEAL_KEY_SIZE] = { 7 };

static void seal_and_open(void *arg)
{
	struct provider_config config = { .count = 2 };
	struct opened_config opened;
	struct buf sealed;
	int rc;

	(void)arg;
	config.fields[0].name = "url";
	config.fields[0].value = STR("https://hooks.example.com/wrenn");
	config.fields[1].name = "secret";
	config.fields[1].value = STR(SECRET);
	buf_init(&sealed, 65536);
	config_seal(&sealed, &config, key);
	cr_expect(sealed.err == 0 || sealed.err == -ENOMEM, "%d", sealed.err);
	if (sealed.err == 0) {
		rc = config_open(&opened, provider_find(STR("webhook")), buf_str(&sealed), key);
		cr_expect(rc == 0 || rc == -ENOMEM, "%d", rc);
		if (rc == 0) {
			cr_expect(str_is(config_value(&opened.config, "secret"), SECRET));
			opened_config_done(&opened);
		}
	}
	buf_done(&sealed);
}

Test(fault, settings_are_sealed_and_opened_whole_or_there_was_no_memory)
{
	heap_fail_each(seal_and_open, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */

/* The secrets that were replaced: how many are kept, and until when. */
#include "targets/old_secrets.h"

#include <criterion/criterion.h>

static const uint8_t key[SEAL_KEY_SIZE] = { 7 };

/* a..f, replaced in this order, each valid until its number. */
static void replace_six(struct old_secrets *secrets)
{
	static const char letters[] = "abcdef";

	*secrets = (struct old_secrets){ .count = 0 };
	for (size_t i = 0; i < 6; i++)
		old_secrets_push(secrets, (struct str){ .at = letters + i, .len = 1 },
				 (int64_t)i + 1, STR("now"));
}

Test(old_secrets, keeps_the_newest_and_no_more_than_there_is_room_for)
{
	struct old_secrets secrets;

	replace_six(&secrets);
	cr_assert_eq(secrets.count, ATTEMPT_OLD_SECRETS);
	cr_expect(str_is(secrets.values[0], "f"));
	cr_expect(str_is(secrets.values[ATTEMPT_OLD_SECRETS - 1], "c"));
	old_secrets_push(&secrets, STR("g"), 9, STR("e"));
	cr_assert_eq(secrets.count, ATTEMPT_OLD_SECRETS);
	cr_expect(str_is(secrets.values[1], "f"));
	cr_expect(str_is(secrets.values[2], "d"), "the secret that is in use again is no old one");
	old_secrets_done(&secrets);
}

Test(old_secrets, ends_each_at_its_time)
{
	struct old_secrets secrets;
	struct buf sealed;
	struct stored_secrets stored;

	replace_six(&secrets);
	buf_init(&sealed, 65536);
	old_secrets_seal(&sealed, &secrets, key);
	cr_assert_eq(sealed.err, 0);
	stored = (struct stored_secrets){ .text = buf_str(&sealed) };
	old_secrets_open(&secrets, &stored, 5, key);
	cr_expect_eq(secrets.count, 1, "e is valid until 5, f until 6");
	cr_expect(str_is(secrets.values[0], "f"));
	cr_expect_eq(secrets.until_us[0], 6);
	old_secrets_done(&secrets);
	buf_done(&sealed);
}

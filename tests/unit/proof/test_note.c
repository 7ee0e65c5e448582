/* SPDX-License-Identifier: Apache-2.0 */

/* Notes against published ones: the example of Go's package note, whose key is public, and the
 * form of C2SP signed-note. Then against whoever would change them. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/crypto.h"
#include "proof/checkpoint.h"
#include "proof/note.h"

static const char peter[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char private_peter[] = "gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM=";
#define CRYPTOGRAPHY                                                 \
	"If you think cryptography is the answer to your problem,\n" \
	"then you don't know what your problem is.\n"
#define SIGNED_BY_PETER                                                                       \
	"— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKv" \
	"qfqdngotpRZb6KE6RyyBwJnAM=\n"
#define UNKNOWN "— elsewhere.example AAAAAAAAAAAA\n"

static void read_key(const char *text, struct note_key *out)
{
	struct reason why = { .text = "" };

	cr_assert_eq(note_key_read(str_of(text), out, &why), 0, "%s", why.text);
}

static void private_of_peter(uint8_t out[NOTE_KEY_SIZE])
{
	struct buf bytes;

	buf_init(&bytes, 64);
	cr_assert(base64_decode(&bytes, str_of(private_peter)) && bytes.len == NOTE_KEY_SIZE);
	memcpy(out, bytes.bytes, NOTE_KEY_SIZE);
	buf_done(&bytes);
}

Test(note, signs_as_the_published_example)
{
	uint8_t private_key[NOTE_KEY_SIZE];
	struct note_key key;
	struct buf out;

	private_of_peter(private_key);
	cr_assert_eq(note_key_of_private(&key, STR("PeterNeumann"), private_key, NULL), 0);
	buf_init(&out, NOTE_MAX_BYTES);
	note_key_write(&out, &key);
	cr_expect_str_eq(buf_text(&out), peter);
	buf_reset(&out);
	note_sign(&out, STR(CRYPTOGRAPHY), &key, private_key);
	cr_expect_str_eq(buf_text(&out), CRYPTOGRAPHY "\n" SIGNED_BY_PETER);
	buf_done(&out);
}

static int open_by_peter(const char *note, struct str *text)
{
	const struct note_key *by = NULL;
	struct reason why = { .text = "" };
	struct note_key key;
	int rc;

	read_key(peter, &key);
	rc = note_open(str_of(note), &key, 1, text, &by, &why);
	cr_expect_eq(by, rc == 0 ? &key : NULL);
	cr_expect((rc == 0) == (why.text[0] == '\0'), "%s", why.text);
	return rc;
}

Test(note, opens_what_a_known_key_signed)
{
	static const char *const notes[] = {
		CRYPTOGRAPHY "\n" SIGNED_BY_PETER,
		CRYPTOGRAPHY "\n" UNKNOWN SIGNED_BY_PETER UNKNOWN,
	};

	for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
		struct str text = STR("");

		cr_expect_eq(open_by_peter(notes[i], &text), 0, "%zu", i);
		cr_expect(str_is(text, CRYPTOGRAPHY), "%zu", i);
	}
}

Test(note, refuses_everything_else)
{
	static const struct {
		const char *note;
		int expected;
	} cases[] = {
		{ "", -EINVAL },
		{ "\n", -EINVAL },
		{ "\n\n", -EINVAL },
		{ CRYPTOGRAPHY, -EINVAL },
		{ CRYPTOGRAPHY "\n", -EINVAL },
		{ CRYPTOGRAPHY SIGNED_BY_PETER, -EINVAL },
		{ CRYPTOGRAPHY "\n" SIGNED_BY_PETER "x", -EINVAL },
		{ CRYPTOGRAPHY "\n" SIGNED_BY_PETER "\n", -EINVAL },
		{ CRYPTOGRAPHY "\n" SIGNED_BY_PETER "more\n", -EINVAL },
		{ "\x01" CRYPTOGRAPHY "\n" SIGNED_BY_PETER, -EINVAL },
		{ "\xff" CRYPTOGRAPHY "\n" SIGNED_BY_PETER, -EINVAL },
		{ CRYPTOGRAPHY "\n— PeterNeumann\n", -EINVAL },
		{ CRYPTOGRAPHY "\n— Peter+Neumann x08go/ZJ\n", -EINVAL },
		{ CRYPTOGRAPHY "\n— PeterNeumann x08go/Z\n", -EINVAL },
		{ CRYPTOGRAPHY "\n— PeterNeumann x08go/ZJ\n", -EBADMSG },
		{ CRYPTOGRAPHY "\n" UNKNOWN, -ENOKEY },
		{ "x" CRYPTOGRAPHY "\n" SIGNED_BY_PETER, -EBADMSG },
		{ CRYPTOGRAPHY "\n\n" SIGNED_BY_PETER, -EBADMSG },
		{ CRYPTOGRAPHY "\n" SIGNED_BY_PETER "— PeterNeumann x08go/AA\n", -EBADMSG },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str text = STR("untouched");

		cr_expect_eq(open_by_peter(cases[i].note, &text), cases[i].expected, "%zu", i);
		cr_expect(str_is(text, "untouched"), "%zu", i);
	}
}

Test(note, bounds_signatures_and_size)
{
	struct str text = STR("");
	struct buf note;

	buf_init(&note, 4ul * NOTE_MAX_BYTES);
	buf_add_text(&note, CRYPTOGRAPHY "\n" SIGNED_BY_PETER);
	for (unsigned i = 1; i < NOTE_MAX_SIGNATURES; i++)
		buf_add_text(&note, UNKNOWN);
	cr_expect_eq(open_by_peter(buf_text(&note), &text), 0);
	buf_add_text(&note, UNKNOWN);
	cr_expect_eq(open_by_peter(buf_text(&note), &text), -EINVAL);

	buf_reset(&note);
	while (note.len <= NOTE_MAX_BYTES)
		buf_add_text(&note, CRYPTOGRAPHY);
	buf_add_text(&note, "\n" UNKNOWN);
	cr_expect_eq(open_by_peter(buf_text(&note), &text), -EINVAL);
	buf_done(&note);
}

Test(note_key, reads_only_what_is_consistent)
{
	static const char *const texts[] = {
		"",
		"PeterNeumann",
		"PeterNeumann+c74f20a3",
		"PeterNeumann+c74f20a3+",
		"PeterNeumann+c74f20a3+ARpc",
		"PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumanm+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TX",
		"PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	};
	struct note_key key;

	read_key(" PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n", &key);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct reason why = { .text = "" };

		cr_expect_eq(note_key_read(str_of(texts[i]), &key, &why), -EINVAL, "%s", texts[i]);
		cr_expect_neq(why.text[0], '\0', "%s", texts[i]);
	}
}

/* The text of the example of C2SP tlog-checkpoint. */
#define SOFA                            \
	"example.com/behind-the-sofa\n" \
	"20852163\n"                    \
	"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

Test(checkpoint, reads_and_writes_the_published_form)
{
	struct checkpoint checkpoint;
	struct buf out;

	cr_assert_eq(checkpoint_read(STR(SOFA), &checkpoint, NULL), 0);
	cr_expect(str_is(checkpoint.origin, "example.com/behind-the-sofa"));
	cr_expect_eq(checkpoint.size, 20852163);
	cr_expect_eq(checkpoint.root.bytes[0], 0x0a);
	cr_expect_eq(checkpoint.outside, 0);
	cr_expect_eq(checkpoint.time.len, 0);

	checkpoint.time = STR("2026-01-02T03:04:05Z");
	checkpoint.outside = 7;
	buf_init(&out, 1024);
	checkpoint_write(&out, &checkpoint);
	cr_expect_str_eq(buf_text(&out), SOFA "time 2026-01-02T03:04:05Z\noutside 7\n");
	cr_assert_eq(checkpoint_read(buf_str(&out), &checkpoint, NULL), 0);
	cr_expect(str_is(checkpoint.time, "2026-01-02T03:04:05Z"));
	cr_expect_eq(checkpoint.outside, 7);
	buf_done(&out);
}

Test(checkpoint, refuses_everything_else)
{
	static const char root[] = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
	static const struct {
		const char *origin;
		const char *size;
		const char *root;
		const char *more;
	} cases[] = {
		{ "", "1", root, "\n" },
		{ "o", "", root, "\n" },
		{ "o", "01", root, "\n" },
		{ "o", "-1", root, "\n" },
		{ "o", "1 ", root, "\n" },
		{ "o", "9223372036854775808", root, "\n" },
		{ "o", "99999999999999999999", root, "\n" },
		{ "o", "1", "CsUY", "\n" },
		{ "o", "1", "", "\n" },
		{ "o", "1", root, "\n\n" },
		{ "o", "1", root, "\noutside x\n" },
	};
	struct checkpoint checkpoint;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reason why = { .text = "" };
		struct buf text;

		buf_init(&text, 1024);
		buf_addf(&text, "%s\n%s\n%s%s", cases[i].origin, cases[i].size, cases[i].root,
			 cases[i].more);
		cr_expect_eq(checkpoint_read(buf_str(&text), &checkpoint, &why), -EINVAL, "%zu", i);
		cr_expect_neq(why.text[0], '\0', "%zu", i);
		buf_done(&text);
	}
}

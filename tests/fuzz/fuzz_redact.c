/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes through the net under secrets. Whatever else is around it, an API key planted into the
 * text does not come out, valid UTF-8 stays valid, and less room gives a beginning of what more
 * room gives.
 */
#include <stdlib.h>

#include "core/redact.h"
#include "core/utf8.h"

#define KEY "wrn_00112233445566778899aabbccddeeff"

#define CHECK(fact)              \
	do {                     \
		if (!(fact))     \
			abort(); \
	} while (0)

static char text[8192];
static char out[sizeof(text) * 4];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > 4096)
		return 0;

	size_t at = data[0] * (size - 1) / 256;
	size_t room = (size_t)data[1] * 4;
	memcpy(text, data, at);
	memcpy(text + at, KEY, sizeof(KEY) - 1);
	memcpy(text + at + sizeof(KEY) - 1, data + at, size - at);

	const struct str planted = { .at = text, .len = size + sizeof(KEY) - 1 };
	size_t len = redact_text(planted, out, sizeof(out));
	CHECK(!memmem(out, len, KEY, sizeof(KEY) - 1));
	CHECK(!utf8_is_valid(planted) || utf8_is_valid((struct str){ .at = out, .len = len }));

	static char shorter[1024];
	size_t short_len = redact_text(planted, shorter, room);
	CHECK(short_len <= room && short_len <= len && memcmp(shorter, out, short_len) == 0);
	return 0;
}

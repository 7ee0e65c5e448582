/* SPDX-License-Identifier: Apache-2.0 */

/* libuv's list covers its own codes (UV_EOF, UV_EAI_*); the C library covers every errno. */
#include "core/errno_text.h"

#include <limits.h>
#include <string.h>
#include <uv.h>

const char *errno_text(int rc)
{
	const char *text;

	switch (rc) {
#define WORDS(name, words) \
	case UV_##name:    \
		return words;
		UV_ERRNO_MAP(WORDS)
#undef WORDS
	default:
		text = strerrordesc_np(rc > INT_MIN && rc < 0 ? -rc : rc);
		return text ? text : "an unknown error";
	}
}

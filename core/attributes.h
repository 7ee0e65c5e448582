/* SPDX-License-Identifier: Apache-2.0 */

/* Compiler attributes and two macros that every folder uses. */
#ifndef CORE_ATTRIBUTES_H
#define CORE_ATTRIBUTES_H

#include <stddef.h>

/* The caller must check the result. */
#define must_check __attribute__((warn_unused_result))

/* printf-style checking: `format_at` and `args_at` count from 1. */
#define printf_like(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

#define ARRAY_LEN(array)                (sizeof(array) / sizeof((array)[0]))

/* The struct of type `type` whose member `member` lives at `pointer`. */
#define container_of(pointer, type, member) ((type *)(((char *)(pointer)) - offsetof(type, member)))

#endif

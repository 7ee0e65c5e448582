/* SPDX-License-Identifier: Apache-2.0 */

/* Texts for the negative codes that functions return: those of errno and of libuv. */
#ifndef CORE_ERRNO_TEXT_H
#define CORE_ERRNO_TEXT_H

/* A constant string for every number, even for unknown ones. uv_strerror() is banned: for each code
 * that libuv has no name for it leaks a string, and several of our codes are such. Safe from any
 * thread. */
const char *errno_text(int rc);

#endif

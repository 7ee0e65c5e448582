/* SPDX-License-Identifier: Apache-2.0 */

/* Words for the negative codes that functions return: errno's and libuv's own. */
#ifndef CORE_ERRNO_TEXT_H
#define CORE_ERRNO_TEXT_H

/* A constant string for every number, also for one that nobody has given a meaning. uv_strerror()
 * is banned: it allocates a string that nobody can free for each code libuv has no name for, and
 * several of ours are among them. Safe from any thread. */
const char *errno_text(int rc);

#endif

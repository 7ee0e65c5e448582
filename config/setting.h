/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the files of this folder share: one row per variable, the texts found for each, and the
 * readers that turn a text into a member of struct config.
 */
#ifndef CONFIG_SETTING_H
#define CONFIG_SETTING_H

#include <stddef.h>

#include "config/config.h"
#include "core/buf.h"
#include "core/str.h"

#define SETTINGS_MAX 48

struct setting {
	const char *name;
	const char *fallback; /* the default as text; NULL: the member stays as it is */
	/* 0, or -EINVAL with a line in *faults, or -ENOMEM. */
	int (*read)(const struct setting *setting, struct str value, struct config *out,
		    struct buf *faults);
	size_t offset;            /* of the member, for readers that fit several */
	unsigned least;           /* numbers */
	unsigned most;            /* numbers */
	const char *const *words; /* choices, in the order of their enum, NULL behind the last */
	const char *provider;     /* origins */
};

/* The table; `count` rows, at most SETTINGS_MAX. */
extern const struct setting settings[];
extern const size_t settings_count;

/* The row of a name, or settings_count. */
size_t setting_find(struct str name);

/* What was found for each row; `at` is NULL when nothing was. The texts belong to the environment
 * or to the file. */
struct setting_texts {
	struct str value[SETTINGS_MAX];
	unsigned line[SETTINGS_MAX]; /* in the file; 0: not there */
};

/* A name nobody knows: a line in *faults and -EINVAL when it is one of ours, else 0. `line` is 0
 * for the environment. */
int setting_unknown(struct str name, unsigned line, struct buf *faults);

/* Reads a whole file into *out, whose limit is the most it may have. 0 or a negative errno; -E2BIG
 * past the limit. */
int settings_file_read(const char *path, struct buf *out) must_check;

/* Finds settings in the text of a file. 0, or -EINVAL with a line in *faults for each bad line. */
int settings_file_parse(struct str text, struct setting_texts *texts, struct buf *faults);

/* The encryption key from the one place that has it. 0, or -EINVAL with a line in *faults for none,
 * several or a bad one; or the errno of its file. */
int settings_find_key(const struct setting_texts *texts, char *const *environment,
		      struct config *out, struct buf *faults);

/* Appends "NAME: ", the sentence and a newline. Returns -EINVAL. */
int setting_fault(const char *name, struct buf *faults, const char *format, ...) printf_like(3, 4);

int read_database_url(const struct setting *setting, struct str value, struct config *out,
		      struct buf *faults);
int read_redis_url(const struct setting *setting, struct str value, struct config *out,
		   struct buf *faults);
int read_encryption_key(const struct setting *setting, struct str value, struct config *out,
			struct buf *faults);
int read_allow_private(const struct setting *setting, struct str value, struct config *out,
		       struct buf *faults);
int read_listen(const struct setting *setting, struct str value, struct config *out,
		struct buf *faults);
int read_workers(const struct setting *setting, struct str value, struct config *out,
		 struct buf *faults);
int read_group(const struct setting *setting, struct str value, struct config *out,
	       struct buf *faults);
int read_file_name(const struct setting *setting, struct str value, struct config *out,
		   struct buf *faults);
int read_link_base(const struct setting *setting, struct str value, struct config *out,
		   struct buf *faults);
int read_cors_origins(const struct setting *setting, struct str value, struct config *out,
		      struct buf *faults);
int read_origin(const struct setting *setting, struct str value, struct config *out,
		struct buf *faults);
int read_nothing(const struct setting *setting, struct str value, struct config *out,
		 struct buf *faults);
int read_text(const struct setting *setting, struct str value, struct config *out,
	      struct buf *faults);
int read_number(const struct setting *setting, struct str value, struct config *out,
		struct buf *faults);
int read_choice(const struct setting *setting, struct str value, struct config *out,
		struct buf *faults);

#endif

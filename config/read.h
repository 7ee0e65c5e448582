/* SPDX-License-Identifier: Apache-2.0 */

/* One reader per kind of value: turns a text into a member of struct config. Private to config/. */
#ifndef CONFIG_READ_H
#define CONFIG_READ_H

#include "config/setting.h"
#include "core/buf.h"
#include "core/str.h"

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
int read_origin_name(const struct setting *setting, struct str value, struct config *out,
		     struct buf *faults);
int read_link_base(const struct setting *setting, struct str value, struct config *out,
		   struct buf *faults);
int read_cors_origins(const struct setting *setting, struct str value, struct config *out,
		      struct buf *faults);
int read_hosts(const struct setting *setting, struct str value, struct config *out,
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

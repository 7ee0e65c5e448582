/* SPDX-License-Identifier: Apache-2.0 */

/* Every meaning has one text: a size with a leading zero is refused, and so is an empty line. */
#include "proof/checkpoint.h"

#include <errno.h>
#include <inttypes.h>

#define TIME    "time "
#define OUTSIDE "outside "

void checkpoint_write(struct buf *out, const struct checkpoint *checkpoint)
{
	struct str root = { .at = (const char *)checkpoint->root.bytes, .len = SHA256_SIZE };

	buf_add_str(out, checkpoint->origin);
	buf_addf(out, "\n%" PRIu64 "\n", checkpoint->size);
	base64_encode(out, root);
	buf_add_char(out, '\n');
	if (checkpoint->time.len)
		buf_addf(out, TIME "%.*s\n", STR_ARGS(checkpoint->time));
	buf_addf(out, OUTSIDE "%" PRIu64 "\n", checkpoint->outside);
}

static bool read_number(struct str text, uint64_t *out)
{
	unsigned long long number;

	if (!str_to_u64(text, &number) || (text.len > 1 && text.at[0] == '0') ||
	    number > MERKLE_MAX_SIZE)
		return false;
	*out = number;
	return true;
}

static bool read_extension(struct str line, struct checkpoint *out)
{
	if (str_starts(line, STR(TIME)))
		out->time = str_from(line, sizeof(TIME) - 1);
	else if (str_starts(line, STR(OUTSIDE)))
		return read_number(str_from(line, sizeof(OUTSIDE) - 1), &out->outside);
	return line.len > 0;
}

int checkpoint_read(struct str text, struct checkpoint *out, struct reason *why)
{
	struct checkpoint read = { .origin = STR("") };
	struct str rest = text;
	bool is_good;

	if (rest.len > 0 && rest.at[rest.len - 1] == '\n')
		rest.len--; /* ends the last line */
	read.origin = str_cut(&rest, '\n');
	is_good = read.origin.len > 0 && read_number(str_cut(&rest, '\n'), &read.size) &&
		  base64_decode_exact(str_cut(&rest, '\n'), read.root.bytes, SHA256_SIZE);
	while (is_good && rest.at)
		is_good = read_extension(str_cut(&rest, '\n'), &read);
	if (!is_good)
		return reason_set(why, -EINVAL, "checkpoint",
				  "the signed text is not a checkpoint of a tree");
	*out = read;
	return 0;
}

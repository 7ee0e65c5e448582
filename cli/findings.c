/* SPDX-License-Identifier: Apache-2.0 */

/* Texts come from servers, too, so they leave through output.c. */
#include "cli/findings.h"

#include "cli/command.h"
#include "cli/output.h"
#include "core/json.h"

#define OUT_LIMIT  (1024 * 1024)
#define TEXT_LIMIT 4096

static const char *const names[] = {
	[FINDING_OK] = "ok",
	[FINDING_WARNING] = "warning",
	[FINDING_FAULT] = "fault",
};

void findings_init(struct findings *findings, bool json)
{
	*findings = (struct findings){ .json = json };
	buf_init(&findings->out, OUT_LIMIT);
}

void findings_done(struct findings *findings)
{
	buf_done(&findings->out);
}

static void add_json(struct findings *findings, enum finding level, const char *what,
		     const char *remedy, struct str text)
{
	struct buf *out = &findings->out;

	buf_add_text(out, out->len ? ",\n" : "[\n");
	buf_addf(out, "{\"check\":\"%s\",\"result\":\"%s\",\"text\":", what, names[level]);
	json_add_string(out, text);
	if (remedy) {
		buf_add_text(out, ",\"remedy\":");
		json_add_string(out, str_of(remedy));
	}
	buf_add_char(out, '}');
}

void findings_add(struct findings *findings, enum finding level, const char *what,
		  const char *remedy, const char *format, ...)
{
	struct buf text;
	va_list args;

	buf_init(&text, TEXT_LIMIT);
	va_start(args, format);
	buf_vaddf(&text, format, args);
	va_end(args);
	findings->faults += level == FINDING_FAULT;
	if (findings->json)
		add_json(findings, level, what, remedy, buf_str(&text));
	else
		buf_addf(&findings->out, "%-8s%-20s%.*s%s%s\n", names[level], what,
			 STR_ARGS(buf_str(&text)), remedy ? "; " : "", remedy ? remedy : "");
	buf_done(&text);
}

int findings_print(struct findings *findings)
{
	if (findings->json)
		buf_add_text(&findings->out, "\n]\n");
	output_write(stdout, buf_str(&findings->out));
	return findings->faults ? EXIT_FAILED : EXIT_GOOD;
}

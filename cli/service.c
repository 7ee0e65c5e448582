/* SPDX-License-Identifier: Apache-2.0 */

/* Requests of commands that ask once. */
#include "cli/service.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/items.h"
#include "cli/output.h"

#define ANSWER_LIMIT  (64 * 1024 * 1024)
#define QUERY_LIMIT   16384
#define LIMIT_MS      60000L
#define DEFAULT_LIMIT 50
#define MAX_NAME      64
#define PAGE          200ULL /* the most that the API answers at once */

void service_close(struct service *service)
{
	cJSON_Delete(service->answer);
	buf_done(&service->query);
	buf_done(&service->body);
	client_close(&service->client);
}

void service_add_query(struct service *service, const char *name, const char *value)
{
	char *escaped = curl_easy_escape(service->client.curl, value, 0);

	if (escaped)
		buf_addf(&service->query, "&%s=%s", name, escaped);
	else
		service->query.err = -ENOMEM;
	curl_free(escaped);
}

/* ---- words and flags --------------------------------------------------------------------- */

const struct option service_options[] = { SERVICE_OPTIONS, { NULL, 0, NULL, 0 } };

/* The flag --resource-type is the parameter resource_type. */
static void add_parameter(struct service *service, const struct option *options, int flag,
			  const char *value)
{
	char name[MAX_NAME];

	while (options->val != flag)
		options++;
	snprintf(name, sizeof(name), "%s", options->name);
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	service_add_query(service, name, value);
}

static int take_flag(struct service *service, const struct service_arguments *arguments, int flag,
		     const char *value)
{
	if (client_take_flag(&service->client, flag, value))
		return EXIT_GOOD;
	if (flag == SERVICE_JSON)
		service->as_json = true;
	else if (flag >= SERVICE_PARAMETER)
		add_parameter(service, arguments->options, flag, value);
	else if (flag != SERVICE_LIMIT)
		return flag == '?' ? EXIT_USAGE : arguments->take(arguments->owner, flag, value);
	else if (!str_to_u64(str_of(value), &service->limit) || service->limit == 0)
		return command_fault(EXIT_USAGE, "--limit: expected a number, got \"%s\"", value);
	return EXIT_GOOD;
}

static int take_words(int argc, char **argv, struct service_arguments *arguments)
{
	int wanted = arguments->wanted ? 1 : 0;

	if (argc - optind > wanted)
		return command_fault(EXIT_USAGE, "%s: unexpected argument \"%s\"", argv[0],
				     argv[optind + wanted]);
	if (argc - optind < wanted && !arguments->is_optional)
		return command_fault(EXIT_USAGE, "%s needs one %s; see --help", argv[0],
				     arguments->wanted);
	arguments->word = argc > optind ? argv[optind] : NULL;
	return EXIT_GOOD;
}

int service_open(struct service *service, int argc, char **argv,
		 struct service_arguments *arguments)
{
	int code;
	int flag;

	*service = (struct service){ .as_json = !output_is_terminal(), .limit = DEFAULT_LIMIT };
	buf_init(&service->query, QUERY_LIMIT);
	buf_init(&service->body, ANSWER_LIMIT);
	code = client_open(&service->client);
	while (code == EXIT_GOOD && (flag = command_flag(argc, argv, arguments->options)) != -1)
		code = take_flag(service, arguments, flag, optarg);
	if (code == EXIT_GOOD)
		code = take_words(argc, argv, arguments);
	if (code == EXIT_GOOD && service->query.err)
		code = command_fault(EXIT_USAGE, "the flags are too long; use fewer of them");
	return code == EXIT_GOOD ? client_check(&service->client) : code;
}

/* ---- one request ------------------------------------------------------------------------- */

/* libcurl's type has no const. NOLINTNEXTLINE(readability-non-const-parameter) */
static size_t on_body(char *bytes, size_t size, size_t count, void *owner)
{
	struct service *service = owner;

	buf_add(&service->body, bytes, size * count);
	return service->body.err ? 0 : size * count;
}

/* The service has understood the request, and the answer is no. */
static bool is_refusal(const cJSON *answer)
{
	static const char *const codes[] = { "not_found", "conflict", "invalid_state",
					     "delivery_failed" };
	const char *code = json_get_string(json_get(answer, "error"), "code");

	for (size_t i = 0; code && i < ARRAY_LEN(codes); i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

static int take_answer(struct service *service, CURLcode rc)
{
	struct str body = str_trim(buf_str(&service->body));
	struct client_answer judged;
	int parsed = json_parse_foreign(body, ANSWER_LIMIT, &service->answer, NULL);

	client_judge(&service->client, rc, body, &judged);
	if (judged.code != EXIT_GOOD)
		return command_fault(is_refusal(service->answer) ? EXIT_FAILED : judged.code, "%s",
				     judged.cause);
	if (parsed == -ENOMEM)
		return command_fault(EXIT_FAILED, "out of memory");
	if (parsed < 0 && judged.status != 204)
		return command_fault(EXIT_UNREACHABLE,
				     "%s: the server that answers is not wrenn-events",
				     service->client.place);
	return EXIT_GOOD;
}

static int ask_page(struct service *service, const char *method, const char *path,
		    const char *query, struct str body)
{
	CURL *curl = service->client.curl;
	struct curl_slist *headers = client_prepare(&service->client, path, query);
	struct curl_slist *more =
		headers ? curl_slist_append(headers, "Content-Type: application/json") : NULL;
	int code;

	cJSON_Delete(service->answer);
	service->answer = NULL;
	buf_reset(&service->body);
	if (!more) {
		curl_slist_free_all(headers);
		return command_fault(EXIT_FAILED, "out of memory");
	}
	if (strcmp(method, "GET") != 0) {
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.at);
	}
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, more);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, LIMIT_MS);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, service);
	code = take_answer(service, curl_easy_perform(curl));
	curl_slist_free_all(more);
	return code;
}

int service_ask(struct service *service, const char *method, const char *path, struct str body)
{
	return ask_page(service, method, path, "", body);
}

int service_ask_with_query(struct service *service, const char *method, const char *path,
			   struct str body)
{
	const char *query = buf_text(&service->query);

	return query ? ask_page(service, method, path, query, body)
		     : command_fault(EXIT_FAILED, "out of memory");
}

void service_print_json(const struct service *service)
{
	output_write(stdout, str_trim(buf_str(&service->body)));
	output_write(stdout, STR("\n"));
}

/* ---- lists ------------------------------------------------------------------------------- */

/* The cursor of the next page, from the last one. */
static void add_next(struct service *service, struct buf *query)
{
	static const char *const names[][2] = { { "next_before", "before" },
						{ "next_before_id", "before_id" } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = json_get_string(service->answer, names[i][0]);
		char *escaped = value ? curl_easy_escape(service->client.curl, value, 0) : NULL;

		if (escaped)
			buf_addf(query, "&%s=%s", names[i][1], escaped);
		curl_free(escaped);
	}
}

static int ask_next_page(struct service *service, const struct service_list *list,
			 unsigned long long left)
{
	struct buf query;
	int code;

	buf_init(&query, QUERY_LIMIT);
	buf_addf(&query, "limit=%llu", left < PAGE ? left : PAGE);
	add_next(service, &query);
	buf_add_str(&query, buf_str(&service->query));
	code = buf_text(&query) ? ask_page(service, "GET", list->path, buf_text(&query), STR(""))
				: command_fault(EXIT_FAILED, "out of memory");
	buf_done(&query);
	return code;
}

/* Prints or keeps the items of the page. Returns how many. */
static unsigned long long take_page(struct service *service, const struct service_list *list,
				    unsigned long long most, struct table *table)
{
	const cJSON *items = cJSON_IsArray(service->answer) ? service->answer
							    : json_get(service->answer, "items");
	const cJSON *item = items ? items->child : NULL;
	struct str rest = items_find(buf_str(&service->body));
	struct str text;
	unsigned long long count = 0;

	for (; item && count < most && items_next(&rest, &text); item = item->next) {
		if (service->as_json) {
			output_write(stdout, text);
			output_write(stdout, STR("\n"));
		} else {
			list->add_row(table, item, list->owner);
			table_end_row(table);
		}
		count++;
	}
	return count;
}

static int read_pages(struct service *service, const struct service_list *list, struct table *table,
		      unsigned long long *out_count)
{
	unsigned long long left = service->limit;
	int code;

	do {
		code = ask_next_page(service, list, left);
		if (code != EXIT_GOOD)
			return code;
		left -= take_page(service, list, left, table);
	} while (left && json_get_string(service->answer, "next_before") && !output_failed());
	*out_count = service->limit - left;
	return EXIT_GOOD;
}

/* Notes for a person, on standard error. */
static int note_count(const struct service *service, const struct service_list *list,
		      unsigned long long count)
{
	if (count == 0)
		return command_fault(EXIT_GOOD, "%s", list->nothing);
	if (json_get_string(service->answer, "next_before") && !service->as_json)
		return command_fault(EXIT_GOOD, "there are more; --limit %llu shows them",
				     service->limit * 10);
	return EXIT_GOOD;
}

int service_print_list(struct service *service, const struct service_list *list)
{
	unsigned long long count = 0;
	struct table table;
	int code;

	table_init(&table);
	table_add_head(&table, list->titles);
	code = read_pages(service, list, &table, &count);
	if (code == EXIT_GOOD && count && !service->as_json && !table_print(&table))
		code = command_fault(EXIT_FAILED, "out of memory");
	if (code == EXIT_GOOD)
		code = note_count(service, list, count);
	table_done(&table);
	return code;
}

struct str service_text(const cJSON *object, const char *name)
{
	return str_of(json_get_string(object, name));
}

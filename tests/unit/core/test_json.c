/* SPDX-License-Identifier: Apache-2.0 */

/* JSON: what strict reading accepts and refuses, and what writing escapes. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/json.h"

static int parse(struct str text, struct reason *why)
{
	cJSON *tree = NULL;
	int rc = json_parse(text, 1 << 20, &tree, why);

	cr_expect_eq(rc == 0, tree != NULL);
	cJSON_Delete(tree);
	return rc;
}

Test(json_parse, accepts_what_the_standard_allows)
{
	static const char *const cases[] = {
		"{}",
		"[]",
		" \t\r\n{ } \t\r\n",
		"null",
		"true",
		"false",
		"\"\"",
		"0",
		"-0",
		"-12.50e+10",
		"1E-2",
		"0e0",
		"[1,2,[3,{\"a\":[]}]]",
		"{\"a\":1,\"b\":{\"a\":2},\"A\":3,\"\":4}",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u00E9\"",
		"\"\\ud83d\\ude00 \xf0\x9f\x98\x80 \\uDBFF\\uDFFF\"",
		"\"\x7f \xc2\x80 \xe2\x80\xa8\"",
		"[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", /* JSON_MAX_DEPTH levels */
		"{\"a\" : [ true , false , null ] }",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(parse(str_of(cases[i]), NULL), 0, "%s", cases[i]);
}

static const struct str not_json[] = {
	STR(""),
	STR(" "),
	STR("{"),
	STR("}"),
	STR("["),
	STR("]"),
	STR("{]"),
	STR("[}"),
	STR("[1,]"),
	STR("[,1]"),
	STR("[1 2]"),
	STR("{\"a\"}"),
	STR("{\"a\":}"),
	STR("{\"a\":1,}"),
	STR("{\"1\":1,"),
	STR("{a:1}"),
	STR("{'a':1}"),
	STR("{1:1}"),
	STR("{\"a\" 1}"),
	STR("{,}"),
	STR("{\"a\":1 \"b\":2}"),
	STR("tru"),
	STR("True"),
	STR("nul"),
	STR("truefalse"),
	STR("NaN"),
	STR("Infinity"),
	STR("01"),
	STR("-"),
	STR("+1"),
	STR("1."),
	STR(".5"),
	STR("1e"),
	STR("1e+"),
	STR("0x10"),
	STR("--1"),
	STR("1-2"),
	STR("\""),
	STR("\"a"),
	STR("\"\\\""),
	STR("\"\\"),
	STR("\"\\x\""),
	STR("\"\\u12\""),
	STR("\"\\u12g4\""),
	STR("\"\\u\""),
	STR("\"a\nb\""),
	STR("\"a\tb\""),
	STR("\"a\x1f"
	    "b\""),
	STR("'a'"),
	STR("// x\n1"),
	STR("/**/1"),
	STR("1\v"),
	STR("\f1"),
	STR("\xef\xbb\xbf{}"),
	STR("{\"a\":1}\x01"),
	STR("\xc2\xa0"
	    "1"),
	STR("{\"a\"::1}"),
	STR("[1]]"),
	STR("{}{}"),
	STR("{} x"),
};

Test(json_parse, refuses_what_the_standard_does_not_allow)
{
	for (size_t i = 0; i < ARRAY_LEN(not_json); i++)
		cr_expect_eq(parse(not_json[i], NULL), -EINVAL, "case %zu: %s", i, not_json[i].at);
}

static void expect_refusal(struct str text, int rc, const char *field, const char *part)
{
	struct reason why = { .field = "none", .text = "none" };

	cr_expect_eq(parse(text, &why), rc, "%.60s", text.at);
	cr_expect_str_eq(why.field, field, "%.60s", text.at);
	cr_expect_not_null(strstr(why.text, part), "\"%s\" lacks \"%s\"", why.text, part);
}

Test(json_parse, refuses_what_only_we_do_not_allow_and_says_why)
{
	expect_refusal(STR("\"\\u0000\""), -EINVAL, "", "a NUL at byte 1");
	expect_refusal(STR("{\"a\\u0000b\":1}"), -EINVAL, "", "a NUL");
	expect_refusal(STR("\"a\0b\""), -EINVAL, "", "a NUL");
	expect_refusal(STR("{}\0"), -EINVAL, "", "more text after the value at byte 2");
	expect_refusal(STR("\"\\ud800\""), -EINVAL, "", "a lone surrogate");
	expect_refusal(STR("\"\\ud800x\""), -EINVAL, "", "a lone surrogate");
	expect_refusal(STR("\"\\ud800\\n\""), -EINVAL, "", "a lone surrogate");
	expect_refusal(STR("\"\\ud800\\ud800\""), -EINVAL, "", "a lone surrogate");
	expect_refusal(STR("\"\\udc00\""), -EINVAL, "", "a lone surrogate");
	expect_refusal(STR("\"\xed\xa0\x80\""), -EINVAL, "", "invalid UTF-8");
	expect_refusal(STR("\"\xff\""), -EINVAL, "", "invalid UTF-8");
	expect_refusal(STR("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"), -EINVAL, "", "nesting");
	expect_refusal(STR("{} {}"), -EINVAL, "", "more text after the value at byte 3");
	expect_refusal(STR("{\"a\":1,\"b\":2,\"a\":3}"), -EINVAL, "a", "\"a\" occurs twice");
	expect_refusal(STR("[{\"x\":{\"b\":1,\"\\u0062\":2}}]"), -EINVAL, "b", "occurs twice");
	expect_refusal(STR("1234567890123456789012345678901234567890123456789012345678901"),
		       -EINVAL, "", "number");
}

Test(json_parse, names_the_member_whose_text_is_refused)
{
	expect_refusal(STR("{\"name\":\"a\\u0000\"}"), -EINVAL, "name", "name has a NUL in it");
	expect_refusal(STR("{\"a\":{\"url\":\"\\u0000\"},\"b\":1}"), -EINVAL, "url", "a NUL");
	expect_refusal(STR("{\"events\":[\"x\",\"\\ud800\"]}"), -EINVAL, "events",
		       "a lone surrogate");
	expect_refusal(STR("{\"a\":[{\"b\":1},\"\\u0000\"]}"), -EINVAL, "a", "a NUL");
	expect_refusal(STR("{\"a\":{\"b\":1,\"c\\u0000\":2}}"), -EINVAL, "a", "a NUL");
	expect_refusal(STR("{\"a\":{\"b\":1},\"c\":\"\\x\"}"), -EINVAL, "c", "a broken escape");
	expect_refusal(STR("{\"a\":\"tab\t\"}"), -EINVAL, "a", "an unescaped control character");
	/* The form is at fault, not a text. */
	expect_refusal(STR("{\"a\":\"b\",}"), -EINVAL, "", "no member name");
	expect_refusal(STR("{\"a\":\"b"), -EINVAL, "", "an unfinished string");
	expect_refusal(STR("{\"a\":01}"), -EINVAL, "", "at byte 6");
	expect_refusal(STR("{\"a\":\"b\" \"c\"}"), -EINVAL, "", "at byte 9");
}

Test(json_parse, refuses_more_than_the_limit)
{
	struct reason why;
	cJSON *tree = NULL;

	cr_expect_eq(json_parse(STR("[1,2]"), 4, &tree, &why), -E2BIG);
	cr_expect_null(tree);
	cr_expect_eq(json_parse(STR("[1,2]"), 5, &tree, &why), 0);
	cJSON_Delete(tree);
}

Test(json_parse, survives_depth_that_would_exhaust_a_stack)
{
	static char text[1 << 20];

	memset(text, '[', sizeof(text));
	cr_expect_eq(parse((struct str){ text, sizeof(text) }, NULL), -EINVAL);
	for (size_t i = 0; i + 5 <= sizeof(text); i += 5)
		memcpy(text + i, "{\"a\":", 5);
	cr_expect_eq(parse((struct str){ text, sizeof(text) }, NULL), -EINVAL);
}

/* An object with `count` members; the last has the name of the first when `repeat`. */
static void write_members(struct buf *out, int count, bool repeat)
{
	buf_reset(out);
	buf_add_char(out, '{');
	for (int i = 0; i < count; i++)
		buf_addf(out, "%s\"%d\":%d", i ? "," : "", repeat && i == count - 1 ? 0 : i, i);
	buf_add_char(out, '}');
}

Test(json_parse, finds_a_repeat_among_few_and_among_thousands_of_members)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	for (int count = 2; count < 60000; count = count < 20 ? count + 1 : count * 3) {
		write_members(&out, count, false);
		cr_expect_eq(parse(buf_str(&out), NULL), 0, "%d members", count);
		write_members(&out, count, true);
		cr_expect_eq(parse(buf_str(&out), NULL), -EINVAL, "%d members", count);
	}
	buf_done(&out);
}

Test(json_get, compares_names_exactly_and_types_too)
{
	cJSON *tree = NULL;

	cr_assert_eq(json_parse(STR("{\"Name\":1,\"name\":\"x\",\"none\":null}"), 100, &tree, NULL),
		     0);
	cr_expect_str_eq(json_get_string(tree, "name"), "x");
	cr_expect_null(json_get_string(tree, "Name"));
	cr_expect_null(json_get_string(tree, "none"));
	cr_expect_null(json_get_string(tree, "NAME"));
	cr_expect_null(json_get_string(NULL, "name"));
	cr_expect_null(json_get(json_get(tree, "name"), "name"));
	cJSON_Delete(tree);
}

Test(json_add_string, escapes_what_could_end_or_break_a_string)
{
	static const struct {
		struct str text;
		const char *expected;
	} cases[] = {
		{ STR(""), "\"\"" },
		{ STR("plain \xc3\xa9 \xf0\x9f\x98\x80"), "\"plain \xc3\xa9 \xf0\x9f\x98\x80\"" },
		{ STR("a\"b\\c/"), "\"a\\\"b\\\\c/\"" },
		{ STR("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"" },
		{ STR("\x01\x1f\x7f~"), "\"\\u0001\\u001f\\u007f~\"" },
		{ STR("\xc2\x80 \xc2\x85 \xc2\x9f\xc2\xa0\xc3\x85"),
		  "\"\\u0080 \\u0085 \\u009f\xc2\xa0\xc3\x85\"" },
		{ STR("a\0b"), "\"a\\u0000b\"" },
		{ STR("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"), "\"\\u2028\\u2029\xe2\x80\xaa\"" },
		{ STR("<&>"), "\"<&>\"" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out;

		buf_init(&out, 100);
		json_add_string(&out, cases[i].text);
		cr_expect_str_eq(buf_text(&out), cases[i].expected);
		buf_done(&out);
	}
}

Test(json_add_parsed, keeps_the_text_and_escapes_what_ends_lines_for_some)
{
	static const struct {
		const char *json;
		const char *expected;
	} cases[] = {
		{ "{\"a\":1e400,\"b\":[12345678901234567890,\"\\u0000\\\"\"]}", NULL },
		{ "\"x\xc2\x85y\x7f\xe2\x80\xa8\xc2\xa0\"", "\"x\\u0085y\\u007f\\u2028\xc2\xa0\"" },
		{ "{\"\xc2\x9f\" :\n\t[ ]\r\n}\n", "{\"\\u009f\" :[ ]}" },
		{ "\"a\\\\\xe2\x80\xa9\"", "\"a\\\\\\u2029\"" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *expected = cases[i].expected ? cases[i].expected : cases[i].json;
		struct buf out;

		buf_init(&out, 200);
		json_add_parsed(&out, str_of(cases[i].json));
		cr_expect_str_eq(buf_text(&out), expected);
		buf_done(&out);
	}
}

Test(json_parse_foreign, refuses_a_body_that_is_empty)
{
	cr_expect_eq(json_parse_foreign((struct str){ .at = NULL }, 100, &(cJSON *){ NULL }, NULL),
		     -EINVAL);
	cr_expect_eq(json_parse_foreign(STR(""), 100, &(cJSON *){ NULL }, NULL), -EINVAL);
}

Test(json_parse_foreign, reads_an_escaped_nul_as_u_fffd)
{
	static const struct {
		const char *json;
		const char *expected; /* written again; NULL: refused */
	} cases[] = {
		{ "\"a\\u0000b\"", "\"a\xef\xbf\xbd"
				   "b\"" },
		{ "{\"k\\u0000\":[\"\\u0000\\u0000\"]}",
		  "{\"k\xef\xbf\xbd\":[\"\xef\xbf\xbd\xef\xbf\xbd\"]}" },
		{ "\"\\\\u0000\"", "\"\\\\u0000\"" }, /* a backslash, then five characters */
		{ "\"\\\\\\u0000\"", "\"\\\\\xef\xbf\xbd\"" },
		{ "\"\\u00001\"", "\"\xef\xbf\xbd"
				  "1\"" },
		{ "{\"a\":1}", "{\"a\":1}" },
		{ "\"\\u000\"", NULL },
		{ "\\u0000", NULL },
		{ "\"\\u0000", NULL },
		{ "\"\\u0000\\ud800\"", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\"\\udC00\\uD83D\\ude00\"", "\"\xef\xbf\xbd\xf0\x9f\x98\x80\"" },
		{ "\"\\ud800\\ud83d\\ude00\"", "\"\xef\xbf\xbd\xf0\x9f\x98\x80\"" },
		{ "\"\\uD800x\\u0000\"", "\"\xef\xbf\xbdx\xef\xbf\xbd\"" },
		{ "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"" },
		{ "\"\\\\ud800\"", "\"\\\\ud800\"" },
		{ "\"\\ud80\"", NULL },
		{ "\"\\ud800\\ude0", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str json = str_of(cases[i].json);
		struct buf out;
		cJSON *tree = NULL;
		int rc = json_parse_foreign(json, 100, &tree, NULL);

		cr_expect_eq(rc, cases[i].expected ? 0 : -EINVAL, "%s", cases[i].json);
		buf_init(&out, 200);
		if (rc == 0 && cases[i].expected) {
			json_add_value(&out, tree);
			cr_expect_str_eq(buf_text(&out), cases[i].expected, "%s", cases[i].json);
		}
		buf_done(&out);
		cJSON_Delete(tree);
	}
	cr_expect_eq(json_parse_foreign(STR("\"\\u0000\""), 7, &(cJSON *){ NULL }, NULL), -E2BIG);
}

Test(json_add_string, is_read_back_as_it_was)
{
	struct buf out;
	char text[0x7f * 2];
	size_t len = 0;
	cJSON *tree = NULL;

	for (char c = 1; c < 0x7f; c++) {
		text[len++] = c;
		text[len++] = '"';
	}
	buf_init(&out, 2000);
	json_add_string(&out, (struct str){ text, len });
	cr_assert_eq(json_parse(buf_str(&out), 2000, &tree, NULL), 0);
	cr_expect(str_eq(str_of(cJSON_GetStringValue(tree)), (struct str){ text, len }));
	cJSON_Delete(tree);
	buf_done(&out);
}

#define LONG_NAME "0123456789012345678901234567890123456789012345678901234567890123"

Test(json_check_object, refuses_what_is_no_object_and_a_member_it_does_not_have)
{
	static const char *const names[] = { "until", "for", "resource", NULL };
	static const char *const one[] = { "until", NULL };
	static const struct {
		const char *text;
		const char *const *names;
		const char *field;
		const char *says; /* NULL: accepted */
	} cases[] = {
		{ "{\"resource\":1,\"until\":{\"x\":1}}", names, "", NULL },
		{ "{}", one, "", NULL },
		{ "[\"until\"]", names, "", "the body must be a JSON object" },
		{ "\"until\"", names, "after", "after must be a JSON object" },
		{ "{\"for\":1,\"untill\":1}", names, "",
		  "the body has no member \"untill\", only until, for and resource" },
		{ "{\"Until\":1}", one, "quiet", "quiet has no member \"Until\", only until" },
		{ "{\"" LONG_NAME "more\":1}", one, "quiet",
		  "quiet has no member \"" LONG_NAME "\", only until" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reason why = { .text = "" };
		cJSON *tree = NULL;

		cr_assert_eq(json_parse(str_of(cases[i].text), 1000, &tree, NULL), 0);
		cr_expect_eq(json_check_object(tree, cases[i].names, cases[i].field, &why),
			     cases[i].says ? -EINVAL : 0, "%s", cases[i].text);
		cr_expect_str_eq(why.text, cases[i].says ? cases[i].says : "");
		cr_expect_str_eq(why.field, cases[i].says ? cases[i].field : "");
		cJSON_Delete(tree);
	}
}

Test(json_add_member, puts_commas_where_they_belong)
{
	struct buf out;

	buf_init(&out, 100);
	buf_add_char(&out, '{');
	json_add_member(&out, "a", STR("{"));
	json_add_name(&out, "b");
	buf_add_text(&out, "[{");
	json_add_member(&out, "\"", STR(""));
	buf_add_text(&out, "}]");
	json_add_member(&out, "c", STR("["));
	buf_add_char(&out, '}');
	cr_expect_str_eq(buf_text(&out), "{\"a\":\"{\",\"b\":[{\"\\\"\":\"\"}],\"c\":\"[\"}");
	buf_reset(&out);
	json_add_name(&out, "a");
	buf_add_char(&out, '[');
	json_add_name(&out, "b");
	cr_expect_str_eq(buf_text(&out), "\"a\":[\"b\":");
	buf_done(&out);
}

Test(json_add_value, writes_a_tree_without_losing_a_digit)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{ " { \"a\" : [ ] , \"b\" : { } } ", "{\"a\":[],\"b\":{}}" },
		{ "[true,false,null,\"\\u2028\",[1,[2]],{\"\\\"\":3}]",
		  "[true,false,null,\"\\u2028\",[1,[2]],{\"\\\"\":3}]" },
		{ "[9007199254740991,-9007199254740991,0.1,1e300]",
		  "[9007199254740991,-9007199254740991,0.1,1e+300]" },
		{ "[\"[\",\"{\",{\"a\":\"{\",\"b\":1}]", "[\"[\",\"{\",{\"a\":\"{\",\"b\":1}]" },
		{ "[1e999,-1e999]", "[null,null]" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out;
		cJSON *tree = NULL;

		buf_init(&out, 1000);
		cr_assert_eq(json_parse(str_of(cases[i].text), 1000, &tree, NULL), 0);
		json_add_value(&out, tree);
		cr_expect_str_eq(buf_text(&out), cases[i].expected);
		cJSON_Delete(tree);
		buf_done(&out);
	}
}

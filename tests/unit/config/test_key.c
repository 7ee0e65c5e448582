/* SPDX-License-Identifier: Apache-2.0 */

/* The encryption key comes from one place of three. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"

#define KEY_HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddee"

static char folder[256];
static char faults_text[4096];

static void make_folder(void)
{
	snprintf(folder, sizeof(folder), "%s/key-XXXXXX", getenv("TEST_DIR"));
	cr_assert_not_null(mkdtemp(folder));
}

static const char *path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *file = fopen(path_of(name), "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	cr_assert_eq(chmod(path_of(name), mode), 0);
}

static int load(const char *first, const char *second, enum config_need need, struct config *out)
{
	const char *const environment[] = { first, second, NULL };
	struct buf faults;
	int rc;

	buf_init(&faults, sizeof(faults_text) - 1);
	rc = config_load((char *const *)environment, NULL, need, out, &faults);
	snprintf(faults_text, sizeof(faults_text), "%s", buf_text(&faults));
	buf_done(&faults);
	return rc;
}

static const char *file_variable(const char *name)
{
	static char variable[600];

	snprintf(variable, sizeof(variable), "WRENN_ENCRYPTION_KEY_FILE=%s", path_of(name));
	return variable;
}

static const char *credentials_variable(void)
{
	static char variable[600];

	snprintf(variable, sizeof(variable), "CREDENTIALS_DIRECTORY=%s", folder);
	return variable;
}

static const char padded[] = " " KEY_HEX "7f\r\n\n";

Test(config_key, comes_from_a_file_or_a_credential, .init = make_folder)
{
	struct config config;

	write_file("key", padded, 0600);
	cr_assert_eq(load(file_variable("key"), NULL, CONFIG_FOR_SERVE, &config), 0, "%s",
		     faults_text);
	cr_expect_eq(config.encryption_key[31], 0x7f);
	cr_expect_not(config.key_is_open);
	config_done(&config);

	write_file("key", padded, 0640);
	cr_assert_eq(load(file_variable("key"), NULL, CONFIG_FOR_SERVE, &config), 0);
	cr_expect(config.key_is_open);
	config_done(&config);

	write_file("wrenn-encryption-key", KEY_HEX "7e", 0444);
	cr_assert_eq(load(credentials_variable(), NULL, CONFIG_FOR_SERVE, &config), 0, "%s",
		     faults_text);
	cr_expect_eq(config.encryption_key[31], 0x7e);
	cr_expect_not(config.key_is_open);
	config_done(&config);
}

Test(config_key, comes_from_one_place, .init = make_folder)
{
	const char *variable = "WRENN_ENCRYPTION_KEY=" KEY_HEX "00";
	struct config config;

	write_file("key", padded, 0600);
	cr_expect_eq(load(variable, file_variable("key"), CONFIG_FOR_SERVE, &config), -EINVAL);
	cr_expect_not_null(strstr(faults_text, "WRENN_ENCRYPTION_KEY: expected only one of"), "%s",
			   faults_text);
	cr_expect_null(strstr(faults_text, "0011"));

	/* Credentials of other names belong to other programs. */
	cr_expect_eq(load(variable, credentials_variable(), CONFIG_FOR_SERVE, &config), 0);
	config_done(&config);
	write_file("wrenn-encryption-key", padded, 0600);
	cr_expect_eq(load(variable, credentials_variable(), CONFIG_FOR_SERVE, &config), -EINVAL);
	cr_expect_eq(load(file_variable("key"), credentials_variable(), CONFIG_FOR_SERVE, &config),
		     -EINVAL);
	cr_expect_eq(load("PATH=/bin", NULL, CONFIG_FOR_SERVE, &config), -EINVAL);
	cr_expect_not_null(strstr(faults_text, "KEY: not set"), "%s", faults_text);
}

Test(config_key, that_is_bad_is_named_by_its_place, .init = make_folder)
{
	static const struct {
		const char *text;
		const char *fault;
	} cases[] = {
		{ "",
		  "WRENN_ENCRYPTION_KEY_FILE: expected 64 hexadecimal digits, got 0 characters" },
		{ KEY_HEX,
		  "WRENN_ENCRYPTION_KEY_FILE: expected 64 hexadecimal digits, got 62 characters" },
		{ KEY_HEX "7f " KEY_HEX "7f",
		  "WRENN_ENCRYPTION_KEY_FILE: expected 64 hexadecimal digits, got 129 characters" },
		{ KEY_HEX "7g", "got 64 characters, not all of them hexadecimal digits" },
	};
	struct config config;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		write_file("key", cases[i].text, 0600);
		cr_expect_eq(load(file_variable("key"), NULL, CONFIG_FOR_SERVE, &config), -EINVAL);
		cr_expect_not_null(strstr(faults_text, cases[i].fault), "%s", faults_text);
		cr_expect_null(strstr(faults_text, "0011"));
	}
	cr_expect_lt(load(file_variable("missing"), NULL, CONFIG_FOR_SERVE, &config), 0);
	cr_expect_not_null(strstr(faults_text, "the file cannot be read (No such file"), "%s",
			   faults_text);
	/* A command that does not need the key does not read the file. */
	cr_expect_eq(load(file_variable("missing"), NULL, CONFIG_FOR_STORE, &config), 0);
	config_done(&config);
}

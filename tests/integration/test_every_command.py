# SPDX-License-Identifier: Apache-2.0
"""What every command promises, for all commands and actions that the program's own help names. The commands are asked for
within the tests: each process of a test run collects every file, also those whose tests run elsewhere."""
import os
import pathlib
import re
import shlex
import subprocess

import pytest
from own_help import helps, run, said
from support import PROGRAM, new_id

pytestmark = pytest.mark.plain_only("texts, which the sanitizers do not read")
ROOT = pathlib.Path(__file__).parents[2]
NOWHERE = ("--url", "http://127.0.0.1:1", "--api-key", "key")
RETRIES_FOR_EVER = ("tail",)
ASKS_NOBODY = ("console",)
# They print JSON anyway, or nothing, or have --format.
WITHOUT_JSON = (("serve",), ("wait",), ("health",), ("channels", "delete"), ("expectations", "delete"), ("audit", "export"))


def example_of(text):
    """The arguments after `wrenn-events`, with a value for each variable and without what the shell does."""
    line = text[text.rindex("\nExample: ") + 10:].split("|")[-1].split(" > ")[0].strip()
    return shlex.split(re.sub(r"\$\([^)]*\)|\$\w+", "value", line))[1:]


def test_the_overview_names_commands_and_exit_codes():
    assert len(helps()) > 35 and {("wait",), ("channels", "list"), ("audit", "verify")} <= set(helps())
    lines = said("help").splitlines()
    assert len(lines) <= 36 and max(map(len, lines)) <= 80, "a line for each command needs a taller screen"
    listed = [line.split()[0] for line in lines[lines.index("Exit codes of every command:") + 1:]]
    assert listed == ["0", "1", "2", "3", "124"]


def test_the_exit_codes_are_the_same_in_the_program_its_help_and_the_documents():
    """A code that is added needs a test: each of these has one here or in test_commands.py."""
    listed = set(re.findall(r"^  (\d+) ", said("help").split("Exit codes of every command:")[1], re.M))
    assert set(re.findall(r"\bEXIT_\w+ = (\d+)", (ROOT / "cli/command.h").read_text())) == listed
    assert set(re.findall(r"^\| (\d+) \|", (ROOT / "docs/commands.md").read_text(), re.M)) == listed


def with_actions_of_the_usage():
    """`keys create` and the like have no help of their own."""
    found = set()
    for words, text in helps().items():
        usage = text.split("\n\n")[0]
        found |= {(name, action) for name, action in re.findall(r"wrenn-events ([a-z]+) ([a-z][a-z-]*)", usage)} or {words}
    return found


def test_every_command_is_run_by_a_test_and_named_by_the_documents():
    tests = "".join(file.read_text() for file in (ROOT / "tests/integration").glob("*.py"))
    documents = "".join(file.read_text() for file in (*(ROOT / "docs").glob("*.md"), ROOT / "README.md"))
    commands = with_actions_of_the_usage()
    assert len(commands) > 35 and {("keys", "revoke"), ("audit", "forget"), ("tail",)} <= commands
    assert [words for words in commands if ", ".join(f'"{word}"' for word in words) not in tests] == []
    assert [words for words in commands if not re.search(r"\b.*\b".join(words), documents)] == []


def test_help_is_one_screen_with_an_example():
    for words, text in helps().items():
        lines = text.rstrip("\n").split("\n")
        assert len(lines) <= 24 and max(map(len, lines)) <= 80, text
        assert lines[0].startswith(f"Usage: wrenn-events {' '.join(words)}")
        assert re.search(rf"^Example: (.*\| )?wrenn-events {' '.join(words)}", text, re.M), text
        assert run("help", *words).stdout == text


def test_a_command_that_prints_things_has_json():
    for words, text in helps().items():
        assert ("\n  --json " in text) != (words in WITHOUT_JSON or "\nActions:\n" in text), words


def test_every_flag_of_the_example_is_in_the_help():
    for words, text in helps().items():
        listed = set(re.findall(r"--[a-z-]+", text.split("\nExample:")[0]))
        used = {word for word in example_of(text) if word.startswith("--")}
        assert "\nActions:\n" in text or used <= listed, words


def test_an_unknown_flag_is_exit_2_with_words_on_standard_error():
    for words in helps():
        ended = run(*words, "--no-such-flag", stdin=subprocess.DEVNULL)
        assert ended.returncode == 2 and not ended.stdout, ended
        assert ended.stderr.startswith("wrenn-events: ") and " ".join(words) in ended.stderr and ended.stderr.count("\n") == 1, ended


def test_a_reader_that_has_gone_ends_it_in_silence():
    for words in helps():
        reader, writer = os.pipe()
        os.close(reader)
        ended = subprocess.run([PROGRAM, *words, "--help"], stdout=writer, stderr=subprocess.PIPE, timeout=60)
        os.close(writer)
        assert ended.returncode == -13 and ended.stderr == b"", ended


def test_an_answer_that_cannot_be_written_is_exit_1():
    for words in helps():
        with open("/dev/full", "w") as full:
            ended = subprocess.run([PROGRAM, *words, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        assert ended.returncode == 1 and "standard output: no space left on device" in ended.stderr, ended


def test_a_service_that_does_not_answer_is_exit_3():
    asked = [words for words, text in helps().items() if words[0] not in RETRIES_FOR_EVER + ASKS_NOBODY and "  --url " in text]
    assert len(asked) > 20 and {("health",), ("explain",), ("audit", "list")} <= set(asked)
    for words in asked:
        more = {"wait": ["--timeout", "1s"]}.get(words[0], [])
        url = NOWHERE if "--api-key-file" in helps()[words] else NOWHERE[:2]
        ended = run(*example_of(helps()[words]), *url, *more, input="webhook_url=https://hooks.slack.com/services/T0/B0/x\n")
        assert ended.returncode == 3 and not ended.stdout and "127.0.0.1:1" in ended.stderr, ended


def store_commands():
    """Those that open the store itself. `serve` waits for it, `doctor` says so, a backup is for SQLite only, and `rotate-key` needs only a
    file."""
    for words, text in helps().items():
        others = words[0] in ("serve", "doctor", "publish", "backup", "restore") or words[-1] == "rotate-key"
        if not others and "  --config " in text and "  --url " not in text:
            yield words


def test_a_database_that_does_not_answer_is_exit_3():
    asked = list(store_commands())
    assert {words[0] for words in asked} == {"keys", "teams", "sessions", "audit"}
    for words in asked:
        ids = {"--team": new_id("team-"), "--user": new_id("usr-")}
        arguments = example_of(helps()[words])
        arguments = [ids.get(before, word) if word == "value" else word for before, word in zip([""] + arguments, arguments)]
        ended = run(*arguments, settings={"DATABASE_URL": "postgres://events@127.0.0.1:1/wrenn"})
        assert ended.returncode == 3 and not ended.stdout and "127.0.0.1" in ended.stderr, ended


@pytest.mark.parametrize("typed, meant", [
    (["sevre"], "did you mean serve?"), (["help", "tial"], "did you mean tail?"), (["publish", "--tem", "x"], "did you mean --team?"),
    (["publish", "--actor"], "--actor needs a value"), (["tail", "--json=1"], "--json takes no value"),
    (["publish", "--a"], "more than one flag begins with --a"), (["tail", "-j"], "spelled with two hyphens")], ids=lambda value: str(value[-1]))
def test_an_error_says_what_to_type_instead(typed, meant):
    ended = run(*typed)
    assert ended.returncode == 2 and meant in ended.stderr and not ended.stdout, ended

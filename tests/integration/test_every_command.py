# SPDX-License-Identifier: Apache-2.0
"""What every command promises, for all commands and actions that the program's own help names."""
import os
import re
import shlex
import subprocess

import pytest
from support import PROGRAM, new_id

pytestmark = pytest.mark.plain_only("texts, which the sanitizers do not read")
NOWHERE = ("--url", "http://127.0.0.1:1", "--api-key", "key")
RETRIES_FOR_EVER = ("tail",)
ASKS_NOBODY = ("console",)
# They print JSON anyway, or nothing, or have --format.
WITHOUT_JSON = (("serve",), ("wait",), ("health",), ("channels", "delete"), ("expectations", "delete"), ("audit", "export"))


def run(*arguments, settings=None, **more):
    environment = {"PATH": os.environ["PATH"], **(settings or {})}
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60, env=environment, **more)


def names_under(title, text):
    found = re.search(rf"^{title}:\n(.*?)\n\n", text, re.S | re.M)
    return re.findall(r"^  (?!help)([a-z-]+) ", found[1], re.M) if found else []


def all_commands():
    """("channels",), ("channels", "list"), ... `help` is left out: it is only another spelling of --help."""
    for name in names_under("Commands", run("help").stdout):
        yield (name,)
        for action in names_under("Actions", run(name, "--help").stdout):
            yield (name, action)


COMMANDS = list(all_commands())
every_command = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)


def example_of(words):
    """The arguments after `wrenn-events`, with a value for each variable and without what the shell does."""
    text = run(*words, "--help").stdout
    line = text[text.rindex("\nExample: ") + 10:].split("|")[-1].split(" > ")[0].strip()
    return shlex.split(re.sub(r"\$\([^)]*\)|\$\w+", "value", line))[1:]


def test_the_help_names_the_commands():
    assert len(COMMANDS) > 11 and ("wait",) in COMMANDS


@every_command
def test_help_is_one_screen_with_an_example_on_standard_output(words):
    said = run(*words, "--help")
    assert said.returncode == 0 and not said.stderr
    lines = said.stdout.rstrip("\n").split("\n")
    assert len(lines) <= 24 and max(map(len, lines)) <= 80, said.stdout
    assert lines[0].startswith(f"Usage: wrenn-events {' '.join(words)}")
    assert re.search(rf"^Example: (.*\| )?wrenn-events {' '.join(words)}", said.stdout, re.M), said.stdout
    assert run("help", *words).stdout == said.stdout


@every_command
def test_a_command_that_prints_things_has_json(words):
    said = run(*words, "--help").stdout
    assert ("\n  --json " in said) != (words in WITHOUT_JSON or "\nActions:\n" in said)


@every_command
def test_every_flag_of_the_example_is_in_the_help(words):
    listed = set(re.findall(r"--[a-z-]+", run(*words, "--help").stdout.split("\nExample:")[0]))
    has_actions = any(len(other) > len(words) and other[:len(words)] == words for other in COMMANDS)
    assert has_actions or {word for word in example_of(words) if word.startswith("--")} <= listed


@every_command
def test_an_unknown_flag_is_exit_2_with_words_on_standard_error(words):
    said = run(*words, "--no-such-flag", stdin=subprocess.DEVNULL)
    assert said.returncode == 2 and not said.stdout
    assert said.stderr.startswith("wrenn-events: ") and " ".join(words) in said.stderr and said.stderr.count("\n") == 1, said.stderr


@every_command
def test_a_reader_that_has_gone_ends_it_in_silence(words):
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run([PROGRAM, *words, "--help"], stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert ended.returncode == -13 and ended.stderr == b"", ended


def clients():
    for words in COMMANDS:
        if words[0] not in RETRIES_FOR_EVER + ASKS_NOBODY and "  --url " in run(*words, "--help").stdout:
            yield words


@pytest.mark.parametrize("words", list(clients()), ids=" ".join)
def test_a_service_that_does_not_answer_is_exit_3(words):
    more = {"wait": ["--timeout", "1s"]}.get(words[0], [])
    url = NOWHERE if "--api-key-file" in run(*words, "--help").stdout else NOWHERE[:2]
    said = run(*example_of(words), *url, *more, input="webhook_url=https://hooks.slack.com/services/T0/B0/x\n")
    assert said.returncode == 3 and not said.stdout and "127.0.0.1:1" in said.stderr, said


def store_commands():
    """Those that open the store itself. `serve` waits for it, `doctor` says so, a backup is of SQLite, and `rotate-key` needs only a file."""
    for words in COMMANDS:
        others = words[0] in ("serve", "doctor", "publish", "backup", "restore") or words[-1] == "rotate-key"
        if not others and "  --config " in run(*words, "--help").stdout and "  --url " not in run(*words, "--help").stdout:
            yield words


def test_a_database_that_does_not_answer_is_exit_3():
    asked = list(store_commands())
    assert {words[0] for words in asked} == {"keys", "teams", "sessions", "audit"}
    for words in asked:
        ids = {"--team": new_id("team-"), "--user": new_id("usr-")}
        arguments = example_of(words)
        arguments = [ids.get(before, word) if word == "value" else word for before, word in zip([""] + arguments, arguments)]
        said = run(*arguments, settings={"DATABASE_URL": "postgres://events@127.0.0.1:1/wrenn"})
        assert said.returncode == 3 and not said.stdout and "127.0.0.1" in said.stderr, said


@pytest.mark.parametrize("typed, meant", [
    (["sevre"], "did you mean serve?"), (["help", "tial"], "did you mean tail?"), (["publish", "--tem", "x"], "did you mean --team?"),
    (["publish", "--actor"], "--actor needs a value"), (["tail", "--json=1"], "--json takes no value"),
    (["publish", "--a"], "more than one flag begins with --a"), (["tail", "-j"], "spelled with two hyphens")], ids=lambda value: str(value[-1]))
def test_an_error_says_what_to_type_instead(typed, meant):
    said = run(*typed)
    assert said.returncode == 2 and meant in said.stderr and not said.stdout, said

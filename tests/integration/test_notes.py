# SPDX-License-Identifier: Apache-2.0
"""The notes name tests; a name that no test has would prove nothing."""
import fnmatch
import glob
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read_all(pattern):
    texts = []
    for name in glob.glob(f"{ROOT}/tests/{pattern}"):
        with open(name) as file:
            texts.append(file.read())
    return "\n".join(texts)


def test_every_test_in_the_table_of_weaknesses_exists():
    unit, integration = read_all("unit/*/*.c"), read_all("integration/test_*.py")
    known = {f"{suite}: {name}" for suite, name in re.findall(r"^(?:Test|TEST_BOTH)\((\w+),\s+(\w+)", unit, re.M)}
    known |= set(re.findall(r"^def test_(\w+)\(", integration, re.M))
    with open(f"{ROOT}/docs/notes/weaknesses.md") as file:
        rows = [line.split("|") for line in file if re.match(r"\| [A-Z]\w* \|", line)]
    assert [row[1].strip() for row in rows][:39] == [f"W{number}" for number in range(1, 40)]
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row[4])]
    assert len(named) > 39
    assert [row[1].strip() for row in rows if not re.search("`[^`]+`", row[4])] == ["W31"]
    assert [name for name in named if not fnmatch.filter(known, name.removeprefix("test_"))] == []


def test_the_two_commands_of_the_readme_build_on_all_cores():
    with open(f"{ROOT}/Makefile") as file:
        recipes = dict(re.findall(r"^(run|test):.*\n((?:\t.*\n)+)", file.read(), re.M))
    assert all('-j"$$(nproc)" build' in recipes[target] for target in ("run", "test")), recipes


def test_what_is_to_be_pasted_holds_no_comments():
    """An interactive zsh takes them for arguments."""
    blocks = []
    for path in [*glob.glob(f"{ROOT}/*.md"), *glob.glob(f"{ROOT}/docs/*.md")]:
        with open(path) as file:
            blocks += re.findall(r"^```(?:sh|console)\n(.*?)^```", file.read(), re.M | re.S)
    assert len(blocks) > 10
    assert [line for block in blocks for line in block.splitlines() if re.search(r"(^|\s)#\s", line)] == []

# SPDX-License-Identifier: Apache-2.0
"""Every SQL statement of the program, read from its sources by the C preprocessor.

A statement is a `struct db_query`. So a new one is in the list without being entered anywhere.
"""
import ast
import dataclasses
import pathlib
import re
import shlex
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DEFINITION = re.compile(r"\bstruct db_query (\w+) ?(\[\d*\] ?)?= ?\{")
STRING = r'(?:"(?:[^"\\]|\\.)*"\s*)+'


@dataclasses.dataclass
class Statement:
    name: str  # file without ending, colon, variable
    postgres: str
    sqlite: str


def _member(name, body):
    found = re.search(rf"\.{name}\s*=\s*({STRING})", body)
    return ast.literal_eval(f"({found.group(1)})") if found else None


def _initializer(text, start):
    """From after the opening brace to the closing one; braces within strings do not count."""
    depth = 1
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[{}]', text[start:]):
        depth += {"{": 1, "}": -1}.get(token.group(), 0)
        if depth == 0:
            return text[start:start + token.start()]
    raise ValueError("a brace is not closed")


def _packages():
    makefile = (ROOT / "Makefile").read_text()
    packages = re.search(r"^PACKAGES\s*:=\s*(.*)", makefile, re.M).group(1)
    flags = subprocess.run(["pkg-config", "--cflags", *shlex.split(packages)], capture_output=True, text=True, check=True)
    return shlex.split(flags.stdout)


def _read(path, flags):
    done = subprocess.run(["cc", "-E", "-P", "-I.", "-D_GNU_SOURCE", *flags, path], cwd=ROOT,
                          capture_output=True, text=True, check=True)
    for found in DEFINITION.finditer(done.stdout):
        body = _initializer(done.stdout, found.end())
        postgres = _member("sql", body)
        yield Statement(f"{path.removesuffix('.c')}:{found.group(1)}", postgres, _member("sqlite", body) or postgres)


def every_statement():
    """By name. Without those of store/, which only reads and makes the schema."""
    flags = _packages()
    files = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("[a-z]*/*.c")
                   if path.parent.name not in ("tests", "tools", "build", "store") and "struct db_query" in path.read_text())
    return {statement.name: statement for path in files for statement in _read(path, flags)}

# SPDX-License-Identifier: Apache-2.0
"""Every SQL statement of the program, read from its sources by the C preprocessor.

A statement is a `struct db_query`. So a new one is in the list without being entered anywhere.
"""
import ast
import contextlib
import dataclasses
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DEFINITION = re.compile(r"\bstruct db_query (\w+) ?(?:\[\d*\] ?)?= ?\{")
VARIABLE = re.compile(r"(\w+) ?(?:\[\d*\] ?)?= ?\{")
STRING = r'(?:"(?:[^"\\]|\\.)*"\s*)+'
SQL = re.compile(r'"(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH) [\w(]')
OF_THE_SCHEMA = "store/migrate.c"  # makes and checks the tables


@dataclasses.dataclass
class Statement:
    name: str  # file without ending, colon, variable; of an array with the place in it
    postgres: str
    sqlite: str


def _member(name, body):
    found = re.search(rf"\.{name}\s*=\s*({STRING})", body)
    return ast.literal_eval(f"({found.group(1)})") if found else None


def _initializer(text, start):
    """The text after the opening brace, up to the closing one; braces within strings do not count."""
    depth = 1
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[{}]', text[start:]):
        depth += {"{": 1, "}": -1}.get(token.group(), 0)
        if depth == 0:
            return text[start:start + token.start()]
    raise ValueError("a brace is not closed")


def read_statements(path, text):
    """Returns every `.sql =` of a preprocessed file, in whatever array or struct."""
    variables = [(found.start(), found.group(1)) for found in VARIABLE.finditer(text)]
    bodies = [(text.rindex("{", 0, found.start()) + 1, found.start()) for found in re.finditer(r"\.sql\s*=", text)]
    owners = [[name for start, name in variables if start < at][-1] for _, at in bodies]
    without = {found.group(1) for found in DEFINITION.finditer(text)} - set(owners)
    if without:
        raise ValueError(f"{path}: the initializer of {', '.join(sorted(without))} does not name its .sql")
    for number, (start, _) in enumerate(bodies):
        body, owner = _initializer(text, start), owners[number]
        place = f"[{owners[:number].count(owner)}]" if owners.count(owner) > 1 else ""
        postgres = _member("sql", body)
        if postgres is None:
            raise ValueError(f"{path}: the .sql of {owner} is not a text")
        if not SQL.match(f'"{postgres}'):
            continue  # PRAGMA, LOCK: has no plan
        yield Statement(f"{path.removesuffix('.c')}:{owner}{place}", postgres, _member("sqlite", body) or postgres)


@contextlib.contextmanager
def _preprocessor():
    """A function that preprocesses a file. The system's headers are empty: SQL has nothing from them, and reading them takes long."""
    with tempfile.TemporaryDirectory() as headers:
        for name in {name for path in ROOT.glob("[a-z]*/*.[ch]") for name in re.findall(r"^#\s*include <(.+)>", path.read_text(), re.M)}:
            empty = pathlib.Path(headers, name)
            empty.parent.mkdir(parents=True, exist_ok=True)
            empty.touch()
        yield lambda path: subprocess.run(["cc", "-E", "-P", "-nostdinc", "-I.", f"-I{headers}", path], cwd=ROOT,
                                          capture_output=True, text=True, check=True).stdout


def _sources():
    """(path, text) of the program's files."""
    paths = [path for path in sorted(ROOT.glob("[a-z]*/*.c")) if path.parent.name not in ("tests", "tools", "build")]
    return [(str(path.relative_to(ROOT)), path.read_text()) for path in paths]


def hidden_sql():
    """Files with SQL that is no statement. store/ has some about the server, the file and the schema."""
    return [path for path, text in _sources() if SQL.search(text) and "struct db_query" not in text and not path.startswith("store/")]


def every_statement():
    """All statements, by name."""
    found = {}
    with _preprocessor() as preprocess:
        for path, text in _sources():
            if "struct db_query" in text and path != OF_THE_SCHEMA:
                found.update((statement.name, statement) for statement in read_statements(path, preprocess(path)))
    return found

# SPDX-License-Identifier: Apache-2.0
"""What the program's own help says: its commands, their actions, and the text about each."""
import functools
import os
import re
import subprocess

from support import PROGRAM


def run(*arguments, settings=None, **more):
    environment = {"PATH": os.environ["PATH"], **(settings or {})}
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60, env=environment, **more)


def said(*arguments):
    result = run(*arguments)
    assert result.returncode == 0 and not result.stderr, result
    return result.stdout


def names_under(title, text):
    found = re.search(rf"^{title}:\n(.*?)\n\n", text, re.S | re.M)
    return re.findall(r"^  (?!help)([a-z-]+) ", found[1], re.M) if found else []


def command_names():
    """All except `help`, which is only another spelling of --help."""
    return names_under("Commands", said("help"))


def actions_of(name):
    return names_under("Actions", said(name, "--help"))


@functools.cache
def helps():
    """("channels",), ("channels", "list"), ... -> the help of each."""
    texts = {}
    for name in command_names():
        texts[(name,)] = said(name, "--help")
        texts |= {(name, action): said(name, action, "--help") for action in names_under("Actions", texts[(name,)])}
    return texts

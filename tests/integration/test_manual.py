# SPDX-License-Identifier: Apache-2.0
"""The manual and the completions, which tools/manual makes of the program's own help, and the unit of the package."""
import os
import pathlib
import pty
import re
import subprocess

import pytest
from own_help import actions_of, command_names, said
from support import PROGRAM

pytestmark = pytest.mark.plain_only("texts, which the sanitizers do not read")
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **more)


@pytest.fixture(scope="module")
def manual(tmp_path_factory):
    folder = tmp_path_factory.mktemp("manual")
    made = run(ROOT / "tools/manual", PROGRAM, folder)
    assert made.returncode == 0, made
    return folder


def test_every_command_flag_setting_and_endpoint_has_its_place_in_the_manual(manual):
    def page(name):
        return (manual / name).read_text().replace("\\-", "-").replace("\\&", "").replace("\\", "")

    overview = page("wrenn-events.1")
    for name in command_names():
        assert f"wrenn-events-{name}" in overview
        text = page(f"wrenn-events-{name}.1")
        for action in actions_of(name):
            assert re.search(rf"^\.SS {action}$", text, re.M), (name, action)
            for flag in re.findall(r"^  (--[a-z-]+)", said("help", name, action), re.M):
                assert flag in text, (name, action, flag)
        for flag in re.findall(r"^  (--[a-z-]+)", said("help", name), re.M):
            assert flag in text, (name, flag)
        for code in ("0", "1", "2", "3", "124"):
            assert f"fB{code}fR" in text.split("EXIT STATUS")[1], (name, code)
    settings = re.findall(r"^([A-Z][A-Z_]+)$", said("help", "settings"), re.M)
    assert len(settings) > 40
    for name in settings:
        assert name in page("wrenn-events.5"), name
    paths = re.findall(r"^  (/\S*):$", (ROOT / "docs/openapi.yaml").read_text(), re.M)
    assert len(paths) > 15
    for path in paths:
        assert path in page("wrenn-events-api.7"), path


def complete_in_bash(manual, line):
    words = line.split(" ")
    script = f'''source "$0"; COMP_WORDS=("$@"); COMP_CWORD={len(words) - 1}; _wrenn_events; printf "%s\\n" "${{COMPREPLY[@]}}"'''
    return run("bash", "-c", script, manual / "completions/wrenn-events", *words).stdout.split()


def complete_in_fish(manual, line):
    script = "source $argv[1]; complete -C $argv[2]"
    lines = run("fish", "--no-config", "-c", script, manual / "completions/wrenn-events.fish", line).stdout.splitlines()
    return [line.split("\t")[0] for line in lines]


def test_the_shells_complete_commands_flags_and_kinds(manual):
    for complete in (complete_in_bash, complete_in_fish):
        assert complete(manual, "wrenn-events pub") == ["publish"]
        assert complete(manual, "wrenn-events wait --time") == ["--timeout"]
        assert complete(manual, "wrenn-events wait host.") == ["host.down", "host.up"] or \
            complete(manual, "wrenn-events wait host.") == ["host.up", "host.down"]
        assert complete(manual, "wrenn-events keys re") == ["revoke"]
        assert complete(manual, "wrenn-events channels del") == ["delete"]
        assert complete(manual, "wrenn-events channels create --only") == ["--only-failures"]
        assert complete(manual, "wrenn-events channels create --event template.snapshot.c") == ["template.snapshot.create"]
        assert complete(manual, "wrenn-events channels test --provider tele") == ["telegram"]
        assert complete(manual, "wrenn-events audit export --format c") == ["csv"]


def complete_in_zsh(manual, folder, line):
    """The line after the first TAB of a session, in which a key prints the line and ends the shell."""
    said = folder / "said"
    (folder / ".zshrc").write_text(f"fpath=({manual}/completions $fpath); autoload -Uz compinit; compinit -u -D; PS1='ready> '\n"
                                   f'say() {{ print -r -- "$BUFFER" > {said}; exit }}; zle -N say; bindkey "^X" say\n')
    shell, terminal = pty.fork()
    if shell == 0:
        os.execvpe("zsh", ["zsh", "-i"], {**os.environ, "ZDOTDIR": str(folder), "TERM": "dumb"})
    seen = b""
    while b"ready> " not in seen:
        seen += os.read(terminal, 65536)
    os.write(terminal, f"{line}\t\x18".encode())
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass  # the shell has ended
    os.close(terminal)
    os.waitpid(shell, 0)
    return said.read_text().strip()


@pytest.mark.parametrize("line, rest", [("wrenn-events pub", "lish"), ("wrenn-events audit ro", "tate-key"), ("wrenn-events wait host.u", "p"),
                                        ("wrenn-events keys create --team team-t", "wo")])
def test_zsh_completes_at_the_first_tab(manual, tmp_path, monkeypatch, line, rest):
    (tmp_path / "wrenn-events").write_text("#!/bin/sh\nprintf 'team-one\\tA\\nteam-two\\tB\\n'\n")
    (tmp_path / "wrenn-events").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert complete_in_zsh(manual, tmp_path, line) == line + rest


def test_the_completion_asks_for_teams_and_channels(manual, tmp_path, monkeypatch):
    program = tmp_path / "wrenn-events"
    program.write_text("""#!/bin/sh
case "$*" in
'teams list') printf 'team-1\\tA\\nteam-2\\tB\\n' ;;
'channels list --json') printf '{"id":"ch-1","name":"ops"}\\n{"id":"ch-2","name":"x","id_of":"ch-3"}\\n' ;;
esac
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for complete in (complete_in_bash, complete_in_fish):
        assert complete(manual, "wrenn-events keys create --team team-") == ["team-1", "team-2"]
        assert complete(manual, "wrenn-events deliveries list ch-") == ["ch-1", "ch-2"]
        assert complete(manual, "wrenn-events channels show ch-2") == ["ch-2"]
        assert complete(manual, "wrenn-events channels create ch-") == []


def test_the_unit_is_valid_and_exposes_little(tmp_path):
    unit = tmp_path / "wrenn-events.service"
    unit.write_text((ROOT / "debian/wrenn-events.service").read_text().replace("/usr/bin/wrenn-events", PROGRAM))
    verified = run("systemd-analyze", "verify", unit, ROOT / "debian/wrenn-events.socket")
    mine = [line for line in (verified.stdout + verified.stderr).splitlines() if "wrenn-events" in line and "man " not in line]
    assert mine == [], mine
    security = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    level = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", security.stdout)[1])
    assert level <= 2.0, security.stdout

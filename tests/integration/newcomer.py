# SPDX-License-Identifier: Apache-2.0
"""`make run` as somebody new to the program starts it."""
import os
import pathlib
import subprocess

from support import DEADLINE_S, PROGRAM

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools/run"


def newcomers_environment(port):
    strangers = {k: v for k, v in os.environ.items() if not k.startswith(("WRENN_", "REDIS_", "DATABASE_"))}
    return {**strangers, "WRENN_EVENTS_LISTEN": f"127.0.0.1:{port}"}


class Run:
    """tools/run with its output in a file."""

    def __init__(self, folder, port, **settings):
        self.said_path = f"{folder}/said"
        self.environment = {**newcomers_environment(port), **settings}
        with open(self.said_path, "wb") as said:
            # A shell's background job ignores Ctrl-C, and so would everything that tests start in it.
            self.process = subprocess.Popen(["env", "--default-signal=INT", TOOL, PROGRAM], cwd=folder, env=self.environment, stdout=said,
                                            stderr=said)

    def said(self):
        return pathlib.Path(self.said_path).read_text()

    def is_up(self):
        assert self.process.poll() is None, self.said()
        return "Ctrl-C here stops it all" in self.said()

    def paste(self, folder, beginning, more=""):
        """Runs the lines of the text from one that begins so, as a person does in another terminal."""
        lines = [line[2:] for line in self.said().splitlines() if line.startswith("  ")]
        first = next(n for n, line in enumerate(lines) if line.startswith(beginning))
        command = " ".join(line.rstrip("\\") for line in lines[first:first + 2]) if lines[first].endswith("\\") else lines[first]
        exports = [line for line in lines if line.startswith("export")]
        environment = {k: v for k, v in self.environment.items() if k == "PATH"}
        return subprocess.run(["bash", "-ec", "\n".join([*exports, command + more])], cwd=folder, env=environment,
                              capture_output=True, text=True, timeout=DEADLINE_S)

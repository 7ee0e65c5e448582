# SPDX-License-Identifier: Apache-2.0
"""What a command shows on a terminal, and texts that a terminal would obey."""
import json
import os
import pty
import re
import subprocess
import tty

from support import DEADLINE_S, PROGRAM, make_event

HOSTILE = "a\u009b31mb\u202ec\u2066d\u0085e\u2028f\u001b[2Jg\u200eh"
SHOWN = "a\\u009b31mb\\u202ec\\u2066d"  # its beginning, on a terminal


def hostile_event(team, kind):
    """With such a text wherever an event has room for one."""
    event = make_event(team, kind, HOSTILE, outcome="error", error=HOSTILE, actor={"type": "user", "name": HOSTILE},
                       metadata={"reason": HOSTILE, "to": HOSTILE})
    return json.dumps(event | {"timestamp": "2026-05-24T\u009b31m5:08Z"}, ensure_ascii=False)


def on_a_terminal(service, key, *command):
    """What a command writes to a terminal until it ends."""
    master, terminal = pty.openpty()
    tty.setraw(terminal)
    process = subprocess.Popen([PROGRAM, *command], stdout=terminal, stderr=terminal,
                               env={**service.environment, "WRENN_BASE_URL": service.url, "WRENN_API_KEY": key})
    os.close(terminal)
    seen = b""
    try:
        while piece := os.read(master, 65536):
            seen += piece
    except OSError:
        pass  # the last writer has gone
    process.wait(timeout=DEADLINE_S)
    os.close(master)
    return seen.decode()


def obeyed(seen):
    """What is in it for a terminal to obey, without our own colours."""
    return re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", re.sub("\x1b\\[(0|3[126])m", "", seen))

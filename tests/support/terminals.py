# SPDX-License-Identifier: Apache-2.0
"""What a command shows on a terminal, and texts that a terminal would obey."""
import json
import os
import pty
import re
import select
import subprocess
import time
import tty

from support import DEADLINE_S, PROGRAM, make_event

HOSTILE = "a\u009b31mb\u202ec\u2066d\u0085e\u2028f\u001b[2Jg\u200eh"
SHOWN = "a\\u009b31mb\\u202ec\\u2066d"  # its beginning, on a terminal


def hostile_event(team, kind):
    """With such a text wherever an event has room for one."""
    event = make_event(team, kind, HOSTILE, outcome="error", error=HOSTILE, actor={"type": "user", "name": HOSTILE},
                       metadata={"reason": HOSTILE, "to": HOSTILE})
    return json.dumps(event | {"timestamp": "2026-05-24T\u009b31m5:08Z"}, ensure_ascii=False)


def read_until_the_end(master, deadline):
    seen = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([master], [], [], left)[0]:
            break
        try:
            seen += os.read(master, 65536)
        except OSError:  # the last writer has gone
            return seen
    raise TimeoutError(f"the command writes on, or waits: {seen[-1000:]}")


def on_a_terminal(service, key, *command):
    """What a command writes to a terminal until it ends."""
    master, terminal = pty.openpty()
    tty.setraw(terminal)
    process = subprocess.Popen([PROGRAM, *command], stdout=terminal, stderr=terminal,
                               env={**service.environment, "WRENN_BASE_URL": service.url, "WRENN_API_KEY": key})
    os.close(terminal)
    try:
        seen = read_until_the_end(master, time.monotonic() + DEADLINE_S)
        process.wait(timeout=DEADLINE_S)
    finally:
        process.kill()
        process.wait()
        os.close(master)
    return seen.decode()


def obeyed(seen):
    """What is in it for a terminal to obey, without our own colours."""
    return re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", re.sub("\x1b\\[(0|3[126])m", "", seen))

"""Talks to a program through a terminal: talk.py COLUMNS PROGRAM [ARGUMENT...]

Reads a JSON list of steps on standard input: {"send": TEXT} types, {"see": TEXT} waits until the
program has written it since the last "see". Writes one JSON object: all that the program wrote, its
exit status, and whether the terminal's modes are those of before.
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

LIMIT_SECONDS = 60


def main():
    columns, program = int(sys.argv[1]), sys.argv[2:]
    steps = json.load(sys.stdin)
    ready, go = os.pipe()
    child, terminal = pty.fork()
    if child == 0:
        # Not before the terminal's modes are known.
        os.read(ready, 1)
        os.environ["TERM"] = "xterm"
        # Whoever started this may ignore or block it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.execv(program[0], program)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    before = termios.tcgetattr(terminal)
    os.write(go, b"!")
    written, seen, lacking = "", 0, None
    pending = b""
    deadline = time.monotonic() + LIMIT_SECONDS

    def take(seconds):
        nonlocal written, pending
        if not select.select([terminal], [], [], seconds)[0]:
            return True
        try:
            data = os.read(terminal, 65536)
        except OSError:
            return False
        pending += data
        try:
            written += pending.decode()
            pending = b""
        except UnicodeDecodeError:
            pass
        return bool(data)

    for step in steps:
        if "send" in step:
            os.write(terminal, step["send"].encode())
            continue
        while True:
            place = written.find(step["see"], seen)
            if place >= 0:
                seen = place + len(step["see"])
                break
            if time.monotonic() > deadline or not take(0.5):
                lacking = step["see"]
                break
        if lacking is not None:
            break
    while lacking is None and time.monotonic() < deadline and take(0.5):
        pass
    after = termios.tcgetattr(terminal)
    if lacking is not None or time.monotonic() > deadline:
        os.kill(child, 9)
    status = os.waitpid(child, 0)[1]
    json.dump(
        {
            "written": written,
            "lacking": lacking,
            "exit": os.waitstatus_to_exitcode(status),
            "restored": after == before,
        },
        sys.stdout,
    )


main()

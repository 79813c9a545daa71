# SPDX-License-Identifier: MIT
"""A client beside one who attacks, and what the attack may cost."""

import contextlib
import os
import pathlib
import re
import time

import harness
import load

PATIENCE = 1.5 * (4 if harness.SANITIZED else 1)  # seconds that an answer may take
ROOM = 64 << 20  # bytes that all processes may grow by
LOOK = 0.01  # seconds between two looks at memory


def memory(server):
    """What all processes of the server have in memory that is their own."""
    total = 0
    for pid in harness.group_processes(server.pid):
        with contextlib.suppress(OSError):
            text = pathlib.Path(f"/proc/{pid}/status").read_text()
            total += sum(int(found) for found in re.findall(r"RssAnon:\s*(\d+)", text))
    return total << 10


def queued(server):
    """Seconds that each of the server's processes, and of this one's threads, has waited
    for a CPU so far."""
    found = {}
    for pid in (*harness.group_processes(server.pid), *os.listdir("/proc/self/task")):
        with contextlib.suppress(OSError):
            text = pathlib.Path(f"/proc/{pid}/schedstat").read_text()
            found[pid] = int(text.split()[1]) / 1e9
    return found


class Stopwatch:
    """How many seconds the with block takes, without those in which a CPU was waited for:
    they are all that a busy machine adds. Who hangs, or is at work, waits for none."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        self.queued = queued(self.server)
        self.began = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.began
        for pid, seconds in queued(self.server).items():
            self.seconds -= seconds - self.queued.get(pid, 0)


class Neighbour(load.Clients):
    """Asks all the while, on one connection and on new ones. It is answered in time, and
    the server's processes do not grow past room meanwhile."""

    def __init__(self, server, room=ROOM):
        super().__init__(server, [self._ask, self._look])
        self.room = room
        self.longest = 0
        self.before = self.most = memory(server)

    def _time(self, get):
        with Stopwatch(self.server) as watch:
            assert get("/hello/x").text == "Hello, x!\n"
        self.longest = max(self.longest, watch.seconds)
        self.count()

    def _ask(self):
        last = False
        with self.server.connect() as client:
            while not last:
                last = self.over.wait(0.01)
                self._time(client.get)
                self._time(self.server.get)

    def _look(self):
        last = False
        while not last:
            last = self.over.wait(LOOK)
            self.most = max(self.most, memory(self.server))

    def __enter__(self):
        super().__enter__()
        harness.wait_for(lambda: self.done or self.failures, "an answer")
        return self

    def check(self):
        super().check()
        assert self.longest < PATIENCE, (self.done, self.longest)
        grown = self.most - self.before
        assert harness.SANITIZED or grown < self.room, grown

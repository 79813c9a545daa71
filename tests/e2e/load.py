# SPDX-License-Identifier: MIT
"""Many clients at once, each on a connection of its own that must not be closed."""

import threading

import harness


def describe(failures, server):
    """The first of them, how many there are, and what the server said last."""
    return failures[:3], len(failures), server.log[-3000:]


class Crowd:
    """Clients that each work through the requests they are given, one after the other."""

    def __init__(self, server, connections):
        self.server = server
        self.connections = connections
        self.replies = {}  # target: replies
        self.failures = []
        self.lock = threading.Lock()

    def _note(self, target, reply):
        with self.lock:
            self.replies.setdefault(target, []).append(reply)

    def _work(self, targets):
        try:
            with self.server.connect() as client:
                for target in targets:
                    reply = client.get(target)
                    assert reply.header("connection") != "close", (target, reply)
                    self._note(target, reply)
        except (OSError, AssertionError) as error:
            with self.lock:
                self.failures.append(repr(error))

    def run(self, targets):
        """Asks for all targets, spread evenly; every connection must last."""
        count = self.connections
        threads = [threading.Thread(target=self._work, args=(targets[i::count],))
                   for i in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(4 * harness.DEADLINE)
        assert not self.failures, describe(self.failures, self.server)
        return self.replies


class Steady:
    """Asks again and again while the with block runs: no reply but a good one, no
    connection closed, and something must have been answered."""

    def __init__(self, server, target="/hello/x", connections=1, pause=0):
        self.server = server
        self.target = target
        self.pause = pause  # seconds between two requests of a connection
        self.answered = 0
        self.failures = []
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._ask) for _ in range(connections)]

    def _ask(self):
        try:
            with self.server.connect() as client:
                while True:
                    reply = client.get(self.target)
                    assert reply.status == 200, (reply.status, reply.text)
                    assert reply.header("connection") != "close"
                    with self.lock:
                        self.answered += 1
                    if self.over.wait(self.pause):
                        return
        except (OSError, AssertionError) as error:
            with self.lock:
                self.failures.append(repr(error))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(harness.DEADLINE)
        if kind is None:
            self.check()

    def check(self):
        assert not self.failures, describe(self.failures, self.server)
        assert self.answered >= len(self.threads)

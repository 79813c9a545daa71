# SPDX-License-Identifier: MIT
"""Many clients at once, each on a connection of its own that must not be closed."""

import functools
import threading

import harness


def describe(failures, server):
    """The first of them, how many there are, and what the server said last."""
    return failures[:3], len(failures), server.log[-3000:]


class Clients:
    """Runs each of its tasks on a thread of its own while the with block runs: until over
    is set, if they do not end by themselves. None may fail."""

    deadline = harness.DEADLINE  # seconds that a thread may take to end

    def __init__(self, server, tasks):
        self.server = server
        self.done = 0
        self.failures = []
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._try, args=(task,))
                        for task in tasks]

    def _try(self, task):
        try:
            task()
        except Exception as error:
            with self.lock:
                self.failures.append(repr(error))

    def count(self):
        """Something has been done."""
        with self.lock:
            self.done += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(self.deadline)
        if kind is None:
            self.check()

    def check(self):
        assert not self.failures, describe(self.failures, self.server)
        assert self.done >= len(self.threads)


class Crowd(Clients):
    """Clients that each work through the requests they are given, one after the other."""

    deadline = 4 * harness.DEADLINE

    def __init__(self, server, connections, targets):
        super().__init__(server, [functools.partial(self._ask, targets[i::connections])
                                  for i in range(connections)])
        self.replies = {}  # target: replies

    def _ask(self, targets):
        with self.server.connect() as client:
            for target in targets:
                reply = client.get(target)
                assert reply.header("connection") != "close", (target, reply)
                with self.lock:
                    self.replies.setdefault(target, []).append(reply)
        self.count()


def ask_all(server, connections, targets):
    """The replies to all targets, by these: spread evenly over connections that must
    last."""
    with Crowd(server, connections, targets) as crowd:
        pass
    return crowd.replies


class Steady(Clients):
    """Asks again and again while the with block runs: no reply but a good one, no
    connection closed, and something must have been answered."""

    def __init__(self, server, target="/hello/x", connections=1, pause=0):
        super().__init__(server, [self._ask] * connections)
        self.target = target
        self.pause = pause  # seconds between two requests of a connection

    def _ask(self):
        with self.server.connect() as client:
            while True:
                reply = client.get(self.target)
                assert reply.status == 200, (reply.status, reply.text)
                assert reply.header("connection") != "close"
                self.count()
                if self.over.wait(self.pause):
                    return

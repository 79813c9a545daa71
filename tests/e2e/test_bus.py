# SPDX-License-Identifier: MIT
"""The bus: instances of one handler hear one another across workers and processes, and
who is too slow learns how much it has missed."""

import contextlib
import os
import re
import signal
import time

import pytest

import harness
import load

GOSSIP = harness.BUILD / "tests/plugins/gossip.so"
RING = 1 << 20  # bytes that a worker's messages may be behind
IN_WORKER = {"gossip": {"isolation": "worker"}}
LOST = [r"the bus has lost [1-9]\d* messages: processes of handlers .* 'gossip'",
        r"the bus has lost [1-9]\d* messages: this worker"]
BOTH = pytest.mark.parametrize("handlers", [{}, IN_WORKER], ids=["host", "worker"])


@pytest.fixture
def start(start_server, tmp_path):
    def start(routes=(), files=None, **changes):
        plugins = tmp_path / "plugins"
        plugins.mkdir()
        for file in GOSSIP, harness.PLUGINS / "hello.so":
            (plugins / file.name).write_bytes(file.read_bytes())
        for name, content in (files or {}).items():
            (plugins / name).write_bytes(content)
        return start_server(**{
            "plugins": {"directory": str(plugins)},
            "routes": [{"path": "/gossip/*", "handler": "gossip"}, *routes], **changes})
    return start


class Ear:
    """A connection, and with it one instance of the handler."""

    def __init__(self, client):
        self.client = client

    def get(self, what):
        reply = self.client.get(f"/gossip/{what}")
        assert reply.status == 200, reply.text
        return reply.text

    def state(self):
        """Its process, how many messages it has heard and lost, and the short ones."""
        pid, messages, lost, *heard = self.get("heard").splitlines()
        return int(pid.split()[1]), int(messages.split()[1]), int(lost.split()[1]), heard

    @property
    def pid(self):
        return self.state()[0]

    @property
    def heard(self):
        return self.state()[3]

    def say(self, text):
        assert self.get(f"say?{text}") == "0\n"

    def await_text(self, text):
        harness.wait_for(lambda: text in self.heard, f"'{text}' in process {self.pid}")


def losses(speaker, hearer, count):
    """How many of speaker's count messages hearer has lost: known with the next that it
    hears, for which one more may have to be said, as those can be lost, too."""
    said = 0

    def caught_up():
        nonlocal said
        speaker.say(f"end-{said}")
        said += 1
        _, messages, lost, heard = hearer.state()
        if not heard:
            return None
        last = int(heard[-1].removeprefix("end-"))
        assert messages + lost == count + last + 1
        return [lost]

    return harness.wait_for(caught_up, "a message after the flood")[0]


@contextlib.contextmanager
def ears(server, count):
    """One in each worker, which are as many as count."""
    with contextlib.ExitStack() as clients:
        found = {}

        def connect():
            client = server.connect()
            ear = Ear(client)
            pid = ear.pid
            if pid in found:
                client.close()
            else:
                clients.enter_context(client)
                found[pid] = ear
            return len(found) == count

        harness.wait_for(connect, f"{count} processes that answer")
        yield list(found.values())


@BOTH
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_what_one_says_all_hear_once_and_in_order(start, handlers, workers):
    server = start(handlers=handlers, workers=workers)
    with ears(server, workers) as all_ears:
        for i in range(20):
            for number, ear in enumerate(all_ears):
                ear.say(f"{number}-{i}")
        for ear in all_ears:
            for number in range(workers):
                ear.await_text(f"{number}-19")
            heard = ear.heard
            assert len(heard) == 20 * workers
            for number in range(workers):
                assert [x for x in heard if x.startswith(f"{number}-")] == [
                    f"{number}-{i}" for i in range(20)]


@BOTH
def test_instances_of_one_process_hear_one_another(start, handlers):
    server = start([{"path": "/other/*", "handler": "gossip"},
                    {"path": "/deaf/*", "handler": "gossip", "settings": {"deaf": True}}],
                   handlers=handlers, workers=1)
    with server.connect() as client:
        Ear(client).say("hello")
        for path in "/gossip/heard", "/other/heard":
            harness.wait_for(lambda: client.get(path).text.endswith("\nhello\n"), path)
        assert "messages 0" in client.get("/deaf/heard").text


@BOTH
def test_handler_of_another_name_hears_nothing(start, handlers):
    """The same code, and the same topic."""
    other = GOSSIP.read_bytes().replace(b"gossip", b"rumour")
    server = start([{"path": "/rumour/*", "handler": "rumour"}], {"rumour.so": other},
                   handlers=handlers, workers=1)
    with server.connect() as client:
        for text in "one", "two":
            Ear(client).say(text)
            assert client.get(f"/rumour/say?not-{text}").text == "0\n"
        Ear(client).await_text("two")
        assert Ear(client).heard == ["one", "two"]
        harness.wait_for(lambda: client.get("/rumour/heard").text.endswith(
            "\nnot-one\nnot-two\n"), "what was said there")
        assert "messages 2\n" in client.get("/rumour/heard").text


@BOTH
def test_what_breaks_a_rule_is_refused(start, handlers):
    server = start(handlers=handlers)
    reply = server.get("/gossip/rules")
    assert reply.text == "1 1 1 -4 -4 -4 -5 0 0"


@BOTH
def test_who_ends_a_subscription_hears_no_more(start, handlers):
    server = start(handlers=handlers)
    with ears(server, 2) as (quiet, other):
        quiet.get("quiet")
        other.say("one")
        other.await_text("one")
        assert quiet.heard == []
        quiet.get("listen")
        harness.wait_for(lambda: other.say("two") or "two" in quiet.heard, "'two'")
        assert "one" not in quiet.heard


@BOTH
def test_who_is_too_slow_learns_how_much_it_has_missed(start, handlers):
    """Itself, as a worker does not read its ring while a handler of it publishes."""
    server = start(handlers=handlers)
    began = time.monotonic()
    count = 8 * RING // 1024
    with ears(server, 2) as (loud, _):
        assert loud.get(f"flood?{count}") == f"{count}\n"
        assert losses(loud, loud, count) > 0
        server.wait_log(LOST[bool(handlers)])
    # Two workers, each once in ten seconds.
    assert server.log.count("the bus has lost") <= 2 * (
        1 + (time.monotonic() - began) // 10)


@contextlib.contextmanager
def stopped(pid):
    """A process that does nothing at all."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def others(server, handlers):
    """What goes on while a host stands still; with a worker its connections do, too."""
    return contextlib.nullcontext() if handlers else load.Steady(server, connections=4)


@BOTH
def test_process_that_stands_still_learns_how_much_it_has_missed(start, handlers):
    server = start(handlers=handlers)
    with ears(server, 2) as (slow, loud):
        with stopped(slow.pid), others(server, handlers):
            for _ in range(32):
                loud.get("flood?256")
        assert losses(loud, slow, 32 * 256) > 0
        server.wait_log(LOST[bool(handlers)])


@BOTH
def test_worker_that_takes_the_place_of_a_dead_one_hears_and_is_heard(start, handlers):
    server = start(handlers=handlers, workers=2)
    with ears(server, 2) as (first, second):
        first.say("before")
        second.await_text("before")
    victim = server.workers[0]
    os.kill(victim, signal.SIGKILL)
    harness.wait_for(lambda: victim not in server.workers and len(server.workers) == 2,
                     "a new worker")
    with ears(server, 2) as (first, second):
        for one, another in (first, second), (second, first):
            text = f"from {one.pid}".replace(" ", "-")
            harness.wait_for(lambda: one.say(text) or text in another.heard, text)
        assert all(ear.state()[2] == 0 for ear in (first, second))


def test_host_that_crashes_in_a_bus_callback_is_replaced(start):
    server = start()
    with ears(server, 2) as (first, second):
        pids = {first.pid, second.pid}
        with load.Steady(server, "/hello/x"):
            first.say("die")
            harness.wait_for(lambda: not pids & set(server.hosts("gossip")), "new ones")
        for pid in pids:
            server.wait_log(f"process {pid}: crashed in a bus callback: signal 6")
    with ears(server, 2) as (first, second):
        harness.wait_for(lambda: first.say("again") or "again" in second.heard, "'again'")


def test_requests_behind_a_crash_in_a_bus_callback_are_answered(start):
    server = start(workers=1)
    with ears(server, 1) as (ear,):
        for _ in range(10):
            ear.say("die")
            assert ear.get("heard").startswith("pid ")


def test_worker_that_crashes_in_a_bus_callback_says_so(start):
    server = start(handlers=IN_WORKER)
    with ears(server, 2) as (first, _):
        first.client.start("GET", "/gossip/say?die")
        server.wait_log(r"worker \d+ \(pid \d+\) died: signal 6 .*, in handler 'gossip', "
                        "a bus callback")
    server.wait_log("handler 'gossip' has crashed a worker")
    harness.wait_for(lambda: len(server.hosts("gossip")) == 2, "its processes")
    with ears(server, 2) as (first, second):
        harness.wait_for(lambda: first.say("again") or "again" in second.heard, "'again'")


@BOTH
def test_reload_changes_the_number_of_workers(start, handlers):
    server = start(handlers=handlers, workers=1)
    for workers in 4, 2, 3:
        text = server.config.read_text()
        server.config.write_text(re.sub(r'"workers": \d', f'"workers": {workers}', text))
        done = harness.tincan("reload", "--config", server.config)
        assert done.returncode == 0, done.stderr
        harness.wait_for(lambda: len(server.workers) == workers, f"{workers} workers")
        with ears(server, workers) as all_ears:
            for number, ear in enumerate(all_ears):
                for other in all_ears:
                    text = f"{workers}-{number}"
                    harness.wait_for(lambda: ear.say(text) or text in other.heard, text)


def test_master_probes_a_handler_that_uses_the_bus(start):
    server = start()
    done = harness.tincan("check", "--config", server.config)
    assert done.returncode == 0, done.stderr

# SPDX-License-Identifier: MIT
"""Handlers that block, each call in a process of its own, over HTTP/1.1 and HTTP/2.

A latch is a FIFO: the handler waits in it, and the test knows that it does, since only
then the FIFO can be opened for writing; closed, it lets the handler go on.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import signal
import socket

import pytest

import h2
import harness
import load
import plugs
import ws

BLOCKER = harness.BUILD / "tests/plugins/blocker.so"
MiB = 1 << 20


class Latches:
    """Latches of a server, made as they are asked for."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    def make(self):
        self.count += 1
        os.mkfifo(self.folder / f"l{self.count}")
        return f"l{self.count}"

    def reached(self, name):
        """The writer's end, once a handler waits at the other."""
        def reach():
            try:
                return os.open(self.folder / name, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                return None
        return harness.wait_for(reach, f"a handler at {name}")

    def is_reached(self, name):
        try:
            os.close(os.open(self.folder / name, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True


class Ask:
    """A request whose reply is read later; over HTTP/1.1, on a connection of its own."""

    def __init__(self, server, target):
        self.client = server.connect()
        self.client.start("GET", target)

    def reply(self):
        with self.client:
            return self.client.read_reply()

    def digest(self):
        """Of a body in chunks, as long as it may be."""
        digest = hashlib.sha256()
        with self.client as client:
            assert client.read_head().status == 200
            while size := int(client.read_line(), 16):
                digest.update(client.read(size))
                client.read(2)
        return digest.digest()

    def leave(self):
        self.client.close()


class AskAndEnd(Ask):
    """It leaves in order: FIN, and no reset for what it has not read."""

    def leave(self):
        socket.socket.shutdown(self.client.sock, socket.SHUT_WR)


class AskH2:
    """The same over HTTP/2: a stream of one connection for all."""

    def __init__(self, server, target):
        if not hasattr(server, "h2"):
            server.h2 = h2.connect(server, {h2.Setting.INITIAL_WINDOW_SIZE: MiB})
            server.h2.update_window(0, MiB)
        self.client = server.h2
        self.stream = self.client.start("GET", target)

    def reply(self):
        return self.client.reply(self.stream)

    def digest(self):
        return hashlib.sha256(self.reply().body).digest()

    def leave(self):
        self.client.reset(self.stream)


@pytest.fixture(params=[Ask, AskH2], ids=["http1", "http2"])
def ask(request):
    return request.param


@pytest.fixture
def start(start_server, tmp_path):
    """A server with one worker and three processes; .latches holds them."""
    plug = plugs.Plugs(tmp_path)
    plug.add(BLOCKER)
    latches = tmp_path / "latches"
    latches.mkdir()

    with contextlib.ExitStack() as clients:
        def start(handler=None, **changes):
            handler = {"processes": 3, **(handler or {})}
            server = start_server(**{
                "workers": 1, "plugins": {"directory": str(plug.directory)},
                "handlers": {"blocker": handler},
                "routes": [
                    {"path": "/hello/{name}", "handler": "hello"},
                    {"path": "/blocker/*", "handler": "blocker",
                     "settings": {"latches": str(latches)}}], **changes})
            server.latches = Latches(latches)
            server.plug = plug
            clients.callback(lambda: hasattr(server, "h2") and server.h2.close())
            harness.wait_for(lambda: len(server.hosts("blocker")) >= handler["processes"],
                             "its processes")
            return server
        yield start


class Blocked:
    """A request that a handler is at, until it is told to go on."""

    def __init__(self, ask, server, kind="wait"):
        self.name = server.latches.make()
        self.server = server
        self.asked = ask(server, f"/blocker/{kind}/{self.name}")
        self.fd = None

    def begun(self):
        self.fd = self.server.latches.reached(self.name)
        return self

    def go_on(self):
        os.close(self.fd)

    def pid(self):
        reply = self.asked.reply()
        assert reply.status == 200, (reply, self.server.log)
        return int(reply.text)


def occupy(ask, server, count=3):
    """As many calls that are at their latches, all at once."""
    calls = [Blocked(ask, server) for _ in range(count)]
    return [call.begun() for call in calls]


def finish(calls):
    for call in calls:
        call.go_on()
    return {call.pid() for call in calls}


def plugin(server):
    """What the server says of it."""
    run = harness.tincan("plugins", "--json", "--config", server.config)
    return next(x for x in json.loads(run.stdout)["plugins"] if x["name"] == "blocker")


def queue(server, length):
    harness.wait_for(lambda: plugin(server)["queue"] == length, f"{length} that wait")


def reload(server, **changes):
    config = json.loads(server.config.read_text())
    config.update(changes)
    server.config.write_text(json.dumps(config))
    run = harness.tincan("reload", "--config", server.config)
    assert run.returncode == 0, run.stderr


def anonymous_kb(pid):
    """The memory that it has for itself. A sanitizer keeps what is freed."""
    if harness.SANITIZED:
        return 0
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Anonymous: +(\d+) kB", text, re.M)[1])


# Several at once


def test_as_many_run_at_once_as_there_are_processes(start, ask):
    server = start()
    calls = occupy(ask, server)
    assert finish(calls) == set(server.hosts("blocker"))


def test_one_more_waits_until_one_is_free(start, ask):
    server = start()
    calls = occupy(ask, server)
    fourth = Blocked(ask, server)
    queue(server, 1)
    assert not server.latches.is_reached(fourth.name)
    calls[1].go_on()
    pid = calls[1].pid()
    fourth.begun().go_on()
    assert fourth.pid() == pid
    queue(server, 0)
    finish([calls[0], calls[2]])


def test_they_begin_in_the_order_in_which_they_came(start, ask):
    server = start({"processes": 1})
    first, = occupy(ask, server, 1)
    others = []
    for length in range(1, 5):
        others.append(Blocked(ask, server))
        queue(server, length)
    first.go_on()
    for call in others:
        call.begun()
        assert not any(server.latches.is_reached(x.name)
                       for x in others[others.index(call) + 1:])
        call.go_on()
        call.pid()


def test_nobody_else_is_held_up(start, ask):
    server = start()
    with load.Steady(server):
        calls = occupy(ask, server)
        assert server.get("/hello/you").text == "Hello, you!\n"
        finish(calls)


def test_processes_are_divided_among_the_workers(start):
    server = start({"processes": 3}, workers=2)
    harness.wait_for(lambda: len(server.hosts("blocker")) == 4, "two for each")
    status = plugin(server)
    assert status["processes"] == 4
    assert sorted(host["worker"] for host in status["hosts"]) == [0, 0, 1, 1]


# The queue


def test_when_the_queue_is_full_the_next_gets_503_at_once(start, ask):
    server = start({"max_queue": 2})
    calls = occupy(ask, server)
    waiting = [Blocked(ask, server) for _ in range(2)]
    queue(server, 2)
    for _ in range(3):
        reply = ask(server, "/blocker/who").reply()
        assert reply.status == 503 and reply.header("retry-after") == "1"
    server.wait_log(r"'blocker': its queue is full \(max_queue\), 1 requests got 503")
    assert plugin(server)["turned_away"] == 3
    finish(calls)
    finish([call.begun() for call in waiting])
    assert ask(server, "/blocker/who").reply().status == 200


def test_no_queue_at_all(start, ask):
    server = start({"max_queue": 0})
    calls = occupy(ask, server)
    assert ask(server, "/blocker/who").reply().status == 503
    finish(calls)


def test_a_full_queue_takes_no_memory(start):
    server = start({"max_queue": 1})
    calls = occupy(Ask, server)
    waits = Blocked(Ask, server)
    queue(server, 1)
    worker, = server.workers

    def crowd():
        replies = load.ask_all(server, 4, [f"/blocker/who?{i}" for i in range(400)])
        assert {reply[0].status for reply in replies.values()} == {503}
        return anonymous_kb(worker)

    first = crowd()
    assert crowd() <= first + 1024
    finish(calls)
    finish([waits.begun()])


@pytest.mark.parametrize("ask", [Ask, AskAndEnd, AskH2])
def test_who_leaves_the_queue_is_not_called(start, ask):
    server = start({"processes": 1})
    first, = occupy(ask, server, 1)
    second, third = Blocked(ask, server), Blocked(ask, server)
    queue(server, 2)
    second.asked.leave()
    queue(server, 1)
    finish([first])
    third.begun()
    assert not server.latches.is_reached(second.name)
    finish([third])


def test_who_waits_too_long_gets_504_without_being_called(start, ask):
    server = start({"processes": 1, "timeout_ms": 500})
    hosts = server.hosts("blocker")
    with server.connect() as slow:
        # It keeps the process, and may take its time.
        slow.start("GET", "/blocker/stream?50")
        slow.read_head()
        late = Blocked(ask, server)
        reply = late.asked.reply()
        assert reply.status == 504 and "no process of the handler was free" in reply.text
    assert server.get("/blocker/who").status == 200
    assert server.hosts("blocker") == hosts
    assert not server.latches.is_reached(late.name)


# Crashes and hangs


def test_a_crash_costs_one_request(start, ask):
    server = start()
    calls = occupy(ask, server, 2)
    assert ask(server, "/blocker/die").reply().status == 502
    third = Blocked(ask, server).begun()
    assert len(finish([*calls, third])) == 3
    server.wait_log("crashed in on_request")
    server.stop()
    assert server.log.count("crashed in on_request") == 1


def test_those_that_wait_survive_it(start, ask):
    server = start({"processes": 1})
    first, = occupy(ask, server, 1)
    waiting = [ask(server, "/blocker/who") for _ in range(3)]
    queue(server, 3)
    os.kill(server.hosts("blocker")[0], signal.SIGKILL)
    assert first.asked.reply().status == 502
    assert [call.reply().status for call in waiting] == [200] * 3


def test_five_deaths_in_a_row_open_the_breaker_whoever_dies(start):
    server = start()
    with server.connect() as client:
        statuses = [client.get("/blocker/die").status for _ in range(5)]
        assert statuses == [502] * 5
        # An answer of another process before the master knows would keep it closed.
        server.wait_log("'blocker' has died 5 times without an answer between: 503")
        harness.wait_for(lambda: client.get("/blocker/who").status == 503, "a refusal")
    assert harness.tincan("reset", "blocker", "--config", server.config).returncode == 0
    harness.wait_for(lambda: server.get("/blocker/who").status == 200, "an answer")


def test_an_answer_of_any_process_keeps_it_closed(start):
    server = start()
    with server.connect() as client:
        for _ in range(8):
            assert client.get("/blocker/die").status == 502
            assert client.get("/blocker/who").status == 200
    assert "without an answer" not in server.log


def test_who_does_not_come_back_is_replaced(start, ask):
    server = start({"timeout_ms": 500})
    before = set(server.hosts("blocker"))
    assert ask(server, "/blocker/hang").reply().status == 504
    server.wait_log("handler 'blocker' does not come back from on_request")
    harness.wait_for(lambda: len(set(server.hosts("blocker")) - before) == 1, "another")
    assert len(before - set(server.hosts("blocker"))) == 1
    assert ask(server, "/blocker/who").reply().status == 200


# Replies in pieces


def test_a_piece_goes_out_while_the_handler_blocks(start, ask):
    server = start()
    call = Blocked(ask, server, "say").begun()
    client = call.asked.client
    if ask is Ask:
        head = client.read_head()
        assert head.status == 200 and client.read_line() == "7"
        assert client.read(9) == b"before\n\r\n"
        call.go_on()
        assert client.read_line() == "6" and client.read(8) == b"after\n\r\n"
    else:
        client.wait_body(call.asked.stream, 7)
        assert bytes(client.stream(call.asked.stream).body) == b"before\n"
        call.go_on()
        assert call.asked.reply().text == "before\nafter\n"


def whole(mebibytes):
    pieces = mebibytes * 16
    return hashlib.sha256(b"".join(bytes([97 + i % 26]) * 65536
                                   for i in range(pieces))).digest()


def test_50_MiB_arrive_whole_with_little_memory(start, ask):
    server = start({"processes": 1})
    host, = server.hosts("blocker")
    server.get("/blocker/stream?2")
    before = anonymous_kb(host)
    assert ask(server, "/blocker/stream?50").digest() == whole(50)
    assert anonymous_kb(host) <= before + 4096


def test_a_client_that_does_not_read_holds_up_one_process_alone(start):
    server = start({"processes": 2})
    slow = Ask(server, "/blocker/stream?50")
    call, = occupy(Ask, server, 1)
    assert all(anonymous_kb(pid) < 20_000
               for pid in server.workers + server.hosts("blocker"))
    finish([call])
    assert slow.digest() == whole(50)


def test_a_handler_learns_that_its_client_has_left(start, ask):
    server = start({"processes": 1})
    host = server.hosts("blocker")
    call = ask(server, "/blocker/forever")
    if ask is Ask:
        call.client.read_head()
    else:
        call.client.wait_head(call.stream)
    call.leave()
    server.wait_log("nobody takes it: -2")
    assert server.get("/blocker/who").status == 200
    assert server.hosts("blocker") == host
    assert "on_request returned" not in server.log


def test_answering_later_leaves_the_process_to_the_next(start, ask):
    server = start({"processes": 1})
    late = ask(server, "/blocker/later?500")
    call, = occupy(ask, server, 1)
    pids = finish([call])
    assert {int(late.reply().text)} == pids


# Reload and stop


def test_a_reload_loses_nobody(start, ask):
    server = start()
    old = set(server.hosts("blocker"))
    calls = occupy(ask, server)
    waiting = [Blocked(ask, server) for _ in range(2)]
    queue(server, 2)
    # A changed file: more of it behind its end.
    (server.plug.workshop / "new").write_bytes(BLOCKER.read_bytes() + b"\0")
    os.rename(server.plug.workshop / "new", server.plug / "blocker.so")
    server.wait_log("generation 2 serves")
    new = Blocked(ask, server).begun()
    assert finish([new]).isdisjoint(old)
    assert finish(calls) == old
    assert finish([call.begun() for call in waiting]) <= old
    harness.wait_for(lambda: old.isdisjoint(server.hosts("blocker")), "the old ones' end")
    assert len(server.hosts("blocker")) == 3


def test_a_reload_changes_how_many_there_are(start):
    server = start({"processes": 1})
    call, = occupy(Ask, server, 1)
    reload(server, handlers={"blocker": {"processes": 3}})
    others = occupy(Ask, server, 2)
    assert plugin(server)["processes"] == 3
    finish(others)
    reload(server, handlers={"blocker": {"processes": 1}})
    harness.wait_for(lambda: len(server.hosts("blocker")) <= 2, "fewer")
    finish([call])
    harness.wait_for(lambda: len(server.hosts("blocker")) == 1, "one")
    assert server.get("/blocker/who").status == 200
    assert "crashed" not in server.log and "died" not in server.log


def test_a_stop_lets_all_finish(start):
    server = start({"processes": 1})
    first, = occupy(Ask, server, 1)
    second = Blocked(Ask, server)
    queue(server, 1)
    server.signal(signal.SIGTERM)
    server.wait_log("stopping|drain")
    finish([first])
    finish([second.begun()])
    server.stop()


def test_a_stop_does_not_wait_for_ever(start, ask):
    """Neither for calls that are at a process, nor for those that wait for one."""
    server = start({"timeout_ms": 600000}, timeouts={"drain_ms": 300})
    calls = occupy(ask, server)
    waiting = [Blocked(ask, server) for _ in range(20)]
    queue(server, len(waiting))
    server.signal(signal.SIGTERM)
    assert server.wait_exit() == 0
    server.check_clean()
    assert not any(server.latches.is_reached(call.name) for call in waiting)
    for call in calls:
        os.close(call.fd)


def test_what_is_shown(start):
    server = start()
    calls = occupy(Ask, server)
    one = Blocked(Ask, server)
    queue(server, 1)
    text = harness.tincan("plugins", "--config", server.config).stdout
    head, *rows = text.splitlines()
    row, = [line for line in rows if line.startswith("blocker ")]
    shown = dict(zip(head.split(), row.split()))
    assert shown["processes"] == "3" and shown["queue"] == "1"
    finish(calls)
    finish([one.begun()])


# WebSockets of its handler


SIZES = {"fields": ".flags = TC_BLOCKING, .on_connect = connected, .on_data = heard",
         "code": """
#include <fcntl.h>
#include <stdio.h>

static int connected(tc_conn *c, tc_req *upgrade)
{
	(void)c;
	(void)upgrade;
	return TC_OK;
}

static int heard(tc_conn *c, const void *data, size_t size, uint32_t flags)
{
	char text[32];

	(void)data;
	(void)flags;
	snprintf(text, sizeof(text), "%zu", size);
	return tc.send(c, text, strlen(text), TC_TEXT);
}
""", "first": "close(open(tc.query(r), O_RDONLY));"}
# Together more than waits for a process that is busy; each within its window.
PEERS, MESSAGES, MESSAGE = 24, 4, bytes(60000)


@pytest.mark.parametrize("version", ws.OPEN)
def test_what_websockets_say_to_a_busy_process_waits(start_server, tmp_path, version):
    plug = plugs.Plugs(tmp_path)
    plug.drop("sizes", "woken", **SIZES)
    latches = Latches(tmp_path)
    server = start_server(workers=1, plugins={"directory": str(plug.directory)},
                          handlers={"sizes": {"processes": 1}}, routes=[
                              {"path": "/sizes", "handler": "sizes"},
                              {"path": "/hello/{name}", "handler": "hello"}])
    before = server.hosts("sizes")
    with contextlib.ExitStack() as peers:
        sockets = [peers.enter_context(ws.OPEN[version](server, "/sizes"))
                   for _ in range(PEERS)]
        name = latches.make()
        call = Ask(server, f"/sizes?{tmp_path / name}")
        latch = latches.reached(name)
        for socket_of in sockets:
            for _ in range(MESSAGES):
                socket_of.binary(MESSAGE)
        with load.Steady(server):
            os.close(latch)
            assert call.reply().text == "woken"
            for socket_of in sockets:
                assert [socket_of.read_text() for _ in range(MESSAGES)] == [
                    str(len(MESSAGE))] * MESSAGES
    assert server.hosts("sizes") == before

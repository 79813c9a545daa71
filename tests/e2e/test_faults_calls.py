# SPDX-License-Identifier: MIT
"""System calls do less than they were asked for, are interrupted, fail for a while, and
clocks jump, in all processes of a server at once: its replies are right all the same."""

import contextlib
import datetime
import email.utils
import errno
import fcntl
import os
import socket
import struct
import termios
import threading

import pytest

import faults
import h2
import harness
import ws

BODY = b"0123456789abcdef" * 1000


@pytest.fixture
def start(tmp_path, certificates, make_config):
    """Starts a server of one worker; gives it and its Faults."""
    servers = []

    def start(**ordered):
        (tmp_path / "data.bin").write_bytes(BODY)
        config = make_config(workers=1)
        config["routes"] += [{"path": "/files/*", "handler": "files",
                              "settings": {"root": str(tmp_path)}}]
        server, orders = faults.start(tmp_path, config, certificates, **ordered)
        servers.append(server)
        return server, orders

    yield start
    for server in servers:
        server.stop()


def speak(server):
    """All that clients do, and what it comes to."""
    for connect in server.connect, lambda: h2.connect(server):
        with connect() as client:
            assert client.get("/hello/x").text == "Hello, x!\n"
            assert client.get("/files/data.bin").body == BODY
            reply = client.request("POST", "/echo", body=BODY)
            assert reply.status == 200 and BODY in reply.body
    for version in ws.OPEN:
        with ws.OPEN[version](server, "/echo") as socket:
            assert socket.ask("hello") == "hello"
            socket.close(1000)
            assert socket.read_close() == 1000


def reload_and_speak(server):
    speak(server)
    done = harness.tincan("reload", "--config", server.config)
    assert done.returncode == 0, done.stderr
    speak(server)
    server.get("/hello/last")
    assert server.wait_access("/hello/last")["status"] == 200


def test_interrupted_from_the_start(start):
    server, _ = start(interrupt=2)
    reload_and_speak(server)


@pytest.mark.parametrize("ordered", [{"io_bytes": 1}, {"io_bytes": 7, "interrupt": 3}],
                         ids=["byte", "odds"])
def test_little_by_little(start, ordered):
    """Replies, frames, and lines of the log: none is torn."""
    server, orders = start()
    orders.order(faults.EVERYBODY, **ordered)
    reload_and_speak(server)


class ByByte(harness.Server):
    """A running server to whose clients it seems to take a byte at once: each goes to its
    Unix socket alone, when the one before has been received, so that every edge brings
    one, wherever in a record or a frame that is."""

    def __init__(self, server):
        self.__dict__ = server.__dict__

    def tcp(self):
        ours, theirs = socket.socketpair()
        there = socket.socket(socket.AF_UNIX)
        there.connect(str(self.folder / "web.sock"))
        for pump, *ends in (self._drip, theirs, there), (self._pour, there, theirs):
            threading.Thread(target=pump, args=ends, daemon=True).start()
        return ours

    @staticmethod
    def _end(source, target):
        for sock, how in (target, socket.SHUT_WR), (source, socket.SHUT_RD):
            with contextlib.suppress(OSError):
                sock.shutdown(how)

    def _drip(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                for place in range(len(data)):
                    target.send(data[place:place + 1])
                    while struct.unpack("i", fcntl.ioctl(target, termios.TIOCOUTQ,
                                                         bytes(4)))[0]:
                        os.sched_yield()
        self._end(source, target)

    def _pour(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        self._end(source, target)


def test_a_byte_for_each_edge(request, tmp_path, certificates, make_config):
    """All of TLS, HTTP and WebSocket, handshakes included."""
    (tmp_path / "data.bin").write_bytes(BODY)
    config = make_config(workers=1, listeners=[
        {"address": "127.0.0.1:0"}, {"address": f"unix:{tmp_path}/web.sock"}])
    config["routes"] += [{"path": "/files/*", "handler": "files",
                          "settings": {"root": str(tmp_path)}}]
    server = harness.Server(tmp_path, config, certificates)
    request.addfinalizer(lambda: server.stopped or server.kill())
    speak(ByByte(server))
    server.stop()


@pytest.mark.parametrize("number", [
    errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED,
    errno.EPROTO, errno.ENETDOWN, errno.EINTR, errno.EPERM],
    ids=lambda number: errno.errorcode[number])
def test_accepting_recovers(start, number):
    """Who waits in the queue meanwhile is served after it."""
    server, orders = start()
    orders.order(faults.EVERYBODY, accept_errno=number, accept_count=5)
    assert server.get("/hello/x").status == 200
    assert orders.accept_count <= 0
    speak(server)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG],
                         ids=lambda number: errno.errorcode[number])
def test_a_disk_that_is_full_for_a_while_costs_lines_that_are_counted(start, number):
    server, orders = start()
    server.get("/hello/before")
    server.wait_access("/hello/before")
    orders.order(faults.EVERYBODY, write_errno=number)
    for _ in range(3):
        assert server.get("/hello/full").status == 200
    harness.wait_for(lambda: orders.write_count > 0, "a write")

    def lost():
        return server.get("/status?lost").json["server"]["tincan_log_lost_total"]

    harness.wait_for(lambda: lost() >= 3, "lost lines to be counted")
    orders.clear()
    server.get("/hello/after")
    server.wait_access("/hello/after")
    found = [x["target"] for x in server.access_lines() if "lost" not in x["target"]]
    assert found == ["/hello/before", "/hello/after"]


@pytest.mark.parametrize("days", [-4000, -1, 1, 4000])
def test_the_day_may_change(start, days):
    """Whoever sets the clock of a machine: nobody is cut, and dates follow."""
    server, orders = start()
    with server.connect() as client, ws.open_h1(server, "/echo") as socket:
        client.get("/hello/x")
        orders.order(faults.EVERYBODY, real_ms=days * 86400 * 1000)

        def follows():
            date = client.get("/hello/x").header("date")
            now = email.utils.parsedate_to_datetime(date)
            ahead = now - datetime.datetime.now(datetime.timezone.utc)
            return abs(ahead.total_seconds() - days * 86400) < 60

        harness.wait_for(follows, "the date")
        assert socket.ask("hello") == "hello"
    speak(server)


def test_time_that_has_passed_at_once_ends_who_is_idle_alone(start):
    """As after a machine was stopped: an hour later than a moment ago."""
    server, orders = start()
    with server.connect() as idle, server.connect() as asking:
        idle.get("/hello/x")
        asking.get("/hello/x")
        orders.order(faults.EVERYBODY, monotonic_ms=3600 * 1000)
        assert idle.ended()
        speak(server)
        hosts = server.hosts("hello")
        orders.order(faults.EVERYBODY, monotonic_ms=2 * 3600 * 1000)
        speak(server)
        assert server.hosts("hello") == hosts
    assert "does not come back" not in server.log

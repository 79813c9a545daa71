# SPDX-License-Identifier: MIT
"""Limits and timeouts: each answers with its own status, or ends the connection."""

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import time

import pytest

import h2
import harness


@pytest.fixture(scope="module")
def strict(tmp_path_factory, make_config, certificates):
    """A server with small limits."""
    server = harness.Server(tmp_path_factory.mktemp("strict"), make_config(limits={
        "max_target_bytes": 100, "max_header_bytes": 1000, "max_header_fields": 20,
        "max_body_bytes": 1000}), certificates)
    yield server
    server.stop()


def ask(server, data):
    """The reply to these bytes, after which the connection must end."""
    with server.connect() as client:
        client.send(data)
        reply = client.read_reply()
        assert reply.header("connection") == "close"
        assert client.ended()
        return reply


def get(target="/hello/x", *fields, version="HTTP/1.1"):
    lines = [f"GET {target} {version}", "Host: localhost", *fields]
    return "\r\n".join(lines) + "\r\n\r\n"


# What docs/limits.md says of them

ROW = re.compile(r"\| `((\w+)\.(\w+))` \| (\d+) \| .* \| (yes|no) \|")


def documented():
    text = (harness.TOP / "docs/limits.md").read_text()
    rows = map(ROW.fullmatch, text.splitlines())
    return [found.groups() for found in rows if found]


def test_the_table_has_every_limit_with_its_default():
    schema = json.loads((harness.TOP / "server.schema.json").read_text())["properties"]
    assert [(key, int(default)) for key, _, _, default, _ in documented()] == [
        (f"{group}.{key}", value["default"]) for group in ("limits", "timeouts")
        for key, value in schema[group]["properties"].items()]


def test_the_table_says_which_are_counted(server):
    met = server.get("/status").json["server"]["tincan_limits_met_total"]
    assert sorted(met) == sorted(row[2] for row in documented() if row[-1] == "yes")


# Sizes


def test_body_at_the_limit_is_taken(strict):
    assert strict.request("POST", "/echo", body=b"x" * 1000).status == 200


def test_body_past_the_limit_is_413(strict):
    assert strict.request("POST", "/echo", body=b"x" * 1001).status == 413


def test_413_comes_before_the_body(strict):
    head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n"
    assert ask(strict, head).status == 413


def test_413_instead_of_continue(strict):
    head = ("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\n"
            "Expect: 100-continue\r\n\r\n")
    assert ask(strict, head).status == 413


def test_chunks_past_the_limit_are_413(strict):
    head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = "1f4\r\n" + "x" * 500 + "\r\n1f5\r\n" + "x" * 501
    assert ask(strict, head + body).status == 413


def test_target_at_the_limit_is_taken(strict):
    assert strict.get("/hello/" + "x" * 93).status == 200


@pytest.mark.parametrize("size", [94, 5000])
def test_target_past_the_limit_is_414(strict, size):
    assert ask(strict, get("/hello/" + "x" * size)).status == 414


def test_target_without_an_end_is_414(strict):
    assert ask(strict, "GET /" + "x" * 5000).status == 414


def test_header_past_the_limit_is_431(strict):
    assert ask(strict, get("/hello/x", "X: " + "x" * 1000)).status == 431


def test_too_many_fields_are_431(strict):
    assert ask(strict, get("/hello/x", *["X: x"] * 20)).status == 431


def test_trailer_past_the_limit_ends_the_connection(strict):
    data = ("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            "0\r\nX: " + "x" * 2000 + "\r\n\r\n")
    assert ask(strict, data).status in (400, 431)


def test_what_is_too_large_is_counted(strict):
    keys = "max_target_bytes", "max_header_bytes", "max_body_bytes"
    before = [met(strict, f"limits.{key}") for key in keys]
    assert strict.get("/hello/" + "x" * 94).status == 414
    assert strict.get("/hello/x", *["X: x"] * 20).status == 431
    with h2.connect(strict) as client:
        assert client.request("POST", "/echo", body=b"x" * 1001).status == 413
    assert [met(strict, f"limits.{key}") for key in keys] == [n + 1 for n in before]


# What is not spoken here


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/3.0", "HTTP/0.9"])
def test_other_versions_are_505(strict, version):
    assert ask(strict, get(version=version)).status == 505


def test_a_higher_minor_version_is_served(strict):
    with strict.connect() as client:  # RFC 9110 section 2.5
        client.send(get(version="HTTP/1.2"))
        assert client.read_reply().status == 200


@pytest.mark.parametrize("method", ["BREW", "get", "PROPFIND"])
def test_unknown_method_is_501(client, method):
    assert client.request(method, "/nowhere").status == 501


def test_unknown_transfer_coding_is_501(strict):
    data = ("POST /echo HTTP/1.1\r\nHost: localhost\r\n"
            "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
    assert ask(strict, data).status == 501


@pytest.mark.parametrize("head", [
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
    "Transfer-Encoding: chunked\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
    "Content-Length: 2\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: localhost\r\nX: 1\r\n folded\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: localhost\r\nX : 1\r\n\r\n",
    "GET /echo HTTP/1.1\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET  /echo HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "hello there\r\n\r\n",
])
def test_what_smuggling_lives_on_is_400(strict, head):
    assert ask(strict, head).status == 400


# Time


@pytest.fixture(scope="module")
def hasty(tmp_path_factory, make_config, certificates):
    """A server with no patience at all, but for what a test's own requests need."""
    folder = tmp_path_factory.mktemp("hasty")
    with open(folder / "big.bin", "wb") as file:
        file.truncate(64 << 20)
    config = make_config(workers=1, timeouts={
        "handshake_ms": 700, "header_ms": 700, "body_ms": 700, "write_ms": 700,
        "idle_ms": 700})
    config["routes"].append(
        {"path": "/files/*", "handler": "files", "settings": {"root": str(folder)}})
    server = harness.Server(folder, config, certificates)
    yield server
    server.stop()


def test_slow_header_is_408(hasty):
    with hasty.connect() as client:
        client.send("GET /hello/x HTTP/1.1\r\nHost: loc")
        assert client.read_reply().status == 408
        assert client.ended()


def test_header_a_byte_at_a_time_is_408_all_the_same(hasty):
    with hasty.connect() as client:
        client.get("/hello/x")  # takes in the tickets, too
        client.send("GET /hello/x HTTP/1.1\r\nX: ")
        while not select.select([client.sock], [], [], 0.05)[0]:
            client.send("x")
        assert client.read_reply().status == 408


def test_slow_body_is_408(hasty):
    with hasty.connect() as client:
        client.start("POST", "/echo", "Content-Length: 10")
        client.send("12345")
        assert client.read_reply().status == 408
        assert client.ended()


def test_body_that_keeps_coming_may_take_its_time(hasty):
    with hasty.connect() as client:
        client.get("/hello/x")  # takes in the tickets, too
        client.start("POST", "/echo", "Content-Length: 20")
        for _ in range(20):
            assert not select.select([client.sock], [], [], 0.05)[0]
            client.send("x")
        assert client.read_reply().status == 200


def test_idle_connection_is_closed_without_a_word(hasty):
    with hasty.connect() as client:
        assert client.get("/hello/x").status == 200
        assert client.ended()


def test_new_connection_without_a_request_is_closed(hasty):
    with hasty.connect() as client:
        assert client.ended()


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01"])
def test_slow_handshake_is_closed(hasty, said):
    with hasty.tcp() as sock:
        sock.sendall(said)
        while data := sock.recv(100):
            assert data[0] == 0x15


def connections(server):
    return server.get("/status").json["workers"]["0"]["tincan_connections"]


def test_client_that_does_not_read_is_closed(hasty):
    with hasty.connect() as client:
        client.start("GET", "/files/big.bin")
        assert client.read_head().status == 200
        harness.wait_for(lambda: connections(hasty) == 1, "the end of the other")


def test_client_that_reads_slowly_gets_everything(hasty):
    with hasty.connect() as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        client.start("GET", "/files/big.bin")
        size = int(client.read_head().header("content-length"))
        left = size - len(client.data)
        for _ in range(30):
            left -= len(client.sock.recv(1 << 16))
            select.select([], [], [], 0.05)
        while left > 0:
            data = client.sock.recv(1 << 20)
            assert data
            left -= len(data)


def test_who_is_late_is_counted(hasty):
    """By the tests before this one, or by itself."""
    with hasty.connect() as client:
        client.send("GET /hello/x HTTP/1.1\r\n")
        assert client.read_reply().status == 408
    assert met(hasty, "timeouts.header_ms") > 0
    with h2.connect(hasty) as client:
        stream = client.start("POST", "/echo", end=False)
        assert client.reply(stream).status == 408
    assert met(hasty, "timeouts.body_ms") > 0
    with hasty.tcp() as sock:
        while sock.recv(100):
            pass
    assert met(hasty, "timeouts.handshake_ms") > 0
    with hasty.connect() as client:
        client.start("GET", "/files/big.bin")
        assert client.read_head().status == 200
        harness.wait_for(lambda: met(hasty, "timeouts.write_ms") > 0, "its end")


# Number of connections


def refused(server):
    """Is a new connection closed at once?"""
    with server.tcp() as sock:
        try:
            return sock.recv(100) == b""
        except ConnectionResetError:
            return True


def busy(server):
    """A client whose request is under way."""
    client = server.connect()
    client.start("POST", "/echo", "Content-Length: 1", "Expect: 100-continue")
    assert client.read_reply().status == 100
    return client


def wait_get(server, target):
    """The reply as soon as there is room for another client."""
    def get():
        try:
            return server.get(target)
        except OSError:
            return None

    return harness.wait_for(get, "room for another")


def met(server, limit):
    """How often the limit was, by /metrics, and what tincan status says."""
    key = limit.split(".")[1]
    workers = wait_get(server, "/status").json["workers"].values()
    told = harness.tincan("status", "--config", server.config)
    times = sum(worker["tincan_limits_met_total"][key] for worker in workers)
    found = re.search(rf"^{re.escape(limit)} +(\d+)$", told.stdout, re.MULTILINE)
    assert times == int(found[1] if found else 0)
    return times


def test_connections_past_the_limit_are_refused(start_server):
    server = start_server(workers=1, limits={"max_connections": 3})
    clients = [busy(server) for _ in range(3)]
    assert all(refused(server) for _ in range(50))
    assert met_by_log(server, "limits.max_connections") == "refused"
    clients[0].close()
    assert met(server, "limits.max_connections") >= 50
    assert wait_get(server, "/status").json["server"][
        "tincan_connections_refused_total"] >= 50
    for client in clients[1:]:
        client.send("x")
        assert client.read_reply().status == 200


def met_by_log(server, limit):
    """What was done to a client, by the one line that a worker has in the log of it."""
    line = server.wait_log(re.escape(limit) + ": ")
    assert server.log.count(limit + ": ") <= len(server.workers)
    return re.search(r": 127\.0\.0\.1:\d+ is (.*?)(, as \d+ before it)?[\"\n]", line)[1]


@contextlib.contextmanager
def idle(server, protocol):
    """A client whose one request is answered; what it yields awaits a proper end."""
    if protocol == "http1":
        with server.connect() as client:
            assert client.get("/hello/x").status == 200
            yield client.ended
    else:
        with h2.connect(server) as client:
            assert client.request("GET", "/hello/x").status == 200

            def ended():
                client.wait_end()
                return h2.Code(client.goaway.error_code) == h2.Code.NO_ERROR

            yield ended


@pytest.mark.parametrize("protocol", ["http1", "http2"])
def test_an_idle_connection_makes_room_for_a_new_one(start_server, protocol):
    server = start_server(workers=1, limits={"max_connections": 2})
    with busy(server), idle(server, protocol) as ended:
        assert wait_get(server, "/status").json["server"][
            "tincan_connections_evicted_total"] == 1
        assert ended()


def test_an_address_has_its_part_of_all_workers(start_server):
    server = start_server(workers=2, limits={"max_connections_per_address": 3})
    clients = [busy(server) for _ in range(3)]
    assert all(refused(server) for _ in range(20))
    assert met_by_log(server, "limits.max_connections_per_address") == "refused"
    for client in clients:
        client.close()
    assert met(server, "limits.max_connections_per_address") >= 20


def test_who_has_too_many_drives_nobody_out(start_server):
    server = start_server(workers=1, limits={"max_connections": 2,
                                             "max_connections_per_address": 2})
    with busy(server), server.connect() as client:
        assert client.get("/hello/x").status == 200
        end = time.monotonic() + 1.5  # long enough to be idle
        while time.monotonic() < end:
            assert refused(server)
            time.sleep(0.05)
        assert client.get("/hello/x").status == 200


def test_connections_of_a_worker_that_died_do_not_count(start_server):
    server = start_server(workers=1, limits={"max_connections_per_address": 1})
    for _ in range(2):
        worker, = server.workers
        with contextlib.closing(wait_for_one(server)):
            os.kill(worker, signal.SIGKILL)
        harness.wait_for(lambda: server.workers not in ([], [worker]), "another worker")
    assert wait_get(server, "/hello/x").status == 200


def wait_for_one(server):
    """A client with a connection, as soon as there is room for it."""
    def connect():
        with contextlib.suppress(OSError):
            return server.connect()

    return harness.wait_for(connect, "room for a connection")


def test_by_a_proxy_it_is_the_address_that_it_tells(start_server):
    server = start_server(
        listeners=[{"address": "127.0.0.1:0", "proxy_protocol": {"from": ["127.0.0.1"]}}],
        limits={"max_connections_per_address": 1})

    def enters(address):
        family = "TCP6" if ":" in address else "TCP4"
        here = "::1" if ":" in address else "127.0.0.1"
        sock = server.tcp()
        sock.sendall(f"PROXY {family} {address} {here} 1 2\r\n".encode())
        try:
            client = server.context().wrap_socket(sock, server_hostname="localhost")
        except OSError:
            return False
        clients.append(client)
        return True

    clients = []
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: [client.close() for client in clients])
        assert enters("192.0.2.1") and enters("192.0.2.2")
        assert not enters("192.0.2.1")
        assert enters("2001:db8:0:1::1") and enters("2001:db8:0:2::1")
        assert not enters("2001:db8:0:1:ffff::2")
        server.wait_log("max_connections_per_address: 192.0.2.1:1 is refused")
        clients.pop(0).close()
        harness.wait_for(lambda: enters("192.0.2.1"), "room for it")


# Handshakes


def test_handshakes_that_stall_make_room(start_server):
    server = start_server(workers=1, limits={"max_handshakes": 2},
                          timeouts={"handshake_ms": 3600000})
    with contextlib.ExitStack() as stack:
        stalled = [stack.enter_context(server.tcp()) for _ in range(6)]
        stalled[0].sendall(b"\x16\x03\x01\x02\x00\x01")
        assert server.get("/hello/x").status == 200
        assert stalled[0].recv(1) == b""
        assert met(server, "limits.max_handshakes") > 0


def test_handshakes_of_many_wait_their_turn(start_server):
    server = start_server(workers=1, limits={"max_handshakes": 4})
    done = subprocess.run(
        ["h2load", "-n", "100", "-c", "100", server.url("/hello/x")], capture_output=True,
        text=True, timeout=harness.DEADLINE, check=True)
    assert "100 succeeded, 0 failed" in done.stdout, done.stdout
    server.wait_log("limits.max_handshakes: a new client is kept waiting")


# Requests of a connection


@pytest.fixture(scope="module")
def brief(tmp_path_factory, make_config, certificates):
    """A server with which nobody talks for long."""
    server = harness.Server(tmp_path_factory.mktemp("brief"), make_config(
        workers=1, limits={"max_requests_per_connection": 3, "max_streams": 5}),
        certificates)
    yield server
    server.stop()


def test_the_last_request_closes_the_connection(brief):
    before = met(brief, "limits.max_requests_per_connection")
    with brief.connect() as client:
        replies = [client.get("/hello/x") for _ in range(3)]
        assert client.ended()
    assert [reply.header("connection") for reply in replies] == [None, None, "close"]
    assert met(brief, "limits.max_requests_per_connection") == before + 1


def test_goaway_comes_with_the_last_request(brief):
    with h2.connect(brief) as client:
        for _ in range(3):
            assert client.get("/hello/x").status == 200
        client.wait_end()
        assert h2.Code(client.goaway.error_code) == h2.Code.NO_ERROR


def test_requests_that_are_on_their_way_are_answered(brief):
    with h2.connect(brief) as client:
        streams = [client.start("POST", "/echo", end=False) for _ in range(5)]
        for stream in streams:
            client.data(stream, b"x", end=True)
        assert [client.reply(stream).status for stream in streams] == [200] * 5
        client.wait_end()


def test_who_does_not_hear_is_not_heard(brief):
    with h2.connect(brief) as client:
        client._answer = lambda *data: None  # no PING is
        for _ in range(8):
            assert client.get("/hello/x").status == 200
        client.start("GET", "/hello/x")
        client.wait_end()
        assert client.goaway.last_stream_id == 15


def test_a_client_that_goes_on_notices_nothing(brief, version):
    done = brief.curl("/hello/[1-20]", version, "--fail")
    assert len(done.split(b"Hello")) == 21

# SPDX-License-Identifier: MIT
"""What a handler decides about a WebSocket, whatever process it runs in."""

import re
import struct

import pytest

import harness

PUPPET = harness.BUILD / "tests/plugins/puppet.so"
UPGRADE = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
TEXT, CLOSE, PING = 1, 8, 9


@pytest.fixture
def start(start_server, tmp_path):
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "puppet.so").write_bytes(PUPPET.read_bytes())

    def start(isolation, **changes):
        return start_server(**{
            "plugins": {"directory": str(folder), "serve_unrouted": False},
            "routes": [{"path": "/*", "handler": "puppet"}],
            "handlers": {"puppet": {"isolation": isolation, "timeout_ms": 600}},
            "workers": 1, **changes})
    return start


@pytest.fixture(params=["host", "worker"])
def server(start, request):
    return start(request.param)


def ask(client, path, *fields):
    """Asks for a WebSocket; the header of the answer."""
    client.start("GET", path, *UPGRADE, *fields)
    return client.read_head()


def refusal(server, path):
    with server.connect() as client:
        client.start("GET", path, *UPGRADE)
        return client.read_reply()


def say(client, text, kind=TEXT):
    data = text.encode() if isinstance(text, str) else text
    client.send(bytes([0x80 | kind, 0x80 | len(data)]) + bytes(4) + data)


def hear(client):
    """The next message that is no ping: its kind and what it says."""
    while True:
        kind, size = client.read(2)
        assert kind & 0x80 and size < 126
        data = client.read(size)
        if kind & 15 != PING:
            return kind & 15, data


def test_message_comes_back(server):
    with server.connect() as client:
        assert ask(client, "/").status == 101
        say(client, "hello")
        assert hear(client) == (TEXT, b"hello")
        for key, value in {"route": b"/*", "http.version": b"1.1", "handler": b"puppet",
                           "websocket.protocol": b"NULL"}.items():
            say(client, f"info {key}")
            assert hear(client) == (TEXT, value)


def test_handler_may_greet_and_close_at_once(server):
    with server.connect() as client:
        assert ask(client, "/bye").status == 101
        assert hear(client) == (TEXT, b"bye")
        assert hear(client) == (CLOSE, struct.pack(">H", 1000))


def test_handler_chooses_the_subprotocol(server):
    with server.connect() as client:
        reply = ask(client, "/choose", "Sec-WebSocket-Protocol: one, two")
        assert (reply.status, reply.header("sec-websocket-protocol")) == (101, "two")
        say(client, "info websocket.protocol")
        assert hear(client) == (TEXT, b"two")


def test_status_refuses_with_the_fields_that_were_set(server):
    reply = refusal(server, "/refuse")
    assert (reply.status, reply.text) == (403, "403 Forbidden\n")
    assert reply.header("x-why") == "because"


def test_reply_of_its_own_refuses(server):
    reply = refusal(server, "/own")
    assert (reply.status, reply.text) == (401, "not you\n")
    assert reply.header("www-authenticate") == "Basic"


def test_nothing_else_than_a_refusal_can_be_replied(server):
    assert refusal(server, "/wrong").status == 403
    reply = refusal(server, "/number?200")
    assert reply.status == 500
    found = re.search(r"\(request (\w{16})\)", reply.text)
    assert found[1] in server.wait_log(r"on_connect returned an unknown result \(200\)")


def test_connection_goes_on_after_a_refusal(server):
    with server.connect() as client:
        for _ in range(2):
            client.start("GET", "/own", *UPGRADE)
            assert client.read_reply().status == 401
        assert ask(client, "/").status == 101


def test_close_has_the_code_and_the_reason_of_the_handler(server):
    with server.connect() as client:
        assert ask(client, "/").status == 101
        say(client, "close 3000 good bye")
        assert hear(client) == (CLOSE, struct.pack(">H", 3000) + b"good bye")
        say(client, struct.pack(">H", 3000), CLOSE)
        assert client.ended()
    server.wait_log("end 3000 after 1")


def test_failure_is_1011(server):
    with server.connect() as client:
        assert ask(client, "/").status == 101
        say(client, "result -3")
        assert hear(client) == (CLOSE, struct.pack(">H", 1011))


def test_crash_is_502_for_the_one_and_1011_for_those_that_were_open(start):
    server = start("host")
    with server.connect() as client:
        assert ask(client, "/").status == 101
        reply = refusal(server, "/crash")
        assert reply.status == 502
        found = re.search(r"\(request (\w{16})\)", reply.text)
        server.wait_log(f"crashed in on_connect, request {found[1]}: signal 6")
        assert hear(client) == (CLOSE, struct.pack(">H", 1011))
    with server.connect() as client:
        assert ask(client, "/").status == 101


def test_hang_is_504_and_ends_the_host(start):
    server = start("host")
    with server.connect() as client:
        assert ask(client, "/").status == 101
        assert refusal(server, "/hang").status == 504
        assert hear(client) == (CLOSE, struct.pack(">H", 1011))
    with server.connect() as client:
        assert ask(client, "/").status == 101

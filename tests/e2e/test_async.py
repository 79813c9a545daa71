# SPDX-License-Identifier: MIT
"""Answers that come later and replies that stream, the same from a host and from inside
the workers."""

import re
import socket
import struct

import pytest

import harness
import plugs

SO_LINGER_RESET = struct.pack("ii", 1, 0)


@pytest.fixture(params=["host", "worker"])
def isolation(request):
    return request.param


@pytest.fixture
def start(start_server, tmp_path, isolation):
    plug = plugs.Plugs(tmp_path)
    plug.add(harness.BUILD / "tests/plugins/later.so")

    def start(handler=None, **changes):
        server = start_server(**{
            "workers": 1, "plugins": {"directory": str(plug.directory)}, "routes": [],
            "handlers": {"later": {"isolation": isolation, **(handler or {})}},
            **changes})
        server.plug = plug
        return server
    return start


def leave(client):
    """Resets the connection."""
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, SO_LINGER_RESET)
    client.close()


def counts(server, text):
    harness.wait_for(lambda: server.get("/later/tell").text == text, repr(text))


def test_answers_after_a_while(start):
    server = start()
    with server.connect() as client:
        for _ in range(3):
            reply = client.get("/later/answer?20")
            assert (reply.status, reply.text) == (200, "late\n")
            assert reply.header("content-length") == "5"
    assert server.wait_access("/later/answer?20")["status"] == 200


def test_many_wait_and_hold_up_nobody(start):
    server = start()
    clients = [server.connect() for _ in range(20)]
    for client in clients:
        client.start("GET", "/later/keep")
    counts(server, "20 kept, 0 gone\n")
    assert server.get("/later/release").text == "20\n"
    for client in clients:
        assert client.read_reply().text == "late\n"
        assert client.get("/later/answer?0").text == "late\n"
        client.close()


def test_requests_behind_one_that_waits_come_after_it(start):
    server = start()
    with server.connect() as client:
        client.start("GET", "/later/answer?50")
        client.start("GET", "/later/tell")
        client.start("HEAD", "/later/answer?1")
        assert client.read_reply().text == "late\n"
        assert client.read_reply().text == "0 kept, 0 gone\n"
        assert client.read_reply("HEAD").header("content-length") == "5"


def test_a_second_answer_is_refused(start):
    server = start()
    assert server.get("/later/twice?1").text == "once\n"
    server.wait_log("twice: 0 -4")

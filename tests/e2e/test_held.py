# SPDX-License-Identifier: MIT
"""Memory that clients make a worker hold: bounded for one HTTP/2 connection and for all
clients together, and given back when they are done."""

import contextlib

import pytest

import h2
import harness
import ws

MIB = 1 << 20


def held(client):
    return figures(client)["tincan_held_bytes"]


def held_now(server):
    with server.connect() as client:
        return held(client)


def figures(client):
    """What the only worker counts."""
    return client.get("/status").json["workers"]["0"]


def test_requests_of_a_connection_share_its_memory(start_server):
    server = start_server(workers=1, limits={"max_connection_bytes": 2 * MIB})
    with h2.connect(server) as client:
        large = [client.start("POST", "/echo", end=False) for _ in range(2)]
        small = [client.start("POST", "/echo", end=False) for _ in range(2)]
        for stream in large:
            client.upload(stream, b"x" * (MIB - 1), end=False)
        for stream in small:
            client.data(stream, b"x" * 50000)  # in more frames than one
            assert client.reply(stream).status == 503
            assert b"too much under way" in client.reply(stream).body
        for stream in large:
            client.data(stream, b"x", end=True)
            assert client.reply(stream).status == 200
        assert figures(client)["tincan_limits_met_total"]["max_connection_bytes"] == 2
        assert client.request("POST", "/echo", body=b"x").status == 200
    server.wait_log("max_connection_bytes: 127.0.0.1:[0-9]+ is answered 503")


def test_a_request_that_is_alone_may_be_as_large_as_any(start_server):
    server = start_server(workers=1, limits={"max_connection_bytes": 0})
    with h2.connect(server) as client:
        for _ in range(3):
            stream = client.start("POST", "/echo", end=False)
            client.upload(stream, b"x" * MIB)
            assert client.reply(stream).status == 200


def begin(client, size, sent):
    client.start("POST", "/echo", f"Content-Length: {size}")
    client.send(b"x" * sent)


def test_a_full_worker_takes_no_bodies_and_no_clients(start_server):
    server = start_server(workers=1, limits={"max_worker_bytes": 16 * MIB})
    with contextlib.ExitStack() as stack:
        *large, last, asks, posts = [
            stack.enter_context(server.connect()) for _ in range(18)]
        for client in large:
            begin(client, MIB, MIB - 1)
        harness.wait_for(lambda: held(asks) > 15 * MIB, "their bodies")
        begin(last, MIB, MIB // 2 + 1)  # memory for it is doubled as it grows
        harness.wait_for(lambda: held(asks) > 16 * MIB, "a full worker")
        reply = posts.request("POST", "/echo", body=b"x")
        assert (reply.status, reply.header("connection")) == (503, "close")
        with pytest.raises(OSError):
            server.connect()
        last.close()
        harness.wait_for(lambda: held(asks) < 16 * MIB, "room")
        with server.connect() as another:
            assert another.request("POST", "/echo", body=b"x").status == 200
        large[0].send(b"x")
        assert large[0].read_reply().status == 200
        for client in large:
            client.close()
        harness.wait_for(lambda: held(asks) < MIB, "what they had")
        assert figures(asks)["tincan_limits_met_total"]["max_worker_bytes"] >= 2
    server.wait_log("max_worker_bytes: 127.0.0.1:[0-9]+ is (answered 503|refused)")


def test_what_is_held_for_a_client_is_given_back(start_server, isolation):
    server = start_server(workers=1, handlers={
        name: {"isolation": isolation} for name in ("echo", "hello", "status")})
    before = held_now(server)
    body = b"x" * MIB
    for _ in range(2):
        assert server.request("POST", "/echo", body=body).status == 200
        with h2.connect(server) as client:
            stream = client.start("POST", "/echo", end=False)
            client.upload(stream, body, end=False)  # and leaves
        with server.connect() as client:
            begin(client, MIB, 1000)
        with ws.open_h1(server, "/echo") as socket:
            assert socket.ask("x" * 500000) == "x" * 500000
    harness.wait_for(lambda: held_now(server) < before + MIB, "what they had")

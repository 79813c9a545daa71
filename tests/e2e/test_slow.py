# SPDX-License-Identifier: MIT
"""Clients that are slow on purpose: something moves all the time, so that no timeout of
silence is ever over, but too little of it."""

import select
import socket
import time

import pytest

import h2
import harness

PAUSE = 0.05  # seconds between two bytes
HOUR = 3600000


@pytest.fixture(scope="module")
def server(tmp_path_factory, make_config, certificates):
    folder = tmp_path_factory.mktemp("slow")
    with open(folder / "big.bin", "wb") as file:
        file.truncate(64 << 20)
    config = make_config(
        workers=1,
        limits={"min_body_bytes_per_s": 20000, "min_send_bytes_per_s": 200000},
        timeouts={"slow_ms": 600, "body_ms": HOUR, "write_ms": HOUR, "idle_ms": HOUR})
    config["routes"].append(
        {"path": "/files/*", "handler": "files", "settings": {"root": str(folder)}})
    running = harness.Server(folder, config, certificates)
    yield running
    running.stop()


def met(server, key):
    return server.get("/status").json["server"]["tincan_limits_met_total"][key]


def trickle(client, piece):
    """Sends that again and again, until there is something to read."""
    while not select.select([client.sock], [], [], PAUSE)[0]:
        client.send(piece)


@pytest.mark.parametrize("fields, piece", [
    (["Content-Length: 100000"], "x"),
    (["Transfer-Encoding: chunked"], "1\r\nx\r\n"),
    (["Transfer-Encoding: chunked"], "0"),  # a size that is never all there
], ids=["length", "chunks", "size"])
def test_a_body_that_trickles_is_408(server, fields, piece):
    before = met(server, "min_body_bytes_per_s")
    with server.connect() as client:
        client.get("/hello/x")  # takes in the tickets, too
        client.start("POST", "/echo", *fields)
        trickle(client, piece)
        reply = client.read_reply()
        assert (reply.status, reply.header("connection")) == (408, "close")
        assert client.ended()
    assert met(server, "min_body_bytes_per_s") == before + 1
    server.wait_log("min_body_bytes_per_s: 127.0.0.1:[0-9]+ is answered 408")


def test_a_body_that_trickles_is_408_on_its_stream(server):
    with h2.connect(server) as client:
        stream = client.start("POST", "/echo", end=False)
        while client.stream(stream).status is None:
            client.data(stream, b"x")
            client.receive(PAUSE)
        assert client.reply(stream).status == 408
        assert client.get("/hello/x").status == 200


@pytest.mark.parametrize("protocol", ["http1", "http2"])
def test_a_body_that_keeps_its_pace_may_take_long(server, protocol):
    size, times = 20000, 30
    if protocol == "http1":
        with server.connect() as client:
            client.get("/hello/x")
            client.start("POST", "/echo", f"Content-Length: {size * times}")
            for _ in range(times):
                assert not select.select([client.sock], [], [], PAUSE)[0]
                client.send(b"x" * size)
            assert client.read_reply().status == 200
    else:
        with h2.connect(server) as client:
            stream = client.start("POST", "/echo", end=False)
            for i in range(times):
                client.upload(stream, b"x" * size, end=i == times - 1)
                client.receive(PAUSE)
            assert client.reply(stream).status == 200


def test_who_takes_a_reply_in_sips_is_closed(server):
    before = met(server, "min_send_bytes_per_s")
    with server.connect() as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        client.start("GET", "/files/big.bin")

        def sips():
            client.sock.recv(2000)
            return met(server, "min_send_bytes_per_s") > before

        harness.wait_for(sips, "the end")
    server.wait_log("min_send_bytes_per_s: 127.0.0.1:[0-9]+ is closed")


def test_who_opens_a_window_by_bytes_is_sent_away(server):
    before = met(server, "min_send_bytes_per_s")
    settings = {h2.Setting.INITIAL_WINDOW_SIZE: 10}
    with h2.connect(server, settings, opens_windows=False) as client:
        stream = client.start("GET", "/files/big.bin")
        while not client.ended:
            client.update_window(stream, 10)
            client.receive(PAUSE)
            time.sleep(PAUSE)  # else it is a flood of frames
        assert h2.Code(client.goaway.error_code) == h2.Code.ENHANCE_YOUR_CALM
    assert met(server, "min_send_bytes_per_s") == before + 1

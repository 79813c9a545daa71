# SPDX-License-Identifier: MIT
"""The clock handler: server-sent events."""

import re

import pytest

import harness

TICK = r"event: tick\ndata: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n\n"


@pytest.fixture(params=["host", "worker"])
def clock(start_server, request):
    return start_server(workers=1, handlers={"clock": {"isolation": request.param}},
                        routes=[{"path": "/clock", "handler": "clock"}])


def read_chunk(client):
    size = int(client.read_line(), 16)
    data = client.read(size)
    assert client.read(2) == b"\r\n"
    return data.decode()


def test_ticks_for_everybody_who_listens(clock):
    with clock.connect() as one, clock.connect() as two:
        for client in one, two:
            client.start("GET", "/clock")
            reply = client.read_head()
            assert reply.header("content-type") == "text/event-stream"
            assert reply.header("cache-control") == "no-store"
        for client in one, two:
            for _ in range(3):
                assert re.fullmatch(TICK, read_chunk(client))


def test_a_new_instance_ends_the_old_ones_streams(clock):
    with clock.connect() as client:
        client.start("GET", "/clock")
        client.read_head()
        assert harness.tincan("reload", "--config", clock.config).returncode == 0
        reply = harness.Reply(200, "", "", [])
        client.read_chunks(reply)
        assert re.fullmatch(f"({TICK})+", reply.text)
        client.start("GET", "/clock")
        assert client.read_head().status == 200


def test_only_get_and_head(clock):
    assert clock.request("POST", "/clock", body=b"").header("allow") == "GET, HEAD"
    assert clock.request("HEAD", "/clock").status == 200

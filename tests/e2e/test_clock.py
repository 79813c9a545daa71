# SPDX-License-Identifier: MIT
"""The clock handler: server-sent events."""

import json
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


def reload_with(server, path):
    config = json.loads(server.config.read_text())
    config["routes"][0]["path"] = path
    server.config.write_text(json.dumps(config))
    assert harness.tincan("reload", "--config", server.config).returncode == 0


def test_a_reload_that_leaves_it_alone_does_not_end_its_streams(clock):
    with clock.connect() as client:
        client.start("GET", "/clock")
        client.read_head()
        reload_with(clock, "/clock")
        for _ in range(2):
            assert re.fullmatch(TICK, read_chunk(client))


def test_an_instance_that_is_not_needed_any_more_ends_its_streams(clock):
    with clock.connect() as client:
        client.start("GET", "/clock")
        client.read_head()
        reload_with(clock, "/time")
        while chunk := read_chunk(client):
            assert re.fullmatch(TICK, chunk)
        client.start("GET", "/time")
        assert client.read_head().status == 200


def test_only_get_and_head(clock):
    assert clock.request("POST", "/clock", body=b"").header("allow") == "GET, HEAD"
    assert clock.request("HEAD", "/clock").status == 200

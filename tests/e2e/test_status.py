# SPDX-License-Identifier: MIT
"""The status handler, and that the server counts what it does."""

import re

import pytest

import harness

SAMPLE = re.compile(r'([a-z_]+)((?:\{[^}]*\})?) (\S+)')


def samples(text):
    """Prometheus' text as {name{labels}: value}; asserts that it is well formed."""
    found = {}
    typed = set()
    last = None
    for line in text.splitlines():
        if line.startswith("# "):
            _, word, name, rest = line.split(" ", 3)
            assert word in ("HELP", "TYPE") and (word, name) not in typed
            assert word == "HELP" or rest in ("counter", "gauge")
            typed.add((word, name))
            last = name
        else:
            name, labels, value = SAMPLE.fullmatch(line).groups()
            assert name == last, "samples of one name stand together"
            assert name + labels not in found
            found[name + labels] = float(value)
    return found


def total(server, name, **labels):
    """The sum over all workers of what status says of that name and labels."""
    text = server.get("/status?format=prometheus").text
    return sum(value for sample, value in samples(text).items()
               if re.split("[{ ]", sample)[0] == name
               and all(f'{k}="{v}"' in sample for k, v in labels.items()))


def test_json_is_the_default(server):
    reply = server.get("/status")
    assert reply.header("content-type") == "application/json"
    assert set(reply.json) == {"server", "handlers", "workers",
                               "certificates"}


def test_shows_every_worker(server):
    assert sorted(server.get("/status").json["workers"]) == ["0", "1"]


def test_sums_are_those_of_the_workers(start_server):
    server = start_server()
    for _ in range(10):
        server.get("/hello/x")
    status = server.get("/status").json
    assert status["handlers"]["hello"]["tincan_requests_total"]["2xx"] == 10
    assert status["server"]["tincan_connections_total"] == sum(
        worker["tincan_connections_total"] for worker in status["workers"].values())


@pytest.mark.parametrize("target, fields", [
    ("/status?format=prometheus", []), ("/metrics", []),
    ("/status", ["Accept: text/plain"]),
    ("/status", ["Accept: application/openmetrics-text;version=1.0.0;q=0.5,"
                 "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"]),
])
def test_prometheus_for_who_wants_it(client, target, fields):
    reply = client.get(target, *fields)
    assert reply.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    assert "tincan_connections{worker=\"0\"}" in samples(reply.text)


@pytest.mark.parametrize("target, fields", [
    ("/status?format=json", ["Accept: text/plain"]), ("/metrics?format=json", []),
    ("/status", ["Accept: text/html,*/*;q=0.8"]),
])
def test_json_for_everybody_else(client, target, fields):
    assert client.get(target, *fields).header("content-type") == "application/json"


def test_is_never_cached(client):
    assert client.get("/status").header("cache-control") == "no-store"


def test_post_is_refused(client):
    reply = client.request("POST", "/status", body=b"")
    assert (reply.status, reply.header("allow")) == (405, "GET, HEAD")


def test_counts_open_connections(start_server):
    server = start_server()
    clients = [server.connect() for _ in range(5)]
    for client in clients:
        client.get("/hello/x")
    assert total(server, "tincan_connections") == 6  # and the one that asks
    for client in clients:
        client.close()
    harness.wait_for(lambda: total(server, "tincan_connections") == 1, "their end")


def test_counts_handshakes(start_server):
    server = start_server()
    with server.tcp() as sock:
        sock.sendall(b"\x16\x03\x01\x00\x05garba")
        while sock.recv(100):
            pass
    assert total(server, "tincan_handshakes_total", result="failed") == 1
    assert total(server, "tincan_handshakes_total", result="ok") == 2


@pytest.mark.parametrize("target, handler, kind", [
    ("/hello/x", "hello", "2xx"), ("/echo", "echo", "2xx")])
def test_counts_requests_by_handler_and_class(start_server, target, handler, kind):
    server = start_server()
    with server.connect() as client:
        for _ in range(3):
            client.get(target)
    assert total(server, "tincan_requests_total", handler=handler, **{"class": kind}) == 3


def test_counts_replies_of_its_own(start_server):
    server = start_server()
    assert server.get("/nowhere").status == 404
    assert total(server, "tincan_requests_total", **{"class": "4xx"}) == 1


def test_counts_bytes(start_server):
    server = start_server()
    server.request("POST", "/echo", body=b"x" * 100000)
    assert total(server, "tincan_received_bytes_total") > 100000
    assert total(server, "tincan_sent_bytes_total") > 100000

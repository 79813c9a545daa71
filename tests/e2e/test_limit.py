# SPDX-License-Identifier: MIT
"""The filter limit: what several workers let through together, and when again."""

import contextlib
import socket
import threading

import pytest

import h2
import harness
import plugs

HOURLY = {"rate": 1, "per": "hour", "burst": 20}


@pytest.fixture(params=["host", "worker"])
def start(request, tmp_path, start_server):
    """Starts a server of two workers whose handler says which process it is in."""
    plug = plugs.Plugs(tmp_path)
    for name in "limit", "status":
        plug.add(harness.PLUGINS / f"{name}.so")
    plug.drop("who", "", first="""
        return tc.text(r, 200, tc_printf(r, "%d", (int)getpid()));""")

    def start(settings, **changes):
        limit = {"handler": "limit", "settings": settings}
        return start_server(**{
            "routes": [{"path": "/who", "handler": "who", "filters": [limit]},
                       {"path": "/free", "handler": "who"},
                       {"path": "/metrics", "handler": "status"}],
            "plugins": {"directory": str(plug.directory), "serve_unrouted": False},
            "handlers": {name: {"isolation": request.param}
                         for name in ("limit", "who")}, **changes})
    return start


def connects(server, protocol):
    return server.connect() if protocol == "http1.1" else h2.connect(server)


def spread(server, protocol, stack):
    """Connections, some of them to each worker."""
    by_process = {}
    for _ in range(100):
        client = stack.enter_context(connects(server, protocol))
        by_process.setdefault(client.get("/free").text, []).append(client)
        if len(by_process) == 2 and min(map(len, by_process.values())) >= 4:
            return [client for some in by_process.values() for client in some[:4]]
    raise AssertionError(f"one worker has all connections: {by_process.keys()}")


@pytest.mark.parametrize("protocol", ["http1.1", "http2"])
def test_workers_let_through_what_the_burst_is_together(start, protocol):
    server = start(HOURLY)
    replies = []
    with contextlib.ExitStack() as stack:
        clients = spread(server, protocol, stack)
        ready = threading.Barrier(len(clients))
        # One of each worker, whichever is the faster then.
        replies += [clients[0].get("/who"), clients[-1].get("/who")]

        def ask(client):
            ready.wait(harness.DEADLINE)
            for _ in range(8):
                replies.append(client.get("/who"))

        threads = [threading.Thread(target=ask, args=[client]) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(harness.DEADLINE)
    assert len(replies) == 66
    allowed = [reply for reply in replies if reply.status == 200]
    refused = [reply for reply in replies if reply.status == 429]
    assert (len(allowed), len(refused)) == (20, 46)
    assert len({reply.text for reply in allowed}) == 2
    for reply in refused:
        assert 3500 < int(reply.header("retry-after")) <= 3600


@pytest.mark.parametrize("protocol", ["http1.1", "http2"])
def test_tokens_come_back(start, protocol):
    server = start({"rate": 2, "burst": 1})
    with connects(server, protocol) as client:
        while client.get("/who").status == 200:
            pass
        refused = client.get("/who")
        assert (refused.status, refused.header("retry-after")) == (429, "1")
        harness.wait_for(lambda: client.get("/who").status == 200, "a token")


def test_outlives_a_reload(start):
    server = start(HOURLY)
    statuses = [server.get("/who").status for _ in range(25)]
    assert statuses == [200] * 20 + [429] * 5
    server.config.write_text(server.config.read_text().replace("/free", "/liberty"))
    assert harness.tincan("reload", "--config", server.config).returncode == 0
    assert server.get("/liberty").status == 200
    assert server.get("/who").status == 429


def test_each_key_has_its_own(start):
    server = start({"rate": 1, "per": "hour", "header": "X-Api-Key"})
    with server.connect() as client:
        for key in "a", "b":
            assert client.get("/who", f"X-Api-Key: {key}").status == 200
            assert client.get("/who", f"X-Api-Key: {key}").status == 429
        assert client.get("/who").status == 200


def test_says_what_is_left(start):
    server = start({**HOURLY, "burst": 2, "fields": True, "status": 503})
    with server.connect() as client:
        replies = [client.get("/who") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 503]
    assert [reply.header("ratelimit-remaining") for reply in replies] == ["1", "0", "0"]
    assert {reply.header("ratelimit-limit") for reply in replies} == {"2"}
    assert int(replies[0].header("ratelimit-reset")) == 3600


def test_a_dry_run_refuses_nobody(start):
    server = start({**HOURLY, "burst": 1, "dry_run": True})
    assert [server.get("/who").status for _ in range(3)] == [200] * 3
    server.wait_log("dry run: 127.0.0.1 would be refused")


def test_counts_refusals(start):
    server = start({**HOURLY, "burst": 1})
    for _ in range(4):
        server.get("/who")
    counted = 'tincan_handler_refused_total{handler="limit"} 3'
    harness.wait_for(lambda: counted in server.get("/metrics").text, counted)


def test_the_body_of_a_refused_request_is_dropped(start):
    server = start({**HOURLY, "burst": 1})
    with server.connect() as client:
        assert client.request("POST", "/who", body=b"x" * 100000).status == 200
        reply = client.request("POST", "/who", body=b"x" * 100000)
        assert reply.status == 429


def test_clients_of_a_unix_socket_are_one(start, tmp_path):
    path = tmp_path / "web.sock"
    server = start({**HOURLY, "burst": 2}, listeners=[
        {"address": "127.0.0.1:0"}, {"address": f"unix:{path}"}])
    server.wait_log("serving with")

    def ask():
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(path))
            with harness.Client(server.context().wrap_socket(
                    sock, server_hostname="localhost")) as client:
                return client.get("/who").status

    assert [ask() for _ in range(3)] == [200, 200, 429]
    assert server.get("/who").status == 200

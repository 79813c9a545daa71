# SPDX-License-Identifier: MIT
"""SIGKILL at each point of a request. A host takes with it what its handler was doing, a
worker its own connections, a keeper nothing: of all others not a byte is lost."""

import contextlib
import os
import signal
import ssl

import pytest

import chatters
import h2
import harness
import load
import plugs
import ws

SIZE = 20_000_000  # more than all buffers on the way hold


# Requests stand still while those before them are ended, 20 MB each.
PATIENCE = {"header_ms": 600000, "body_ms": 600000, "write_ms": 600000}


def start(folder, make_config, certificates, **changes):
    plug = plugs.Plugs(folder)
    plug.add(harness.PLUGINS / "echo.so")
    plug.add(harness.BUILD / "tests/plugins/upload.so")
    return harness.Server(folder, make_config(
        plugins={"directory": str(plug.directory)}, routes=[
            {"path": "/hello/{name}", "handler": "hello"},
            {"path": "/echo", "handler": "echo"},
            {"path": "/upload/*", "handler": "upload"}],
        timeouts=PATIENCE, **changes), certificates)


@pytest.fixture(scope="module")
def server(tmp_path_factory, make_config, certificates):
    running = start(tmp_path_factory.mktemp("killed"), make_config, certificates)
    yield running
    running.stop()


# Where a request may be: each begins one, and gives what does the rest of it and tells
# the status of the reply, None if it is cut.


def h1_nothing_said(client):
    return lambda: client.get("/echo").status


def h1_in_header(client):
    client.send("GET /echo HTTP/1.1\r\nHost: local")

    def rest():
        client.send("host\r\n\r\n")
        return client.read_reply().status
    return rest


def h1_in_body(client, target="/echo"):
    client.start("POST", target, "Content-Length: 10")
    client.send("12345")

    def rest():
        client.send("67890")
        return client.read_reply().status
    return rest


def h1_in_reply(client):
    client.start("GET", f"/upload/send?{SIZE}")
    client.read_head()
    client.read(1000)

    def rest():
        size = 1000
        while size < SIZE and client.receive():
            size += len(client.data)
            client.data.clear()
        return 200 if size >= SIZE else None
    return rest


def h2_nothing_said(client):
    return lambda: client.get("/echo").status


def h2_in_body(client, target="/echo"):
    stream = client.start("POST", target, end=False)
    client.data(stream, b"12345")
    client.round_trip()

    def rest():
        client.data(stream, b"67890", end=True)
        return client.reply(stream).status
    return rest


def h2_in_reply(client):
    stream = client.start("GET", f"/upload/send?{SIZE}")
    client.wait_body(stream, 1000)

    def rest():
        reply = client.reply(stream)
        return reply.status if len(reply.body) == SIZE else None
    return rest


def in_upload(begin):
    """Of a body that the handler gets in pieces, and has got the first of."""
    def begin_upload(client):
        return begin(client, "/upload/count")
    return begin_upload


def in_websocket(socket):
    socket.ask("hello")

    def rest():
        socket.text("hello")
        found = socket.read()
        return 200 if found.payload == b"hello" else None
    return rest


LOST = 502, 200, None  # 200 if the call had not begun: then the next host has it
POINTS = {  # how it begins, and what comes of it when the handler's host is killed
    "h1 nothing said": (h1_nothing_said, [200]),
    "h1 in header": (h1_in_header, [200]),
    "h1 in body": (h1_in_body, [200]),
    "h1 in upload": (in_upload(h1_in_body), LOST),
    "h1 in reply": (h1_in_reply, [None]),
    "h1 in websocket": (lambda client: in_websocket(
        ws.open_h1(None, "/echo", client=client)), [None]),
    "h2 nothing said": (h2_nothing_said, [200]),
    "h2 in body": (h2_in_body, [200]),
    "h2 in upload": (in_upload(h2_in_body), LOST),
    "h2 in reply": (h2_in_reply, [None]),
    "h2 in websocket": (lambda client: in_websocket(
        ws.open_h2(None, "/echo", connection=client)), [None]),
}


DRAINED = 200, None  # None for who was idle, and WebSockets
ORPHANED = *LOST, 503


def begin_all(server, stack):
    """A request at each point: for each its name, its client's port, the rest of it."""
    for point, (begin, _) in POINTS.items():
        connect = h2.connect if point.startswith("h2") else harness.Server.connect
        client = stack.enter_context(connect(server))
        yield point, client.sock.getsockname()[1], begin(client)


def result(rest):
    """The status; None for what the server has cut. It is one of them in time."""
    try:
        return rest()
    except (*h2.ENDS, ssl.SSLError, ws.End):
        return None
    except AssertionError as error:
        assert "waited" not in str(error), error
        return None


def answers(server):
    """On connections to either worker."""
    for _ in range(8):
        assert server.get("/echo").status == 200
        assert server.request("POST", "/upload/count", body=b"x").status == 200


@pytest.mark.parametrize("round", range(3))
def test_hosts(server, round):
    with contextlib.ExitStack() as stack, load.Steady(server, connections=4):
        requests = list(begin_all(server, stack))
        for pid in server.hosts("echo") + server.hosts("upload"):
            os.kill(pid, signal.SIGKILL)
        for point, _, rest in requests:
            assert result(rest) in POINTS[point][1], point
        answers(server)


def test_keeper(server):
    with contextlib.ExitStack() as stack, load.Steady(server, connections=4):
        requests = list(begin_all(server, stack))
        keeper, = (pid for pid in harness.children(server.pid)
                   if harness.name(pid) == "tincan-keeper")
        os.kill(keeper, signal.SIGKILL)
        for point, _, rest in requests:
            assert result(rest) == 200, point
        answers(server)


def test_workers(server):
    """Who is connected to another one goes on where it was."""
    for victim in server.workers:
        with contextlib.ExitStack() as stack:
            requests = list(begin_all(server, stack)) + list(begin_all(server, stack))
            workers = chatters.workers_of_ports(server)
            os.kill(victim, signal.SIGKILL)
            # Last those that are cut: Python 3.13 has their errors befall another one.
            for point, port, rest in sorted(
                    requests, key=lambda request: workers[request[1]] == victim):
                assert result(rest) == (None if workers[port] == victim else 200), point
        answers(server)


@pytest.mark.parametrize("isolation", ["host", "worker"])
def test_master(request, tmp_path, make_config, certificates, isolation):
    """Workers do as for a stop: what is in flight is answered, but for what a host had
    begun, as hosts end with the master. Nothing stays, and the next server starts."""
    handlers = {name: {"isolation": isolation} for name in ("echo", "hello", "upload")}
    server = start(tmp_path, make_config, certificates, handlers=handlers)
    request.addfinalizer(lambda: server.stopped or server.kill())
    with contextlib.ExitStack() as stack:
        requests = list(begin_all(server, stack))
        os.kill(server.pid, signal.SIGKILL)
        for point, _, rest in requests:
            assert result(rest) in (ORPHANED if isolation == "host" else DRAINED), point
    assert server.wait_exit() == -signal.SIGKILL
    harness.wait_for(lambda: not harness.group_processes(server.pid), "all to end")
    server.check_clean()
    again = tmp_path / "again"
    again.mkdir()
    start(again, make_config, certificates,
          listeners=[{"address": f"{server.host}:{server.port}"}]).stop()

# SPDX-License-Identifier: MIT
"""HTTP/2: what ends one stream, what ends a connection, and what ends neither."""

import shutil
import signal

import pytest

import h2
import harness
import plugs
from browser import Browser

IN_WORKER = {"isolation": "worker"}


def connect_stalled(server):
    """A client whose windows let 4 bytes through, and do not open by themselves."""
    return h2.connect(server, {h2.Setting.INITIAL_WINDOW_SIZE: 4}, opens_windows=False)


def stall(client, target="/hello/x"):
    """A stream whose reply has begun and waits for its window."""
    stream = client.start("GET", target)
    client.wait_body(stream, 4)
    return stream


# Stopping


@pytest.fixture(params=["host", "worker"])
def isolation(request):
    return {"handlers": {"hello": {"isolation": request.param},
                         "echo": {"isolation": request.param}}}


def test_sigterm_lets_streams_finish(start_server, isolation):
    server = start_server(**isolation)
    with connect_stalled(server) as client:
        down = stall(client)
        up = client.start("POST", "/echo", end=False)
        client.data(up, b"bo")
        client.round_trip()
        server.signal(signal.SIGTERM)
        assert client.wait_goaway() == h2.Code.NO_ERROR
        client.update_window(down, 100)
        assert client.reply(down).text == "Hello, x!\n"
        client.data(up, b"dy", end=True)
        client.update_window(up, 100_000)
        assert client.reply(up).json["body"]["data"] == "body"
        assert client.goaway.last_stream_id >= up
        client.wait_end()
    assert server.wait_exit() == 0


def test_sigterm_ends_idle_connections(start_server):
    server = start_server(timeouts={"idle_ms": 600000})
    with h2.connect(server) as client, h2.connect(server) as fresh:
        assert client.get("/hello/x").status == 200
        server.signal(signal.SIGTERM)
        for one in client, fresh:
            assert one.wait_goaway() == h2.Code.NO_ERROR
            one.wait_end()
    assert server.wait_exit() == 0


def test_request_that_crosses_goaway_is_served_or_may_be_tried_again(start_server):
    server = start_server()
    with connect_stalled(server) as client:
        slow = stall(client)
        server.signal(signal.SIGTERM)
        client.wait_goaway()
        crossing = client.start("GET", "/hello/y")
        client.update_window(crossing, 100)
        client.round_trip()
        client.update_window(slow, 100)
        assert client.reply(slow).text == "Hello, x!\n"
        client.wait_end()
        state = client.stream(crossing)
        assert (state.ended or state.reset == h2.Code.REFUSED_STREAM or
                client.goaway.last_stream_id < crossing), state
    assert server.wait_exit() == 0


def test_drain_time_ends_what_is_stalled(start_server):
    server = start_server(timeouts={"drain_ms": 300})
    with connect_stalled(server) as client:
        stall(client)
        server.signal(signal.SIGTERM)
        client.wait_goaway()
        client.wait_end()
    assert server.wait_exit() == 0


def test_reload_closes_no_connection(start_server, isolation):
    server = start_server(**isolation)
    with connect_stalled(server) as client:
        slow = stall(client)
        assert harness.tincan("reload", "--config", server.config).returncode == 0
        for i in range(10):
            stream = client.start("GET", f"/hello/{i}")
            client.update_window(stream, 100)
            assert client.reply(stream).text == f"Hello, {i}!\n"
        client.update_window(slow, 100)
        assert client.reply(slow).text == "Hello, x!\n"
        assert not client.goaway


# Time


def test_idle_connection_is_told_and_closed(start_server):
    server = start_server(timeouts={"idle_ms": 300})
    with h2.connect(server) as client, h2.connect(server) as fresh:
        assert client.get("/hello/x").status == 200
        for one in client, fresh:
            assert one.wait_goaway() == h2.Code.NO_ERROR
            one.wait_end()


def test_connection_with_an_open_stream_is_not_idle(start_server):
    server = start_server(timeouts={"idle_ms": 300})
    with h2.connect(server) as client, connect_stalled(server) as slow:
        stream = stall(slow)
        client.get("/hello/x")
        client.wait_end()  # it was idle; the other began before it
        slow.update_window(stream, 100)
        assert slow.reply(stream).text == "Hello, x!\n"


def test_slow_header_ends_the_connection(start_server):
    server = start_server(timeouts={"header_ms": 300})
    with h2.connect(server) as client:
        client.send(h2.frame(h2.Type.HEADERS, h2.Flag.END_STREAM, 1,
                             h2.literals("GET", "/hello/x")))
        client.wait_end()


def test_connection_without_a_preface_is_closed(start_server):
    server = start_server(timeouts={"header_ms": 300, "idle_ms": 300})
    with h2.connect(server, handshake=False) as client:
        client.wait_end()


def test_slow_body_costs_its_stream(start_server):
    server = start_server(timeouts={"body_ms": 300})
    with h2.connect(server) as client:
        stream = client.start("POST", "/echo", end=False)
        client.data(stream, b"half")
        client.wait(lambda: client.stream(stream).over, "the end of the upload")
        state = client.stream(stream)
        assert state.status == 408 or state.reset is not None
        assert client.get("/hello/x").status == 200


def test_paused_download_costs_its_stream_alone(start_server):
    server = start_server(timeouts={"write_ms": 1000})
    with connect_stalled(server) as client:
        paused = stall(client)
        moving = client.start("GET", "/hello/" + "x" * 1000)

        def over():
            client.update_window(moving, 1)
            client.receive(0.02)
            return client.stream(paused).over or client.ended
        harness.wait_for(over, "its reset")
        assert client.wait_reset(paused) == h2.Code.CANCEL
        client.update_window(moving, 2000)
        assert client.reply(moving).status == 200
        assert not client.goaway


# Crashes


@pytest.fixture
def poisoned(tmp_path, start_server):
    """A server with a handler that crashes on demand; keywords change that handler."""
    plug = plugs.Plugs(tmp_path)
    plug.add(harness.BUILD / "tests/plugins/zoo/poison.so")

    def start(**poison):
        return start_server(plugins={"directory": str(plug.directory)}, workers=1,
                            routes=[{"path": "/hello/{name}", "handler": "hello"}],
                            handlers={"poison": poison, "hello": IN_WORKER})
    return start


def test_crash_costs_its_stream_alone(poisoned):
    server = poisoned()
    with h2.connect(server) as client:
        before = [client.start("GET", "/poison/fine") for _ in range(10)]
        crash = client.start("GET", "/poison/abort")
        behind = [client.start("GET", "/poison/fine") for _ in range(10)]
        others = [client.start("GET", f"/hello/{i}") for i in range(10)]
        assert client.reply(crash).status == 502
        for stream in before + behind + others:
            assert client.reply(stream).status == 200
        assert client.get("/poison/fine").status == 200
        assert not client.goaway


def test_crash_with_a_window_shut_costs_its_stream_alone(poisoned):
    server = poisoned()
    with connect_stalled(server) as client:
        slow = client.start("GET", "/poison/fine?")
        client.wait_body(slow, 4)
        crash = client.start("GET", "/poison/abort")
        client.update_window(crash, 10_000)
        assert client.reply(crash).status == 502
        again = client.start("GET", "/poison/fine")
        assert client.reply(again).text == "fine"
        assert client.reply(slow).text == "fine"


def test_handler_that_takes_too_long_is_504(poisoned):
    server = poisoned(timeout_ms=500)
    with h2.connect(server) as client:
        slow = client.start("GET", "/poison/sleep")
        for i in range(10):
            assert client.get(f"/hello/{i}").status == 200
        assert client.reply(slow).status == 504
        assert client.get("/hello/x").status == 200


def test_client_that_gives_up_costs_nobody_a_reply(poisoned):
    server = poisoned()
    with h2.connect(server) as client:
        for i in range(50):
            client.reset(client.start("GET", "/poison/fine"))
            assert client.get("/hello/x").status == 200
        assert client.get("/poison/fine").status == 200


def test_client_that_leaves_is_not_waited_for(start_server, isolation):
    server = start_server(timeouts={"write_ms": 600000}, **isolation)
    for _ in range(20):
        with connect_stalled(server) as client:
            for _ in range(20):
                client.start("GET", "/hello/x")
            client.start("POST", "/echo", end=False)
            client.wait_body(1, 4)

    def gone():
        workers = server.get("/status").json["workers"].values()
        return sum(worker["tincan_connections"] for worker in workers) == 1
    harness.wait_for(gone, "their end")


# A browser


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_chromium_loads_a_page_of_200_resources_over_one_connection(
        start_server, tmp_path):
    folder = tmp_path / "page"
    folder.mkdir()
    for i in range(200):
        (folder / f"{i}.js").write_text("window.loaded = (window.loaded || 0) + 1;\n")
    (folder / "index.html").write_text(
        "<!DOCTYPE html>\n<title>many</title>\n" +
        "".join(f'<script src="{i}.js"></script>\n' for i in range(200)) +
        "<p></p>\n<script>\n"
        "const entries = performance.getEntriesByType('resource');\n"
        "const protocols = new Set(entries.map(entry => entry.nextHopProtocol));\n"
        "document.querySelector('p').textContent = `${loaded} by ${[...protocols]}`;\n"
        "</script>\n")
    server = start_server(routes=[
        {"path": "/*", "handler": "files", "settings": {"root": str(folder)}}])
    with Browser(tmp_path / "chromium", server.url("/")) as page:
        assert page.evaluate("document.querySelector('p').textContent") == "200 by h2"
    lines = [server.wait_access(f"/{i}.js") for i in range(200)]
    assert all(line["status"] == 200 for line in lines)
    assert len({line["client"] for line in lines}) == 1

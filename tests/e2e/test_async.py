# SPDX-License-Identifier: MIT
"""Answers that come later and replies that stream, the same from a host and from inside
the workers."""

import json
import re
import signal
import socket
import struct
import subprocess

import pytest

import h2
import harness
import plugs

SO_LINGER_RESET = struct.pack("ii", 1, 0)


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


# HTTP of every kind


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_streams_over_every_version(start, version):
    server = start()
    text = server.curl("/later/stream?3000", version).decode()
    assert re.findall(r"data: (\d+)", text) == [f"{i:08d}" for i in range(3000, 0, -1)]
    assert server.curl("/later/answer?20", version) == b"late\n"


def test_streams_over_http_1_0_until_the_end(start):
    server = start()
    with server.connect() as client:
        client.send("GET /later/stream?3000 HTTP/1.0\r\n\r\n")
        assert client.read_reply().body.count(b"data: ") == 3000
    with server.connect() as client:
        client.send("GET /later/answer?20 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert client.read_reply().text == "late\n"


def test_head_of_a_stream_is_its_header(start):
    server = start()
    with server.connect() as client:
        for _ in range(2):
            reply = client.request("HEAD", "/later/stream")
            assert reply.header("content-type") == "text/event-stream"
        assert client.get("/later/answer?1").text == "late\n"
    counts(server, "0 kept, 2 gone\n")


def test_what_is_written_arrives_before_the_end(start):
    server = start()
    with server.connect() as client:
        client.start("GET", "/later/abort-begun?60000")
        assert client.read_head().status == 200
        assert client.read_line() == "6" and client.read(8) == b"begun\n\r\n"
        counts(server, "1 kept, 0 gone\n")
        leave(client)


# Back-pressure


def rss_kb(pid):
    status = open(f"/proc/{pid}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


def processes(server):
    return server.workers + server.hosts("later")


def test_a_slow_reader_costs_bounded_memory(start):
    """An endless stream that nobody reads for a while, then one of 10,000 events."""
    server = start()
    assert server.get("/later/stream?2000").status == 200
    before = [rss_kb(pid) for pid in processes(server)]
    stalled = [server.connect() for _ in range(4)]
    for client in stalled:
        client.start("GET", "/later/stream")
        assert client.read_head().status == 200
    with server.connect() as client:
        client.start("GET", "/later/stream?10000")
        client.read_head()
        assert server.get("/later/tell").text == "5 kept, 0 gone\n"
        reply = harness.Reply(200, "", "", [])
        client.read_chunks(reply)
        assert reply.body.count(b"data: ") == 10000
    grown = [rss_kb(pid) - kb for pid, kb in zip(processes(server), before)]
    # Each may queue 1 MiB at first, and a window; ASan keeps what was freed.
    assert max(grown) < (80_000 if harness.SANITIZED else 16_000), grown
    for client in stalled:
        leave(client)
    counts(server, "0 kept, 4 gone\n")


# Clients that leave


@pytest.mark.parametrize("action", ["keep", "stream", "abort-begun?60000"])
def test_a_client_that_leaves_is_told(start, action):
    server = start()
    client = server.connect()
    client.start("GET", f"/later/{action}")
    counts(server, "1 kept, 0 gone\n")
    leave(client)
    counts(server, "0 kept, 1 gone\n")
    server.wait_log("gone: write says -2")
    assert server.get("/later/answer?1").text == "late\n"


def test_a_client_that_closes_is_told_by_the_next_write(start):
    server = start()
    client = server.connect()
    client.start("GET", "/later/stream")
    client.read(100)
    client.close()
    counts(server, "0 kept, 1 gone\n")


def test_a_request_is_the_handlers_until_it_has_finished(start):
    server = start()
    for i in range(3):
        client = server.connect()
        client.start("GET", "/later/stay")
        counts(server, f"{i + 1} kept, {i} gone\n")
        leave(client)
        counts(server, f"{i + 1} kept, {i + 1} gone\n")
    assert server.get("/later/release").text == "3\n"
    assert server.get("/later/answer?1").text == "late\n"


# Time


@pytest.mark.parametrize("action, kept", [("keep", 0), ("stay", 1)])
def test_a_deadline_is_answered_504_and_a_late_finish_is_harmless(start, action, kept):
    server = start(handler={"timeout_ms": 200})
    with server.connect() as client:
        reply = client.get(f"/later/{action}")
        assert reply.status == 504
        counts(server, f"{kept} kept, 1 gone\n")
        assert server.get("/later/release").text == f"{kept}\n"
        assert client.get("/later/answer?1").text == "late\n"
    assert server.wait_access(f"/later/{action}")["status"] == 504


def test_a_stream_has_no_deadline(start):
    server = start(handler={"timeout_ms": 100})
    with server.connect() as client:
        client.start("GET", "/later/abort-begun?500")
        assert client.read_head().status == 200
        client.read(len("6\r\nbegun\n\r\n"))
        assert client.ended()
    assert server.wait_access("/later/abort-begun?500")["status"] == 200


def test_the_time_that_is_left_is_told(start):
    server = start(handler={"timeout_ms": 10000})
    before, after = map(int, server.get("/later/deadline").text.split())
    assert 5000 < before <= 10000 and after == 0


# Aborts


@pytest.mark.parametrize("action", ["abort?10", "abort-now"])
def test_an_abort_is_no_reply(start, action):
    server = start()
    with server.connect() as client:
        client.start("GET", f"/later/{action}")
        assert client.ended()
    assert server.get("/later/answer?1").text == "late\n"


def test_an_abort_over_http2_ends_one_stream(start):
    server = start()
    with pytest.raises(subprocess.CalledProcessError) as error:
        server.curl("/later/abort-begun?10", "--http2")
    assert error.value.returncode in (56, 92) and error.value.stdout == b"begun\n"


# Crashes


def test_a_crash_in_a_timer_is_told_as_one(start, isolation):
    server = start()
    server.expected_reports = "."
    assert server.get("/later/crash-alone?50").text == "soon\n"
    server.wait_log("crashed in a timer" if isolation == "host" else
                    r"worker \d+ \(pid \d+\) died: .*handler 'later', a timer")
    plugs.answers(server, "/later/answer?1", "late\n")


def test_a_crash_costs_what_the_handler_had_begun(start, isolation):
    server = start()
    server.expected_reports = "."
    clients = [server.connect() for _ in range(10)]
    for client in clients:
        client.start("GET", "/later/keep")
    counts(server, "10 kept, 0 gone\n")
    stream = server.connect()
    stream.start("GET", "/later/abort-begun?60000")
    stream.read_head()
    server.get("/later/crash-alone?0")
    for client in clients:
        if isolation == "host":
            assert client.read_reply().status == 502
        else:
            assert client.ended()
        client.close()
    with pytest.raises((AssertionError, ConnectionError)):
        stream.read_chunks(harness.Reply(200, "", "", []))
    stream.close()
    plugs.answers(server, "/later/tell", "0 kept, 0 gone\n")


def test_a_timer_that_does_not_come_back_is_ended(start, isolation):
    if isolation == "worker":
        pytest.skip("a handler in a worker is trusted to come back")
    server = start(handler={"timeout_ms": 500})
    server.expected_reports = "."
    with server.connect() as client:
        assert client.get("/later/hang?1").status == 504
    server.wait_log("'later' does not come back from a timer")
    plugs.answers(server, "/later/answer?1", "late\n")


# Reload and stop


def test_a_reload_lets_what_waits_finish(start):
    server = start()
    with server.connect() as client, server.connect() as other:
        client.start("GET", "/later/keep")
        counts(server, "1 kept, 0 gone\n")
        other.start("GET", "/later/stream?10000")
        other.read_head()
        assert server.get("/later/tell").text == "2 kept, 0 gone\n"
        config = json.loads(server.config.read_text())
        config["routes"] = [{"path": "/later/*", "handler": "later", "methods": ["GET"]}]
        server.config.write_text(json.dumps(config))
        assert harness.tincan("reload", "--config", server.config).returncode == 0
        server.wait_log("stopping with 2 requests")
        assert client.read_reply().text == "late\n"
        assert server.get("/later/tell").text == "0 kept, 0 gone\n"
        assert "closing with" not in server.log
        other.read_chunks(harness.Reply(200, "", "", []))
        server.wait_log("closing with 0 requests")


def test_what_a_handler_says_last_is_heard(start):
    server = start()
    assert server.get("/later/tell").text == "0 kept, 0 gone\n"
    server.signal(signal.SIGTERM)
    assert server.wait_exit() == 0
    assert "ending with 0 requests" in server.log
    assert "closing with 0 requests" in server.log
    assert "crashed" not in server.log


def test_a_stop_waits_for_what_the_handler_finishes(start):
    server = start()
    with server.connect() as client:
        client.start("GET", "/later/answer?300")
        counts(server, "1 kept, 0 gone\n")
        server.signal(signal.SIGTERM)
        reply = client.read_reply()
        assert reply.text == "late\n" and reply.header("connection") == "close"
    assert server.wait_exit() == 0


def test_a_stop_waits_no_longer_than_it_may(start):
    server = start(timeouts={"drain_ms": 300})
    clients = [server.connect() for _ in range(3)]
    for client, action in zip(clients, ["stay", "stream", "abort-begun?60000"]):
        client.start("GET", f"/later/{action}")
    counts(server, "3 kept, 0 gone\n")
    server.signal(signal.SIGTERM)
    assert server.wait_exit() == 0
    assert "drain_ms has passed" in server.log
    for client in clients:
        client.close()


# HTTP/2


def test_http2_streams_wait_and_end_each_for_itself(start):
    server = start()
    with h2.connect(server) as client:
        waiting = [client.start("GET", "/later/keep") for _ in range(5)]
        aborted = client.start("GET", "/later/abort-begun?10")
        client.wait_reset(aborted)
        counts(server, "5 kept, 0 gone\n")
        client.reset(waiting[0])
        counts(server, "4 kept, 1 gone\n")
        assert client.get("/later/release").text == "4\n"
        for stream in waiting[1:]:
            assert client.reply(stream).text == "late\n"


def test_http2_stream_goes_on_as_its_window_does(start):
    server = start()
    with h2.connect(server, opens_windows=False) as client:
        stream = client.start("GET", "/later/stream?3000")
        client.wait_body(stream, h2.WINDOW)
        assert server.get("/later/tell").text == "1 kept, 0 gone\n"
        client.update_window(stream, 3000 * 1024)
        client.update_window(0, 3000 * 1024)
        assert client.reply(stream).text.count("data: ") == 3000


def test_http2_deadline_is_one_streams(start):
    server = start(handler={"timeout_ms": 200})
    with h2.connect(server) as client:
        stream = client.start("GET", "/later/keep")
        assert client.get("/later/answer?1").text == "late\n"
        assert client.reply(stream).status == 504
        counts(server, "0 kept, 1 gone\n")


def test_http2_head_of_a_stream_is_its_header(start):
    server = start()
    with h2.connect(server) as client:
        reply = client.request("HEAD", "/later/stream")
        assert (reply.status, reply.body) == (200, b"")
    counts(server, "0 kept, 1 gone\n")

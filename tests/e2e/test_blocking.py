# SPDX-License-Identifier: MIT
"""Handlers that block inside the workers: their requests run on threads, and nobody else
waits for them."""

import json
import os
import shutil
import signal
import socket

import pytest

import h2
import harness
import plugs

KB = 1024


@pytest.fixture
def start(start_server, tmp_path):
    """Its requests to /sleeper/wait wait until somebody lets them go."""
    plug = plugs.Plugs(tmp_path)
    plug.add(harness.BUILD / "tests/plugins/sleeper.so")
    latch = tmp_path / "latch"
    os.mkfifo(latch)

    def start(handler=None, **changes):
        server = start_server(**{
            "workers": 1, "plugins": {"directory": str(plug.directory)},
            "routes": [{"path": "/sleeper/*", "handler": "sleeper",
                        "settings": {"latch": str(latch)}}],
            "handlers": {"sleeper": {"isolation": "worker", **(handler or {})},
                         "hello": {"isolation": "worker"}}, **changes})
        server.latch = latch
        return server
    return start


def connect(server, protocol):
    return h2.connect(server) if protocol == "http2" else server.connect()


def download(server, protocol, target, *fields):
    """The reply; a client that opens windows frame by frame would be answered so."""
    if protocol == "http1":
        return server.get(target, *fields)
    with h2.connect(server, opens_windows=False) as client:
        stream = client.start("GET", target, *fields)
        client.update_window(stream, 1 << 30)
        client.update_window(0, 1 << 30)
        return client.reply(stream)


def wake_all(server, client, streams):
    """Lets go whoever waits, until all streams of the client are answered."""
    def all_over():
        latch = open_latch(server)
        if latch:
            os.close(latch)
        client.round_trip()
        return all(client.stream(stream).over for stream in streams)

    harness.wait_for(all_over, "the end of all")
    for stream in streams:
        assert client.reply(stream).text == "woken\n"


def open_latch(server):
    """A descriptor of it, if somebody waits for that."""
    try:
        return os.open(server.latch, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def let_go(server):
    """Lets all go that wait, once there is one."""
    os.close(harness.wait_for(lambda: open_latch(server), "somebody who waits"))


def tells(server, text):
    harness.wait_for(lambda: server.get("/sleeper/tell").text == text, repr(text))


# Requests and replies


def test_a_thread_knows_its_request_and_answers(start, protocol):
    server = start()
    with connect(server, protocol) as client:
        for i in range(20):
            reply = client.get("/sleeper/answer", f"x-name: {i}")
            assert reply.status == 200 and reply.header("x-kind") == "blocking"
            assert reply.text == f"GET /sleeper/answer {i}, sleeper over TLSv1.3\n"
        body = bytes(range(256)) * 100
        assert client.request("POST", "/sleeper/echo", body=body).body == body
        assert client.request("HEAD", "/sleeper/answer").body == b""
        assert client.get("/sleeper/nap?1").text == "slept\n"
    assert len(download(server, protocol, "/sleeper/file?3000").body) == 3000 * KB
    assert server.wait_access("/sleeper/nap?1")["status"] == 200


def test_a_stream_goes_as_fast_as_it_is_taken(start, protocol):
    server = start()
    reply = download(server, protocol, "/sleeper/stream?20000", "te: trailers")
    assert len(reply.body) == 20000 * KB
    assert reply.trailers == [("x-end", "of it")]


def test_a_stream_that_nobody_takes_waits_without_memory(start):
    server = start()
    worker = server.workers[0]
    with h2.connect(server, opens_windows=False) as client:
        stream = client.start("GET", "/sleeper/stream?-1")
        client.wait_body(stream, h2.WINDOW)
        before = memory(worker)
        for _ in range(20):
            assert server.get("/sleeper/answer").status == 200
        assert memory(worker) - before < 64 * KB  # a sanitizer keeps what is freed
        client.reset(stream)
        server.wait_log("streamed: -2")


def memory(pid):
    """What a process has, in KB."""
    text = (harness.pathlib.Path("/proc") / str(pid) / "status").read_text()
    return int(text.split("VmRSS:")[1].split()[0])


def test_a_head_of_a_stream_without_an_end_comes_to_rest(start, protocol):
    server = start()
    with connect(server, protocol) as client:
        reply = client.request("HEAD", "/sleeper/stream?-1")
        assert (reply.status, reply.body) == (200, b"")
    server.wait_log("streamed: -2")


def test_what_was_written_goes_before_the_thread_waits(start, protocol):
    server = start()
    if protocol == "http2":
        with h2.connect(server) as client:
            stream = client.start("GET", "/sleeper/dribble")
            client.wait_body(stream, len("first\n"))
            let_go(server)
            assert client.reply(stream).text == "first\nlast\n"
        return
    with server.connect() as client:
        client.start("GET", "/sleeper/dribble")
        reply = client.read_head()
        assert client.read(len("6\r\nfirst\n\r\n"))
        let_go(server)
        client.read_chunks(reply)
        assert reply.text == "last\n"


def test_references_are_released_on_the_loop(start, protocol):
    server = start()
    with connect(server, protocol) as client:
        assert len(client.get("/sleeper/refer?1000").body) == 1000 * KB
        tells(server, "0 running, 1 released\n")
        assert client.get("/sleeper/refer-badly").text == "-4\n"
        tells(server, "0 running, 2 released\n")
        client.request("HEAD", "/sleeper/refer?1")
        tells(server, "0 running, 3 released\n")


@pytest.mark.parametrize("action, log", [
    ("nothing", "on_request returned TC_OK without a reply"),
    ("fail", r"on_request returned TC_FAIL \(-3\)")])
def test_a_mistake_is_a_500(start, protocol, action, log):
    server = start()
    with connect(server, protocol) as client:
        assert client.get(f"/sleeper/{action}").status == 500
    server.wait_log(log)


def test_what_is_not_complete_is_broken(start):
    server = start()
    for action in "half", "abort":
        with h2.connect(server) as client:
            client.wait_reset(client.start("GET", f"/sleeper/{action}"))
    with server.connect() as client:
        client.start("GET", "/sleeper/abort")
        assert client.ended()


def test_the_loop_may_answer_later(start, protocol):
    server = start()
    with connect(server, protocol) as client:
        assert client.get("/sleeper/post").text == "from the loop\n"
    reply = download(server, protocol, "/sleeper/post-stream?200")
    assert len(reply.body) == 200 * 64 * KB


def test_the_loop_may_answer_before_the_thread_returns(start):
    server = start()
    with h2.connect(server, opens_windows=False) as client:
        stream = client.start("GET", "/sleeper/post-early?200")
        client.update_window(stream, 1 << 30)
        client.update_window(0, 1 << 30)
        # All that the loop may write before it is to wait for on_drain.
        client.wait_body(stream, 256 * KB)
        let_go(server)
        assert len(client.reply(stream).body) == 200 * 64 * KB


def test_one_that_answers_later_is_told_that_the_client_left(start):
    server = start()
    with h2.connect(server) as client:
        stream = client.start("GET", "/sleeper/keep")
        tells(server, "1 running, 0 released\n")
        client.reset(stream)
        tells(server, "0 running, 0 released\n")


# Others


def test_threads_that_all_wait_hold_up_nobody(start, protocol):
    server = start({"threads": 4})
    with connect(server, protocol) as client, h2.connect(server) as waiting:
        streams = [waiting.start("GET", "/sleeper/wait") for _ in range(20)]
        for _ in range(50):
            assert client.get("/hello/x").status == 200
        wake_all(server, waiting, streams)


def test_as_many_run_at_a_time_as_it_has_threads(start):
    server = start({"threads": 3})
    with h2.connect(server) as client:
        streams = [client.start("GET", "/sleeper/wait") for _ in range(2)]
        tells(server, "2 running, 0 released\n")
        let_go(server)
        for stream in streams:
            assert client.reply(stream).text == "woken\n"


def test_more_than_may_wait_get_a_503_at_once(start):
    server = start({"threads": 1, "max_queue": 2})
    with h2.connect(server) as client:
        streams = [client.start("GET", "/sleeper/wait") for _ in range(3)]
        for _ in range(3):
            reply = client.get("/sleeper/answer")
            assert reply.status == 503 and reply.header("retry-after") == "1"
        server.wait_log("'?sleeper.*its queue is full")
        wake_all(server, client, streams)
        assert client.get("/sleeper/answer").status == 200
    assert server.log.count("its queue is full") == 1


def test_those_that_wait_and_those_turned_away_are_counted(start, tmp_path):
    shutil.copy(harness.PLUGINS / "status.so", tmp_path / "plugins")
    server = start({"threads": 1, "max_queue": 2})

    def counts():
        """What `tincan plugins` says, and the same from /status, summed over workers."""
        run = harness.tincan("plugins", "--json", "--config", server.config)
        said = next(x for x in json.loads(run.stdout)["plugins"]
                    if x["name"] == "sleeper")
        figures = server.get("/status").json["handlers"]["sleeper"]
        assert figures["tincan_requests_waiting"] == said["queue"]
        assert figures["tincan_requests_turned_away_total"] == said["turned_away"]
        return said["queue"], said["turned_away"]

    with h2.connect(server) as client:
        first = client.start("GET", "/sleeper/wait")
        latch = harness.wait_for(lambda: open_latch(server), "the first")
        others = [client.start("GET", "/sleeper/wait") for _ in range(2)]
        assert client.get("/sleeper/answer").status == 503
        assert counts() == (2, 1)
        client.reset(others.pop())
        client.round_trip()
        assert counts() == (1, 1)
        os.close(latch)
        wake_all(server, client, [first, *others])
        assert counts() == (0, 1)


# Time


def test_a_deadline_is_answered_504_and_the_thread_goes_on(start, protocol):
    server = start({"timeout_ms": 200, "threads": 2})
    with connect(server, protocol) as client:
        assert client.get("/sleeper/wait").status == 504
        tells(server, "1 running, 0 released\n")
        let_go(server)
        tells(server, "0 running, 0 released\n")
        assert client.get("/sleeper/answer").status == 200


def test_one_that_waited_in_the_queue_too_long_does_not_run(start):
    server = start({"timeout_ms": 300, "threads": 1})
    with h2.connect(server) as client:
        streams = [client.start("GET", "/sleeper/wait") for _ in range(5)]
        for stream in streams:
            assert client.reply(stream).status == 504
        let_go(server)
        tells(server, "0 running, 0 released\n")


def test_one_whose_client_left_does_not_run(start):
    server = start({"threads": 1})
    with h2.connect(server) as client:
        first, *others = [client.start("GET", "/sleeper/wait") for _ in range(5)]
        for stream in others:
            client.reset(stream)
        client.round_trip()
        let_go(server)
        assert client.reply(first).text == "woken\n"
        tells(server, "0 running, 0 released\n")


def test_one_whose_client_has_closed_does_not_run(start):
    server = start({"threads": 1})
    first, *others = clients = [server.connect() for _ in range(5)]
    first.start("GET", "/sleeper/wait")
    latch = harness.wait_for(lambda: open_latch(server), "the first")
    for client in others:
        client.start("GET", "/sleeper/wait")
        socket.socket.shutdown(client.sock, socket.SHUT_WR)
    harness.wait_for(lambda: len(server.access_lines()) == len(others), "their lines")
    os.close(latch)
    assert first.read_reply().text == "woken\n"
    tells(server, "0 running, 0 released\n")
    for client in clients:
        client.close()


# Reload and stop


def test_a_reload_lets_them_finish(start):
    server = start()
    with server.connect() as client:
        client.start("GET", "/sleeper/wait")
        tells(server, "1 running, 0 released\n")
        config = json.loads(server.config.read_text())
        config["routes"][0]["path"] = "/other/*"
        server.config.write_text(json.dumps(config))
        assert harness.tincan("reload", "--config", server.config).returncode == 0
        assert "closing" not in server.log
        let_go(server)
        assert client.read_reply().text == "woken\n"
    server.wait_log("closing")


def test_a_stop_lets_them_finish(start):
    server = start()
    with server.connect() as client:
        client.start("GET", "/sleeper/wait")
        tells(server, "1 running, 0 released\n")
        server.signal(signal.SIGTERM)
        let_go(server)
        assert client.read_reply().text == "woken\n"
    assert server.wait_exit() == 0


def test_a_stop_does_not_wait_for_ever(start):
    """Neither for what is on the threads, nor for what waits for one."""
    server = start({"threads": 2, "timeout_ms": 600000}, timeouts={"drain_ms": 300})
    with server.connect() as client, server.connect() as other:
        client.start("GET", "/sleeper/wait")
        other.start("GET", "/sleeper/stream?-1")
        other.read_head()
        with h2.connect(server) as crowd:
            for _ in range(20):
                crowd.start("GET", "/sleeper/wait")
            crowd.round_trip()
            latch = harness.wait_for(lambda: open_latch(server), "the first")
            server.signal(signal.SIGTERM)
            assert server.wait_exit() == 0
            os.close(latch)
    assert "handler 'sleeper' does not come back from a thread" in server.log
    assert "streamed: -2" in server.log


# Crashes


@pytest.mark.parametrize("action, how", [
    ("crash", "signal 11"), ("overflow", "signal 11"), ("quit?3", "exit status 3")])
def test_a_crash_on_a_thread_is_told_by_name(start, action, how):
    server = start()
    server.expected_reports = "."
    with server.connect() as client:
        client.start("GET", f"/sleeper/{action}")
        assert client.ended()
    server.wait_log(rf"worker \d+ \(pid \d+\) died: .*handler 'sleeper', on_request, "
                    rf"request \w+: GET /sleeper/{action.replace('?', '.')}")
    if not harness.SANITIZED:
        server.wait_log(how)
    server.wait_log("'sleeper' has crashed a worker")
    harness.wait_for(lambda: server.get("/sleeper/answer").status == 200, "a reply")

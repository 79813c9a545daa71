# SPDX-License-Identifier: MIT
"""What a handler does beside its requests: it watches descriptors, posts to its loop from
threads of its own, and runs jobs that block; the same from a host and from inside the
workers, over HTTP/1.1 and HTTP/2."""

import os
import signal

import pytest

import h2
import harness
import plugs


@pytest.fixture
def start(start_server, tmp_path, isolation):
    plug = plugs.Plugs(tmp_path)

    def start(name, handler=None, **changes):
        plug.add(harness.BUILD / f"tests/plugins/{name}.so")
        return start_server(**{
            "workers": 1, "plugins": {"directory": str(plug.directory)}, "routes": [],
            "handlers": {name: {"isolation": isolation, **(handler or {})}}, **changes})
    return start


def connect(server, protocol):
    return h2.connect(server) if protocol == "http2" else server.connect()


# Watches


def test_watches_tell_when_a_descriptor_is_ready(start, protocol):
    server = start("watcher")
    with connect(server, protocol) as client:
        assert client.get("/watcher/clock?20").text == "tick\n"
        assert client.get("/watcher/both?1000000").text == "all through\n"
        assert client.get("/watcher/unread").text == "again and again\n"
        assert client.get("/watcher/rivals").text == "events 2\n"
    assert "called after its end" not in server.log


@pytest.mark.parametrize("events", [1, 2, 3])
def test_a_hang_up_is_both_of_what_was_asked(start, events):
    server = start("watcher")
    assert server.get(f"/watcher/end?{events}").text == f"events {events}\n"


def test_what_cannot_be_watched_is_refused(start):
    server = start("watcher")
    for _ in range(2):
        assert server.get("/watcher/refusals").text == "1000000\n"


def test_a_watch_ends_with_its_instance(start):
    server = start("watcher")
    assert server.get("/watcher/leave").text == "left\n"
    server.renew("watcher")
    assert server.get("/watcher/clock?1").text == "tick\n"


def test_a_crash_in_a_watch_is_told_as_one(start, isolation):
    server = start("watcher")
    server.expected_reports = "."
    with server.connect() as client:
        client.start("GET", "/watcher/crash")
        if isolation == "host":
            assert client.read_reply().status == 502
        else:
            assert client.ended()
    server.wait_log("crashed in a watch" if isolation == "host" else
                    r"worker \d+ \(pid \d+\) died: .*handler 'watcher', a watch")
    plugs.answers(server, "/watcher/clock?1", "tick\n")


# Posts


def test_a_thread_answers_by_posting(start, protocol):
    server = start("poster")
    with connect(server, protocol) as client:
        for _ in range(20):
            assert client.get("/poster/answer").text == "posted\n"
        assert client.get("/poster/count?50000").text == (
            "50000 posts, 0 out of order\n")


def test_posts_are_bounded(start):
    server = start("poster")
    with server.connect() as client:
        assert client.get("/poster/flood").text == "65536\n"
        assert client.get("/poster/answer").text == "posted\n"
        assert int(client.get("/poster/flood").text) <= 65536


def test_what_was_posted_is_called_before_the_close(start):
    server = start("poster")
    assert server.get("/poster/answer").text == "posted\n"
    server.renew("poster")
    server.wait_log("the last post was delivered")
    server.wait_log("closing: post says -2")
    assert server.get("/poster/answer").text == "posted\n"
    server.stop()
    assert server.log.count("the last post was delivered") >= 2


def test_a_crash_in_a_post_is_told_as_one(start, isolation):
    server = start("poster")
    server.expected_reports = "."
    with server.connect() as client:
        client.start("GET", "/poster/crash")
        if isolation == "host":
            assert client.read_reply().status == 502
        else:
            assert client.ended()
    server.wait_log("crashed in a post" if isolation == "host" else
                    r"worker \d+ \(pid \d+\) died: .*handler 'poster', a post")
    plugs.answers(server, "/poster/answer", "posted\n")


# Jobs on threads


@pytest.fixture
def start_runner(start, tmp_path):
    """Its jobs wait until somebody lets them go."""
    latch = tmp_path / "latch"
    os.mkfifo(latch)

    def start_runner(**changes):
        server = start("runner", **{"routes": [
            {"path": "/runner/*", "handler": "runner",
             "settings": {"latch": str(latch)}}], **changes})
        server.latch = latch
        return server
    return start_runner


def let_go(latch):
    """Lets one or more go that wait, once there is one."""
    def opened():
        try:
            return os.open(latch, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return None
    os.close(harness.wait_for(opened, "somebody who waits"))


def test_a_job_runs_on_a_thread_and_ends_on_the_loop(start_runner, protocol):
    server = start_runner()
    server.wait_log("a job of on_open")
    with connect(server, protocol) as client:
        assert client.get("/runner/look").text == (
            "elsewhere 1, now 1, after 0, watch 0, run -4\n")
        assert client.get("/runner/unseen").text == "unseen\n"
        assert client.get("/runner/invalid").text == "other\n"
    server.wait_log('"handler":"runner".*a line from a thread')
    assert "not on the loop" not in server.log


def test_a_job_that_blocks_holds_up_nobody(start_runner, protocol):
    server = start_runner()
    with server.connect() as waiting, connect(server, protocol) as client:
        waiting.start("GET", "/runner/wait")
        for _ in range(50):
            assert client.get("/runner/other").text == "at once\n"
            assert client.get("/hello/x").status == 200
        let_go(server.latch)
        assert waiting.read_reply().text == "waited, 0\n"


def test_an_instance_waits_for_its_jobs(start_runner):
    server = start_runner()
    with server.connect() as client:
        client.start("GET", "/runner/wait")
        server.renew("runner")
        assert server.get("/runner/other").text == "at once\n"
        assert "closing" not in server.log
        let_go(server.latch)
        assert client.read_reply().text == "waited, 0\n"
    server.wait_log("closing")


def test_a_stop_waits_for_jobs_but_not_for_ever(start_runner):
    server = start_runner(timeouts={"drain_ms": 300})
    with server.connect() as client:
        client.start("GET", "/runner/wait")
        assert server.get("/runner/other").text == "at once\n"
        server.signal(signal.SIGTERM)
        assert server.wait_exit() == 0
    assert "drain_ms has passed" in server.log


def test_a_crash_in_a_job_is_told_as_one(start_runner, isolation):
    server = start_runner()
    server.expected_reports = "."
    with server.connect() as client:
        client.start("GET", "/runner/crash")
        if isolation == "host":
            assert client.read_reply().status == 502
        else:
            assert client.ended()
    server.wait_log("crashed in a job" if isolation == "host" else
                    r"worker \d+ \(pid \d+\) died: .*handler 'runner', a job")
    plugs.answers(server, "/runner/other", "at once\n")

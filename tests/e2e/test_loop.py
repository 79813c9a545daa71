# SPDX-License-Identifier: MIT
"""What a handler does beside its requests: it watches descriptors, posts to its loop from
threads of its own, and runs jobs that block; the same from a host and from inside the
workers, over HTTP/1.1 and HTTP/2."""

import pytest

import h2
import harness
import plugs


@pytest.fixture(params=["host", "worker"])
def isolation(request):
    return request.param


@pytest.fixture(params=["http1", "http2"])
def protocol(request):
    return request.param


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
    assert harness.tincan("reload", "--config", server.config).returncode == 0
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
    assert harness.tincan("reload", "--config", server.config).returncode == 0
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

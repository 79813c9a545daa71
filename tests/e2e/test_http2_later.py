# SPDX-License-Identifier: MIT
"""HTTP/2: handlers that answer later, or never come to an end."""

import signal

import pytest

import h2
import harness
import plugs

EVENT = 1024  # bytes of one of the events that the handler writes


@pytest.fixture
def start(start_server, tmp_path, isolation):
    plug = plugs.Plugs(tmp_path)
    plug.add(harness.BUILD / "tests/plugins/later.so")

    def start(handler=None, **changes):
        return start_server(**{
            "workers": 1, "plugins": {"directory": str(plug.directory)},
            "handlers": {"later": {"isolation": isolation, **(handler or {})}},
            "routes": [{"path": "/hello/{name}", "handler": "hello"}], **changes})
    return start


def counts(server, text):
    harness.wait_for(lambda: server.get("/later/tell").text == text, repr(text))


def connect_to_stream(server, size, target="/later/stream", **options):
    """A client and its stream, of which that many bytes have come, and no more may."""
    client = h2.connect(server, {h2.Setting.INITIAL_WINDOW_SIZE: size},
                        opens_windows=False, **options)
    stream = client.start("GET", target)
    client.wait_body(stream, size)
    return client, stream


def test_answers_come_in_the_order_they_are_made(start):
    with h2.connect(start()) as client:
        slow = client.start("GET", "/later/keep")
        for _ in range(5):
            assert client.get("/later/answer?5").text == "late\n"
        assert not client.stream(slow).heads
        assert client.get("/later/release").text == "1\n"
        assert client.reply(slow).text == "late\n"


def test_a_hundred_may_wait_at_once(start):
    server = start()
    with h2.connect(server) as client:
        streams = [client.start("GET", "/later/keep") for _ in range(99)]
        assert client.get("/later/release").text == "99\n"
        for stream in streams:
            assert client.reply(stream).text == "late\n"


def test_stream_goes_as_far_as_its_window(start):
    server = start()
    client, stream = connect_to_stream(server, 5000, "/later/stream?1000")
    with client:
        client.round_trip()
        assert len(client.stream(stream).body) == 5000
        client.opens_windows = True
        client.update_window(stream, 60000)
        body = client.reply(stream).text
        numbers = [int(event[6:14]) for event in body.split("\n\n")[:-1]]
        assert numbers == list(range(1000, 0, -1))


def test_event_arrives_when_it_is_written(start):
    server = start()
    client, stream = connect_to_stream(server, EVENT * 3)
    with client:
        assert client.stream(stream).reply().header("content-type") == "text/event-stream"
        for count in range(4, 20):  # one event more, again and again
            client.update_window(stream, EVENT)
            client.wait_body(stream, EVENT * count)
        assert not client.stream(stream).over


def test_cancel_tells_the_handler(start):
    server = start()
    client, stream = connect_to_stream(server, 5000)
    with client:
        kept = client.start("GET", "/later/keep")
        client.round_trip()
        counts(server, "2 kept, 0 gone\n")
        client.reset(stream)
        counts(server, "1 kept, 1 gone\n")
        client.reset(kept)
        counts(server, "0 kept, 2 gone\n")
        again = client.start("GET", "/hello/x")
        assert client.reply(again).status == 200


def test_client_that_leaves_tells_the_handler(start):
    server = start()
    client, _ = connect_to_stream(server, 5000)
    with client:
        for _ in range(3):
            client.start("GET", "/later/keep")
        counts(server, "4 kept, 0 gone\n")
    counts(server, "0 kept, 4 gone\n")


def test_stalled_stream_does_not_hold_up_others(start):
    server = start()
    client, _ = connect_to_stream(server, 100)
    with client:
        for i in range(20):
            other = client.start("GET", f"/hello/{i}")
            late = client.start("GET", "/later/answer?1")
            assert client.reply(other).text == f"Hello, {i}!\n"
            assert client.reply(late).text == "late\n"


def test_abort_resets_the_stream(start):
    with h2.connect(start()) as client:
        stream = client.start("GET", "/later/abort-begun?500")
        assert client.wait_reset(stream) == h2.Code.INTERNAL_ERROR
        assert client.stream(stream).body == b"begun\n"
        assert client.get("/hello/x").status == 200


def test_silence_of_the_handler_is_not_the_clients_fault(start):
    """No timeout of the client's runs while there is nothing for it to do."""
    server = start(timeouts={"write_ms": 100, "body_ms": 100, "header_ms": 100,
                             "idle_ms": 100})
    with h2.connect(server) as client:
        late = client.start("GET", "/later/answer?600")
        begun = client.start("GET", "/later/abort-begun?500")
        assert client.wait_reset(begun) == h2.Code.INTERNAL_ERROR
        assert client.reply(late).text == "late\n"


def test_no_answer_in_time_is_504(start):
    server = start({"timeout_ms": 200})
    with h2.connect(server) as client:
        stream = client.start("GET", "/later/keep")
        assert client.reply(stream).status == 504
        assert client.get("/hello/x").status == 200


@pytest.mark.parametrize("isolation", ["host"], indirect=True)
def test_crash_costs_what_waited_but_no_connection(start):
    server = start()
    client, begun = connect_to_stream(server, 3000)
    with client:
        kept = [client.start("GET", "/later/keep") for _ in range(3)]
        client.round_trip()
        counts(server, "4 kept, 0 gone\n")
        crash = client.start("GET", "/later/crash?1")
        for stream in [crash, *kept]:
            assert client.reply(stream).status == 502
        client.opens_windows = True  # what was written before is not lost
        client.update_window(begun, h2.WINDOW)
        assert client.wait_reset(begun) == h2.Code.INTERNAL_ERROR
        assert len(client.stream(begun).body) > 3000
        other = client.start("GET", "/hello/x")
        assert client.reply(other).status == 200
        assert not client.goaway


def test_stop_lets_handlers_answer(start):
    server = start()
    with h2.connect(server) as client:
        kept = [client.start("GET", "/later/keep") for _ in range(3)]
        counts(server, "3 kept, 0 gone\n")
        server.signal(signal.SIGTERM)
        for stream in kept:
            assert client.reply(stream).text == "late\n"
        assert client.wait_goaway() == h2.Code.NO_ERROR
        client.wait_end()
    assert server.wait_exit() == 0

# SPDX-License-Identifier: MIT
"""HTTP/2: flow control in both directions, and who is sent first."""

import random
import re

import hyperframe.frame
import pytest

import h2
import harness

SIZE = 2_000_000


@pytest.fixture(scope="session")
def big(site):
    """The bytes of /files/big.bin."""
    data = random.Random(1).randbytes(SIZE)
    (site / "big.bin").write_bytes(data)
    return data


def peak(server):
    """The most memory that one of the workers has had so far, in bytes."""
    return max(1024 * int(re.search(r"VmHWM:\s*(\d+) kB", open(
        f"/proc/{pid}/status").read())[1]) for pid in server.workers)


# To the client


@pytest.mark.parametrize("target", ["/files/big.bin", f"/bulk/{SIZE}"])
def test_tiny_window_that_opens_late_gets_all(either, big, target):
    wanted = big if "files" in target else b"x" * SIZE
    settings = {h2.Setting.INITIAL_WINDOW_SIZE: 100}
    with h2.connect(either, settings, opens_windows=False) as client:
        stream = client.start("GET", target)
        client.wait_body(stream, 100)
        client.round_trip()
        assert client.stream(stream).body == wanted[:100]
        client.update_window(0, SIZE)
        client.round_trip()
        assert len(client.stream(stream).body) == 100
        client.update_window(stream, 1)
        client.wait_body(stream, 101)
        client.update_window(stream, SIZE)
        assert client.reply(stream).body == wanted


def test_windows_opened_frame_by_frame_are_no_abuse(either):
    with h2.connect(either) as client:
        reply = client.get("/bulk/8000000")
        assert reply.status == 200 and reply.body == b"x" * 8_000_000


@pytest.mark.parametrize("window", [1, 99, 16384, 100_000])
def test_window_of_the_connection_is_kept(either, big, window):
    settings = {h2.Setting.INITIAL_WINDOW_SIZE: h2.MAX_WINDOW}
    with h2.connect(either, settings, opens_windows=False) as client:
        stream = client.start("GET", "/files/big.bin")
        client.wait_body(stream, h2.WINDOW)
        client.update_window(0, window)
        client.wait_body(stream, h2.WINDOW + window)
        client.round_trip()
        assert client.stream(stream).body == big[:h2.WINDOW + window]


def test_stalled_stream_does_not_hold_up_another(either, big):
    settings = {h2.Setting.INITIAL_WINDOW_SIZE: 1}
    with h2.connect(either, settings, opens_windows=False) as client:
        stalled = [client.start("GET", target) for target in
                   ("/files/big.bin", f"/bulk/{SIZE}", "/pieces")]
        for stream in stalled:
            client.wait_body(stream, 1)
        for i in range(20):
            stream = client.start("GET", f"/hello/{i}")
            client.update_window(stream, 100)
            assert client.reply(stream).text == f"Hello, {i}!\n"
        assert [len(client.stream(stream).body) for stream in stalled] == [1, 1, 1]


@pytest.mark.skipif(harness.SANITIZED, reason="a sanitizer keeps what is freed")
@pytest.mark.parametrize("target", ["/files/huge.bin", f"/bulk/{64 << 20}"])
def test_a_client_that_reads_nothing_costs_no_memory(either, site, target):
    with open(site / "huge.bin", "wb") as file:
        file.truncate(64 << 20)
    with h2.connect(either) as client:
        client.get("/hello/x")
    before = peak(either)
    own = 64 << 20 if "bulk" in target and not either.hosts("bulk") else 0
    settings = {h2.Setting.INITIAL_WINDOW_SIZE: h2.MAX_WINDOW}
    with h2.connect(either, settings, opens_windows=False) as client:
        client.update_window(0, h2.MAX_WINDOW - h2.WINDOW)
        stream = client.start("GET", target)
        with h2.connect(either) as other:
            for _ in range(100):  # meanwhile it could have read the file
                other.get("/hello/x")
        assert peak(either) - before < own + (8 << 20)
        assert len(client.reply(stream).body) == 64 << 20
    assert peak(either) - before < own + (8 << 20)


def test_small_frames_for_who_can_take_large_ones_too(either, big):
    settings = {h2.Setting.MAX_FRAME_SIZE: 1 << 20,
                h2.Setting.INITIAL_WINDOW_SIZE: h2.MAX_WINDOW}
    with h2.connect(either, settings) as client:  # frames fit a TLS record
        assert client.get("/files/big.bin").body == big


# From the client


def test_big_upload_is_given_room(either):
    with h2.connect(either) as client:
        stream = client.start("POST", "/size", end=False)
        client.upload(stream, b"x" * (8 << 20))
        assert client.reply(stream).text == str(8 << 20)


def test_uploads_side_by_side_are_given_room(either):
    with h2.connect(either) as client:
        streams = [client.start("POST", "/size", end=False) for _ in range(4)]
        for stream in streams:
            client.upload(stream, b"x" * (1 << 20))
        assert [client.reply(stream).text for stream in streams] == [str(1 << 20)] * 4


def test_padding_counts_against_the_windows(either):
    padded = h2.frame(h2.Type.DATA, h2.Flag.PADDED, 1, b"\xff" + b"x" + b"\0" * 255)
    with h2.connect(either) as client:
        stream = client.start("POST", "/size", end=False)
        for _ in range(1000):  # four windows, and almost nothing but padding
            client.room(stream, 257)
            client.spend(stream, 257)
            client.send(padded)
        client.data(stream, b"", end=True)
        assert client.reply(stream).text == "1000"


def test_room_of_a_stream_that_was_cancelled_comes_back(either):
    with h2.connect(either) as client:
        for _ in range(20):
            stream = client.start("POST", "/size", end=False)
            client.upload(stream, b"x" * 60000, end=False)
            client.reset(stream)
        stream = client.start("POST", "/size", end=False)
        client.upload(stream, b"x" * 1_000_000)
        assert client.reply(stream).text == "1000000"


# Priorities (RFC 9218)


def start_all(client, *requests):
    """Streams whose DATA all waits for the window of the connection, which is shut."""
    first = client.start("GET", "/files/big.bin")
    client.wait_body(first, h2.WINDOW)
    client.reset(first)
    streams = [client.start("GET", "/files/big.bin", *fields) for fields in requests]
    for stream in streams:
        assert client.wait_head(stream) == 200
    client.round_trip()
    return streams


def turns(client, streams):
    """Opens the window, and tells the order in which those streams' DATA comes."""
    before = len(client.frames)
    client.update_window(0, h2.MAX_WINDOW)
    for stream in streams:
        assert len(client.reply(stream).body) == SIZE
    order = [x.stream_id for x in client.frames[before:]
             if isinstance(x, hyperframe.frame.DataFrame) and x.data]
    return [x for i, x in enumerate(order) if i == 0 or order[i - 1] != x]


def ends(client, streams):
    """Opens the window, and tells the order in which those streams' DATA is over."""
    backwards = turns(client, streams)[::-1]
    return sorted(streams, key=backwards.index, reverse=True)


def prioritize(server):
    settings = {h2.Setting.INITIAL_WINDOW_SIZE: h2.MAX_WINDOW,
                h2.Setting.NO_RFC7540_PRIORITIES: 1}
    return h2.connect(server, settings, opens_windows=False)


def keeps_order(server, ask):
    """Do replies end in the order that is right? ask(client) makes the requests and tells
    them, and that order. On a busy machine a handler's process may be late with bytes of
    an urgent reply, and others then rightly go ahead; but not each time."""
    for _ in range(5):
        with prioritize(server) as client:
            streams, order = ask(client)
            if ends(client, streams) == order:
                return True
    return False


@pytest.fixture
def prioritized(either, big):
    with prioritize(either) as client:
        yield client


def test_server_says_that_it_heeds_priorities(prioritized):
    assert prioritized.server_settings[h2.Setting.NO_RFC7540_PRIORITIES] == 1


def test_more_urgent_reply_goes_first(either, big):
    def ask(client):
        late, soon = start_all(client, ["priority: u=7"], ["priority: u=0"])
        return [late, soon], [soon, late]
    assert keeps_order(either, ask)


def test_default_is_between(either, big):
    def ask(client):
        late, middle, soon = start_all(client, ["priority: u=4"], [], ["priority: u=2"])
        return [late, middle, soon], [soon, middle, late]
    assert keeps_order(either, ask)


def test_replies_of_equal_urgency_go_one_after_the_other(prioritized):
    first, second = start_all(prioritized, ["priority: u=1"], ["priority: u=1"])
    order = turns(prioritized, [first, second])
    assert order[-1] == second
    assert len(order) < 10  # incremental ones need more


def test_incremental_replies_take_turns(prioritized):
    first, second = start_all(prioritized, ["priority: u=1, i"], ["priority: u=1, i"])
    assert len(turns(prioritized, [first, second])) > 10


def priority_update(stream, text):
    return h2.frame(h2.Type.PRIORITY_UPDATE, 0, 0, stream.to_bytes(4, "big") + text)


def test_priority_may_change(either, big):
    def ask(client):
        first, second = start_all(client, ["priority: u=1"], ["priority: u=2"])
        client.send(priority_update(first, b"u=6"))
        client.round_trip()
        return [first, second], [second, first]
    assert keeps_order(either, ask)


def test_priority_may_come_before_its_request(either, big):
    def ask(client):
        client.send(priority_update(5, b"u=0"))
        late, soon = start_all(client, [], [])
        assert soon == 5
        return [late, soon], [soon, late]
    assert keeps_order(either, ask)

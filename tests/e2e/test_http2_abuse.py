# SPDX-License-Identifier: MIT
"""HTTP/2: the known attacks. Whoever tries is told to calm down, or just cut off, and the
log says so; a client beside it, on the same worker, notices nothing."""

import contextlib
import os
import re
import struct

import pytest

import h2
import harness
import neighbour

ROOM = 16 << 20  # bytes of memory that an attack may cost
REQUEST = h2.literals("GET", "/hello/x")
SLOW = h2.Code.NO_ERROR, h2.Code.ENHANCE_YOUR_CALM
# Some are a plain error of the connection at once: that needs no counting, and no line.
OR_ERROR = h2.Code.ENHANCE_YOUR_CALM, h2.Code.PROTOCOL_ERROR, h2.Code.STREAM_CLOSED
WHOLE = h2.Flag.END_HEADERS | h2.Flag.END_STREAM
HOST_ALONE = pytest.mark.parametrize("target", ["host"], indirect=True)


@pytest.fixture(scope="module", params=["host", "worker"])
def target(request, tmp_path_factory, make_config, certificates):
    """A server of one worker that does not wait long for clients that do not read."""
    folder = tmp_path_factory.mktemp("target")
    with open(folder / "big.bin", "wb") as file:
        file.truncate(64 << 20)
    config = make_config(workers=1, timeouts={"write_ms": 1000}, handlers={
        name: {"isolation": request.param} for name in ("hello", "echo", "files")})
    config["routes"].append(
        {"path": "/files/*", "handler": "files", "settings": {"root": str(folder)}})
    server = harness.Server(folder, config, certificates)
    yield server
    server.stop()


def abuses(server):
    return server.get("/status").json["server"]["tincan_abuses_total"]


@contextlib.contextmanager
def attacker(server, settings=None, codes=(h2.Code.ENHANCE_YOUR_CALM,)):
    """A client that the server has to get rid of within the block, or soon after it,
    while others are served."""
    with h2.connect(server) as used, h2.connect(server) as fresh:
        used.get("/hello/x")
        workers = server.workers
        before = abuses(server)
        with neighbour.Neighbour(server, ROOM), \
                h2.connect(server, settings, opens_windows=False) as client:
            address = "%s:%d" % client.sock.getsockname()
            yield client
            client.wait(lambda: client.goaway or client.ended, "GOAWAY")
            if client.goaway:
                assert client.wait_goaway() in codes
            client.wait_end()
            if not client.goaway or client.goaway.error_code in SLOW:
                server.wait_log(re.escape(address))
                assert abuses(server) == before + 1
            for one in used, fresh:
                assert one.get("/hello/x").status == 200 and not one.goaway
        assert server.workers == workers


def in_batches(frames, count=200):
    """That many batches of frames(i), i being the number of a batch's frame."""
    for i in range(500):
        yield b"".join(frames(i * count + j) for j in range(count))


def stream(i):
    return 2 * i + 1


def headers(number, block=REQUEST, flags=WHOLE):
    return h2.frame(h2.Type.HEADERS, flags, number, block)


# Streams that are opened and reset


def test_rapid_reset(target):  # CVE-2023-44487
    with attacker(target) as client:
        client.flood(in_batches(
            lambda i: headers(stream(i)) + h2.rst_stream(stream(i))))


def test_rapid_reset_of_uploads(target):
    block = h2.literals("POST", "/echo")
    with attacker(target) as client:
        client.flood(in_batches(
            lambda i: headers(stream(i), block, h2.Flag.END_HEADERS) +
            h2.rst_stream(stream(i), h2.Code.NO_ERROR)))


WEBSOCKET = b"".join(h2.literal(*field) for field in [
    (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"),
    (":authority", "localhost"), (":path", "/echo"), ("sec-websocket-version", "13")])


def test_rapid_reset_of_websockets(target):
    with attacker(target) as client:
        client.flood(in_batches(
            lambda i: headers(stream(i), WEBSOCKET, h2.Flag.END_HEADERS) +
            h2.rst_stream(stream(i))))


MAKE_RESET = {  # CVE-2025-8671: what makes the server reset a stream whose handler runs
    "overflow": lambda i: headers(i) + h2.window_update(i, h2.MAX_WINDOW) * 2,
    "increment": lambda i: headers(i) + h2.window_update(i, 0),
    "data": lambda i: headers(i) + h2.frame(h2.Type.DATA, 0, i, b"x"),
    "headers": lambda i: headers(i) + headers(i),
    "length": lambda i: headers(i, h2.literals("POST", "/echo", "content-length: 1"),
                                h2.Flag.END_HEADERS) +
    h2.frame(h2.Type.DATA, h2.Flag.END_STREAM, i, b"xx"),
    "field": lambda i: headers(i, REQUEST + h2.literal("connection", "close")),
    "name": lambda i: headers(i, REQUEST + h2.literal("", "") * 100),  # CVE-2019-9516
    "nothing": lambda i: headers(i, b""),
}


@pytest.mark.parametrize("way", MAKE_RESET)
def test_made_you_reset(target, way):
    with attacker(target, codes=OR_ERROR) as client:
        client.flood(in_batches(lambda i: MAKE_RESET[way](stream(i)), 20))


def test_too_many_streams(target):
    settings = {h2.Setting.INITIAL_WINDOW_SIZE: 0}
    with attacker(target, settings, OR_ERROR) as client:
        client.flood(in_batches(lambda i: headers(stream(i))))


# Headers that have no end, or no size


def continuation(block, flags=0, number=1):
    return h2.frame(h2.Type.CONTINUATION, flags, number, block)


@HOST_ALONE
@pytest.mark.parametrize("block", [
    b"", h2.literal("", ""), h2.literal("x", "y"), h2.literal("x", "y" * 16000),
    b"\xbe" * 16000], ids=["empty", "nameless", "small", "large", "table"])
def test_continuation_flood(target, block):
    first = REQUEST + b"\x40" + h2.string(b"x-bomb") + h2.string(b"y" * 4000)
    count = 200 if len(block) < 100 else 2
    with attacker(target) as client:
        client.send(headers(1, first, h2.Flag.END_STREAM))
        client.flood(in_batches(lambda i: continuation(block), count))


def bomb(name):
    """A header section of 16 KB that means 64 MB."""
    return b"\x40" + h2.string(name) + h2.string(b"y" * 4000) + b"\xbe" * 12000


@HOST_ALONE
@pytest.mark.parametrize("name", [b"x-bomb", b"cookie"])
def test_hpack_bomb_gets_431_or_the_end(target, name):
    with neighbour.Neighbour(target, ROOM), h2.connect(target) as client:
        for i in range(20):
            client.send(headers(stream(i), REQUEST + bomb(name)))
        client.wait(lambda: client.ended or client.stream(stream(19)).over, "an answer")
        assert {state.status for state in client.streams.values()} <= {None, 431}


@HOST_ALONE
def test_hpack_bombs_one_after_the_other(target):
    def many():
        for i in range(2000):
            yield headers(stream(i), REQUEST + bomb(b"x-bomb"))
    with attacker(target) as client:
        client.flood(many())


# Frames that cost the server more than the client


FLOODS = {
    "settings": lambda i: h2.frame(h2.Type.SETTINGS),
    "settings of many": lambda i: h2.frame(h2.Type.SETTINGS, 0, 0, h2.settings_payload(
        {h2.Setting.INITIAL_WINDOW_SIZE: i % 1000}) * 30),
    "settings of thousands": lambda i: h2.frame(  # CVE-2020-11080
        h2.Type.SETTINGS, 0, 0, struct.pack(">HI", 0x99, i) * 2400),
    "one setting too many": lambda i: h2.frame(
        h2.Type.SETTINGS, 0, 0, struct.pack(">HI", 0x99, i) * 33),
    "ping": lambda i: h2.ping(),
    "pong": lambda i: h2.frame(h2.Type.PING, h2.Flag.ACK, 0, bytes(8)),
    "priority": lambda i: h2.frame(h2.Type.PRIORITY, 0, stream(i % 1000 + 1),
                                   b"\0\0\0\0\x10"),
    "dependency": lambda i: h2.frame(  # each stream on the one before, and round again
        h2.Type.PRIORITY, 0, stream(i % 5000 + 2),
        (0x80000000 | stream(i % 5000 + 1)).to_bytes(4, "big") + b"\xff"),
    "priority update": lambda i: h2.frame(
        h2.Type.PRIORITY_UPDATE, 0, 0, stream(i % 50 + 1).to_bytes(4, "big") + b"u=1"),
    "window update": lambda i: h2.window_update(0, 1),
    "reset of closed streams": lambda i: h2.rst_stream(1),
    "unknown": lambda i: h2.frame(0xee, 0, 0, b"x"),
}


@HOST_ALONE
@pytest.mark.parametrize("kind", FLOODS)
def test_flood(target, kind):
    with attacker(target) as client:
        client.request("GET", "/hello/x")
        client.flood(in_batches(FLOODS[kind]))


@HOST_ALONE
@pytest.mark.parametrize("kind", ["settings", "ping"])
def test_flood_of_who_does_not_read_the_answers(target, kind):
    with attacker(target) as client:
        client.flood(in_batches(FLOODS[kind], 2000), reads=False)


@pytest.mark.parametrize("frame", [
    h2.frame(h2.Type.DATA, 0, 1), h2.frame(h2.Type.DATA, h2.Flag.PADDED, 1, b"\0"),
    h2.window_update(1, 1)], ids=["empty", "padding", "window"])
def test_flood_of_a_stream(target, frame):
    with attacker(target) as client:
        client.start("POST", "/echo", end=False)
        client.flood(in_batches(lambda i: frame))


# Windows that do not open


@pytest.mark.parametrize("path", ["/hello/x", "/files/big.bin"])
def test_windows_that_stay_shut(target, path):
    settings = {h2.Setting.INITIAL_WINDOW_SIZE: 0}
    with attacker(target, settings, SLOW) as client:
        for _ in range(50):
            client.start("GET", path)


def test_window_of_the_connection_that_stays_shut(target):
    settings = {h2.Setting.INITIAL_WINDOW_SIZE: h2.MAX_WINDOW}
    with attacker(target, settings, SLOW) as client:
        for _ in range(50):
            client.start("GET", "/files/big.bin")
        client.wait_body(1, 1000)


def test_socket_that_is_not_read(target):
    settings = {h2.Setting.INITIAL_WINDOW_SIZE: h2.MAX_WINDOW}
    with neighbour.Neighbour(target, ROOM), \
            h2.connect(target, settings, opens_windows=False) as client:
        client.update_window(0, h2.MAX_WINDOW - h2.WINDOW)
        for _ in range(50):
            client.start("GET", "/files/big.bin?unread")
        assert target.wait_access("/files/big.bin?unread")["bytes"] < 64 << 20
        while not client.ended:
            client.receive(harness.DEADLINE)


def test_shut_windows_do_not_excuse_pings(target):
    """A stalled client that keeps talking makes no progress all the same."""
    settings = {h2.Setting.INITIAL_WINDOW_SIZE: 0}
    with attacker(target, settings, SLOW) as client:
        client.start("GET", "/hello/x")

        def pinged():
            client.send(h2.ping(os.urandom(8)))
            client.receive(0.1)
            return client.goaway or client.ended
        harness.wait_for(pinged, "the end")


# Who is busy, but no abuser


def test_a_browser_that_changes_its_mind_is_no_abuser(target):
    with h2.connect(target) as client:
        for i in range(100):
            client.reset(client.start("GET", f"/hello/{i}"))
        client.round_trip()
        assert client.get("/hello/x").status == 200


def test_small_windows_are_no_abuse(target):
    settings = {h2.Setting.INITIAL_WINDOW_SIZE: 0}
    with h2.connect(target, settings, opens_windows=False) as client:
        wanted = "Hello, " + "x" * 200 + "!\n"
        number = client.start("GET", "/hello/" + "x" * 200)
        for _ in wanted:
            client.update_window(number, 1)
        assert client.reply(number).text == wanted

# SPDX-License-Identifier: MIT
"""Filters in front of handlers that take bodies in pieces, and of those that block: each
of the two in a host and inside the workers, over HTTP/1.1 and HTTP/2."""

import contextlib
import itertools
import os
import random
import zlib

import pytest

import h2
import harness
import plugs

RANDOM = random.Random(7).randbytes(600_000)
WHERE = ["worker", "host"]
PROTOCOLS = ["http1", "http2"]


@pytest.fixture(scope="module", params=[(a, b) for a in WHERE for b in WHERE],
                ids=lambda pair: f"filter-in-{pair[0]}-handler-in-{pair[1]}")
def server(request, tmp_path_factory, make_config, certificates):
    filters, handlers = request.param
    folder = tmp_path_factory.mktemp("kinds")
    plug = plugs.Plugs(folder)
    for name in "sieve", "sleeper", "upload":
        plug.add(harness.BUILD / f"tests/plugins/{name}.so")
    os.mkfifo(folder / "latch")
    running = harness.Server(folder, make_config(
        workers=1, filters=["sieve"],
        plugins={"directory": str(plug.directory), "serve_unrouted": False},
        routes=[{"path": "/upload/*", "handler": "upload"},
                {"path": "/sleeper/*", "handler": "sleeper",
                 "settings": {"latch": str(folder / "latch")}}],
        handlers={"sieve": {"isolation": filters}, "upload": {"isolation": handlers},
                  "sleeper": {"isolation": handlers}}), certificates)
    running.latch = folder / "latch"
    yield running
    running.stop()


@pytest.fixture(params=PROTOCOLS)
def connect(request, server):
    with contextlib.ExitStack() as clients:
        def connect():
            return clients.enter_context(
                h2.connect(server) if request.param == "http2" else server.connect())
        yield connect


def begin(client, target, *fields, size):
    """The header of a request with a body of that size; what send takes."""
    fields = [*fields, f"content-length: {size}"]
    if isinstance(client, h2.Connection):
        return client.start("POST", target, *(x.lower() for x in fields), end=False)
    client.start("POST", target, *fields)
    return None


def send(client, stream, data, end=False):
    if stream is None:
        # Who has ended the connection meanwhile is found by reading.
        with contextlib.suppress(*h2.ENDS):
            client.send(data)
    else:
        client.upload(stream, data, end=end)


def reply_of(client, stream):
    return client.read_reply() if stream is None else client.reply(stream)


def leave(client, stream):
    if stream is None:
        client.close()
    else:
        client.reset(stream)


def post(client, target, *fields, body):
    stream = begin(client, target, *fields, size=len(body))
    send(client, stream, body, end=True)
    return reply_of(client, stream)


def summed(data):
    return f"{len(data)} {zlib.adler32(data)} 0\n"


class Lines:
    """What the filter says of requests at paths of the test's own: on_done, once each."""

    numbers = itertools.count()

    def __init__(self, server):
        self.server = server
        self.part = f"case-{next(self.numbers)}"

    def at(self, target):
        """The target with that part in it; the handlers look at the last one."""
        first, _, last = target.rpartition("/")
        return f"{first}/{self.part}/{last}"

    def done(self):
        return sum("done /" in line and f"/{self.part}/" in line
                   for line in self.server.log.splitlines())

    def wait_done(self, count):
        harness.wait_for(lambda: self.done() >= count, f"{count} times on_done")
        assert self.done() == count


# A body that is taken in pieces


@pytest.mark.parametrize("action", ["none", "later", "at once", "upper"])
def test_every_byte_comes_to_the_handler(server, connect, action):
    lines, client = Lines(server), connect()
    sizes = [1, 70_000, len(RANDOM)]
    for size in sizes:
        reply = post(client, lines.at("/upload/count"), f"X-Sieve: s {action}",
                     body=RANDOM[:size])
        assert (reply.status, reply.text) == (200, summed(RANDOM[:size]))
        assert reply.header("x-seen") == "s 200"
    lines.wait_done(len(sizes))


def test_a_body_comes_back_piece_by_piece_as_it_is_sent(server, connect):
    client = connect()
    text = RANDOM[:100_000].hex().encode()
    stream = begin(client, "/upload/echo", "X-Sieve: s upper", size=len(text))
    send(client, stream, text[:50_000])
    if stream is None:
        reply = client.read_head()
        assert client.read(int(client.read_line(), 16))[:100] == text[:100].upper()
        client.close()
        assert reply.status == 200
        return
    client.wait_body(stream, 50_000)
    send(client, stream, text[50_000:], end=True)
    assert client.reply(stream).body == text.upper()


@pytest.mark.parametrize("action", ["deny", "deny later", "deny slowly"])
def test_denies_while_a_body_is_on_its_way(server, connect, action):
    lines, client = Lines(server), connect()
    stream = begin(client, lines.at("/upload/count"), f"X-Sieve: s {action}",
                   size=len(RANDOM))
    # As much as a window lets go in any case.
    send(client, stream, RANDOM[:60_000])
    reply = reply_of(client, stream)
    assert reply.status == 403 and reply.text.startswith("denied")
    assert reply.header("x-seen") is None
    if stream is None:
        client.close()
        client = connect()
    else:
        client.reset(stream, h2.Code.NO_ERROR)
    lines.wait_done(1)
    # What was dropped has not used up the connection's window.
    assert post(client, "/upload/count", body=RANDOM).text == summed(RANDOM)


def test_a_filter_may_replace_a_reply_that_comes_before_the_body(server, connect):
    client = connect()
    stream = begin(client, "/upload/early?1000", "X-Sieve: s replace", size=len(RANDOM))
    send(client, stream, RANDOM[:60_000])
    reply = reply_of(client, stream)
    assert (reply.status, reply.text) == (503, "replaced\n")


@pytest.mark.parametrize("action", ["never", "none"])
def test_a_client_that_leaves_with_its_body_is_told_once(server, connect, action):
    lines, client = Lines(server), connect()
    stream = begin(client, lines.at("/upload/count"), f"X-Sieve: s {action}",
                   size=len(RANDOM))
    send(client, stream, RANDOM[:60_000])
    if action == "none":
        # The handler has it.
        harness.wait_for(lambda: "1 open" in server.get("/upload/tell").text, "it")
        assert lines.done() == 0
    leave(client, stream)
    harness.wait_for(lambda: "0 open" in server.get("/upload/tell").text, "no uploads")
    lines.wait_done(1)


@pytest.mark.parametrize("action", ["fail", "fail-begun"])
def test_a_handler_that_fails_within_a_body(server, connect, action):
    lines, client = Lines(server), connect()
    stream = begin(client, lines.at(f"/upload/{action}?1000"), size=len(RANDOM))
    send(client, stream, RANDOM[:60_000])
    if action == "fail":
        assert reply_of(client, stream).status == 500
    elif stream is None:
        with pytest.raises((AssertionError, ConnectionError)):
            client.read_reply()
    else:
        assert client.wait_reset(stream) == h2.Code.INTERNAL_ERROR
    # HTTP/1.1 goes on reading until its client has the reply.
    client.close()
    lines.wait_done(1)


# A handler that blocks


@pytest.mark.parametrize("action", ["none", "later", "upper", "double"])
def test_changes_what_a_handler_says_that_blocks(server, connect, action):
    lines, client = Lines(server), connect()
    text = RANDOM[:40_000].hex().encode()
    reply = post(client, lines.at("/sleeper/echo"), f"X-Sieve: s {action}", body=text)
    expected = {"upper": text.upper(), "double": bytes(x for x in text for _ in "ab")}
    assert (reply.status, reply.body) == (200, expected.get(action, text))
    for target, size in ("/sleeper/stream?700", 700), ("/sleeper/file?700", 700):
        reply = client.get(lines.at(target), f"x-sieve: s {action}")
        size *= 1024 * (2 if action == "double" else 1)
        assert (reply.status, len(reply.body)) == (200, size)
        assert not reply.body.strip(b"\0")
        assert reply.header("x-seen") == "s 200"
    lines.wait_done(3)


@pytest.mark.parametrize("action", ["deny", "deny later"])
def test_what_is_denied_never_comes_to_a_handler_that_blocks(server, connect, action):
    client = connect()
    reply = client.get("/sleeper/wait", f"x-sieve: s {action}")
    assert reply.status == 403
    assert client.get("/sleeper/tell").text.startswith("0 running")


def open_latch(server):
    """A descriptor of it, if somebody waits for that."""
    try:
        return os.open(server.latch, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def test_a_client_may_leave_while_a_handler_blocks(server, connect):
    lines, client = Lines(server), connect()
    if isinstance(client, h2.Connection):
        stream = client.start("GET", lines.at("/sleeper/dribble"), "x-sieve: s upper")
        client.wait_body(stream, 6)
    else:
        client.start("GET", lines.at("/sleeper/dribble"), "X-Sieve: s upper")
        stream = client.read_head() and None
        assert client.read(6 + 3)[3:] == b"FIRST\n"
    leave(client, stream)
    # It is not the filter who waits.
    os.close(harness.wait_for(lambda: open_latch(server), "who waits"))
    lines.wait_done(1)
    assert connect().get("/sleeper/nap?1").text == "slept\n"


@pytest.mark.parametrize("target, status", [("/sleeper/fail", 500),
                                            ("/sleeper/nothing", 500)])
def test_sees_the_reply_for_a_handler_that_blocks_and_fails(
        server, connect, target, status):
    reply = connect().get(target)
    assert (reply.status, reply.header("x-seen")) == (status, f"s {status}")


def test_a_reply_that_a_handler_breaks_off_is_broken_behind_a_filter(server, connect):
    lines, client = Lines(server), connect()
    if isinstance(client, h2.Connection):
        stream = client.start("GET", lines.at("/sleeper/half"), "x-sieve: s upper")
        assert client.wait_reset(stream) == h2.Code.INTERNAL_ERROR
    else:
        client.start("GET", lines.at("/sleeper/half"), "X-Sieve: s upper")
        with pytest.raises((AssertionError, ConnectionError)):
            client.read_reply()
    lines.wait_done(1)

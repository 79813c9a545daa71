# SPDX-License-Identifier: MIT
"""Bodies that a handler takes in pieces: from a host and from inside the workers, over
HTTP/1.1 and HTTP/2."""

import contextlib
import random
import re
import select
import signal
import zlib

import pytest

import h2
import harness
import plugs

RANDOM = random.Random(5).randbytes(3_000_000)


@pytest.fixture
def start(start_server, tmp_path, isolation):
    plug = plugs.Plugs(tmp_path)
    plug.add(harness.BUILD / "tests/plugins/upload.so")

    def start(handler=None, **changes):
        return start_server(**{
            "workers": 1, "plugins": {"directory": str(plug.directory)}, "routes": [],
            "handlers": {"upload": {"isolation": isolation, "max_body_bytes": 100 << 20,
                                    **(handler or {})}}, **changes})
    return start


class Upload1:
    """One request over HTTP/1.1, its body as it is told."""

    def __init__(self, server):
        self.client = server.connect()
        self.chunked = False

    def begin(self, target, *fields, length=None):
        self.chunked = length is None
        self.client.start("POST", target, *fields, "Transfer-Encoding: chunked" if
                          self.chunked else f"Content-Length: {length}")

    def send(self, data, end=False):
        if self.chunked and data:
            self.client.send(b"%x\r\n%b\r\n" % (len(data), data))
        elif data:
            self.client.send(data)
        if self.chunked and end:
            self.client.send("0\r\n\r\n")

    def end_with(self, *trailer):
        self.client.send("0\r\n" + "".join(f"{field}\r\n" for field in trailer) + "\r\n")

    def wait_continue(self):
        assert self.client.read_head().status == 100

    def reply(self):
        return self.client.read_reply()

    def read(self, size):
        """So many bytes of the reply's body, and its header before them."""
        if not hasattr(self, "body"):
            assert self.client.read_head().header("transfer-encoding") == "chunked"
            self.body = bytearray()
        while len(self.body) < size:
            chunk = self.client.read(int(self.client.read_line(), 16) + 2)
            assert chunk != b"\r\n", f"the reply ends after {len(self.body)} bytes"
            self.body += chunk[:-2]
        return bytes(self.body[:size])

    def stalls(self):
        """Sends until nobody takes more; how many bytes were sent."""
        self.client.sock.settimeout(0)
        sent = 0
        piece = memoryview(b"x" * 16384)
        while select.select([], [self.client.sock], [], 0.5)[1]:
            with contextlib.suppress(BlockingIOError, harness.ssl.SSLWantWriteError):
                sent += self.client.sock.send(piece)
        self.client.sock.settimeout(harness.DEADLINE)
        return sent

    def leave(self):
        self.client.close()

    def broken(self):
        """Waits for an end of the reply that is not in order."""
        with pytest.raises((AssertionError, ConnectionError)):
            self.client.read_reply()
        return True

    def is_over(self):
        return self.client.ended()


class Upload2:
    """The same over HTTP/2."""

    def __init__(self, server):
        self.client = h2.connect(server)

    def begin(self, target, *fields, length=None):
        if length is not None:
            fields = (*fields, f"content-length: {length}")
        self.stream = self.client.start(
            "POST", target, *(field.lower() for field in fields), end=False)

    def send(self, data, end=False):
        if data:
            self.client.upload(self.stream, data, end=end)
        elif end:
            self.client.data(self.stream, b"", end=True)

    def end_with(self, *trailer):
        self.client.trailers(self.stream, *(field.lower() for field in trailer))

    def wait_continue(self):
        self.client.wait_head(self.stream)
        assert self.client.stream(self.stream).heads[0] == [(":status", "100")]

    def reply(self):
        return self.client.reply(self.stream)

    def read(self, size):
        self.client.wait_body(self.stream, size)
        return bytes(self.client.stream(self.stream).body[:size])

    def stalls(self):
        """Fills the stream's window; other streams still have theirs."""
        sent = 0
        while (left := self.client.left(self.stream)) > 0:
            self.send(b"x" * left)
            sent += left
            self.client.round_trip()
        assert self.client.get("/upload/tell").status == 200
        return sent

    def leave(self):
        self.client.reset(self.stream)

    def broken(self):
        return self.client.wait_reset(self.stream) == h2.Code.INTERNAL_ERROR

    def is_over(self):
        return self.client.stream(self.stream).over


@pytest.fixture
def connect(protocol):
    with contextlib.ExitStack() as uploads:
        def connect(server):
            upload = (Upload1 if protocol == "http1" else Upload2)(server)
            uploads.callback(upload.client.close)
            return upload
        yield connect


def tells(server, pattern):
    def told():
        text = server.get("/upload/tell").text
        return re.fullmatch(pattern + "\n", text) and text
    return harness.wait_for(told, f"'{pattern}'")


def summed(data, trailer=""):
    return f"{len(data)} {zlib.adler32(data)} 0{trailer}\n"


# What comes


@pytest.mark.parametrize("counted", [False, True])
def test_every_byte_comes_whatever_the_size(start, connect, counted):
    server = start()
    upload = connect(server)
    for size in 0, 1, 2, 4095, 16384, 16385, 65536, 262_144, 262_145, 3_000_000:
        data = RANDOM[:size]
        upload.begin("/upload/count", length=size if counted else None)
        upload.send(data, end=True)
        assert upload.reply().text == summed(data)


def test_pieces_of_any_size_and_a_trailer_behind(start, connect):
    server = start()
    upload = connect(server)
    upload.begin("/upload/count", "Trailer: X-Sum")
    at = 0
    for size in 1, 7, 100, 5000, 1, 70_000, 3, 300_000:
        upload.send(RANDOM[at:at + size])
        at += size
    upload.end_with("X-Sum: right")
    assert upload.reply().text == summed(RANDOM[:at], "x-sumright")


def test_a_request_without_a_body_has_an_empty_last_piece(start, connect):
    server = start()
    upload = connect(server)
    for _ in range(3):
        assert upload.client.get("/upload/count").text == summed(b"")
    assert upload.client.get("/upload/nothing").status == 500
    server.wait_log("on_request returned TC_OK without a reply")


def test_the_handler_has_a_piece_before_the_next_one_is_sent(start, connect):
    server = start()
    upload = connect(server)
    upload.begin("/upload/count")
    for i in range(1, 5):
        upload.send(b"12345")
        tells(server, f"1 open, 0 gone, {5 * i} bytes")
    upload.send(b"", end=True)
    assert upload.reply().text == summed(b"12345" * 4)


def test_an_echo_goes_both_ways_at_once(start, connect):
    server = start()
    upload = connect(server)
    upload.begin("/upload/echo")
    at = 0
    for size in 1, 100, 16384, 3, 50_000, 60_000:
        upload.send(RANDOM[at:at + size])
        at += size
        assert upload.read(at) == RANDOM[:at]
    upload.send(b"", end=True)
    tells(server, rf"0 open, 0 gone, {at} bytes")


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_a_large_echo_is_the_same(start, version, tmp_path):
    server = start()
    (tmp_path / "body").write_bytes(RANDOM * 7)
    assert server.curl("/upload/echo", version, "--data-binary",
                       f"@{tmp_path}/body") == RANDOM * 7


# Pauses


def test_a_sender_is_held_up_while_the_handler_pauses(start, connect, protocol):
    server = start(timeouts={"body_ms": 1500, "slow_ms": 1500},
                   limits={"min_body_bytes_per_s": 10_000})
    upload = connect(server)
    upload.begin("/upload/hold")
    tells(server, "1 open, 0 gone, 0 bytes")
    if protocol == "http1":
        upload.client.send("ffffff\r\n")
    sent = upload.stalls()
    assert sent < 12 << 20
    assert server.get("/upload/tell").text == "1 open, 0 gone, 0 bytes\n"
    # Longer than a client may take.
    tells_nothing_for(server, 2)
    assert server.get("/upload/resume").text == "1\n"
    rest = b"x" * (0xffffff - sent)
    if protocol == "http1":
        upload.client.send(rest + b"\r\n")
        upload.send(b"", end=True)
    else:
        upload.send(rest, end=True)
    assert upload.reply().text == summed(b"x" * 0xffffff)


def tells_nothing_for(server, seconds):
    end = harness.time.monotonic() + seconds
    while harness.time.monotonic() < end:
        assert server.get("/upload/tell").text == "1 open, 0 gone, 0 bytes\n"
        harness.time.sleep(0.1)


def test_pauses_in_the_middle_and_goes_on(start, connect):
    server = start()
    upload = connect(server)
    for _ in range(2):
        upload.begin("/upload/pause?50000")
        upload.send(RANDOM[:200_000], end=True)
        harness.wait_for(lambda: server.get("/upload/resume").text == "1\n" and
                         server.get("/upload/tell").text.startswith("0 open"),
                         "the end of the pause")
        assert upload.reply().text == summed(RANDOM[:200_000])


def test_a_handler_that_never_goes_on_is_answered_for(start, connect):
    server = start(handler={"timeout_ms": 300})
    upload = connect(server)
    upload.begin("/upload/hold", length=100)
    upload.send(b"abc")
    assert upload.reply().status == 504
    tells(server, r"0 open, 1 gone, \d bytes")


def test_its_time_is_counted_from_the_last_piece(start, connect):
    server = start(handler={"timeout_ms": 400})
    upload = connect(server)
    upload.begin("/upload/count", length=30)
    for i in range(3):
        upload.send(b"0123456789", end=i == 2)
        tells(server, rf"\d open, 0 gone, {10 * (i + 1)} bytes")
        if i < 2:
            harness.time.sleep(0.5)
    assert upload.reply().text == summed(b"0123456789" * 3)


# 100-continue


def test_a_client_is_told_to_go_on_when_the_handler_takes(start, connect):
    server = start()
    upload = connect(server)
    for length in 5, None:
        upload.begin("/upload/count", "Expect: 100-continue", length=length)
        upload.wait_continue()
        upload.send(b"hello", end=True)
        assert upload.reply().text == summed(b"hello")


def test_a_client_waits_while_the_handler_pauses(start, connect):
    server = start()
    upload = connect(server)
    upload.begin("/upload/hold", "Expect: 100-continue", length=5)
    tells(server, "1 open, 0 gone, 0 bytes")
    assert not upload.client.data if isinstance(upload, Upload1) else (
        upload.client.round_trip() or not upload.client.stream(upload.stream).heads)
    server.get("/upload/resume")
    upload.wait_continue()
    upload.send(b"hello", end=True)
    assert upload.reply().text == summed(b"hello")


def test_an_echo_tells_a_client_to_go_on_first(start, connect):
    server = start()
    upload = connect(server)
    upload.begin("/upload/echo", "Expect: 100-continue")
    upload.wait_continue()
    upload.send(b"hello", end=True)
    assert upload.reply().text == "hello"


def test_a_client_that_waits_is_refused_without_its_body(start, connect, protocol):
    server = start()
    upload = connect(server)
    upload.begin("/upload/none", "Expect: 100-continue", length=5)
    reply = upload.reply()
    assert (reply.status, reply.text) == (404, "no such action\n")
    assert upload.is_over() or protocol == "http1"
    if protocol == "http1":
        assert reply.header("connection") == "close"


# Early replies


def test_an_early_reply_of_what_is_nearly_there_keeps_the_connection(start, connect):
    server = start()
    upload = connect(server)
    for _ in range(3):
        upload.begin("/upload/early?1000", length=5000)
        upload.send(RANDOM[:1000])
        assert upload.reply().text == "enough\n"
        with contextlib.suppress(AssertionError):
            upload.send(RANDOM[1000:5000], end=True)
    assert upload.client.get("/upload/count").text == summed(b"")


def test_an_early_reply_does_not_wait_for_a_large_rest(start, connect, protocol):
    server = start()
    upload = connect(server)
    upload.begin("/upload/early?1000", length=50 << 20)
    upload.send(RANDOM[:5000])
    assert upload.reply().text == "enough\n"
    if protocol == "http1":
        upload.client.send(RANDOM)
        assert upload.client.ended()
    else:
        assert upload.client.stream(upload.stream).reset == h2.Code.NO_ERROR
        assert upload.client.get("/upload/count").text == summed(b"")


# Ends


def test_a_client_that_leaves_is_told(start, connect):
    server = start()
    upload = connect(server)
    upload.begin("/upload/count", length=1000)
    upload.send(b"abc")
    tells(server, "1 open, 0 gone, 3 bytes")
    upload.leave()
    tells(server, "0 open, 1 gone, 3 bytes")
    server.wait_log("gone after 3 bytes: pause says -2")


def test_a_body_that_breaks_off_behind_a_reply_breaks_that(start, connect, protocol):
    server = start()
    upload = connect(server)
    upload.begin("/upload/echo")
    upload.send(b"abc")
    assert upload.read(3) == b"abc"
    if protocol == "http1":
        upload.client.send("no chunk\r\n")
        assert upload.client.ended()
    else:
        upload.leave()
    tells(server, "0 open, 1 gone, 3 bytes")


def test_a_body_that_does_not_come_in_time_is_answered_for(start, connect):
    server = start(timeouts={"body_ms": 300})
    upload = connect(server)
    upload.begin("/upload/count", length=1000)
    upload.send(b"abc")
    assert upload.reply().status == 408
    tells(server, "0 open, 1 gone, 3 bytes")


@pytest.mark.parametrize("counted", [False, True])
def test_a_body_over_the_limit_is_refused(start, connect, counted, protocol):
    server = start(handler={"max_body_bytes": 200_000})
    upload = connect(server)
    upload.begin("/upload/count", length=200_000)
    upload.send(RANDOM[:200_000], end=True)
    assert upload.reply().text == summed(RANDOM[:200_000])
    upload.begin("/upload/count", length=200_001 if counted else None)
    if not counted:
        with contextlib.suppress(AssertionError):
            upload.send(RANDOM[:200_001], end=False)
    assert upload.reply().status == 413
    tells(server, "0 open, 0 gone, 200000 bytes" if counted else
          r"0 open, 1 gone, \d+ bytes")


def test_the_limit_of_all_is_that_of_a_handler_without_one(start_server, tmp_path,
                                                           isolation):
    plug = plugs.Plugs(tmp_path)
    plug.add(harness.BUILD / "tests/plugins/upload.so")
    plug.add(harness.PLUGINS / "echo.so")
    server = start_server(
        plugins={"directory": str(plug.directory)}, limits={"max_body_bytes": 10},
        routes=[],
        handlers={"upload": {"isolation": isolation},
                  "echo": {"isolation": isolation, "max_body_bytes": 20}})
    for target, limit in ("/upload/count", 10), ("/echo", 20):
        with server.connect() as client:
            assert client.request("POST", target, body=b"x" * limit).status == 200
            assert client.request("POST", target, body=b"x" * (limit + 1)).status == 413


# Mistakes and crashes


def test_a_negative_result_is_500_and_a_line(start, connect):
    server = start()
    upload = connect(server)
    upload.begin("/upload/fail?1000", length=2000)
    upload.send(RANDOM[:2000], end=True)
    assert upload.reply().status == 500
    server.wait_log(r"on_body returned TC_FAIL \(-3\)")
    tells(server, r"0 open, 0 gone, \d+ bytes")


def test_a_negative_result_breaks_a_reply_that_has_begun(start, connect):
    server = start()
    upload = connect(server)
    upload.begin("/upload/fail-begun?1000", length=2000)
    upload.send(RANDOM[:500])
    tells(server, "1 open, 0 gone, 500 bytes")
    upload.send(RANDOM[500:2000], end=True)
    assert upload.broken()


def test_a_crash_in_on_body_costs_that_request(start, connect, isolation):
    server = start()
    server.expected_reports = "."
    upload = connect(server)
    upload.begin("/upload/crash?1000", length=200_000)
    if isolation == "host":
        upload.send(RANDOM[:100_000])
        assert upload.reply().status == 502
        server.wait_log("crashed in on_body")
    else:
        with contextlib.suppress(AssertionError, OSError):
            upload.send(RANDOM[:100_000])
        server.wait_log(r"worker \d+ \(pid \d+\) died: .*handler 'upload', on_body")
    plugs.answers(server, "/upload/tell", "0 open, 0 gone, 0 bytes\n")


def test_an_on_body_that_does_not_come_back_is_ended(start, connect, isolation):
    if isolation == "worker":
        pytest.skip("a handler in a worker is trusted to come back")
    server = start(handler={"timeout_ms": 500})
    server.expected_reports = "."
    upload = connect(server)
    upload.begin("/upload/hang", length=2000)
    upload.send(RANDOM[:1000])
    assert upload.reply().status in (502, 504)
    server.wait_log("'upload' does not come back from on_body")
    plugs.answers(server, "/upload/tell", "0 open, 0 gone, 0 bytes\n")


# Reload and stop


def test_a_reload_lets_an_upload_finish(start, connect):
    server = start()
    upload = connect(server)
    upload.begin("/upload/count", length=300_000)
    upload.send(RANDOM[:100_000])
    tells(server, "1 open, 0 gone, 100000 bytes")
    server.renew("upload")
    plugs.answers(server, "/upload/tell", "0 open, 0 gone, 0 bytes\n")
    upload.send(RANDOM[100_000:300_000], end=True)
    assert upload.reply().text == summed(RANDOM[:300_000])
    server.wait_log("closing with 0 uploads")


def test_a_stop_waits_for_an_upload(start, connect):
    server = start()
    upload = connect(server)
    upload.begin("/upload/count", length=20)
    upload.send(b"0123456789")
    tells(server, "1 open, 0 gone, 10 bytes")
    server.signal(signal.SIGTERM)
    server.wait_log("stopping")
    upload.send(b"0123456789", end=True)
    assert upload.reply().text == summed(b"0123456789" * 2)
    upload.client.close()
    assert server.wait_exit() == 0

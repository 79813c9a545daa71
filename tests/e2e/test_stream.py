# SPDX-License-Identifier: MIT
"""Raw streams over TLS: bytes both ways, whatever process the handler runs in."""

import json
import re
import select
import ssl
import subprocess
import threading

import pytest

import harness

PUPPET = harness.BUILD / "tests/plugins/puppet.so"
STREAMS = re.compile(r"listening on tls://(\S+):(\d+)")
QUIET = 1.0  # seconds without a byte that count as "no more is taken"
MUCH = 8 << 20


class Line:
    """A TLS client that can end its side and go on reading."""

    def __init__(self, server, address, alpn=None):
        context = server.context()
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        if alpn:
            context.set_alpn_protocols([alpn])
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.into, self.out, server_hostname="localhost")
        self.sock = harness.socket.create_connection(address, harness.DEADLINE)
        self._run(self.tls.do_handshake)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def _flush(self):
        if self.out.pending:
            self.sock.sendall(self.out.read())

    def _run(self, function, *arguments):
        while True:
            try:
                result = function(*arguments)
                self._flush()
                return result
            except ssl.SSLWantReadError:
                self._flush()
                data = self.sock.recv(65536)
                self.into.write(data) if data else self.into.write_eof()

    def send(self, data):
        self._run(self.tls.write, data)

    def say_end(self):
        """Our close_notify; what the server says can still be read."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self._flush()

    def receive(self):
        """Some bytes; b"" behind a close_notify; an error if it is cut."""
        try:
            return self._run(self.tls.read, 65536)
        except ssl.SSLZeroReturnError:
            return b""

    def read(self, size):
        data = b""
        while len(data) < size:
            more = self.receive()
            assert more, f"it ended behind {data!r}"
            data += more
        return data

    def read_to_end(self):
        return b"".join(iter(self.receive, b""))

    def ask(self, text):
        """What comes back for a chunk of bytes, if it is the same number of them."""
        self.send(text)
        return self.read(len(text))

    def is_cut(self):
        """Waits for the end, which comes without a close_notify."""
        try:
            self.read_to_end()
        except ConnectionResetError:
            return True
        except ssl.SSLError as error:
            assert error.reason == "UNEXPECTED_EOF_WHILE_READING", error
            return True
        return False


@pytest.fixture
def start(start_server, tmp_path):
    """A server whose second listener has the streams of that handler."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    for source in [PUPPET, harness.PLUGINS / "echo.so", harness.PLUGINS / "hello.so"]:
        (folder / source.name).write_bytes(source.read_bytes())

    def start(handler, isolation, timeout_ms=10000, **changes):
        server = start_server(**{
            "listeners": [{"address": "127.0.0.1:0"},
                          {"address": "127.0.0.1:0", "stream": handler}],
            "plugins": {"directory": str(folder), "serve_unrouted": False},
            "routes": [{"path": "/hello/{name}", "handler": "hello"}],
            "alpn": {"tincan-echo": "echo"},
            "handlers": {handler: {"isolation": isolation, "timeout_ms": timeout_ms}},
            **changes})
        found = STREAMS.search(server.wait_log(STREAMS.pattern))
        server.streams = (found.group(1), int(found.group(2)))
        return server
    return start


@pytest.fixture
def echo(start, isolation):
    return start("echo", isolation)


@pytest.fixture
def puppet(start, isolation):
    return start("puppet", isolation)


def line(server):
    return Line(server, server.streams)


def tell(one, text):
    one.send(text.encode())


# Both ways


def test_bytes_come_back(echo):
    with line(echo) as one:
        assert one.ask(b"hello") == b"hello"
        assert one.ask(bytes(range(256))) == bytes(range(256))


def test_name_of_alpn_reaches_it_on_the_port_of_https(echo):
    with Line(echo, (echo.host, echo.port), "tincan-echo") as one:
        assert one.ask(b"hello") == b"hello"
    assert echo.get("/hello/Ada").status == 200


@pytest.mark.parametrize("by_name", [False, True])
def test_s_client_is_one_end_of_the_line(echo, by_name):
    address = (echo.host, echo.port) if by_name else echo.streams
    arguments = ["-alpn", "tincan-echo"] if by_name else []
    with subprocess.Popen(
            ["openssl", "s_client", "-quiet", "-servername", "localhost", "-CAfile",
             echo.certificates / "ca.crt", *arguments, "-connect", "%s:%d" % address],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL) as client:
        for text in (b"hello\n", b"and again\n"):
            client.stdin.write(text)
            client.stdin.flush()
            assert client.stdout.readline() == text
        client.kill()


def test_many_lines_do_not_mix(echo):
    lines = [line(echo) for _ in range(100)]
    for turn in range(3):
        for number, one in enumerate(lines):
            tell(one, f"{turn} of {number};")
        for number, one in enumerate(lines):
            text = f"{turn} of {number};".encode()
            assert one.read(len(text)) == text
    for one in lines:
        one.sock.close()


def test_facts_of_the_connection_are_known(puppet):
    with line(puppet) as one:
        for key, value in {"client.address": "127.0.0.1",
                           "client.port": str(one.sock.getsockname()[1]),
                           "tls.version": "TLSv1.3", "tls.sni": "localhost",
                           "handler": "puppet", "no.such": "NULL"}.items():
            tell(one, f"info {key}")
            assert one.read(len(value)).decode() == value


# Ends


def test_end_of_the_client_is_heard_and_what_was_said_comes_back_first(echo):
    text = bytes(range(250)) * 400
    with line(echo) as one:
        one.send(text)
        one.say_end()
        assert one.read_to_end() == text


def test_end_of_the_handler_leaves_the_client_its_say(puppet):
    with line(puppet) as one:
        tell(one, "flags 8 last")
        assert one.read_to_end() == b"last"
        tell(one, "count")  # the answer has no way back
        tell(one, "close 0")
        puppet.wait_log("end 0 after [23]")


def test_close_comes_behind_what_was_sent(puppet):
    with line(puppet) as one:
        tell(one, "fill 60000")
        tell(one, "close 0")
        data = one.read_to_end()
        assert data and len(data) % 60000 == 0


def test_client_that_just_leaves_is_lost(puppet):
    with line(puppet) as one:
        assert one.ask(b"hello") == b"hello"
    puppet.wait_log("end 1006 after 1")


def test_line_on_which_nothing_moves_is_ended(start, isolation):
    server = start("puppet", isolation, timeouts={"stream_idle_ms": 300})
    with line(server) as one:
        assert one.ask(b"hello") == b"hello"
        server.wait_log("end 1006 after 1")
        one.is_cut()  # or ends in order: it is over


# Back-pressure


def push(one, data):
    """Sends it piece by piece until all is sent or no more is taken: how much was."""
    sent = 0
    one.sock.setblocking(False)
    while sent < len(data):
        if not one.out.pending:
            sent += one.tls.write(data[sent:sent + 16384])
        while one.out.pending:
            piece = one.out.read()
            while piece:
                if not select.select([], [one.sock], [], QUIET)[1]:
                    one.rest = piece
                    one.sock.settimeout(harness.DEADLINE)
                    return sent
                piece = piece[one.sock.send(piece):]
    one.sock.settimeout(harness.DEADLINE)
    return sent


def memory(server):
    """The most that any process but the master has had, in bytes."""
    def peak(pid):
        text = harness.pathlib.Path(f"/proc/{pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", text)[1]) * 1024
    return max(map(peak, harness.children(server.pid)))


def test_client_that_does_not_read_is_not_listened_to(echo):
    text = bytes(range(250)) * (8 * MUCH // 250)
    with line(echo) as one:
        one.sock.setsockopt(harness.socket.SOL_SOCKET, harness.socket.SO_RCVBUF, 65536)
        before = memory(echo)
        sent = push(one, text)
        assert sent < len(text), "all of it was taken"
        if not harness.SANITIZED:
            assert memory(echo) - before < MUCH
        # It goes on where it stood, and nothing is lost.
        writer = threading.Thread(target=one.sock.sendall, args=(one.rest,))
        writer.start()
        assert one.read(sent)[:sent] == text[:sent]
        writer.join(harness.DEADLINE)


def test_handler_is_told_when_no_more_is_taken_and_when_it_is_again(puppet):
    with line(puppet) as one:
        tell(one, "fill 60000")
        found = re.search(r"filled (\d+)", puppet.wait_log("filled"))
        assert int(found[1]) in (4, 5)  # of what may wait, 256 KiB, and one beyond it
        puppet.wait_log("send again")
        assert one.read(int(found[1]) * 60000) == bytes(int(found[1]) * 60000)


# What ends the other side


@pytest.fixture
def isolated(start):
    return start("puppet", "host", timeout_ms=500, workers=1)


def test_crash_ends_the_lines_of_that_host_and_no_other(isolated):
    with line(isolated) as one, line(isolated) as two, \
            Line(isolated, (isolated.host, isolated.port), "tincan-echo") as other:
        assert two.ask(b"hello") == b"hello"
        assert other.ask(b"hello") == b"hello"
        tell(one, "crash")
        assert one.is_cut()
        assert two.is_cut()
        assert other.ask(b"still here") == b"still here"
    isolated.wait_log(r"crashed in on_data, request \w{16}: signal 6")
    with line(isolated) as one:
        assert one.ask(b"hello") == b"hello"


def test_line_that_comes_while_there_is_no_host_waits_for_one(isolated):
    with line(isolated) as one:
        assert one.ask(b"hello") == b"hello"
        tell(one, "crash")
        with line(isolated) as two:
            # It may have been begun by the host that died, and is lost then.
            try:
                assert two.ask(b"hello") == b"hello"
            except (AssertionError, ssl.SSLError, ConnectionResetError):
                pass
    with line(isolated) as one:
        assert one.ask(b"hello") == b"hello"


def test_hang_ends_the_host(isolated):
    with line(isolated) as one, line(isolated) as two:
        assert two.ask(b"hello") == b"hello"
        tell(one, "hang")
        assert one.is_cut()
        assert two.is_cut()
    with line(isolated) as one:
        assert one.ask(b"hello") == b"hello"


def test_failure_of_the_handler_cuts_the_line(puppet):
    with line(puppet) as one:
        tell(one, "result -5")
        assert one.is_cut()
    puppet.wait_log(r"on_data returned TC_LIMIT \(-5\)")
    with line(puppet) as one:
        assert one.ask(b"hello") == b"hello"


# Reload, stop


def reload(server, **changes):
    server.config.write_text(json.dumps({**json.loads(server.config.read_text()),
                                         **changes}))
    done = harness.tincan("reload", "--config", server.config)
    assert done.returncode == 0, done.stderr


def test_reload_leaves_a_line_open(start, isolation):
    server = start("puppet", isolation)
    with line(server) as one:
        assert one.ask(b"before") == b"before"
        for i in range(3):
            reload(server, alpn={"tincan-echo": "echo", f"tincan-{i}": "puppet"})
            assert one.ask(b"after") == b"after"
        with line(server) as two:
            assert two.ask(b"new") == b"new"


def test_line_of_a_handler_that_is_replaced_ends_in_order(start, isolation):
    server = start("puppet", isolation, timeouts={"drain_ms": 300})
    with line(server) as one:
        assert one.ask(b"before") == b"before"
        reload(server, listeners=[
            {"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "stream": "puppet",
                                         "settings": {"greeting": "new"}}])
        assert one.read_to_end() == b""
    server.wait_log("end 0 after 1")


def test_new_file_leaves_the_lines_of_the_old_one_open(start, isolation):
    server = start("puppet", isolation, workers=1)
    folder = harness.pathlib.Path(
        json.loads(server.config.read_text())["plugins"]["directory"])
    with line(server) as one:
        assert one.ask(b"before") == b"before"
        data = PUPPET.read_bytes() + b"\0"
        (folder / ".puppet").write_bytes(data)
        (folder / ".puppet").rename(folder / "puppet.so")
        server.wait_log("puppet")
        with line(server) as two:
            assert two.ask(b"new") == b"new"
        assert one.ask(b"after") == b"after"


def test_stop_lets_a_line_finish(start, isolation):
    server = start("echo", isolation, timeouts={"drain_ms": 20000})
    with line(server) as one:
        assert one.ask(b"before") == b"before"
        server.signal(harness.signal.SIGTERM)
        server.wait_log("stopping")
        assert one.ask(b"after") == b"after"
        one.say_end()
        assert one.read_to_end() == b""
    assert server.wait_exit() == 0


def test_stop_does_not_wait_longer_than_it_may(start, isolation):
    server = start("echo", isolation, timeouts={"drain_ms": 300})
    with line(server) as one:
        assert one.ask(b"before") == b"before"
        server.signal(harness.signal.SIGTERM)
        assert server.wait_exit() == 0

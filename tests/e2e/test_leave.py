# SPDX-License-Identifier: MIT
"""Clients that close their connection in order, and those that only say that no more
requests come: who is gone, and who still gets a reply."""

import contextlib
import socket
import ssl
import subprocess

import pytest

import h2
import harness
import plugs


@pytest.fixture
def server(start_server, tmp_path, isolation):
    plug = plugs.Plugs(tmp_path)
    plug.add(harness.BUILD / "tests/plugins/later.so")
    return start_server(
        workers=1, plugins={"directory": str(plug.directory)}, routes=[],
        handlers={"later": {"isolation": isolation}})


class Half:
    """A TLS socket that can end its own side alone. Python's cannot: that one goes on to
    wait for the server's end."""

    def __init__(self, server, *protocols):
        self.sock = server.tcp()
        self.received, self.to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = server.context()
        context.set_alpn_protocols(protocols)
        self.tls = context.wrap_bio(self.received, self.to_send,
                                    server_hostname="localhost")
        self.early = b""
        self.settimeout, self.close = self.sock.settimeout, self.sock.close
        self.complete(self.tls.do_handshake)

    def flush(self):
        if self.to_send.pending:
            self.sock.sendall(self.to_send.read())

    def complete(self, call, *arguments):
        """Calls it until it needs no more bytes."""
        while True:
            try:
                result = call(*arguments)
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
                data = self.sock.recv(65536)
                self.received.write(data) if data else self.received.write_eof()

    def sendall(self, data):
        self.complete(self.tls.write, data)

    def recv(self, size):
        early, self.early = self.early, b""
        try:
            return early or self.complete(self.tls.read, size)
        except ssl.SSLZeroReturnError:
            return b""

    def end_tls(self):
        """close_notify, and no FIN."""
        with contextlib.suppress(ssl.SSLWantReadError):
            while True:
                self.early += self.tls.read(65536)
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        self.flush()

    def end_tcp(self):
        """FIN, without a word of TLS: what a killed process's kernel sends, too."""
        self.sock.shutdown(socket.SHUT_WR)

    def end_both(self):
        """What a client sends that closes as it should."""
        self.end_tls()
        self.end_tcp()


class Http1:
    """A connection with one request."""

    def __init__(self, server, target):
        self.sock = Half(server)
        self.client = harness.Client(self.sock)
        self.client.start("GET", target)

    def reply(self):
        return self.client.read_reply()

    def begun(self, size):
        """Waits for that much of the body."""
        self.client.read_head()
        self.client.read(size)


class Http2:
    """The same over HTTP/2."""

    def __init__(self, server, target):
        self.sock = Half(server, "h2")
        # Behind its end it cannot open windows any more.
        self.client = h2.Connection(
            harness.Client(self.sock), {h2.Setting.INITIAL_WINDOW_SIZE: 1 << 24},
            opens_windows=False).handshake()
        self.client.update_window(0, 1 << 24)
        self.stream = self.client.start("GET", target)

    def reply(self):
        return self.client.reply(self.stream)

    def begun(self, size):
        self.client.wait_body(self.stream, size)


@pytest.fixture
def ask(server, protocol):
    def ask(target):
        return {"http1": Http1, "http2": Http2}[protocol](server, target)
    return ask


def counts(server, text):
    harness.wait_for(lambda: server.get("/later/tell").text == text, repr(text))


@pytest.mark.parametrize("end", [Half.end_tcp, Half.end_both])
def test_a_client_that_closes_is_gone(server, ask, end):
    waits, streams = ask("/later/keep"), ask("/later/abort-begun?60000")
    streams.begun(len("begun\n"))
    counts(server, "2 kept, 0 gone\n")
    end(waits.sock)
    counts(server, "1 kept, 1 gone\n")
    end(streams.sock)
    counts(server, "0 kept, 2 gone\n")
    assert server.wait_access("/later/keep")["status"] == 0
    assert server.wait_access("/later/abort-begun?60000")["status"] == 200


def test_a_close_notify_alone_waits_for_its_reply(server, ask):
    patient, leaves = ask("/later/keep"), ask("/later/keep")
    counts(server, "2 kept, 0 gone\n")
    patient.sock.end_tls()
    leaves.sock.end_tcp()
    counts(server, "1 kept, 1 gone\n")
    assert server.get("/later/release").text == "1\n"
    assert patient.reply().text == "late\n"


@pytest.mark.parametrize("end", [Half.end_tcp, Half.end_tls])
@pytest.mark.parametrize("target, size", [
    ("/later/answer?20", 5), ("/later/stream?6000", 6000 * 1024)], ids=["soon", "large"])
def test_who_ends_its_side_behind_a_request_gets_its_reply(ask, end, target, size):
    asked = ask(target)
    end(asked.sock)
    assert len(asked.reply().body) == size


def test_requests_that_came_before_the_end_are_answered(server):
    with server.connect() as client:
        for target in "answer?20", "tell", "answer?1":
            client.start("GET", f"/later/{target}")
        socket.socket.shutdown(client.sock, socket.SHUT_WR)
        replies = [client.read_reply().text for _ in range(3)]
        assert replies == ["late\n", "0 kept, 0 gone\n", "late\n"]
        assert client.ended()


def test_a_curl_that_is_killed_is_gone(server, version):
    curl = subprocess.Popen(
        ["curl", "--silent", "--noproxy", "*", "--cacert",
         server.certificates / "ca.crt", "--resolve",
         f"localhost:{server.port}:{server.host}", version, server.url("/later/keep")])
    counts(server, "1 kept, 0 gone\n")
    curl.kill()
    curl.wait(harness.DEADLINE)
    counts(server, "0 kept, 1 gone\n")

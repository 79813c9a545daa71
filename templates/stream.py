#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests @NAME@ with a server of its own and a TLS client. See make test."""

import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def start_server(folder):
    """A server of @NAME@'s streams, and the port that it found free."""
    (folder / "server.json").write_text(json.dumps({
        "listeners": [{"address": "127.0.0.1:0", "stream": "@NAME@"}],
        "plugins": {"directory": str(HERE)},
        "log": {"access": "off", "format": "text"}, "workers": 1}))
    server = subprocess.Popen(
        [os.environ.get("TINCAN", "tincan"), "--config", folder / "server.json"],
        stderr=subprocess.PIPE, text=True)
    said = ""
    for line in server.stderr:
        found = re.search(r"listening on tls://127\.0\.0\.1:(\d+)", line)
        if found:
            return server, int(found.group(1))
        said += line
    raise SystemExit(f"{said}the server did not start")


class Stream:
    """A TLS client that can end its side and still hear the other."""

    def __init__(self, port):
        context = ssl.create_default_context()
        context.check_hostname = False  # its certificate was made a moment ago
        context.verify_mode = ssl.CERT_NONE
        self.received, self.to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.received, self.to_send)
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.run(self.tls.do_handshake)

    def run(self, step, *arguments):
        """Takes a step of TLS, with the network's help."""
        while True:
            try:
                return step(*arguments)
            except ssl.SSLWantReadError:
                self.flush()
                self.received.write(self.socket.recv(65536))
            finally:
                self.flush()

    def flush(self):
        self.socket.sendall(self.to_send.read())

    def end(self):
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            self.flush()

    def read_to_end(self):
        data = b""
        try:
            while True:
                data += self.run(self.tls.read, 65536)
        except ssl.SSLZeroReturnError:
            return data


def say(port, *pieces):
    """Sends the pieces, ends our side, and returns what comes until theirs ends."""
    stream = Stream(port)
    for piece in pieces:
        stream.run(stream.tls.write, piece)
    stream.end()
    return stream.read_to_end()


def test(port):
    assert say(port, b"one\ntw", b"o\n") == b"1: one\n2: two\ngoodbye\n"
    assert say(port, b"unfinished") == b"1: unfinished\ngoodbye\n"
    assert say(port, b"x\n" * 5000).endswith(b"5000: x\ngoodbye\n")
    assert say(port) == b"goodbye\n"


def main():
    with tempfile.TemporaryDirectory() as folder:
        server, port = start_server(pathlib.Path(folder))
        try:
            test(port)
        except BaseException:
            server.terminate()
            print(server.communicate(timeout=30)[1], end="")
            raise
        server.terminate()
        server.communicate(timeout=30)
    print("ok")


if __name__ == "__main__":
    main()

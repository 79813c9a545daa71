#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests @NAME@ with a server of its own and a small WebSocket client. See make test."""

import base64
import json
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TEXT, BINARY, CLOSE = 1, 2, 8  # opcodes, RFC 6455 section 5.2


def start_server(folder):
    """A server with all handlers of this folder, and the port that it found free."""
    (folder / "server.json").write_text(json.dumps({
        "listeners": [{"address": "127.0.0.1:0"}],
        "plugins": {"directory": str(HERE)},
        "log": {"access": "off", "format": "text"}, "workers": 1}))
    server = subprocess.Popen(
        [os.environ.get("TINCAN", "tincan"), "--config", folder / "server.json"],
        stderr=subprocess.PIPE, text=True)
    said = ""
    for line in server.stderr:
        found = re.search(r"listening on https://127\.0\.0\.1:(\d+)", line)
        if found:
            return server, int(found.group(1))
        said += line
    raise SystemExit(f"{said}the server did not start")


class WebSocket:
    def __init__(self, port, path):
        context = ssl.create_default_context()
        context.check_hostname = False  # its certificate was made a moment ago
        context.verify_mode = ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", port), 10)
        self.file = context.wrap_socket(plain, server_hostname="localhost").makefile("rwb")
        key = base64.b64encode(os.urandom(16)).decode()
        self.file.write(f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n"
                        "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
                        .encode())
        self.file.flush()
        self.status = self.file.readline().decode().split()[1]
        while self.file.readline() != b"\r\n":
            pass

    def send(self, opcode, data):
        """One short message, in a frame that is masked with zeros."""
        assert len(data) < 126
        self.file.write(bytes([0x80 | opcode, 0x80 | len(data)]) + bytes(4) + data)
        self.file.flush()

    def receive(self):
        """The opcode and the data of one short frame."""
        first, size = self.file.read(2)
        return first & 15, self.file.read(size)


def test(port):
    client = WebSocket(port, "/@NAME@")
    assert client.status == "101"
    for number, word in enumerate(["one", "two", "drei äöü"], 1):
        client.send(TEXT, word.encode())
        assert client.receive() == (TEXT, f"{number}: {word}".encode())
    client.send(BINARY, b"\0")
    opcode, data = client.receive()
    assert (opcode, struct.unpack("!H", data[:2])) == (CLOSE, (1003,))

    other = WebSocket(port, "/@NAME@")
    other.send(TEXT, b"another")
    assert other.receive() == (TEXT, b"1: another")


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

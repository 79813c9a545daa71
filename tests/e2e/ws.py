# SPDX-License-Identifier: MIT
"""A WebSocket client for tests, over HTTP/1.1 or HTTP/2, byte by byte where a test wants
it so. Any frame can be wrong in any way when it is sent; what the server sends is held to
RFC 6455 and RFC 7692. Every wait has a deadline."""

import base64
import contextlib
import dataclasses
import enum
import hashlib
import os
import struct
import zlib

import h2

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # that of RFC 6455 1.3
VERSION = "Sec-WebSocket-Version: 13"
DEFLATE = "permessage-deflate"


class Op(enum.IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


@dataclasses.dataclass
class Frame:
    opcode: Op
    payload: bytes
    fin: bool = True
    packed: bool = False  # RSV1

    @property
    def code(self):
        """Of a close frame; None: it has none."""
        return struct.unpack(">H", self.payload[:2])[0] if self.payload else None


def mask(payload, key):
    size = len(payload)
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(
        size, "big")


def frame(opcode, payload=b"", fin=True, rsv=0, masked=True):
    """The bytes of a client's frame; nothing is checked."""
    size = len(payload)
    bit = 0x80 if masked else 0
    length = (struct.pack(">B", bit | size) if size < 126 else
              struct.pack(">BH", bit | 126, size) if size < 65536 else
              struct.pack(">BQ", bit | 127, size))
    first = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if not masked:
        return first + length + payload
    key = os.urandom(4)
    return first + length + key + mask(payload, key)


def close_payload(code=None, reason=""):
    return b"" if code is None else struct.pack(">H", code) + reason.encode()


def pack(data):
    """A message as permessage-deflate sends it (RFC 7692 7.2.1)."""
    engine = zlib.compressobj(wbits=-15)
    return (engine.compress(data) + engine.flush(zlib.Z_SYNC_FLUSH))[:-4]


def unpack(data, window_bits=15):
    """For a server whose window was to have that many bits."""
    return zlib.decompressobj(wbits=-window_bits).decompress(data + b"\0\0\xff\xff")


def accept_of(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


class End(Exception):
    """The server has ended the carrier; in order or not."""

    def __init__(self, in_order):
        super().__init__("in order" if in_order else "cut")
        self.in_order = in_order


class H1:
    """A connection of HTTP/1.1 that has become a WebSocket, after read_head."""

    def __init__(self, client):
        self.client = client

    def send(self, data):
        with contextlib.suppress(*h2.ENDS):
            self.client.send(data)

    def end(self):
        """Half of it, as far as TLS lets us see."""
        self.client.sock.unwrap()

    def read(self, size):
        data = self.client.data
        while len(data) < size:
            try:
                more = self.client.receive()
            except h2.ENDS:
                raise End(False) from None
            if not more:
                raise End(True)
        found = bytes(data[:size])
        del data[:size]
        return found

    def close(self):
        self.client.close()


class H2:
    """A stream of HTTP/2 that has become one."""

    def __init__(self, connection, stream, own):
        self.connection = connection
        self.stream = stream
        self.state = connection.stream(stream)
        self.own = own  # is the connection for this alone?

    def send(self, data):
        """As the windows let it, and as long as the server listens."""
        connection, sent = self.connection, 0
        while sent < len(data):
            connection.wait(
                lambda: self.state.over or connection.left(self.stream) > 0, "a window")
            if self.state.over:
                return
            room = min(connection.left(self.stream), 16384)
            piece = data[sent:sent + room]
            connection.spend(self.stream, len(piece))
            connection.data(self.stream, piece)
            sent += len(piece)

    def end(self):
        self.connection.data(self.stream, b"", end=True)

    def read(self, size):
        body = self.state.body
        self.connection.wait(lambda: len(body) >= size or self.state.over or
                             self.connection.ended, f"{size} bytes")
        if len(body) < size:
            raise End(self.state.ended)
        found = bytes(body[:size])
        del body[:size]
        return found

    def close(self):
        if self.own:
            self.connection.close()


class WebSocket:
    """One that is open. reply is the answer of the handshake."""

    def __init__(self, carrier, reply):
        self.carrier = carrier
        self.reply = reply
        self.window_bits = 15  # of the server's permessage-deflate
        self.deflates = DEFLATE in (reply.header("sec-websocket-extensions") or "")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()

    def drop(self):
        """Without a word."""
        self.carrier.close()

    # Sending

    def send(self, *frames):
        self.carrier.send(b"".join(frames))

    def text(self, text):
        self.send(frame(Op.TEXT, text.encode()))

    def binary(self, data):
        self.send(frame(Op.BINARY, data))

    def close(self, code=None, reason=""):
        self.send(frame(Op.CLOSE, close_payload(code, reason)))

    # Receiving

    def read_frame(self):
        first, second = self.carrier.read(2)
        size = second & 0x7f
        assert second < 0x80, "the server masks"
        assert not first & 0x30, f"RSV2 or RSV3: {first:#x}"
        if size == 126:
            size, = struct.unpack(">H", self.carrier.read(2))
            assert size >= 126
        elif size == 127:
            size, = struct.unpack(">Q", self.carrier.read(8))
            assert size >= 65536
        found = Frame(Op(first & 15), self.carrier.read(size), first >= 0x80,
                      bool(first & 0x40))
        if found.opcode >= Op.CLOSE:
            assert found.fin and not found.packed and size <= 125, found
        return found

    def read(self):
        """The next message or control frame, a message whole and inflated."""
        first = found = self.read_frame()
        assert first.opcode != Op.CONTINUATION, first
        assert not first.packed or self.deflates, first
        pieces = [first.payload]
        while not found.fin:
            found = self.read_frame()
            assert found.opcode == Op.CONTINUATION and not found.packed, found
            pieces.append(found.payload)
        whole = b"".join(pieces)
        return Frame(first.opcode,
                     unpack(whole, self.window_bits) if first.packed else whole,
                     True, first.packed)

    def read_text(self):
        found = self.read()
        assert found.opcode == Op.TEXT, found
        return found.payload.decode()

    def ask(self, text):
        """A text, and the one that comes back."""
        self.text(text)
        return self.read_text()

    def read_close(self):
        """The close frame, which comes next and is the last; its code."""
        found = self.read()
        assert found.opcode == Op.CLOSE, found
        found.payload[2:].decode()
        return found.code

    def wait_end(self):
        """Nothing more comes; did it end in order?"""
        try:
            found = self.read_frame()
        except End as end:
            return end.in_order
        raise AssertionError(f"behind the end: {found}")


def lines(*fields, key=KEY):
    """The fields of a request over HTTP/1.1."""
    return ("Upgrade: websocket", "Connection: Upgrade", VERSION,
            f"Sec-WebSocket-Key: {key}", *fields)


class Refused(Exception):
    """The server does not want to; reply is what it says instead."""

    def __init__(self, reply):
        super().__init__(f"{reply.status}: {reply.body!r}")
        self.reply = reply


def open_h1(server, target, *fields, client=None):
    """A WebSocket on a connection of its own."""
    client = client or server.connect()
    client.start("GET", target, *lines(*fields))
    reply = client.read_head()
    if reply.status != 101:
        length = reply.header("content-length")
        reply.body = client.read(int(length)) if length else b""
        client.close()
        raise Refused(reply)
    assert reply.header("upgrade").lower() == "websocket"
    assert reply.header("connection").lower() == "upgrade"
    assert reply.header("sec-websocket-accept") == accept_of(KEY)
    return WebSocket(H1(client), reply)


def start_h2(connection, target, *fields, protocol="websocket", version=VERSION):
    """Asks for one over HTTP/2 (RFC 8441); the stream. The fields are those of h2.py, but
    for their case."""
    pairs = [field.split(": ", 1) for field in (*fields, version) if field]
    block = connection.encoder.encode([
        (":method", "CONNECT"), (":protocol", protocol), (":scheme", "https"),
        (":authority", "localhost"), (":path", target),
        *((name.lower(), value) for name, value in pairs)])
    return connection.start("CONNECT", target, end=False, block=block)


def open_h2(server, target, *fields, connection=None):
    """A WebSocket on a stream, of a connection of its own unless one is given."""
    own = connection is None
    connection = connection or h2.connect(server)
    assert connection.server_settings[h2.Setting.ENABLE_CONNECT_PROTOCOL] == 1
    stream = start_h2(connection, target, *fields)
    state = connection.stream(stream)
    connection.wait(lambda: state.status or state.over, "an answer")
    if state.status != 200:
        reply = connection.reply(stream)
        if own:
            connection.close()
        raise Refused(reply)
    reply = connection.stream(stream).reply()
    for name in "upgrade", "connection", "sec-websocket-accept", "content-length":
        assert reply.header(name) is None, reply
    return WebSocket(H2(connection, stream, own), reply)


OPEN = {"h1": open_h1, "h2": open_h2}

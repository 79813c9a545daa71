# SPDX-License-Identifier: MIT
"""A WebSocket client that sends any frame, right or wrong, and checks what it reads."""

import base64
import hashlib
import struct
import zlib

OPCODES = {"continuation": 0, "text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10}
NAMES = {number: name for name, number in OPCODES.items()}
FIN, RSV1 = 8, 4
KEY = base64.b64encode(b"0123456789abcdef").decode()
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
ACCEPT = base64.b64encode(hashlib.sha1((KEY + GUID).encode()).digest()).decode()


def mask(data, key=b"\x37\xfa\x21\x3d"):
    """Masks or unmasks (RFC 6455 section 5.3), all bytes at once."""
    keys = (key * (len(data) // 4 + 1))[:len(data)]
    number = int.from_bytes(data, "big") ^ int.from_bytes(keys, "big")
    return number.to_bytes(len(data), "big")


def frame(bits, opcode, payload=b""):
    """A frame of a client; bits are FIN and RSV."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65536:
        length = struct.pack(">BH", 0x80 | 126, size)
    else:
        length = struct.pack(">BQ", 0x80 | 127, size)
    return bytes([bits << 4 | opcode]) + length + b"\x37\xfa\x21\x3d" + mask(payload)


def close_payload(code, reason=b""):
    return struct.pack(">H", code) + reason


def deflate(data):
    """What permessage-deflate makes of a message without context takeover."""
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


class WebSocket:
    """On a harness.Client."""

    def __init__(self, client):
        self.client = client
        self.window_bits = 0  # of the server's deflate; 0: not agreed

    def open(self, target, *fields):
        """Does the handshake; returns the reply, which is 101."""
        self.client.start("GET", target, "Upgrade: websocket", "Connection: Upgrade",
                          f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13",
                          *fields)
        reply = self.client.read_reply()
        assert reply.status == 101, reply
        assert reply.header("upgrade") == "websocket"
        assert reply.header("connection").lower() == "upgrade"
        assert reply.header("sec-websocket-accept") == ACCEPT
        self.agree(reply.header("sec-websocket-extensions"))
        return reply

    def agree(self, extensions):
        if extensions is not None:
            name, *parameters = [word.strip() for word in extensions.split(";")]
            assert name == "permessage-deflate"
            values = dict((p + "=").split("=")[:2] for p in parameters)
            self.window_bits = int(values.get("server_max_window_bits", 15))

    def send(self, opcode, payload=b"", bits=FIN):
        self.client.send(frame(bits, OPCODES[opcode], payload))

    def read_frame(self):
        """FIN and RSV bits, opcode and payload of the next one."""
        first, length = self.client.read(2)
        assert length < 128, "a masked frame"
        if length == 126:
            length = int.from_bytes(self.client.read(2), "big")
            assert length > 125
        elif length == 127:
            length = int.from_bytes(self.client.read(8), "big")
            assert length > 65535
        return first >> 4, first & 15, self.client.read(length)

    def read(self):
        """The next message or control frame: its kind and data."""
        bits, opcode, data = self.read_frame()
        if opcode > 7:
            assert bits == FIN and len(data) < 126
            return NAMES[opcode], data
        packed = bits & RSV1
        assert not packed or self.window_bits
        while not bits & FIN:
            bits, more, rest = self.read_frame()
            assert more == 0 and bits in (0, FIN)
            data += rest
        if packed:
            unpacker = zlib.decompressobj(wbits=-self.window_bits)
            data = unpacker.decompress(data + b"\0\0\xff\xff")
        return NAMES[opcode], data

    def close(self, code=1000):
        """Does the closing handshake, which the server ends."""
        self.send("close", close_payload(code))
        assert self.read() == ("close", close_payload(code))
        assert self.client.ended()

# SPDX-License-Identifier: MIT
"""An HTTP/2 client for tests, byte by byte where a test wants it so.

What it sends is packed here, so that any frame can be wrong in any way; what the server
sends is parsed by hyperframe and hpack, which take nothing that is wrong. Every wait has
a deadline and reads frames until what it waits for is there.
"""

import collections
import contextlib
import dataclasses
import enum
import select
import ssl
import struct
import time

import hpack
import hpack.huffman
import hpack.huffman_constants
import hyperframe.frame

import harness

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
WINDOW = 65535  # RFC 9113 6.9.2
MAX_WINDOW = 2**31 - 1
HUFFMAN = hpack.huffman.HuffmanEncoder(
    hpack.huffman_constants.REQUEST_CODES, hpack.huffman_constants.REQUEST_CODES_LENGTH)
ENDS = ConnectionError, ssl.SSLEOFError  # how the server's end shows, but for recv's b""


class Type(enum.IntEnum):
    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9
    PRIORITY_UPDATE = 16  # RFC 9218 7.1


class Flag(enum.IntFlag):
    ACK = 1
    END_STREAM = 1
    END_HEADERS = 4
    PADDED = 8
    PRIORITY = 0x20


class Setting(enum.IntEnum):
    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6
    ENABLE_CONNECT_PROTOCOL = 8
    NO_RFC7540_PRIORITIES = 9


class Code(enum.IntEnum):
    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    SETTINGS_TIMEOUT = 4
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    CONNECT_ERROR = 10
    ENHANCE_YOUR_CALM = 11
    INADEQUATE_SECURITY = 12
    HTTP_1_1_REQUIRED = 13


def frame(kind, flags=0, stream=0, payload=b""):
    """The bytes of a frame; nothing is checked."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(
        ">BBI", kind, flags, stream) + payload


def settings_payload(settings):
    return b"".join(struct.pack(">HI", *pair) for pair in settings.items())


def window_update(stream, increment):
    return frame(Type.WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def rst_stream(stream, code=Code.CANCEL):
    return frame(Type.RST_STREAM, 0, stream, struct.pack(">I", code))


def ping(data=b"\0" * 8):
    return frame(Type.PING, 0, 0, data)


def integer(value, bits, pattern=0):
    """A number of HPACK behind a pattern (RFC 7541 5.1)."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([pattern | value])
    data, value = [pattern | most], value - most
    while value >= 128:
        data.append(128 | value & 127)
        value >>= 7
    return bytes([*data, value])


def string(data):
    """A string of HPACK (RFC 7541 5.2)."""
    return integer(len(data), 7) + data


def huffman(data):
    coded = HUFFMAN.encode(data)
    return integer(len(coded), 7, 0x80) + coded


def literal(name, value):
    """A field as HPACK with neither table nor Huffman code (RFC 7541 6.2.2)."""
    return b"\0" + string(name.encode("latin-1")) + string(value.encode("latin-1"))


def request_fields(method, target, *fields):
    """The fields of a request; those given are "name: value"."""
    pairs = [field.split(": ", 1) for field in fields]
    return [(":method", method), (":scheme", "https"), (":authority", "localhost"),
            (":path", target), *map(tuple, pairs)]


def literals(*arguments):
    """A whole header section that uses and leaves no state."""
    return b"".join(literal(*field) for field in request_fields(*arguments))


@dataclasses.dataclass
class Stream:
    """What has come on one stream."""
    heads: list = dataclasses.field(default_factory=list)  # header sections, in order
    body: bytearray = dataclasses.field(default_factory=bytearray)
    ended: bool = False
    reset: Code = None

    @property
    def over(self):
        return self.ended or self.reset is not None

    @property
    def status(self):
        """That of the last header section which has one."""
        found = [dict(head)[":status"] for head in self.heads if ":status" in dict(head)]
        return int(found[-1]) if found else None

    def reply(self):
        """The final reply; interim ones are left out."""
        heads = [head for head in self.heads if not dict(head).get(":status", "")
                 .startswith("1")]
        assert heads and heads[0][0][0] == ":status", self.heads
        fields = heads[0][1:]
        assert not any(name.startswith(":") for name, _ in fields), fields
        return harness.Reply(int(heads[0][0][1]), "HTTP/2", "", fields, bytes(self.body),
                             heads[1] if len(heads) > 1 else [])


class Connection:
    """One connection. Unless it is told otherwise it acknowledges SETTINGS, answers PING
    and opens windows as data comes, the way every client does."""

    def __init__(self, client, settings=None, opens_windows=True):
        self.client = client
        self.sock = client.sock
        self.opens_windows = opens_windows
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.frames = []  # all that came
        self.streams = {}
        self.server_settings = {}
        self.acknowledged = 0  # SETTINGS of ours
        self.goaway = None  # the last one
        self.ended = False
        self.block = bytearray()  # of a header section that is not whole yet,
        self.last_head = False  # and if it is to end its stream
        self.next_stream = 1
        self.credit = collections.Counter()  # what the windows have grown and shrunk by
        self.settings = settings or {}
        self.greeted = False  # the server's SETTINGS are here
        self.answers = None  # what has to wait while a flood is being sent

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.client.close()

    # Sending

    def send(self, *data):
        """Sends bytes; a server that has ended the connection is found by reading."""
        with contextlib.suppress(*ENDS):
            self.sock.settimeout(harness.DEADLINE)
            self.sock.sendall(b"".join(data))

    def send_preface(self):
        self.send(PREFACE, frame(Type.SETTINGS, 0, 0, settings_payload(self.settings)))

    def handshake(self):
        """The prefaces, and both SETTINGS acknowledged."""
        self.send_preface()
        self.wait(lambda: self.greeted and self.acknowledged, "SETTINGS")
        first = self.frames[0]
        assert isinstance(first, hyperframe.frame.SettingsFrame), first
        assert "ACK" not in first.flags, first
        return self

    def change_settings(self, settings):
        """Sends them and waits until they are acknowledged."""
        before = self.acknowledged
        self.send(frame(Type.SETTINGS, 0, 0, settings_payload(settings)))
        self.wait(lambda: self.acknowledged > before, "the ACK of SETTINGS")

    def start(self, method, target, *fields, end=True, block=None):
        """Sends the header of a request in one HEADERS frame; its stream."""
        stream = self.next_stream
        self.next_stream += 2
        if block is None:
            block = self.encoder.encode(request_fields(method, target, *fields))
        self.send(frame(Type.HEADERS, Flag.END_HEADERS | (Flag.END_STREAM if end else 0),
                        stream, block))
        return stream

    def data(self, stream, data, end=False):
        """Sends DATA in frames that every server takes; whether the windows are as open
        is the caller's to know."""
        pieces = [data[i:i + 16384] for i in range(0, len(data), 16384)] or [b""]
        for i, piece in enumerate(pieces):
            last = end and i == len(pieces) - 1
            self.send(frame(Type.DATA, Flag.END_STREAM if last else 0, stream, piece))

    def left(self, stream):
        """How many bytes may be sent on the stream now."""
        first = self.server_settings.get(Setting.INITIAL_WINDOW_SIZE, WINDOW)
        return min(WINDOW + self.credit[0], first + self.credit[stream])

    def room(self, stream, size=1):
        """Waits until that many bytes may be sent on the stream; how many may be."""
        self.wait(lambda: self.left(stream) >= size, f"a window of {size} on {stream}")
        return self.left(stream)

    def spend(self, stream, size):
        """That many flow-controlled bytes are being sent."""
        self.credit[0] -= size
        self.credit[stream] -= size

    def upload(self, stream, data, end=True):
        """Sends data as the windows open."""
        sent = 0
        while sent < len(data):
            piece = data[sent:sent + min(self.room(stream), 16384)]
            sent += len(piece)
            self.spend(stream, len(piece))
            self.data(stream, piece, end=end and sent == len(data))

    def trailers(self, stream, *fields):
        pairs = [tuple(field.split(": ", 1)) for field in fields]
        self.send(frame(Type.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, stream,
                        self.encoder.encode(pairs)))

    def update_window(self, stream, increment):
        self.send(window_update(stream, increment))

    def reset(self, stream, code=Code.CANCEL):
        self.send(rst_stream(stream, code))

    # Receiving

    def stream(self, number):
        return self.streams.setdefault(number, Stream())

    def receive(self, timeout):
        """Reads once, and takes in the frames that are whole then. False if there was
        nothing to read in time."""
        self.sock.settimeout(timeout)
        try:
            self.ended = not self.client.receive()
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except ENDS:
            self.ended = True
        self._take_frames()
        return True

    def wait(self, happened, what, seconds=harness.DEADLINE):
        """Reads until happened() gives something true, and returns that."""
        deadline = time.monotonic() + seconds
        while not (result := happened()):
            assert not self.ended, f"the end came before {what}: {self.frames[-5:]}"
            left = deadline - time.monotonic()
            assert left > 0, f"waited {seconds} s for {what}: {self.frames[-5:]}"
            self.receive(left)
        return result

    def wait_reset(self, stream):
        """The code with which the server resets that stream."""
        state = self.stream(stream)
        self.wait(lambda: state.over, f"the reset of {stream}")
        assert state.reset is not None, f"{stream} has ended well: {state.reply()}"
        return state.reset

    def wait_goaway(self):
        """The code of the first GOAWAY."""
        self.wait(lambda: self.goaway, "GOAWAY")
        return Code(self.goaway.error_code)

    def wait_end(self, seconds=harness.DEADLINE):
        self.wait(lambda: self.ended, "the end", seconds)

    def wait_head(self, stream):
        """The status of the reply on that stream, once its header is there."""
        return self.wait(lambda: self.stream(stream).status, f"HEADERS of {stream}")

    def wait_body(self, stream, size):
        self.wait(lambda: len(self.stream(stream).body) >= size, f"DATA of {stream}")

    def reply(self, stream):
        """The whole reply on that stream."""
        state = self.stream(stream)
        self.wait(lambda: state.over, f"the reply on {stream}")
        assert state.reset in (None, Code.NO_ERROR), f"{stream}: {state.reset!r}"
        return state.reply()

    def request(self, method, target, *fields, body=None):
        stream = self.start(method, target, *fields, end=body is None)
        if body is not None:
            self.data(stream, body, end=True)
        return self.reply(stream)

    def get(self, target, *fields):
        return self.request("GET", target, *fields)

    def round_trip(self):
        """PING and its ACK: the server has read all that was sent before, and all that
        it sent at once is here."""
        data = struct.pack(">Q", 0xabcd0000 + len(self.frames))
        self.send(ping(data))
        self.wait(lambda: any(isinstance(x, hyperframe.frame.PingFrame) and
                              "ACK" in x.flags and x.opaque_data == data
                              for x in self.frames), "the ACK of PING")

    def flood(self, pieces, reads=True):
        """Sends one piece after the other, reading all the while, or never, until the
        server ends the connection or takes all of it in."""
        deadline = time.monotonic() + harness.DEADLINE
        self.answers = bytearray()
        for piece in pieces:
            rest = memoryview(self.answers + piece)
            self.answers = bytearray()
            while rest and not self.ended:
                assert time.monotonic() < deadline, "it neither takes more nor ends"
                rest = rest[self._send_some(rest, reads):]
            if self.ended:
                break
        answers, self.answers = self.answers, None
        self.send(answers)

    def _send_some(self, data, reads):
        """How much the socket took of data, after reading all there is. TLS wants the
        same bytes again after a refusal: so it gets them, before anything else."""
        self.sock.settimeout(0)
        try:
            sent = self.sock.send(data)
        except ssl.SSLWantWriteError:
            sent = 0
            select.select([self.sock] * reads, [self.sock], [], 1)
        except ENDS:
            self.wait_end()
            return 0
        while reads and not self.ended and self.receive(0):
            pass
        return sent

    def _answer(self, *data):
        if self.answers is None:
            self.send(*data)
        else:
            self.answers += b"".join(data)

    def _take_frames(self):
        data = self.client.data
        while len(data) >= 9:
            found, size = hyperframe.frame.Frame.parse_frame_header(memoryview(
                bytes(data[:9])))
            assert size <= 16384, f"a frame of {size} bytes: {found}"
            if len(data) < 9 + size:
                return
            found.parse_body(memoryview(bytes(data[9:9 + size])))
            del data[:9 + size]
            self.frames.append(found)
            take = getattr(self, "_take_" + type(found).__name__, None)
            if take:
                take(found)

    def _take_SettingsFrame(self, found):
        if "ACK" in found.flags:
            self.acknowledged += 1
            return
        self.greeted = True
        self.server_settings.update(found.settings)
        self._answer(frame(Type.SETTINGS, Flag.ACK))

    def _take_PingFrame(self, found):
        if "ACK" not in found.flags:
            self._answer(frame(Type.PING, Flag.ACK, 0, found.opaque_data))

    def _take_WindowUpdateFrame(self, found):
        self.credit[found.stream_id] += found.window_increment

    def _take_GoAwayFrame(self, found):
        self.goaway = found

    def _take_RstStreamFrame(self, found):
        self.stream(found.stream_id).reset = Code(found.error_code)

    def _take_HeadersFrame(self, found):
        self.last_head = "END_STREAM" in found.flags
        self._take_ContinuationFrame(found)

    def _take_ContinuationFrame(self, found):
        self.block += found.data
        if "END_HEADERS" in found.flags:
            state = self.stream(found.stream_id)
            state.heads.append(self.decoder.decode(bytes(self.block)))
            state.ended = self.last_head
            self.block.clear()

    def _take_DataFrame(self, found):
        state = self.stream(found.stream_id)
        state.body += found.data
        state.ended = "END_STREAM" in found.flags
        size = found.flow_controlled_length
        if self.opens_windows and size > 0:
            self._answer(window_update(0, size), b"" if state.ended else
                         window_update(found.stream_id, size))


def connect(server, settings=None, opens_windows=True, handshake=True):
    """A connection to the server whose ALPN is h2; it has had its SETTINGS."""
    context = server.context()
    context.set_alpn_protocols(["h2"])
    client = server.connect(context)
    assert client.sock.selected_alpn_protocol() == "h2"
    connection = Connection(client, settings, opens_windows)
    return connection.handshake() if handshake else connection
